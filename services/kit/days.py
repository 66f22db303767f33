"""Days and instants from outside. Those at the ends of time have no day before or after them, or no instant in UTC: to
reckon with them fails, so that they are refused where they come in.
"""

from datetime import date
from typing import Annotated, TypeVar

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

FIRST_YEAR, LAST_YEAR = 2000, 2100

Some = TypeVar("Some", bound=date)


def is_near(day: date) -> bool:
    """Whether a day, or an instant, is of a year that is reckoned with."""
    return FIRST_YEAR <= day.year <= LAST_YEAR


def _near(given: Some) -> Some:
    if not is_near(given):
        sv = "Välj en dag från 2000 till 2100."
        raise PydanticCustomError("far_away", "Choose a day from 2000 to 2100.", {"sv": sv})
    return given


Day = Annotated[date, AfterValidator(_near)]
Instant = Annotated[AwareDatetime, AfterValidator(_near)]
DayOrInstant = Annotated[AwareDatetime | date, AfterValidator(_near)]

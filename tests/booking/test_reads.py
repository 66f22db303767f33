"""What directory itself never says is not read: no column and no arithmetic of booking's was made for it."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from booking.slots import reads
from booking.slots.handlers import READS
from directory import events as directory
from tests.booking import register

BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def bounds(model: type[BaseModel]) -> dict[tuple[str, str], dict[str, Any]]:
    """The bounds of numbers that a model, and those within it, ask for: by model and field."""
    schema = model.model_json_schema()
    return {
        (of["title"], name): {
            key: part[key] for part in (field, *field.get("anyOf", ())) for key in BOUNDS & part.keys()
        }
        for of in (schema, *schema.get("$defs", {}).values())
        for name, field in of.get("properties", {}).items()
    }


@pytest.mark.parametrize("event", directory.PUBLISHES, ids=lambda event: event.name)
def test_a_number_is_read_within_the_bounds_that_directory_has(event: Any) -> None:
    said = bounds(event.data)
    handler = READS.handlers[event.type]
    # A version tells the order of two states, and is a number of 32 bits as any other.
    known = {place: of for place, of in bounds(handler.data).items() if place in said and place[1] != "version"}
    assert known == {place: said[place] for place in known}


@pytest.mark.parametrize("shares", [{}, {"1266": 0, "1267": 100}, {"1266": 2**31 - 1}, {"1266": -1}])
def test_an_agreement_of_no_whole_is_not_read(shares: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        reads.Pool.model_validate({**register.pool("maria-ek").model_dump(), "shares": shares})


def test_an_offering_whose_starts_never_end_is_not_read() -> None:
    with pytest.raises(ValidationError):
        reads.Offering.model_validate({**register.OFFERING.model_dump(), "starts_every": 0})

"""Staff of the small register who read and review, and reads of theirs."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from booking import secrecy
from booking.reviews import service
from booking.reviews.rules import What, Why
from directory import events as directory
from directory.events import Entity
from kit.access import Person
from kit.staff import Staff
from tests.booking import register
from tests.booking.granted import known_family, reads_at
from tests.conftest import Running

OTHER_UNIT = directory.Unit(id="eslovs-stod", version=1, municipality="1285", name="Eslövs stöd", board="Socialnämnden")


def member(person: str, *roles: str, unit: str = "familjestod", **more: Any) -> directory.Staff:
    grants = [directory.Grant.model_validate({"role": role, "unit": unit}) for role in roles]
    values = {"id": person, "version": 1, "identity": f"SE-{person}", "grants": grants, **more}
    return directory.Staff(**values)


STAFF = (
    member("maria", "advisor", name="Maria Ek", advisor="maria-ek"),
    member("asa", "coordinator", "reviewer", name="Åsa Wikström"),
    member("gunilla", "reviewer", name="Gunilla Ahl"),
    member("eva", "advisor", "reviewer", unit="eslovs-stod", name="Eva Holm"),
)


def entities() -> list[Entity]:
    return [*register.basic(), OTHER_UNIT, *STAFF]


async def read(
    running: Running,
    person: str,
    *,
    at: datetime,
    unit: str = "familjestod",
    what: What = "contact",
    why: str = "day > booking",
    booking: UUID | None = None,
    family: UUID | None = None,
) -> None:
    """A member of staff is shown something of a family, of one that nobody else reads of where none is named."""
    found = next(one for one in STAFF if one.id == person)
    somebody = Person(Staff.model_validate(found.model_dump()))
    family = family or await known_family(running.admin, unit)
    await reads_at(running.admin, at)
    async with secrecy.of(running.runtime.engine, person, (unit,)) as connection:
        await service.record(
            connection,
            somebody,
            unit=unit,
            family=family,
            booking=booking,
            what=what,
            why=cast("Why", why),
        )
    await reads_at(running.admin, running.runtime.clock())

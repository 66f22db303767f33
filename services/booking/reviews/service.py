"""Records what staff read of families, and lets reviewers look at it."""

from datetime import datetime
from uuid import UUID

from booking.reviews import rules, tables
from booking.reviews.rules import Head, What
from kit.access import NotAllowed, Person
from kit.database import Connection


async def record(
    connection: Connection,
    person: Person,
    *,
    unit: str,
    family: UUID | None,
    booking: UUID | None,
    what: What,
    why: str,
    now: datetime,
) -> None:
    """Write into the log that `person` is shown something of a family of `unit`; `now` is in UTC.

    Call it in the transaction of the read (`secrecy.of`, which says who reads), for each family that is shown, and as
    its last step: other reads wait from here until it ends. `why` is the way there in small letters, steps parted by
    ` > `, such as `day > booking`; nothing of the family may be in it. Raises NotAllowed for whoever holds no role for
    the unit. Where it raises, nothing may be shown.
    """
    role = rules.role_for(person.staff.grants, unit, what)
    if role is None:
        raise NotAllowed
    await tables.LOG_READ.row(
        connection, at=now, role=role, unit=unit, family=family, booking=booking, what=what, why=why
    )


async def verify(connection: Connection, noted: Head | None = None) -> Head:
    """Follow the whole log, in a transaction of the database's owner that sees one state; give the head.

    `noted` is the head of an earlier run. Raises Broken for the first row that does not fit.
    """
    last, found = rules.NOTHING, None
    async for entry in tables.entries(connection):
        last = rules.follow(last, entry)
        if noted and noted.id == entry.id:
            found = last
    rules.end(last, await tables.written(connection))
    if noted and noted.id:
        rules.compare(noted, found)
    return last

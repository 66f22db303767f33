"""The statements that explain a time."""

from collections.abc import Collection
from datetime import date, datetime

from booking.explaining.rules import Busy, Entitled
from booking.sharing.rules import Position, Share
from kit.database import Connection, Statement

# A day before and after: no zone is further from UTC.
BUSY = Statement("""
select lower(during) as start, upper(during) as end, kind = 'hold' as held from busy
where advisor = :advisor and day between :day::date - 1 and :day::date + 1 order by during
""")
ENTITLED = Statement("""
select pool, first, last, release_days, minutes, credit, used, lent, borrowed from entitlement
where municipality = :municipality and first <= :day::date + 1 and last >= :day::date - 1
""")


async def busy(connection: Connection, advisor: str, start: datetime) -> list[Busy]:
    """What is taken of an advisor's time about an instant, without what or whom for."""
    return [Busy(**row) for row in await BUSY.rows(connection, advisor=advisor, day=start.date())]


async def entitled(connection: Connection, municipality: str, day: date) -> list[Entitled]:
    """How a municipality stands in the periods about a day of all agreements."""
    return [
        Entitled(
            Share(
                row["pool"],
                row["first"],
                row["release_days"],
                Position(row["minutes"], row["credit"], row["used"], row["lent"], row["borrowed"]),
            ),
            row["last"],
        )
        for row in await ENTITLED.rows(connection, municipality=municipality, day=day)
    ]


async def places(connection: Connection, centres: Collection[str]) -> set[str]:
    """Which of the centres there are that have not ended, with an address to come to."""
    rows = await connection.fetch(
        "select id from directory_copy where kind = 'centre' and not ended and data->>'address' <> '' and id = any($1)",
        [*centres],
    )
    return {row["id"] for row in rows}


async def document(connection: Connection, kind: str, entity_id: str) -> str | None:
    """The document of one entity, ended or not."""
    found: str | None = await connection.fetchval(
        "select data::text from directory_copy where kind = $1 and id = $2", kind, entity_id
    )
    return found

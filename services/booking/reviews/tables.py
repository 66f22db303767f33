"""The statements of the log of reads."""

from collections.abc import AsyncIterator

from booking.reviews.rules import Entry, Head
from kit.database import Connection, Statement

LOG_READ = Statement(
    "select log_read(:at::timestamptz, :role::text, :unit::text, :family::uuid, :booking::uuid, :what::text,"
    " :why::text)"
)


async def entries(connection: Connection) -> AsyncIterator[Entry]:
    """All rows in their order, as they are stored. To be read as the owner, in a transaction."""
    rows = connection.cursor(
        "select id, at, staff, role, unit, family, booking, what, why, previous, hash from read_log order by id",
        prefetch=1000,
    )
    async for row in rows:
        yield Entry(**row)


async def written(connection: Connection) -> Head:
    """The last row as the database counted it when it was written."""
    row = await connection.fetchrow("select id, hash from read_log_head")
    assert row is not None, "the migration made it"
    return Head(row["id"], row["hash"])

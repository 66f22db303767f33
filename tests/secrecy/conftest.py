"""Families of two units and more, in a database of booking's own, and whoever may look at them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.database import Connection
from tests.booking.granted import grant
from tests.conftest import AsRole, Databases, as_public

UNITS = ("familjestod", "horby-foraldrastod", "eslov-foraldrastod")
START = datetime(2026, 3, 30, 7, tzinfo=UTC)
# With the column that says whose a row is.
GUARDED = {"booking": "id", "family": "id", "idempotency": "key", "booking_change": "booking"}


@dataclass(frozen=True)
class Booked:
    """A booking with its family, as a test put it there."""

    unit: str
    status: str
    booking: UUID
    family: UUID | None
    token: bytes
    key: bytes


@dataclass(frozen=True)
class World:
    """The engines of the roles that serve, staff's and the public's, and the superuser's."""

    engine: AsyncEngine
    public: AsyncEngine
    admin: AsyncEngine

    async def put(self, unit: str, status: str = "confirmed") -> Booked:
        """Write a row of each guarded table; of a hold there is but one."""
        made = Booked(unit, status, uuid4(), None if status == "held" else uuid4(), uuid4().bytes, uuid4().bytes)
        async with database.transaction(self.admin) as connection:
            if made.family is None:
                await connection.execute(
                    "insert into booking (id, status, offering, municipality, unit, advisor, modality, start_at,"
                    " end_at, zone, created_at, expires_at) values ($1, 'held', 'o', '1266', $2, 'maria-ek', 'video',"
                    " $3, $4, 'Europe/Stockholm', $3, $4)",
                    made.booking,
                    unit,
                    START,
                    START + timedelta(minutes=45),
                )
                return made
            await connection.execute(
                "insert into family (id, unit, sealed, language, created_at) values ($1, $2, '\\x01', 'sv', $3)",
                made.family,
                unit,
                START,
            )
            await connection.execute(
                "insert into booking (id, status, offering, municipality, unit, advisor, modality, start_at, end_at,"
                " zone, created_at, changed_at, family, reference, token_hash) values ($1, $2, 'o', '1266', $3,"
                " 'maria-ek', 'video', $4, $5, 'Europe/Stockholm', $4, $4, $6, $7, $8)",
                made.booking,
                status,
                unit,
                START,
                START + timedelta(minutes=45),
                made.family,
                made.booking.hex,
                made.token,
            )
            await connection.execute(
                "insert into idempotency (key, request, booking, answer, created_at) values ($1, '', $2, '{}', $3)",
                made.key,
                made.booking,
                START,
            )
            await connection.execute(
                "insert into booking_change (booking, what, at, start_at) values ($1, 'confirmed', $2, $2)",
                made.booking,
                START,
            )
        return made

    async def clear(self) -> None:
        async with database.driver(self.admin) as connection:
            await connection.execute("truncate booking, family, idempotency, busy cascade")


@pytest.fixture(scope="session")
async def world(lasting_database: Databases, as_role: AsRole) -> AsyncIterator[World]:
    url = await lasting_database("booking")
    made = World(database.engine(url, 3), database.engine(as_public(url), 3), database.engine(as_role(url), 2))
    await grant(made.admin, "maria-ek", [*UNITS, "another"])
    yield made
    await made.engine.dispose()
    await made.public.dispose()
    await made.admin.dispose()


async def seen(connection: Connection, table: str) -> set[object]:
    """Whose rows a query without a WHERE finds."""
    return {row[0] for row in await connection.fetch(f"select {GUARDED[table]} from {table}")}

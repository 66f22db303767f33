"""Staff as booking's copy of the register has them, for tests that open transactions of theirs without a register."""

import json
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database


async def grant(admin: AsyncEngine, person: str, units: Iterable[str], *roles: str) -> None:
    """Give a member of staff roles (advisor unless said otherwise) for units, and nothing else."""
    grants = [{"role": role, "unit": unit} for role in roles or ("advisor",) for unit in units]
    data = {"id": person, "version": 1, "name": person, "identity": f"SE-{person}", "grants": grants}
    async with database.driver(admin) as connection:
        await connection.execute(
            "insert into directory_copy (kind, id, version, ended, data) values ('staff', $1, 1, false, $2)"
            " on conflict (kind, id) do update set data = excluded.data",
            person,
            json.dumps(data),
        )


async def known_family(admin: AsyncEngine, unit: str) -> UUID:
    """A family that the unit knows, of which nothing can be read."""
    made = uuid4()
    async with database.driver(admin) as connection:
        await connection.execute(
            "insert into family (id, unit, sealed, language, created_at) values ($1, $2, '\\x01', 'sv', now())",
            made,
            unit,
        )
    return made


async def reads_at(admin: AsyncEngine, at: datetime) -> None:
    """Let booking's database believe that reads are made at an instant: no service can, its superuser can."""
    async with database.driver(admin) as connection:
        await connection.execute(
            "create or replace function read_at() returns timestamptz language sql volatile"
            f" set search_path = pg_catalog, pg_temp return timestamptz '{at.isoformat()}'"
        )

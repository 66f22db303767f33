"""Staff as booking's copy of the register has them, for tests that open transactions of theirs without a register."""

import json
from collections.abc import Iterable

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

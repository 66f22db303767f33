"""Offerings of before go on: the unit that answered until now is named, in the register and in booking's copy alike."""

import json
from importlib import import_module
from typing import Any

import asyncpg
import pytest

from kit import roles
from tests.booking.register import MUNICIPALITIES, OFFERING, UNIT
from tests.conftest import AsRole, Databases

OWN = {"1266": "horby"}


@pytest.mark.parametrize(
    ("service", "table", "module"),
    [("directory", "entity", "0008_units_named"), ("booking", "directory_copy", "0019_units_named")],
)
async def test_the_unit_that_answered_is_named(
    service: str, table: str, module: str, new_database: Databases, as_role: AsRole
) -> None:
    connection = await asyncpg.connect(as_role(await new_database(service), roles.owner(service)))
    offerings: dict[str, Any] = {
        "shared": OFFERING.model_copy(update={"id": "shared", "units": OWN}),
        "own": OFFERING.model_copy(update={"id": "own", "units": {}, "municipalities": ["1267"]}),
    }
    more = ", version, ended" if table == "directory_copy" else ""
    values = ", 1, false" if table == "directory_copy" else ""
    for kind, one in (
        ("unit", UNIT),
        ("municipality", MUNICIPALITIES[0]),
        *(("offering", o) for o in offerings.values()),
    ):
        await connection.execute(
            f"insert into {table} (kind, id, data{more}) values ($1, $2, $3{values})",
            kind,
            one.id,
            one.model_dump_json(),
        )
    if service == "directory":
        await connection.execute("insert into epoch (began_at, identity) values (now(), 'this')")
    script = import_module(f"{service}.migrations.versions.{module}").NAMED
    for _ in range(2):
        await connection.execute(script)
        found = await connection.fetch(f"select id, data from {table} where kind = 'offering'")
        units = {row["id"]: json.loads(row["data"])["units"] for row in found}
        assert units == {"shared": {"1266": "horby", "1285": "familjestod"}, "own": {}}
    if service == "directory":
        # Readers are told.
        assert await connection.fetchval("select identity from epoch") == ""
    await connection.close()

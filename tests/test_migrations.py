"""The migrations and the tables in code are two descriptions of one database."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

import kit
from kit import database, roles
from tests.conftest import Databases

SERVICES = sorted(path.parent.parent.name for path in Path(kit.__file__).parent.parent.glob("*/migrations/env.py"))


@pytest.mark.parametrize("service", [*SERVICES, roles.VAULT])
async def test_migrations_make_what_the_tables_say(service: str, new_database: Databases) -> None:
    home = "kit.vault" if service == roles.VAULT else service
    metadata = import_module(f"{home}.tables").metadata

    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        return compare_metadata(context, metadata)

    engine = database.engine(await new_database(service), 1)
    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    assert found == []

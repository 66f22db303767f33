"""The migrations and the tables in code are two descriptions of one database."""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

import kit
from deploy import installation
from kit import database, migrations, roles
from tests.conftest import AsRole, Databases

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


CUT = """
create or replace function cut() returns trigger language plpgsql as $$
begin
    if new.version_num = '{revision}' then raise 'cut off'; end if;
    return new;
end $$;
"""


@pytest.mark.parametrize("service", SERVICES)
async def test_a_migration_that_is_cut_off_has_done_nothing_and_is_begun_anew(
    service: str, postgres: str, admin: asyncpg.Connection, as_role: AsRole
) -> None:
    """Cut off at its last statement, which notes that it was done: each migration in turn, after the one before it."""
    name = f"cut_{service}_{uuid4().hex[:12]}"
    await installation.make_database(admin, service, name)
    url = as_role(f"{postgres}/{name}", roles.owner(service))
    versions = Path(import_module(service).__path__[0]) / "migrations" / "versions"
    revisions = sorted(path.stem.split("_")[0] for path in versions.glob("0*.py"))
    owner = await asyncpg.connect(url)
    await owner.execute("create table alembic_version (version_num varchar(32) primary key)")
    for revision in revisions[1:]:
        await owner.execute(CUT.format(revision=revision))
        await owner.execute(
            "create or replace trigger cut before insert or update on alembic_version"
            " for each row execute function cut()"
        )
        with pytest.raises(DBAPIError, match="cut off"):
            await asyncio.to_thread(migrations.upgrade, service, url)
    await owner.execute("drop function cut cascade")
    await asyncio.to_thread(migrations.upgrade, service, url)
    assert await owner.fetchval("select version_num from alembic_version") == revisions[-1]
    await owner.close()
    await admin.execute(f"drop database {name} with (force)")

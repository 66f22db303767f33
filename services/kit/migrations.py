"""Each service migrates its own database, with Alembic, as the role that owns it."""

import asyncio
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from kit import database
from kit.roles import VAULT


def upgrade(service: str, database_url: str, revision: str = "head") -> None:
    """Bring the database of a service to `revision`, or the key store's (`VAULT`), which belongs to none.

    Blocking; call it outside an event loop.
    """
    kit = Path(__file__).parent
    home = kit / "vault" if service == VAULT else kit.parent / service
    config = Config()
    config.set_main_option("script_location", str(home / "migrations"))
    config.attributes["database_url"] = database_url
    command.upgrade(config, revision)


def script(sql: str) -> None:
    """Run a script of several statements within a migration, in its transaction, with the note that it was done.

    It waits 3 s at most for a lock: bookings go on meanwhile.
    """
    bind = op.get_bind()
    # SQLAlchemy begins the transaction with the first statement that it is given; the driver's own calls begin none.
    bind.exec_driver_sql("set local lock_timeout = '3s'")
    bind.connection.dbapi_connection.run_async(lambda driver: driver.execute(sql))  # type: ignore[union-attr]


def run(metadata: MetaData) -> None:
    """What a service's migrations/env.py calls."""

    def migrate(connection: Connection) -> None:
        context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()

    async def connect() -> None:
        engine = create_async_engine(database.url(context.config.attributes["database_url"]))
        try:
            async with engine.connect() as connection:
                await connection.run_sync(migrate)
                await connection.commit()
        finally:
            await engine.dispose()

    asyncio.run(connect())

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from directory.importing import import_files
from kit import database
from tests.conftest import Clock, Databases, Run, Running
from tests.directory.desk import DEMO, NOW


@pytest.fixture
async def engine(new_database: Databases) -> AsyncIterator[AsyncEngine]:
    """A new, empty database of directory."""
    made = database.engine(await new_database("directory"), 4)
    yield made
    await made.dispose()


@pytest.fixture
async def directory(run: Run) -> AsyncIterator[Running]:
    """The demo's register; its coordinators are Åsa Wikström in Höör and Per Lindahl in Nacka."""
    async with run("directory", clock=Clock(NOW)) as running:
        await import_files(running.runtime.engine, DEMO, NOW)
        yield running

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from tests.conftest import Databases


@pytest.fixture
async def engine(new_database: Databases) -> AsyncIterator[AsyncEngine]:
    """A new, empty database of directory."""
    made = database.engine(await new_database("directory"), 4)
    yield made
    await made.dispose()

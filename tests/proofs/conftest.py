"""Booking with any settings, as tests of bounds start it."""

import pytest

from tests.booking.test_bounds import Start, start
from tests.conftest import Running

__all__ = ["Start", "start"]


@pytest.fixture
async def booking(start: Start) -> Running:
    return await start()

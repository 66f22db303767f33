"""A job that waits for what is away says so once, and not each time that it tries."""

import asyncio

import asyncpg
import pytest

from kit import app
from tests.conftest import until


async def test_a_job_says_once_that_it_waits(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    tries = 0

    async def job() -> None:
        nonlocal tries
        tries += 1
        raise asyncpg.CannotConnectNowError

    async def told(times: int, tried: int) -> None:
        caplog.clear()
        before = tries

        async def enough() -> bool:
            return tries >= before + tried

        supervising = asyncio.create_task(app._supervise("booking", "sweep", job))
        await until(enough)
        supervising.cancel()
        await asyncio.wait({supervising})
        assert caplog.text.count("job sweep of booking waits: CannotConnectNowError") == times

    await told(1, 3)
    monkeypatch.setattr(app, "QUIET_SECONDS", 0)
    await told(2, 2)

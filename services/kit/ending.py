"""How a service ends: its jobs are cancelled, and what they have in hand is finished first."""

import asyncio
import time
from collections.abc import Collection
from contextlib import suppress

# So long what is under way has to end, and a moment more once it is cancelled.
GRACE_SECONDS = 8
CANCELLED_SECONDS = 1
AGAIN_SECONDS = 1


async def end(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Cancel jobs until they have ended: one may lose a cancellation that comes together with what it waited for."""
    while tasks:
        for task in tasks:
            task.cancel()
        _, tasks = await asyncio.wait(tasks, timeout=AGAIN_SECONDS)


async def finish(tasks: Collection["asyncio.Task[None]"], seconds: float = GRACE_SECONDS) -> None:
    """Wait until `tasks` have ended, however often whoever waits is cancelled; those that take longer are cancelled."""
    deadline = time.monotonic() + seconds
    for latest in (deadline, deadline + CANCELLED_SECONDS):
        while tasks and (left := latest - time.monotonic()) > 0:
            with suppress(asyncio.CancelledError):
                _, tasks = await asyncio.wait(tasks, timeout=left)
        for task in tasks:
            task.cancel()

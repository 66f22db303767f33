"""Turns in a run of several processes: what a test marked `alone` measures, no neighbour disturbs."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Where the processes of one run find each other's locks; unset in a run of one process.
FOLDER = "SAMTID_TEST_TURNS"


def begin(config: pytest.Config) -> None:
    """Make a place for the locks, in the process that starts the others."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="samtid-turns-")


def end(config: pytest.Config) -> None:
    """Remove the locks with the process that made them."""
    if not hasattr(config, "workerinput") and (folder := os.environ.pop(FOLDER, None)):
        shutil.rmtree(folder)


@contextmanager
def taken(*, alone: bool) -> Iterator[None]:
    """Hold a turn: beside the other processes' turns, or alone when theirs have ended."""
    if FOLDER not in os.environ:
        yield
        return
    folder = Path(os.environ[FOLDER])
    with (folder / "gate").open("w") as gate, (folder / "floor").open("w") as floor:
        # Who waits to be alone keeps the gate shut, so that nobody else begins a turn meanwhile.
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(floor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield

"""Simulations for pages: one at a time in this process, each in a process of its own, which has a time to be done by.

Not in a thread: Python's threads share one core, and whoever books would wait. What comes out is remembered here and in
no table: it is the same for the same question, so that another process of the service just works it out again.
"""

import multiprocessing
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from booking.sharing.comparison import Policy, Result
from booking.sharing.simulation import Scenario, simulate

# A year of the largest agreement takes some ten seconds; whatever takes so much longer is stuck.
LIMIT_SECONDS = 180.0
KEPT = 20
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Work:
    """What is to be simulated."""

    scenario: Scenario
    policies: Sequence[Policy]
    seed: int


@dataclass
class Job:
    """How far a simulation is. `part` is the policy it is at, from 0; `results` stay empty until all are there."""

    part: int = 0
    week: int = 0
    weeks: int = 0
    results: Mapping[Policy, Result] = field(default_factory=dict)
    over: bool = False

    @property
    def failed(self) -> bool:
        """Whether it ended without results."""
        return self.over and not self.results


class Jobs:
    """The simulations of this process, the latest ones remembered."""

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        self.limit_seconds = limit_seconds
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: str, work: Work) -> Job | None:
        """The job of a key, begun now if there is none. None while another one is being done.

        One that failed is told of once, and begun anew when it is asked for again.
        """
        with self._lock:
            job = self._jobs.get(key)
            if job is not None:
                if job.failed:
                    del self._jobs[key]
                return job
            if any(not other.over for other in self._jobs.values()):
                return None
            while len(self._jobs) >= KEPT:
                self._jobs.popitem(last=False)
            job = self._jobs[key] = Job(weeks=1)
        # It ends with this process, which need not wait for it.
        threading.Thread(target=self._watch, args=(job, work), name="simulation", daemon=True).start()
        return job

    def _watch(self, job: Job, work: Work) -> None:
        receiver, sender = _SPAWN.Pipe(duplex=False)
        process = _SPAWN.Process(target=live, args=(sender, work), daemon=True)
        deadline = time.monotonic() + self.limit_seconds
        try:
            process.start()
            sender.close()
            # The pipe ends when the process does, with all that it said.
            with suppress(EOFError, OSError):
                while receiver.poll(max(0.0, deadline - time.monotonic())):
                    said = receiver.recv()
                    if isinstance(said, dict):
                        job.results = said
                        break
                    job.part, job.week, job.weeks = said
        finally:
            job.over = True
            receiver.close()
            if process.pid is not None:
                process.kill()
                process.join()


def live(sender: Connection, work: Work) -> None:
    """Simulate, in a process of its own: say part, week and weeks after each week, and at the end all results."""
    # Whoever books goes first.
    os.nice(10)
    results = {}
    for part, policy in enumerate(work.policies):

        def tell(week: int, weeks: int, part: int = part) -> None:
            sender.send((part, week, weeks))

        results[policy] = simulate(work.scenario, policy, work.seed, tell)
    sender.send(results)

"""Simulations in processes of their own: one at a time, remembered, and cut off where they take too long."""

from dataclasses import replace
from datetime import date, timedelta

from booking.sharing.comparison import FIRST_COME, HARD_QUOTA
from booking.sharing.simulation import simulate
from booking.sharing.simulation_jobs import KEPT, Job, Jobs, Work
from tests.conftest import until
from tests.sharing import agreements

FIRST = date(2026, 4, 6)
SHORT = replace(agreements.of_three(), last=FIRST + timedelta(days=20))
WORK = Work(SHORT, (FIRST_COME, HARD_QUOTA), 1)


def begun(jobs: Jobs, key: str, work: Work = WORK) -> Job:
    job = jobs.find(key, work)
    assert job is not None
    return job


async def ended(job: Job) -> None:
    async def is_over() -> bool:
        return job.over

    await until(is_over)


async def test_a_simulation_gives_what_it_gives_here_and_is_remembered() -> None:
    jobs = Jobs()
    job = begun(jobs, "one")
    assert jobs.find("two", WORK) is None, "one at a time"
    assert jobs.find("one", WORK) is job
    await ended(job)
    assert job.results == {policy: simulate(SHORT, policy, 1) for policy in WORK.policies}
    assert (job.part, job.week, job.weeks) == (1, 11, 11)
    assert jobs.find("one", WORK) is job
    assert begun(jobs, "two") is not job


async def test_what_takes_too_long_is_cut_off_and_can_be_asked_for_again() -> None:
    jobs = Jobs(limit_seconds=0.0)
    job = begun(jobs, "one")
    await ended(job)
    assert begun(jobs, "one").failed
    jobs.limit_seconds = 60.0
    again = begun(jobs, "one")
    assert again is not job
    await ended(again)
    assert again.results


async def test_what_fails_in_its_process_is_told_of() -> None:
    jobs = Jobs()
    job = begun(jobs, "one", Work(replace(SHORT, terms=()), (FIRST_COME,), 1))
    await ended(job)
    assert job.results == {FIRST_COME: {}}
    broken = begun(jobs, "two", Work(None, (FIRST_COME,), 1))  # type: ignore[arg-type] # so that it fails
    await ended(broken)
    assert broken.failed


async def test_only_the_latest_are_remembered() -> None:
    jobs = Jobs()
    done = Job(results={FIRST_COME: {}}, over=True)
    jobs._jobs.update({str(n): done for n in range(KEPT)})
    await ended(begun(jobs, "more"))
    assert list(jobs._jobs) == [*map(str, range(1, KEPT)), "more"]

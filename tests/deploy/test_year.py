"""A year of families before a demo: made by the real use cases, told to nobody, gone on with where it was cut off."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from booking.bookings.links import Links
from deploy import demo
from deploy.demo import DemoError, State
from deploy.year import Kept, Progress, Year
from kit import database
from kit.vault.sealing import Masters
from kit.vault.store import Vault
from tests.conftest import AsRole, Databases, as_public
from tests.sharing.world import BUSY, SUMS

FIRST = date(2026, 2, 2)  # a Monday
LAST = FIRST + timedelta(days=18)
NOW = datetime(2026, 2, 21, 7, tzinfo=UTC)


class CutOffError(Exception):
    pass


async def make(url: str, vault_url: str, folder: Path, progress: Progress, *, days: int | None = None) -> None:
    """Make the days that are lacking; after `days` of them it is cut off in the middle of the next."""
    engine, public = database.engine(url, 4), database.engine(as_public(url), 4)
    vault = Vault.at(vault_url, Masters((folder / "master.key").read_text().split()))
    year = Year(
        engine, public, vault, Links(b"a secret that is long enough for links", "http://samtid.test"), progress, print
    )
    note, over = year._note, Counter[date]()

    async def cut(person: object, kept: Kept, day: date) -> None:
        over[day] += 1
        if days is not None and len(over) > days and over[day] > 2:
            raise CutOffError
        await note(person, kept, day)

    year._note = cut
    try:
        await year.make([demo.YEAR_DATA], NOW)
    finally:
        await vault.close()
        await engine.dispose()
        await public.dispose()


async def test_a_year_adds_up_though_it_is_cut_off(
    new_database: Databases, vault_url: str, as_role: AsRole, folder: Path, tmp_path: Path
) -> None:
    url = await new_database("booking")
    path = tmp_path / "year.json"
    with pytest.RaisesGroup(CutOffError):
        await make(url, vault_url, folder, Progress(path, FIRST, LAST), days=8)
    again = Progress.of(path, NOW.date())
    assert (again.first, again.last, again.done) == (FIRST, LAST, FIRST + timedelta(days=7))
    assert not again.over
    await make(url, vault_url, folder, again)
    assert Progress.of(path, NOW.date()).over
    engine = database.engine(as_role(url), 1)
    async with database.driver(engine) as connection:
        counts = await connection.fetch("select status, end_at <= $1 as past, count(*) from booking group by 1, 2", NOW)
        found = {(row["status"], row["past"]): row["count"] for row in counts}
        assert ("confirmed", True) not in found, "each visit has an outcome"
        assert found["fulfilled", True] > 100
        assert {status for status, _ in found} >= {"fulfilled", "cancelled", "no_show"}
        made = await connection.fetchrow("select min(created_at), max(created_at), count(distinct family) from booking")
        assert made[0].date() >= FIRST
        called = await connection.fetchval("select count(*) from booking where modality = 'phone'")
        assert called > 20, "and each of them has a number, or it could not have been booked"
        assert made[1] < NOW
        assert made[2] == sum(found.values()), "one family for each, those of the day that was cut off too"
        asked = await connection.fetchrow("select count(*), count(distinct key) from idempotency")
        assert asked[0] == asked[1] == made[2]
        assert await connection.fetchval("select count(*) from outbox where published_at is null") == 0
        facts = [json.loads(row["payload"]) for row in await connection.fetch("select payload from outbox")]
        assert max(fact["time"] for fact in facts) < NOW.isoformat()
        assert Counter(fact["type"].split(".")[3] for fact in facts)["availability-measured"] == 19 * 7
        assert await connection.fetchval("select count(*) from figure_fact") == len(facts), "figures have them all"
        for row in await connection.fetch(SUMS):
            assert row["kept"] == row["summed"]
        used = await connection.fetch("select pool, first, municipality, used from entitlement where used > 0")
        assert {tuple(row) for row in used} == {tuple(row) for row in await connection.fetch(BUSY)}
    await engine.dispose()


def test_a_year_reaches_from_a_monday_to_yesterday(tmp_path: Path) -> None:
    progress = Progress.of(tmp_path / "year.json", date(2026, 11, 22))
    assert (progress.first, progress.last) == (date(2025, 11, 17), date(2026, 11, 21))
    progress.kept["lund"] = Kept([3], [("2026-01-01 10:00:00+00:00", "move", "token")], ["REF"])
    progress.done = date(2025, 11, 20)
    progress.keep()
    read = Progress.of(progress.path, date(2027, 1, 1))
    assert (read.first, read.last, read.done) == (progress.first, progress.last, progress.done)
    assert vars(read.kept["lund"]) == {
        **vars(progress.kept["lund"]),
        "planned": [list(progress.kept["lund"].planned[0])],
    }


def test_a_year_is_not_put_before_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    state = State(tmp_path, 1, 2)
    with demo.listen(0) as listener:
        assert demo.Demo(state, listener, 0.0, year=False)._year() is None
        with pytest.raises(DemoError, match="holds a demo already, and a year goes before it: add --fresh"):
            demo.Demo(state, listener, 0.0, year=True)._year()
        (tmp_path / "postgres").rmdir()
        begun = demo.Demo(state, listener, 0.0, year=True)._year()
        assert begun is not None
        (tmp_path / "postgres").mkdir()
        assert demo.Demo(state, listener, 0.0, year=False)._year() is not None, "what was begun is gone on with"
        begun.done = begun.last
        begun.keep()
        assert demo.Demo(state, listener, 0.0, year=True)._year() is None

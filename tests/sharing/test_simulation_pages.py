"""The coordinator's pages of simulations: what is suggested, what is refused, and the way to the results."""

import html
import re
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from booking.sharing import simulation_pages
from booking.sharing.simulation_jobs import Job, Jobs
from directory import events as directory
from kit import database
from tests import infra
from tests.agenda.conftest import person
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_register_versions import told
from tests.conftest import Clock, Run, Running, until
from tests.signing import session_of

POOL = "hoor-horby-eslov"
PAGE = "/simulering"
OTHER = directory.Unit(id="lund-stod", version=1, municipality="1281", name="Stöd", board="Nämnden")
RUN = f"{PAGE}?avtal={POOL}&kom-1266=6&kom-1267=5,5&kom-1285=12&ort=1285&satt=first-come&satt=release-7&kor=1"


@pytest.fixture(autouse=True)
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Jobs]:
    """Simulations of this test's own."""
    made = Jobs()
    monkeypatch.setattr(simulation_pages, "JOBS", made)
    yield made
    for job in made._jobs.values():
        job.over = True


@pytest.fixture
async def booking(
    run: Run,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
) -> AsyncIterator[Running]:
    staff = (person("asa", "familjestod", role="coordinator"), person("lena", "lund-stod", role="coordinator"))
    await register.publish(nats_server.url, [*register.basic(), OTHER, *staff])
    async with run("booking", clock=clock, manage_secret_file=secret_file) as running:
        await until(lambda: ready(running))
        yield running


def plain(page: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


async def get(booking: Running, path: str = PAGE, who: str = "asa") -> httpx.Response:
    return await booking.http.get(path, headers=session_of(booking, who))


def value(page: httpx.Response, name: str) -> str:
    found = re.search(f'name="{name}" type="text" value="([^"]*)"', page.text)
    assert found, name
    return found[1]


async def test_without_bookings_a_guess_by_share_is_suggested(booking: Running) -> None:
    page = await get(booking)
    assert page.status_code == 200
    assert "85 procent" in page.text
    # Forty hours a week, less holidays, of which 85 percent and of these half.
    assert 14 < float(value(page, "kom-1285").replace(",", ".")) < 17
    english = await get(booking, f"/en{PAGE}")
    assert re.fullmatch(r"\d+\.\d", value(english, "kom-1285"))


async def test_what_was_booked_is_suggested(booking: Running) -> None:
    async with database.driver(booking.admin) as connection:
        # Two bookings a week of an hour each, of which one in the last twelve weeks was given back; one of long ago.
        weeks = [date(2025, 12, 8) + timedelta(weeks=n) for n in range(12)]
        rows = [(week, "1266", 120) for week in weeks]
        rows += [(weeks[3], "1266", -60), (date(2025, 6, 2), "1267", 6000), (date(2026, 3, 2), "1267", 6000)]
        await connection.executemany(
            "insert into ledger (at, pool, period, municipality, kind, minutes, booking)"
            " values ($1, $2, $3, $4, 'use', $5, $6)",
            [(register.NOW, POOL, *row, uuid4()) for row in rows],
        )
    page = await get(booking)
    assert "tolv veckorna" in page.text
    assert (value(page, "kom-1266"), value(page, "kom-1267")) == ("1,9", "0")


async def test_a_simulation_goes_from_its_form_to_its_results(booking: Running, jobs: Jobs) -> None:
    first = await get(booking, RUN)
    assert first.headers["refresh"] == "1"
    assert "Simulering pågår" in first.text
    waiting = await get(booking, RUN.replace("kom-1266=6", "kom-1266=7"))
    assert "En annan simulering pågår" in waiting.text

    async def done() -> httpx.Response | None:
        page = await get(booking, RUN)
        return page if "refresh" not in page.headers else None

    page = await until(done)
    text = plain(page.text)
    assert page.status_code == 200
    assert "Att välja mellan" in text
    assert text.count("Släpp 7 dagar före") >= 4
    assert 'src="data:image/svg+xml;base64,' in page.text
    assert "avtal=hoor-horby-eslov" in page.text
    assert "Ett år från måndag 9 mars 2026" in text
    english = plain((await get(booking, f"/en{RUN}")).text)
    assert "To choose among" in english
    change = await get(booking, RUN.replace("&kor=1", ""))
    assert value(change, "kom-1267") == "5,5"
    assert 'value="release-7" checked' in change.text
    assert 'value="hard-quota" checked' not in change.text


async def test_another_register_is_another_question_though_its_versions_are_the_same(
    booking: Running, jobs: Jobs
) -> None:
    await get(booking, RUN)
    await told(booking, register.schedule(weekly=register.schedule().weekly[:1]), epoch=register.NOW)
    page = await get(booking, RUN)
    assert "En annan simulering pågår" in page.text or len(jobs._jobs) == 2


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("kom-1266=6", "kom-1266=many", "kom-1266"),
        ("kom-1266=6", "kom-1266=501", "kom-1266"),
        ("kom-1266=6", "kom-1266=nan", "kom-1266"),
        ("ort=1285", "ort=1281", "ort"),
        ("ort=1285", "ort=1285&start=0", "start"),
        ("ort=1285", "ort=1285&ganger=11", "ganger"),
        ("ort=1285", "ort=1285&slump=-1", "slump"),
        ("satt=first-come&satt=release-7", "satt=release-8", "satt"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field(booking: Running, jobs: Jobs, old: str, new: str, field: str) -> None:
    page = await get(booking, RUN.replace(old, new))
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert f'id="{field}-message"' in page.text
    assert not jobs._jobs


async def test_one_that_fails_is_told_of_and_can_be_tried_again(booking: Running, jobs: Jobs) -> None:
    await get(booking, RUN)
    (job,) = jobs._jobs.values()

    async def over() -> bool:
        return job.over

    await until(over)
    job.results = {}
    page = await get(booking, RUN)
    assert page.status_code == 503
    assert "blev inte klar" in page.text
    assert not jobs._jobs


async def test_agreements_of_others_are_not_shown(booking: Running, jobs: Jobs) -> None:
    page = await get(booking, RUN, "lena")
    assert page.status_code == 200
    assert "Ingen av dina kommuner delar rådgivare" in page.text
    assert not jobs._jobs


async def test_an_agreement_without_an_offering_says_so(booking: Running, nats_server: infra.NatsServer) -> None:
    ended = register.OFFERING.model_copy(update={"version": 2, "ended": True})
    await register.publish(nats_server.url, [ended])

    async def told() -> bool:
        return "ingen insats som bokas på tid" in (await get(booking)).text

    await until(told)


def test_a_page_says_how_far_it_is() -> None:
    assert not Job(weeks=1).failed
    assert Job(over=True).failed

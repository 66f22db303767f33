"""Signing in and out in the demo, and what a change of roles does to a running session."""

import html
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from directory import importing
from tests.booking.register import NOW
from tests.conftest import Clock, Run, Running
from tests.signing import form_token, session_of, staff

UNITS = {
    "municipalities": [
        {
            "id": "1267",
            "slug": "hoor",
            "name": "Höör",
            "accent": "#1f5f3f",
            "concern_url": "https://www.hoor.se/orosanmalan",
            "phone": "+46415378000",
        }
    ],
    "units": [{"id": "familjestod", "municipality": "1267", "name": "Familjestöd", "board": "Socialnämnden"}],
}
COORDINATOR = {"role": "coordinator", "unit": "familjestod"}


async def take(running: Running, folder: Path, **lists: Any) -> None:
    file = folder / "register.yaml"
    file.write_text(yaml.safe_dump(lists, allow_unicode=True))
    await importing.import_files(running.runtime.engine, [file], running.runtime.clock())


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def directory(run: Run, clock: Clock, tmp_path: Path) -> AsyncIterator[Running]:
    async with run("directory", clock=clock, environment="demo") as running:
        await take(running, tmp_path, **UNITS, staff=[staff("asa", COORDINATOR), staff("nils")])
        yield running


async def choose(running: Running, person: str, **more: str) -> httpx.Response:
    return await running.http.post("/logga-in/demo", data={"person": person, **more})


async def read_staff(running: Running, headers: dict[str, str]) -> int:
    return (await running.http.get("/directory/v1/staff", headers=headers)).status_code


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    return {"Cookie": answer.headers["set-cookie"].split(";")[0]}


async def test_whoever_is_chosen_is_signed_in(directory: Running) -> None:
    page = await directory.http.get("/logga-in")
    assert page.status_code == 200
    assert "Familjestöd" in page.text
    answer = await choose(directory, "asa")
    assert (answer.status_code, answer.headers["location"]) == (303, "/katalog")
    assert await read_staff(directory, cookie_of(answer)) == 200


async def test_nobody_chosen_is_told_and_nothing_begins(directory: Running) -> None:
    answer = await choose(directory, "nobody")
    assert answer.status_code == 422
    assert "Välj en person." in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/arbetsvecka", "/arbetsvecka"),
        ("/en/arbetsvecka?vecka=2026-W10", "/arbetsvecka?vecka=2026-W10"),
        ("/england", "/england"),
        ("/en", "/katalog"),
        ("/en//elsewhere.example", "/katalog"),
        ("//elsewhere.example", "/katalog"),
        ("/\\elsewhere.example", "/katalog"),
        ("https://elsewhere.example", "/katalog"),
    ],
)
async def test_signing_in_leads_to_a_page_of_ours_alone(directory: Running, wanted: str, led: str) -> None:
    assert (await choose(directory, "asa", nasta=wanted)).headers["location"] == led


@pytest.mark.parametrize(
    ("asked", "remembered"),
    [
        ("/katalog/personal?alla=ja&avslutade=ja", "/katalog/personal?alla=ja&avslutade=ja"),
        ("/en/katalog/personal?alla=ja", "/en/katalog/personal?alla=ja"),
        ("/katalog/personal", "/katalog/personal"),
        (f"/katalog/personal?alla={'ja' * 250}", "/katalog/personal"),
    ],
)
async def test_a_stranger_is_led_back_to_all_that_was_asked_for(
    directory: Running, asked: str, remembered: str
) -> None:
    answer = await directory.http.get(asked)
    assert answer.status_code == 303
    there = httpx.URL(answer.headers["location"])
    assert there.params["nasta"] == remembered
    page = await directory.http.get(str(there))
    assert f'name="nasta" value="{html.escape(remembered)}"' in page.text


async def test_without_a_role_the_page_says_whom_to_ask(directory: Running) -> None:
    answer = await choose(directory, "nils")
    assert (answer.status_code, "samordnare" in answer.text) == (200, True)
    assert await read_staff(directory, cookie_of(answer)) == 403


async def test_a_person_cannot_be_chosen_outside_the_demo(run: Run, clock: Clock, tmp_path: Path) -> None:
    async with run("directory", clock=clock) as directory:
        await take(directory, tmp_path, **UNITS, staff=[staff("asa", COORDINATOR)])
        assert (await choose(directory, "asa")).status_code == 404
        page = await directory.http.get("/logga-in")
        assert page.status_code == 403
        assert "Asa" not in page.text


async def test_strangers_and_colleagues_without_the_role_see_no_staff(directory: Running) -> None:
    assert await read_staff(directory, {}) == 401
    assert await read_staff(directory, session_of(directory, "nils")) == 403
    assert await read_staff(directory, session_of(directory, "asa")) == 200


async def test_a_role_that_is_taken_away_ends_the_rights_of_a_running_session(
    directory: Running, tmp_path: Path
) -> None:
    headers = session_of(directory, "asa")
    assert await read_staff(directory, headers) == 200
    await take(directory, tmp_path, staff=[staff("asa")])
    assert await read_staff(directory, headers) == 403
    await take(directory, tmp_path, staff=[{**staff("asa", COORDINATOR), "ended": True}])
    assert await read_staff(directory, headers) == 401


async def test_signing_out_ends_the_session_everywhere(directory: Running, clock: Clock) -> None:
    here, there = (session_of(directory, "asa") for _ in range(2))
    clock.move(minutes=1)
    answer = await directory.http.post("/logga-ut", headers=here, data={"_csrf": form_token(directory, here)})
    assert answer.status_code == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert [await read_staff(directory, headers) for headers in (here, there)] == [401, 401]
    assert await read_staff(directory, session_of(directory, "asa")) == 200


async def test_an_import_leaves_ended_sessions_ended(directory: Running, clock: Clock, tmp_path: Path) -> None:
    headers = session_of(directory, "asa")
    clock.move(minutes=1)
    await directory.http.post("/logga-ut", headers=headers, data={"_csrf": form_token(directory, headers)})
    await take(directory, tmp_path, staff=[{**staff("asa", COORDINATOR), "name": "Åsa"}])
    assert await read_staff(directory, headers) == 401


async def test_a_form_without_its_token_changes_nothing_and_can_be_sent_again(directory: Running) -> None:
    headers = session_of(directory, "asa")
    answer = await directory.http.post("/logga-ut", headers=headers, data={"_csrf": "guessed", "typed": "kept <b>"})
    assert answer.status_code == 403
    assert 'name="typed" value="kept &lt;b&gt;"' in answer.text
    assert form_token(directory, headers) in answer.text
    assert await read_staff(directory, headers) == 200


async def test_a_session_is_renewed_while_it_is_used(directory: Running, clock: Clock) -> None:
    headers = session_of(directory, "asa")
    for _ in range(4):
        clock.move(minutes=20)
        answer = await directory.http.get("/directory/v1/staff", headers=headers)
        assert answer.status_code == 200
        headers = cookie_of(answer)
    clock.move(minutes=30)
    assert await read_staff(directory, headers) == 401

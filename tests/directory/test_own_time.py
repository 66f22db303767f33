"""Advisors give themselves leave and extra hours: in their own schedules, by the rules of all, with history."""

import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from directory import importing, own_time
from directory.events import ScheduleException
from tests.booking.register import NOW
from tests.conftest import Clock, Run, Running
from tests.directory.test_signing_in import UNITS
from tests.signing import form_token, session_of, staff

ADVISOR = {"profession": "kurator", "unit": "familjestod", "languages": ["sv"], "modalities": ["video", "phone"]}
MONDAY = {"weekday": "monday", "start": "09:00", "end": "12:00", "modalities": ["video"]}
TUESDAY = MONDAY | {"weekday": "tuesday"}
LEAVE = {"typ": "leave", "forsta": "2026-03-09", "sista": "2026-03-13"}
EXTRA = {"typ": "extra", "forsta": "2026-03-07", "sista": "2026-03-07", "fran": "10:00", "till": "12:00", "phone": "ja"}


def schedule(name: str, advisor: str, weekly: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "advisor": advisor, "valid_from": "2026-01-01", "weekly": [weekly], **more}


@pytest.fixture
async def directory(run: Run, tmp_path: Path) -> AsyncIterator[Running]:
    grant = {"role": "advisor", "unit": "familjestod"}
    lists = {
        **UNITS,
        "advisors": [{"id": name, "name": name.title(), **ADVISOR} for name in ("maria", "dariush")],
        "schedules": [
            schedule("maria-a", "maria", MONDAY),
            schedule("maria-b", "maria", TUESDAY, valid_until="2026-06-30"),
            schedule("dariush-a", "dariush", MONDAY),
        ],
        "staff": [staff("maria", grant, advisor="maria"), staff("nils", grant)],
    }
    file = tmp_path / "register.yaml"
    file.write_text(json.dumps(lists))
    async with run("directory", clock=Clock(NOW)) as running:
        await importing.import_files(running.runtime.engine, [file], NOW)
        yield running


async def post(directory: Running, who: str = "maria", path: str = "/katalog/egen-tid", **sent: str) -> httpx.Response:
    headers = session_of(directory, who)
    return await directory.http.post(path, data={"_csrf": form_token(directory, headers), **sent}, headers=headers)


async def exceptions(directory: Running) -> dict[str, tuple[int, list[dict[str, Any]]]]:
    async with directory.admin.connect() as connection:
        rows = await connection.execute(text("select id, data from entity where kind = 'schedule'"))
        return {row.id: (row.data["version"], row.data["exceptions"]) for row in rows}


async def told(directory: Running) -> list[str]:
    """The states that were published since the import, by entity."""
    async with directory.admin.connect() as connection:
        rows = await connection.execute(
            text("select subject from outbox where subject not like 'state.directory.register.%' order by id")
        )
        return [row.subject for row in rows if "schedule" in row.subject][3:]


async def test_no_extra_hours_at_a_place_of_others_without_their_yes(directory: Running, tmp_path: Path) -> None:
    place = {"name": "BVC", "kind": "bvc", "address": "Vägen 1", "attached_to_family_centre": False}
    town = {**UNITS["municipalities"][0], "id": "9999", "slug": "annan", "name": "Annan"}
    own = UNITS["municipalities"][0]["id"]
    centres = [{"id": "here", "municipality": own, **place}, {"id": "there", "municipality": "9999", **place}]
    file = tmp_path / "more.yaml"
    file.write_text(json.dumps({"municipalities": [town], "centres": centres}))
    await importing.import_files(directory.runtime.engine, [file], NOW)
    refused = await post(directory, **EXTRA, plats="there")
    assert refused.status_code == 422
    assert "platsen hör till en annan kommun" in refused.text
    assert (await exceptions(directory))["maria-a"] == (1, [])
    assert (await post(directory, **EXTRA, plats="here")).status_code == 303


async def test_leave_is_written_into_every_schedule_that_holds_then(directory: Running) -> None:
    answer = await post(directory, **LEAVE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/arbetsvecka?vecka=2026-W11&sparat=1")
    found = await exceptions(directory)
    for name in ("maria-a", "maria-b"):
        version, (leave,) = found[name]
        assert (version, leave["kind"], leave["first"], leave["last"]) == (2, "leave", "2026-03-09", "2026-03-13")
    assert found["dariush-a"] == (1, [])
    assert await told(directory) == ["state.directory.schedule.maria-a", "state.directory.schedule.maria-b"]
    async with directory.admin.connect() as connection:
        changes = await connection.execute(text("select who, entity from change where who <> 'samtid import'"))
        assert [tuple(row) for row in changes] == [("maria", "maria-a"), ("maria", "maria-b")]


async def test_saved_twice_it_is_there_once_and_taken_away_it_is_gone(directory: Running) -> None:
    for _ in range(2):
        assert (await post(directory, **EXTRA)).status_code == 303
    found = await exceptions(directory)
    assert (found["maria-a"][0], len(found["maria-a"][1]), found["maria-b"]) == (2, 1, (1, []))
    for _ in range(2):
        assert (await post(directory, **EXTRA, gor="ta-bort")).status_code == 303
    assert (await exceptions(directory))["maria-a"] == (3, [])


async def test_english_stays_english(directory: Running) -> None:
    answer = await post(directory, path="/en/katalog/egen-tid", **LEAVE)
    assert answer.headers["location"] == "/en/arbetsvecka?vecka=2026-W11&sparat=1"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phone": "", "visit": "ja"}, "visit"),
        ({"phone": ""}, "sätt"),
        ({"plats": "nowhere"}, "nowhere"),
        ({"till": "09:00"}, "09:00"),
        ({"sista": "2026-03-01"}, "2026-03-01"),
        ({"forsta": "2025-12-24", "sista": "2025-12-24"}, "Du har inget schema de dagarna."),
    ],
    ids=["way", "no-way", "place", "times", "days", "schedule"],
)
async def test_what_the_rules_refuse_is_told_and_what_was_typed_is_kept(
    directory: Running, change: dict[str, str], said: str
) -> None:
    answer = await post(directory, **{**EXTRA, **change})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'action="/arbetsdag/franvaro"' in answer.text
    kept = {**EXTRA, **change}
    assert all(f'name="{name}" value="{value}"' in answer.text for name, value in kept.items())
    assert (await exceptions(directory))["maria-a"] == (1, [])
    assert await told(directory) == []


async def test_whoever_has_no_days_of_their_own_changes_nobodys(directory: Running) -> None:
    assert (await post(directory, "nils", **LEAVE)).status_code == 422
    assert {version for version, _ in (await exceptions(directory)).values()} == {1}


async def test_leave_from_monday_to_wednesday_is_one(directory: Running) -> None:
    sent = {**LEAVE, "sista": "2026-03-11", "fran": "13:00", "till": "09:00"}
    assert (await post(directory, **sent)).status_code == 303
    (_, (leave,)) = (await exceptions(directory))["maria-a"]
    assert (leave["start"], leave["end"], leave["through"]) == ("13:00:00", "09:00:00", True)
    daily = await post(directory, **sent, varje="ja")
    assert (daily.status_code, "innan det börjar" in daily.text) == (422, True)
    assert (await post(directory, **sent, gor="ta-bort")).status_code == 303
    assert (await exceptions(directory))["maria-a"][1] == []


async def test_a_form_that_nobody_gave_out_is_refused(directory: Running) -> None:
    answer = await post(directory, typ="holiday", forsta="soon")
    assert (answer.status_code, "Formuläret gick inte att förstå" in answer.text) == (422, True)


def test_the_form_is_the_one_that_booking_gives_out() -> None:
    from booking.agenda import leave, leave_pages
    from booking.slots.reads import ScheduleException as Known

    assert own_time.TYPED == leave_pages.TYPED
    assert own_time.REMOVE == leave.REMOVE
    days = {"first": date(2026, 3, 9), "last": date(2026, 3, 13)}
    for fields in (
        {"kind": "leave", **days},
        {"kind": "leave", **days, "start": "13:00", "end": "09:00", "through": True},
        {"kind": "leave", **days, "start": "09:00", "end": "12:00"},
        {"kind": "leave", "first": date(2026, 3, 9), "last": date(2026, 3, 9), "start": "09:00", "end": "00:00"},
        {"kind": "extra", **days, "start": "09:00", "end": "12:00", "modalities": ["visit"], "place": "bvc-horby"},
    ):
        typed = leave.typed_of(Known.model_validate(fields))
        assert own_time.read(typed) == ScheduleException.model_validate(fields)

"""Leave and extra hours: what is wrong stands at its field, and whom it hits is seen before anything is saved."""

import re
from datetime import date, time
from typing import Any

import pytest

from booking.agenda import leave
from booking.agenda.leave import Hours
from booking.slots.reads import Schedule
from tests.agenda.conftest import Work, person
from tests.agenda.test_days import ELEVEN, TEN, plain
from tests.booking import register
from tests.booking.test_journey import QUERY

TODAY = date(2026, 3, 2)
SCHEDULE = Schedule.model_validate(register.schedule(valid_until="2026-12-31").model_dump(mode="json"))
OWN = Hours([SCHEDULE], ["video", "phone"], [("bvc-horby", "BVC Hörby")])
LEAVE = {"typ": "leave", "forsta": "2026-03-02", "sista": "2026-03-02"}
EXTRA = {"typ": "extra", "forsta": "2026-03-07", "sista": "2026-03-07", "fran": "10:00", "till": "12.00", "phone": "ja"}
NO_DAYS = {"forsta": "leave_forsta_missing", "sista": "leave_sista_missing"}


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({}, {"typ": "leave_kind_missing", "forsta": "leave_forsta_missing", "sista": "leave_sista_missing"}),
        (LEAVE | {"sista": "2026-03-01"}, {"sista": "leave_before_first"}),
        (LEAVE | {"forsta": "2026-02-01", "sista": "2026-03-01"}, {"sista": "leave_over"}),
        (LEAVE | {"sista": "2027-03-04"}, {"sista": "leave_too_long"}),
        (LEAVE | {"forsta": "2027-01-01", "sista": "2027-01-02"}, {"forsta": "leave_no_schedule"}),
        (LEAVE | {"forsta": "soon"}, {"forsta": "leave_forsta_missing"}),
        (LEAVE | dict.fromkeys(("forsta", "sista"), "9999-12-31"), NO_DAYS),
        (LEAVE | {"forsta": "9999-12-30", "sista": "9999-12-31"}, NO_DAYS),
        (LEAVE | {"forsta": "0001-01-01"}, {"forsta": "leave_forsta_missing"}),
        (LEAVE | {"fran": "09:00"}, {"till": "leave_to_missing"}),
        (LEAVE | {"fran": "09:00", "till": "09:00"}, {"till": "leave_ends_first"}),
        (LEAVE | {"sista": "2026-03-04", "fran": "13:00"}, {"till": "leave_to_missing"}),
        (LEAVE | {"sista": "2026-03-04", "till": "13:00"}, {"fran": "leave_from_missing"}),
        (
            LEAVE | {"sista": "2026-03-04", "fran": "13:00", "till": "09:00", "varje": "ja"},
            {"till": "leave_ends_first"},
        ),
        (LEAVE | {"fran": "nine", "till": "10:00:01"}, {"fran": "leave_time_wrong", "till": "leave_time_wrong"}),
        (EXTRA | {"fran": "", "till": ""}, {"fran": "leave_from_missing", "till": "leave_to_missing"}),
        (EXTRA | {"phone": ""}, {"video": "leave_ways_missing"}),
        (EXTRA | {"visit": "ja"}, {"video": "leave_ways_wrong", "plats": "leave_place_missing"}),
        (EXTRA | {"gor": leave.REMOVE}, {"typ": "leave_gone"}),
        (LEAVE | {"forsta": "", "sista": "2026-03-01"}, {"forsta": "leave_forsta_missing", "sista": "leave_over"}),
        (
            LEAVE | {"forsta": "2027-01-01", "sista": ""},
            {"forsta": "leave_no_schedule", "sista": "leave_sista_missing"},
        ),
        (
            LEAVE | {"forsta": "2027-01-01", "sista": "2028-03-01"},
            {"forsta": "leave_no_schedule", "sista": "leave_too_long"},
        ),
        (LEAVE | {"fran": "nine"}, {"fran": "leave_time_wrong", "till": "leave_to_missing"}),
        (LEAVE | {"till": "nine"}, {"fran": "leave_from_missing", "till": "leave_time_wrong"}),
        (
            {"forsta": "2026-03-02", "sista": "2026-03-04", "fran": "13:00", "till": "09:00"},
            {"typ": "leave_kind_missing"},
        ),
        (
            EXTRA | {"forsta": "", "sista": "2026-03-01", "fran": "nine", "till": "", "phone": "", "visit": "ja"},
            {
                "forsta": "leave_forsta_missing",
                "sista": "leave_over",
                "fran": "leave_time_wrong",
                "till": "leave_to_missing",
                "video": "leave_ways_wrong",
                "plats": "leave_place_missing",
            },
        ),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else None,
)
def test_what_is_wrong_stands_at_its_field(typed: dict[str, str], wrong: dict[str, str]) -> None:
    assert leave.read(typed, OWN, TODAY) == (None, wrong)


def test_what_is_right_is_understood_and_can_be_written_again() -> None:
    change, errors = leave.read(EXTRA, OWN, TODAY)
    assert errors == {}
    assert change is not None
    assert (change.exception.start, change.exception.end) == (time(10), time(12))
    assert (change.exception.modalities, change.exception.place) == (("phone",), None)
    again, _ = leave.read(leave.typed_of(change.exception), OWN, TODAY)
    assert again == change
    with_it = [change.applied(SCHEDULE)]
    removed, _ = leave.read(leave.typed_of(change.exception) | {"gor": leave.REMOVE}, Hours(with_it, [], []), TODAY)
    assert removed is not None
    assert removed.applied(with_it[0]) == SCHEDULE


async def previewed(work: Work, **typed: str) -> str:
    answer = await work.post("/arbetsdag/franvaro", **typed)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


async def test_leave_lists_whom_it_hits_before_it_is_saved(work: Work) -> None:
    hit = await work.family_books(TEN)
    spared = await work.family_books("2026-03-02T12:00:00Z", "1267")
    page = await previewed(work, **LEAVE, fran="08:00", till="12:00")
    said = plain(page)
    assert "Frånvaro kl. 08.00–12.00: måndag 2 mars 2026" in said
    assert "En bokad tid ligger då." in said
    assert hit in said
    assert "Kim, 070-123 45 67" in said
    assert spared not in said
    assert 'action="/katalog/egen-tid"' in page
    assert [(row.what, row.why) for row in await work.reads()] == [("list", "leave")]
    both = plain(await previewed(work, **LEAVE))
    assert "2 bokade tider ligger då." in both
    assert spared in both


async def test_leave_from_monday_to_wednesday_is_said_in_words_and_hits_all_between(work: Work) -> None:
    spared = await work.family_books(TEN)
    hit = await work.family_books("2026-03-03T08:00:00Z", "1267")
    sent = {**LEAVE, "sista": "2026-03-04", "fran": "13:00", "till": "09:00"}
    page = await previewed(work, **sent)
    said = plain(page)
    assert "Frånvaro utan avbrott från måndag 2 mars 2026 kl. 13.00 till onsdag 4 mars 2026 kl. 09.00" in said
    assert hit in said
    assert spared not in said
    answer = await work.post("/en/arbetsdag/franvaro", **sent)
    assert "Away without a break from Monday 2 March 2026, 13:00 to Wednesday 4 March 2026, 09:00" in plain(answer.text)
    each = plain(await previewed(work, **sent | {"till": "16:00"}, varje="ja"))
    assert "Frånvaro varje dag kl. 13.00–16.00: måndag 2 mars 2026 till onsdag 4 mars 2026" in each
    assert "Ingen bokad tid berörs." in each


async def test_once_saved_nothing_between_is_bookable_and_each_day_says_so(work: Work) -> None:
    away = {"kind": "leave", "first": "2026-03-02", "last": "2026-03-04", "start": "13:00", "end": "17:00"}
    await work.learn(
        register.schedule(version=2, exceptions=[away | {"through": True}]),
        register.schedule("advisor-1", version=2, weekly=[]),
    )
    found = (await work.booking.http.get("/booking/v1/slots", params={**QUERY, "to": "2026-03-05"})).json()["items"]
    assert {each["start"][:10] for each in found} == {"2026-03-02", "2026-03-05"}
    assert max(each["start"] for each in found if each["start"] < "2026-03-03") < "2026-03-02T12"
    week = plain((await work.get("/arbetsvecka", vecka="2026-W10")).text)
    for told in ("Frånvaro från kl. 13.00", "Frånvaro hela dagen", "Frånvaro till kl. 17.00"):
        assert told in week
    form = (await work.get("/arbetsdag/franvaro")).text
    assert "Frånvaro utan avbrott från måndag 2 mars 2026 kl. 13.00 till onsdag 4 mars 2026 kl. 17.00" in plain(form)


async def test_what_was_typed_comes_back_with_what_is_wrong(work: Work) -> None:
    answer = await work.post("/arbetsdag/franvaro", **LEAVE, fran="09:00")
    assert answer.status_code == 422
    assert 'href="#till">Skriv till vilket klockslag' in answer.text
    assert 'value="2026-03-02"' in answer.text
    assert 'value="09:00"' in answer.text
    changed = await work.post("/arbetsdag/franvaro", **EXTRA, andra="ja")
    assert changed.status_code == 200
    assert re.search(r'name="phone" value="ja" checked', changed.text)


async def test_what_is_only_held_is_not_told_as_booked_and_each_time_has_its_day(work: Work) -> None:
    await work.family_books(TEN)
    query = {"offering": "foraldrasamtal", "municipality": "1266", "advisor": "maria-ek"}
    slots = (await work.booking.http.get("/booking/v1/slots", params=query)).json()["items"]
    held = {"slot": slots[1]["id"], "municipality": "1266", "modality": "video"}
    assert (await work.booking.http.post("/booking/v1/holds", json=held)).status_code == 201
    said = plain(await previewed(work, **LEAVE))
    assert "En bokad tid ligger då." in said
    assert "Reserverad" not in said
    assert "be din samordnare" not in said
    assert "måndag 2 mars, kl. 10.00–10.45 Föräldrasamtal" in said


async def test_time_of_another_unit_is_hit_without_a_word_of_whose_it_is(work: Work) -> None:
    reference = await work.family_books(TEN)
    await work.learn(person("maria-ek", "familjestod", version=2, advisor="maria-ek"))
    said = plain(await previewed(work, **LEAVE))
    assert "kl. 10.00–11.00 Upptagen" in said
    assert "be din samordnare" in said
    assert reference not in said
    assert await work.reads() == []


async def test_leave_without_an_end_can_be_taken_away(work: Work) -> None:
    leave = {"kind": "leave", "first": "2026-03-09", "last": "9999-12-31"}
    await work.learn(register.schedule(version=2, exceptions=[leave]))
    page = await previewed(work, typ="leave", forsta="2026-03-09", sista="9999-12-31", gor="ta-bort")
    assert "Ingen bokad tid berörs." in page


async def test_what_is_entered_can_be_taken_away_and_says_whom_that_hits(work: Work) -> None:
    extra: dict[str, Any] = {"kind": "extra", "first": "2026-03-07", "last": "2026-03-07"}
    extra |= {"start": "10:00:00", "end": "12:00:00", "modalities": ["phone"]}
    over = {"kind": "leave", "first": "2026-02-02", "last": "2026-02-03"}
    await work.learn(register.schedule(version=2, exceptions=[over, extra]))
    form = (await work.get("/arbetsdag/franvaro")).text
    assert "Extra tid kl. 10.00–12.00: lördag 7 mars 2026" in plain(form)
    assert "februari" not in form
    hit = await work.family_books("2026-03-07T09:00:00Z", modality="phone")
    fields = {"typ": "extra", "forsta": "2026-03-07", "sista": "2026-03-07", "fran": "10:00", "till": "12:00"}
    page = await previewed(work, **fields, phone="ja", gor="ta-bort")
    assert "Ska det tas bort?" in page
    assert hit in page
    # Adding hours hits nobody.
    assert "Ingen bokad tid berörs." in await previewed(work, **EXTRA)


async def test_a_cancelled_booking_is_not_hit(work: Work) -> None:
    booking = await work.id_of(await work.family_books(ELEVEN))
    await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="other")
    assert "Ingen bokad tid berörs." in await previewed(work, **LEAVE)

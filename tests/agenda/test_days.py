"""An advisor's day and week, and what can be done to a booking, over HTTP on real PostgreSQL."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from booking.slots.service import SlotId
from directory import events as directory
from tests.agenda.conftest import MARIA, Work, at, person
from tests.booking import register

TEN = "2026-03-02T09:00:00Z"  # 10.00 in Sweden
ELEVEN = "2026-03-02T10:00:00Z"


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


async def booked(work: Work, start: str = TEN, municipality: str = "1266", **changes: Any) -> str:
    return await work.id_of(await work.family_books(start, municipality, **changes))


async def test_a_day_is_a_list_in_words_with_the_families_that_are_met(work: Work) -> None:
    reference = await work.family_books(TEN, modality="visit")
    page = await work.get("/arbetsdag")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    said = plain(page.text)
    assert "Måndag 2 mars" in said
    assert "Öppet kl. 08.00–12.00 (video, telefon, besök, BVC Hörby)" in said
    assert "kl. 10.00–10.45 Föräldrasamtal Besök, BVC Hörby, Vårdvägen 1, Hörby · Hörby · bokad" in said
    assert "Kim, 070-123 45 67" in said
    assert reference in said
    booking = await work.id_of(reference)
    assert [tuple(row)[:5] for row in await work.reads()] == [
        ("maria-ek", "advisor", "horby-stod", "list", "day"),
    ]
    assert str((await work.reads())[0].booking) == booking


@pytest.mark.parametrize("fault", ["another's", "cut off", "lost", "wrapped by nobody"])
async def test_one_family_that_cannot_be_read_leaves_the_rest_of_the_day(work: Work, fault: str) -> None:
    bad, good = [
        await work.family_books(start, contact={"name": name, "phone": phone, "language": "sv"})
        for start, name, phone in ((TEN, "Robin", "+46709999999"), (ELEVEN, "Kim", "+46701234567"))
    ]
    (row,) = await work.stored("select id, family from booking where reference = :r", r=bad)
    vault = work.booking.runtime.vault
    async with work.booking.admin.begin() as connection:
        if fault == "another's":
            others = "(select sealed from family where id <> :f)"
            await connection.execute(text(f"update family set sealed = {others} where id = :f"), {"f": row.family})
        if fault == "cut off":
            await connection.execute(text("update family set sealed = 'x' where id = :f"), {"f": row.family})
    if fault == "lost":
        await vault.destroy([row.family])
    if fault == "wrapped by nobody":
        async with vault._store() as connection:
            await connection.execute("update data_key set master = 'gone' where id = $1", row.family)
    said = plain((await work.get("/arbetsdag")).text)
    assert said.count("Familjens uppgifter går inte att läsa.") == 1
    assert f"går inte att läsa. Säg till driften. Öppna bokningen {bad}" in said
    assert "Kim, 070-123 45 67" in said
    assert good in said
    opened = await work.get(f"/arbetsdag/bokning/{row.id}")
    assert opened.status_code == 200
    assert "Familjens uppgifter går inte att läsa." in plain(opened.text)
    assert "raderade" not in opened.text
    assert (await work.post("/telefonbokning", telefon="070-999 99 99")).status_code == 200
    again = await work.get("/telefonbokning/horby/foraldrasamtal", familj=str(row.family))
    slot = re.findall(r'name="tid" value="([^"]+)"', again.text)[0]
    refused = await work.post("/telefonbokning/horby/foraldrasamtal", tid=slot, satt="video", familj=str(row.family))
    assert (refused.status_code, "går inte att läsa" in refused.text) == (409, True)


async def test_a_week_names_no_family_and_reads_none(work: Work) -> None:
    await work.family_books("2026-03-04T09:00:00Z")
    said = plain((await work.get("/arbetsvecka", vecka="2026-W10")).text)
    assert "Vecka 10, 2026" in said
    assert "Onsdag 4 mars" in said
    assert "kl. 10.00–10.45 Föräldrasamtal Videosamtal · Hörby · bokad" in said
    assert "Kim" not in said
    assert "070" not in said
    assert await work.reads() == []


async def test_an_empty_day_says_so(work: Work) -> None:
    said = plain((await work.get("/arbetsdag", dag="2026-03-07")).text)
    assert "Inget är bokat den här dagen." in said
    assert "Ingen öppen tid." in said
    english = plain((await work.get("/en/arbetsdag", dag="2026-03-07")).text)
    assert "Saturday 7 March" in english
    assert "Nothing is booked on this day." in english


async def test_time_of_a_unit_where_the_role_was_taken_away_is_taken_without_more(work: Work) -> None:
    reference = await work.family_books(TEN)
    own = await work.family_books(ELEVEN, "1267")
    booking = await work.id_of(reference)
    await work.learn(person("maria-ek", "familjestod", version=2, advisor="maria-ek"))
    page = (await work.get("/arbetsdag")).text
    said = plain(page)
    assert "kl. 10.00–11.00 Upptagen" in said
    assert own in said
    assert reference not in said
    assert booking not in page
    assert (await work.get(f"/arbetsdag/bokning/{booking}")).status_code == 404
    assert (await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="other")).status_code == 404
    assert [row.unit for row in await work.reads()] == ["familjestod"]


@pytest.mark.parametrize("role", ["coordinator", "reviewer"])
async def test_time_of_a_unit_where_the_advisor_is_something_else_is_taken_without_more(work: Work, role: str) -> None:
    """To answer for a unit, or to review it, is not to meet its families."""
    reference = await work.family_books(TEN)
    booking = await work.id_of(reference)
    grants = [directory.Grant(role="advisor", unit="familjestod"), directory.Grant(role=role, unit="horby-stod")]
    await work.learn(MARIA.model_copy(update={"version": 2, "grants": grants}))
    page = (await work.get("/arbetsdag")).text
    assert "kl. 10.00–11.00 Upptagen" in plain(page)
    for secret in ("Kim", reference, booking):
        assert secret not in page
    assert (await work.get(f"/arbetsdag/bokning/{booking}")).status_code == 404
    assert await work.reads() == []


async def test_nobody_sees_another_advisors_days(work: Work) -> None:
    reference = await work.family_books(TEN)
    assert reference not in (await work.get("/arbetsdag", "dariush-rahimi")).text
    booking = await work.id_of(reference)
    assert (await work.get(f"/arbetsdag/bokning/{booking}", "dariush-rahimi")).status_code == 404
    assert (await work.get("/arbetsdag", "ny")).status_code == 409
    assert (await work.get("/arbetsdag", "asa")).status_code == 403
    assert await work.reads() == []


async def test_a_hold_and_a_cancelled_booking_show_nobody(work: Work) -> None:
    booking = await booked(work)
    assert (await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="double")).status_code == 303
    slots = (
        await work.booking.http.get(
            "/booking/v1/slots", params={"offering": "foraldrasamtal", "municipality": "1266", "advisor": "maria-ek"}
        )
    ).json()["items"]
    held = {"slot": slots[1]["id"], "municipality": "1266", "modality": "video"}
    assert (await work.booking.http.post("/booking/v1/holds", json=held)).status_code == 201
    said = plain((await work.get("/arbetsdag")).text)
    assert "avbokad" in said
    assert "kl. 11.00–12.00 Reserverad just nu" in said
    assert "Kim" not in said
    assert await work.stored("select id from read_log where why = 'day'") == [], "and nobody is noted as read"


async def test_leave_and_extra_hours_are_shown_with_the_day(work: Work) -> None:
    leave = {"kind": "leave", "first": "2026-03-03", "last": "2026-03-04"}
    extra = {"kind": "extra", "first": "2026-03-07", "last": "2026-03-07", "modalities": ["phone"]}
    hours = {"start": "10:00:00", "end": "12:00:00"}
    await work.learn(register.schedule(version=2, exceptions=[leave, extra | hours]))
    assert "Frånvaro hela dagen" in plain((await work.get("/arbetsdag", dag="2026-03-04")).text)
    said = plain((await work.get("/arbetsdag", dag="2026-03-07")).text)
    assert "Extra tid kl. 10.00–12.00" in said
    assert "Öppet kl. 10.00–12.00 (telefon)" in said


async def test_a_booking_is_opened_with_its_family_and_that_is_logged(work: Work) -> None:
    reference = await work.family_books(TEN)
    page = await work.get(f"/arbetsdag/bokning/{await work.id_of(reference)}")
    said = plain(page.text)
    assert page.status_code == 200
    assert f"Bokning {reference}" in said
    for fact in ("Kim", "070-123 45 67", "2 år", "Svenska", "måndag 2 mars kl. 10.00–10.45", "Bokad av familjen"):
        assert fact in said
    assert "Familjen kom" not in said, "it has not begun"
    assert [(row.what, row.why) for row in await work.reads()] == [("booking", "day > booking")]


@pytest.mark.parametrize(
    ("chosen", "status", "fact"), [("fulfilled", "fulfilled", "fulfilled"), ("no_show", "no_show", "no-show")]
)
async def test_an_outcome_is_noted_once_and_taken_back_on_the_same_day(
    work: Work, chosen: str, status: str, fact: str
) -> None:
    booking = await booked(work)
    path = f"/arbetsdag/bokning/{booking}"
    assert (await work.post(f"{path}/utfall", utfall=chosen)).status_code == 409
    work.clock.move(hours=3)
    for _ in range(2):
        assert (await work.post(f"{path}/utfall", utfall=chosen)).headers["location"] == f"{path}?nytt={chosen}"
    assert [(row.status, row.sequence) for row in await work.stored("select * from booking")] == [(status, 1)]
    assert "Ångra" in (await work.get(path)).text
    assert (await work.post(f"{path}/utfall", utfall="reopen")).status_code == 303
    assert [(row.status, row.sequence) for row in await work.stored("select * from booking")] == [("confirmed", 2)]
    types = [(told["type"], told["sequence"]) for told in await work.facts()]
    assert types == [("confirmed.v1", 0), (f"{fact}.v1", 1), ("reopened.v1", 2)]
    said = plain((await work.get(path)).text)
    assert "Ångrat av Maria Ek" in said


async def test_the_next_day_nothing_is_taken_back(work: Work) -> None:
    booking = await booked(work)
    work.clock.move(hours=3)
    await work.post(f"/arbetsdag/bokning/{booking}/utfall", utfall="fulfilled")
    work.clock.move(hours=24)
    answer = await work.post(f"/arbetsdag/bokning/{booking}/utfall", utfall="reopen")
    assert answer.status_code == 409
    assert "Det går att ångra samma dag" in answer.text


async def test_what_became_of_a_visit_must_be_chosen(work: Work) -> None:
    booking = await booked(work)
    assert (await work.post(f"/arbetsdag/bokning/{booking}/utfall", utfall="perhaps")).status_code == 422


async def test_staff_cancel_for_a_reason_and_the_family_is_told(work: Work) -> None:
    booking = await booked(work)
    path = f"/arbetsdag/bokning/{booking}/avboka"
    assert "Rådgivaren har förhinder" in (await work.get(path)).text
    without = await work.post(path)
    assert without.status_code == 422
    assert "Välj ett skäl" in without.text
    for _ in range(2):
        assert (await work.post(path, skal="advisor_away")).status_code == 303
    told = (await work.facts())[-1]
    assert (told["type"], told["by"], told["reason"], told["late"]) == ("cancelled.v1", "staff", "advisor_away", True)
    assert len(await work.facts()) == 2
    said = plain((await work.get(f"/arbetsdag/bokning/{booking}")).text)
    assert "Avbokad av Maria Ek: rådgivaren har förhinder" in said
    free = await work.stored("select count(*) as n from busy")
    assert free[0].n == 0


async def test_staff_move_without_lead_time_first_to_their_own_times(work: Work) -> None:
    booking = await booked(work, ELEVEN)
    path = f"/arbetsdag/bokning/{booking}/flytta"
    own = (await work.get(path)).text
    assert "Rådgivare 1" not in own
    assert "Rådgivare 1" in (await work.get(f"{path}-till-annan")).text
    # 09.00 is an hour from now, and parents need two.
    first = re.findall(r'name="tid" value="([^"]+)"', own)[0]
    moved = await work.post(path, tid=first, satt="phone")
    assert moved.headers["location"] == f"/arbetsdag/bokning/{booking}?nytt=moved"
    (row,) = await work.stored("select * from booking")
    assert (row.start_at, row.modality, row.sequence) == (at("2026-03-02T07:00:00Z"), "phone", 1)
    assert (await work.facts())[-1]["type"] == "rescheduled.v1"
    assert "Flyttad av Maria Ek till måndag 2 mars kl. 08.00" in plain(
        (await work.get(f"/arbetsdag/bokning/{booking}")).text
    )


def _times(page: str) -> list[str]:
    return re.findall('name="tid" value="([^"]+)"', page)


async def test_staff_move_into_a_part_of_its_own_time(work: Work) -> None:
    offering = {"version": 2, "duration": 60, "buffer_after": 0, "starts_every": 30}
    await work.learn(register.OFFERING.model_copy(update={**offering, "units": {"1266": "horby-stod"}}))
    booking = await booked(work, TEN)
    path = f"/arbetsdag/bokning/{booking}/flytta"
    same, later = (
        str(SlotId("foraldrasamtal", "maria-ek", at(TEN) + timedelta(minutes=minutes))) for minutes in (0, 30)
    )
    own = _times((await work.get(path)).text)
    assert (same in own, later in own) == (False, True)
    assert same in _times((await work.get(path, satt="phone")).text)
    assert (await work.post(path, tid=later, satt="video")).status_code == 303
    (row,) = await work.stored("select start_at, sequence from booking")
    assert (row.start_at, row.sequence) == (at(TEN) + timedelta(minutes=30), 1)
    await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="advisor_away")
    instead = _times((await work.get(f"/arbetsdag/bokning/{booking}/uppfoljning")).text)
    assert later in instead, "nothing is there any more"


async def test_staff_move_within_the_offering_alone(work: Work) -> None:
    booking = await booked(work, ELEVEN)
    await work.learn(
        register.OFFERING.model_copy(update={"id": "annat", "units": {**register.OFFERING.units, "1266": "horby-stod"}})
    )
    other = SlotId("annat", "maria-ek", at("2026-03-02T09:00:00Z"))
    moved = await work.post(f"/arbetsdag/bokning/{booking}/flytta", tid=str(other), satt="video")
    assert moved.status_code == 404
    (row,) = await work.stored("select start_at, offering, sequence from booking")
    assert tuple(row) == (at(ELEVEN), "foraldrasamtal", 0)


async def test_a_booking_that_goes_to_a_colleague_leaves_ones_own_days(work: Work) -> None:
    booking = await booked(work)
    path = f"/arbetsdag/bokning/{booking}/flytta-till-annan"
    page = (await work.get(path)).text
    theirs = next(
        slot
        for slot, words in re.findall(r'name="tid" value="([^"]+)".*?class="detail">([^<]+)<', page, re.DOTALL)
        if "Rådgivare 1" in words
    )
    moved = await work.post(path, tid=theirs, satt="video")
    assert moved.headers["location"] == "/arbetsdag?dag=2026-03-02&nytt=moved_away"
    assert "flyttad till en annan rådgivare" in (await work.get(moved.headers["location"])).text
    assert (await work.get(f"/arbetsdag/bokning/{booking}")).status_code == 404
    assert (await work.get(f"/arbetsdag/bokning/{booking}", "dariush-rahimi")).status_code == 200


async def test_a_time_that_was_taken_meanwhile_is_told_with_the_nearest(work: Work) -> None:
    booking = await booked(work)
    path = f"/arbetsdag/bokning/{booking}/flytta"
    slot = re.findall(r'name="tid" value="([^"]+)"', (await work.get(path)).text)[2]
    query = {"offering": "foraldrasamtal", "municipality": "1267", "advisor": "maria-ek"}
    free = (await work.booking.http.get("/booking/v1/slots", params=query)).json()["items"]
    await work.family_books(next(s for s in free if s["id"] == slot)["start"], "1267")
    answer = await work.post(path, tid=slot, satt="video")
    assert answer.status_code == 409
    assert "Tiden är inte längre ledig" in answer.text
    nothing = await work.post(path, satt="video")
    assert (nothing.status_code, "Välj en av tiderna" in nothing.text) == (422, True)


async def test_a_booking_that_has_begun_is_not_moved_but_can_be_cancelled(work: Work) -> None:
    booking = await booked(work)
    slot = re.findall(r'name="tid" value="([^"]+)"', (await work.get(f"/arbetsdag/bokning/{booking}/flytta")).text)[-1]
    work.clock.move(hours=3)
    assert (await work.post(f"/arbetsdag/bokning/{booking}/flytta", tid=slot, satt="video")).status_code == 409
    assert (await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="advisor_away")).status_code == 303


async def test_history_tells_the_family_from_staff(work: Work) -> None:
    booking = await booked(work)
    token = work.manage_token
    assert (await work.booking.http.post(f"/booking/v1/bookings/{token}/cancel")).status_code == 200
    said = plain((await work.get(f"/arbetsdag/bokning/{booking}")).text)
    assert "Avbokad av familjen" in said


@pytest.mark.parametrize("query", ["2026-W54", "0001-W01", "9999-W01"])
async def test_a_week_that_there_is_not(work: Work, query: str) -> None:
    assert (await work.get("/arbetsvecka", vecka=query)).status_code == 404


async def test_a_role_that_is_gone_ends_the_working_day(work: Work) -> None:
    await work.learn(MARIA.model_copy(update={"version": 2, "grants": []}))
    assert (await work.get("/arbetsdag")).status_code == 403

"""While unusually many times are booked by nobody who is known, a contact is proved before it books."""

import asyncio
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from booking.proofs import entry
from booking.slots.service import SlotId
from tests.booking import register
from tests.booking.test_bounds import hold, of, reached_from
from tests.booking.test_journey import slots
from tests.booking.test_pages import CONTACT, TIMES, chosen, times_on
from tests.conftest import Clock, Running
from tests.proofs.asking import MAIL, ask, code_of, other_than, rows, sent
from tests.proofs.conftest import Start

PROBLEM = "urn:samtid:problem:"


async def book(booking: Running, number: int, slot: dict[str, Any], **more: Any) -> httpx.Response:
    """A booking in a name that nobody has."""
    body = {**of(slot, email=f"nobody-{number}@example.org"), **more}
    return await booking.http.post("/booking/v1/bookings", json=body)


async def press(booking: Running) -> int:
    """Book until that is unusual; how many times were booked."""
    for made, slot in enumerate(await slots(booking, limit=500)):
        answer = await book(booking, made, slot)
        if answer.status_code == 403:
            return made
        assert answer.status_code == 201, answer.text
    raise AssertionError("never unusual")


async def confirm(booking: Running, refused: httpx.Response) -> str:
    """Confirm the code that a refusal tells of; the proof."""
    assert refused.status_code == 403, refused.text
    problem = refused.json()
    assert problem["type"] == f"{PROBLEM}proof-needed"
    proof = UUID(problem["proof"])
    await entry.confirm(booking.runtime.public, proof, await code_of(booking, proof))
    return str(proof)


async def test_a_twentieth_of_what_there_is_is_booked_before_anybody_is_asked(start: Start) -> None:
    booking = await start(unproved_bookings=3)
    (horizon,) = await rows(booking, "select (data->>'horizon_days')::integer as days from directory_copy"
                            " where kind = 'offering'")  # fmt: skip
    made = await press(booking)
    query = (
        "select sum(capacity - taken) / 45 as could from advisor_day"
        " where day between date '2026-03-02' and date '2026-03-02' + $1::integer"
    )
    (left,) = await rows(booking, query, horizon["days"])
    assert made == max(3, (left["could"] + made) // 20)


async def test_whoever_has_proved_the_contact_books_once_with_it(start: Start) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    first, second, third = (await slots(booking))[5:8]
    mine = {"contact": {**of(first)["contact"], "email": "kim@example.org", "phone": "070-174 06 36"}}
    refused = await book(booking, 0, first, **mine)
    assert refused.json()["channel"] == "email"
    assert (await book(booking, 0, first, **mine, proof=refused.json()["proof"])).status_code == 403, "not confirmed"
    proof = await confirm(booking, refused)
    other = {"contact": {**mine["contact"], "email": "alex@example.org"}}
    assert (await book(booking, 0, first, **other, proof=proof)).status_code == 403, "another contact"
    made = await book(booking, 0, first, **mine, proof=proof)
    assert made.status_code == 201, made.text
    (family,) = await rows(booking, "select * from family where email_proved_at is not null")
    assert family["phone_proved_at"] is None
    told = (await booking.http.get(f"/booking/v1/bookings/{made.json()['manage_token']}/export")).json()["contact"]
    assert (told["name"], told["email"], told["phone"]) == ("Kim", "kim@example.org", "+46701740636")
    again = await book(booking, 0, second, **mine, proof=proof)
    assert again.status_code == 403, "one proof is for one booking"
    assert again.json()["proof"] != proof
    assert (await book(booking, 0, third, **mine, proof=await confirm(booking, again))).status_code == 201


async def test_of_two_requests_with_one_proof_one_books(start: Start) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    free = (await slots(booking))[5:9]
    proof = await confirm(booking, await book(booking, 0, free[0]))
    answers = await asyncio.gather(*(book(booking, 0, slot, proof=proof) for slot in free[:2]))
    assert sorted(answer.status_code for answer in answers) == [201, 403]


async def test_who_is_asked_for_a_proof_has_not_booked(start: Start) -> None:
    booking = await start(unproved_bookings=1, bookings_per_hour=1)
    for number in range(100):
        async with reached_from(booking, f"198.51.100.{number}") as http:
            body = of((await slots(booking))[5], email=f"nobody-{number}@example.org")
            if (await http.post("/booking/v1/bookings", json=body)).status_code == 403:
                break
    slot = (await slots(booking))[5]
    for number in range(2):
        refused = await book(booking, number, slot)
    assert (await book(booking, 1, slot, proof=await confirm(booking, refused))).status_code == 201
    assert (await book(booking, 2, slot)).status_code == 429


async def test_a_number_alone_gets_an_sms_and_one_that_gets_none_is_told_what_to_write(start: Start) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    slot = (await slots(booking))[5]
    refused = await book(booking, 0, slot, contact=of(slot, phone="070-174 06 36")["contact"])
    assert refused.json()["channel"] == "sms"
    told = await sent(booking, UUID(refused.json()["proof"]))
    assert told is not None
    assert told.to == "+46701740636"
    refused = await book(booking, 0, slot, contact=of(slot, phone="0415-37 80 00")["contact"])
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["contact.phone"]
    path, form = await chosen(booking)
    page = await booking.http.post(f"{path}/boka", data={**form, "telefon": "0415-37 80 00", "epost": ""})
    assert (page.status_code, "Skriv ett mobilnummer eller en e-postadress." in page.text) == (422, True)


async def test_what_is_proved_or_cancelled_or_booked_by_staff_presses_nobody(start: Start, clock: Clock) -> None:
    booking = await start(unproved_bookings=2)
    made = await press(booking)
    tokens = await rows(booking, "select id from booking where status = 'confirmed' order by created_at limit 3")
    its = "where id = (select family from booking where id = $1)"
    await rows(booking, f"update family set phone_proved_at = now() {its}", tokens[0]["id"])
    slot = (await slots(booking))[5]
    assert (await book(booking, 100, slot)).status_code == 201
    assert (await book(booking, 101, (await slots(booking))[5])).status_code == 403
    await rows(booking, "update booking set status = 'cancelled' where id = $1", tokens[1]["id"])
    assert (await book(booking, 101, (await slots(booking))[5])).status_code == 201
    await rows(booking, f"update family set given_to_staff = true {its}", tokens[2]["id"])
    assert (await book(booking, 102, (await slots(booking))[5])).status_code == 201
    assert (await book(booking, 103, (await slots(booking))[5])).status_code == 403
    assert made > 2
    clock.move(days=1, minutes=1)
    assert (await book(booking, 103, (await slots(booking))[5])).status_code == 201, "a day later it is over"


async def four_weeks(booking: Running, clock: Clock, a_day: int, status: str) -> None:
    """Have so many bookings a day in the four weeks before, which are all over, and none since."""
    before = "$1::timestamptz - interval '2 days'"
    await rows(booking, f"update booking set created_at = {before} where status = 'confirmed'", clock())
    await rows(
        booking,
        "insert into booking (id, status, offering, municipality, unit, advisor, modality, start_at, end_at, zone,"
        " created_at, changed_at, family, protected, reference, token_hash)"
        " select gen_random_uuid(), $1, offering, municipality, unit, advisor, modality,"
        " start_at - interval '30 days', end_at - interval '30 days', zone, created_at - interval '20 days',"
        " changed_at, family, protected, 'OLD' || n, decode(md5(n::text) || md5(n::text), 'hex')"
        " from (select * from booking where status = 'confirmed' limit 1) b, generate_series(1, $2::integer) n",
        status,
        28 * a_day,
    )


async def test_what_is_usual_is_no_pressure(start: Start, clock: Clock) -> None:
    """Four times a day's bookings of the four weeks before."""
    booking = await start(unproved_bookings=1)
    made = await press(booking)
    await four_weeks(booking, clock, made // 4 + 1, "fulfilled")
    for number in range(made + 2):
        answer = await book(booking, 1000 + number, (await slots(booking, limit=500))[5])
        assert answer.status_code == 201, (number, answer.text)
    assert await press_more(booking) <= 6


async def press_more(booking: Running) -> int:
    for number, slot in enumerate((await slots(booking, limit=500))[5:]):
        if (await book(booking, 2000 + number, slot)).status_code == 403:
            return number
    raise AssertionError("never unusual")


async def test_what_was_booked_and_cancelled_makes_no_day_usual(start: Start, clock: Clock) -> None:
    booking = await start(unproved_bookings=1)
    made = await press(booking)
    await four_weeks(booking, clock, made, "cancelled")
    assert await press_more(booking) <= made


async def test_all_offerings_of_the_same_advisors_share_one_twentieth(start: Start) -> None:
    others = [register.OFFERING.model_copy(update={"id": f"samtal-{n}", "version": 1}) for n in range(3)]
    booking = await start([*register.basic(), *others], unproved_bookings=1)
    made = await press(booking)
    for other in others:
        free = await slots(booking, offering=other.id, limit=10)
        assert (await book(booking, 700, free[5])).status_code == 403
    assert made > 1


async def test_a_stranger_voids_no_code_and_uses_up_none(start: Start) -> None:
    """By asking to see what was booked with an address with which nobody has."""
    booking = await start(unproved_bookings=1)
    await press(booking)
    slot = (await slots(booking))[5]
    refused = await book(booking, 1, slot, contact=of(slot, email="kim@example.org")["contact"])
    for _ in range(3):
        assert await sent(booking, await ask(booking, MAIL)) is None
    mine = of(slot, email="kim@example.org")["contact"]
    assert (await book(booking, 1, slot, contact=mine, proof=await confirm(booking, refused))).status_code == 201


async def test_codes_to_book_leave_half_of_the_days_to_those_who_have_booked(start: Start) -> None:
    booking = await start(unproved_bookings=1, codes_home_per_day=2)
    await press(booking)
    slot = (await slots(booking))[5]
    answers = [await book(booking, n, slot, contact=of(slot, phone=f"070-174 06 3{n}")["contact"]) for n in (1, 2)]
    assert [answer.status_code for answer in answers] == [403, 429]


async def test_a_page_of_before_books_the_time_that_it_shows(start: Start) -> None:
    booking = await start()
    page = (await booking.http.get(TIMES, params={"satt": "video"})).text
    wish = {"satt": "video", "engang": carried(page, "engang")}
    pages = []
    for number in (3, 5):
        answer = await booking.http.post(TIMES, data={**wish, "tid": times_on(page)[number]})
        contact = (await booking.http.get(answer.headers["location"])).text
        form = {name: carried(contact, name) for name in ("satt", "tid", "nyckel")}
        pages.append((answer.headers["location"].split("?")[0], {**form, **CONTACT}))
    (path, form), _ = pages
    done = await booking.http.post(f"{path}/boka", data=form)
    assert done.status_code == 303, done.text
    (made,) = await rows(booking, "select start_at from booking where status = 'confirmed'")
    assert made["start_at"] == SlotId.parse(form["tid"]).start


async def test_a_time_that_is_lost_while_the_code_is_awaited_leads_to_the_nearest(start: Start, clock: Clock) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    path, form = await chosen(booking)
    mine = {**form, "epost": "kim@example.org"}
    mine["bevis"] = carried((await booking.http.post(f"{path}/boka", data=mine)).text, "bevis")
    clock.move(minutes=11)
    other = await book(booking, 900, {"id": form["tid"]})
    assert (await book(booking, 900, {"id": form["tid"]}, proof=await confirm(booking, other))).status_code == 201
    answer = await booking.http.post(f"{path}/boka", data=mine)
    assert answer.status_code == 409
    assert "Närmast den tid du valde" in answer.text
    assert carried(answer.text, "epost") == "kim@example.org"


async def test_the_page_asks_for_the_code_and_books_when_it_is_right(start: Start) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    path, form = await chosen(booking)
    mine = {**form, "epost": "kim@example.org"}
    asked = await booking.http.post(f"{path}/boka", data=mine)
    assert asked.status_code == 200
    assert "Därför har vi mejlat en kod till kim@example.org." in asked.text
    mine["bevis"] = carried(asked.text, "bevis")
    proof = UUID(mine["bevis"])
    for again in (mine, {**mine, "bevis": ""}):
        page = await booking.http.post(f"{path}/boka", data=again)
        assert carried(page.text, "bevis") == mine["bevis"], "a form that is sent twice has one code sent"
    code = await code_of(booking, proof)
    for wrong, said in (("", "Skriv koden"), (other_than(code), "Koden stämmer inte. Läs")):
        answer = await booking.http.post(f"{path}/boka", data={**mine, "kod": wrong})
        assert 'name="kod" value="' not in answer.text.replace('value=""', ""), "the other language tries it no more"
        assert (answer.status_code, said in answer.text) == (422, True)
        assert carried(answer.text, "namn") == form["namn"], "nothing that was typed is lost"
    done = await booking.http.post(f"{path}/boka", data={**mine, "kod": f" {code[:3]} {code[3:]} "})
    assert done.status_code == 303, done.text
    twice = await booking.http.post(f"{path}/boka", data={**mine, "kod": code})
    assert twice.headers["location"] == done.headers["location"]


async def test_a_code_that_is_over_is_followed_by_another(start: Start, clock: Clock) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    path, form = await chosen(booking)
    mine = {**form, "epost": "kim@example.org"}
    mine["bevis"] = carried((await booking.http.post(f"{path}/boka", data=mine)).text, "bevis")
    code = await code_of(booking, UUID(mine["bevis"]))
    clock.move(minutes=11)
    answer = await booking.http.post(f"{path}/boka", data={**mine, "kod": code})
    assert answer.status_code == 200
    assert "Den förra koden gäller inte längre. Vi har skickat en ny." in answer.text
    fresh = carried(answer.text, "bevis")
    assert fresh != mine["bevis"]
    code = await code_of(booking, UUID(fresh))
    path = f"/boka/horby/foraldrasamtal/reservation/{hidden_hold(answer.text)}"
    sent_again = {**mine, "bevis": fresh, "nyckel": carried(answer.text, "nyckel"), "kod": code}
    assert (await booking.http.post(f"{path}/boka", data=sent_again)).status_code == 303


def hidden_hold(page: str) -> str:
    return page.split("/reservation/", 1)[1].split("/", 1)[0]


def carried(page: str, name: str) -> str:
    """What the page's own form carries; the one that changes the language, before it, carries what was sent."""
    return re.findall(f'name="{name}" value="([^"]*)"', page)[-1]


async def test_a_code_that_was_tried_too_often_is_followed_by_another(start: Start) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    path, form = await chosen(booking)
    mine = {**form, "epost": "kim@example.org"}
    mine["bevis"] = carried((await booking.http.post(f"{path}/boka", data=mine)).text, "bevis")
    code = await code_of(booking, UUID(mine["bevis"]))
    for step in range(1, 5):
        answer = await booking.http.post(f"{path}/boka", data={**mine, "kod": other_than(code, step)})
        assert answer.status_code == 422
    answer = await booking.http.post(f"{path}/boka", data={**mine, "kod": other_than(code, 5)})
    assert "Den förra koden gäller inte längre. Vi har skickat en ny." in answer.text
    mine["bevis"] = carried(answer.text, "bevis")
    code = await code_of(booking, UUID(mine["bevis"]))
    assert (await booking.http.post(f"{path}/boka", data={**mine, "kod": code})).status_code == 303


async def test_whom_no_more_codes_are_sent_is_told_so_at_the_contact(start: Start) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    path, form = await chosen(booking)
    mine = {**form, "epost": "kim@example.org", "bevis": ""}
    for _ in range(3):
        page = await booking.http.post(f"{path}/boka", data={**mine, "ny": "ja"})
        assert page.status_code == 200
        mine["bevis"] = carried(page.text, "bevis")
    page = await booking.http.post(f"{path}/boka", data={**mine, "ny": "ja"})
    assert page.status_code == 422
    assert 'id="epost-message"' in page.text
    assert "Vi kan inte skicka fler koder just nu" in page.text
    assert "0415-37 80 00" in page.text
    assert carried(page.text, "namn") == form["namn"]


async def test_one_who_asks_for_a_new_code_gets_one_and_so_does_another_contact(start: Start) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    path, form = await chosen(booking)
    mine = {**form, "epost": "kim@example.org"}
    asked = (await booking.http.post(f"{path}/boka", data=mine)).text
    mine["bevis"] = carried(asked, "bevis")
    codes = await rows(booking, "select from proof")
    for _ in range(2):
        renewed = (await booking.http.post(f"{path}/boka", data={**mine, "ny": "ja"})).text
    assert carried(renewed, "bevis") != mine["bevis"]
    assert len(await rows(booking, "select from proof")) == len(codes) + 1, "the page sent once more has none sent"
    assert await sent(booking, UUID(mine["bevis"])) is None
    changed = (await booking.http.post(f"{path}/uppgifter", data={**mine, "bevis": carried(renewed, "bevis")})).text
    other = {**mine, "bevis": carried(changed, "bevis"), "epost": "alex@example.org"}
    answer = (await booking.http.post(f"{path}/boka", data=other)).text
    told = await sent(booking, UUID(carried(answer, "bevis")))
    assert told is not None
    assert told.to == "alex@example.org"


async def test_the_time_is_held_meanwhile_and_free_again_where_no_code_came(start: Start, clock: Clock) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    slot = (await slots(booking))[5]
    held = (await hold(booking.http, slot)).json()["id"]
    body = {"hold": held, "contact": of(slot, email="kim@example.org")["contact"], "child": {"age": 2}}
    refused = await booking.http.post("/booking/v1/bookings", json=body)
    assert refused.status_code == 403
    assert slot["id"] not in {s["id"] for s in await slots(booking, limit=500)}
    clock.move(minutes=11)
    taken = await book(booking, 5, slot, proof=await confirm(booking, await book(booking, 5, slot)))
    assert taken.status_code == 201, taken.text
    assert await rows(booking, "select from family where email_proved_at is null and created_at > $1", clock()) == []


@pytest.mark.parametrize("typed", ["x", "00000000-0000-4000-8000-000000000000"])
async def test_a_proof_that_never_was_is_asked_for_anew(start: Start, typed: str) -> None:
    booking = await start(unproved_bookings=1)
    await press(booking)
    path, form = await chosen(booking)
    asked = await booking.http.post(f"{path}/boka", data={**form, "bevis": typed, "kod": "123456"})
    assert asked.status_code == 200
    assert carried(asked.text, "bevis") != typed

"""Each refusal by its name, in the reader's language, with nothing written."""

from datetime import UTC, datetime
from typing import Any

import pytest

from booking.slots.service import SlotId
from kit import database
from tests.booking import register
from tests.booking.test_journey import CONTACT, QUERY, request_for, slots
from tests.conftest import Clock, Running
from tests.sharing.world import put


async def book(booking: Running, body: dict[str, Any], key: str = "", language: str = "en") -> tuple[int, Any]:
    headers = {"Accept-Language": language, **({"Idempotency-Key": key} if key else {})}
    answer = await booking.http.post("/booking/v1/bookings", json=body, headers=headers)
    return answer.status_code, answer.json()


async def hold(booking: Running, slot: dict[str, Any]) -> Any:
    body = {"slot": slot["id"], "municipality": "1266", "modality": "video"}
    return await booking.http.post("/booking/v1/holds", json=body)


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"contact": {**CONTACT, "phone": None}}, "contact.phone"),
    ({"contact": {**CONTACT, "phone": "12"}}, "contact.phone"),
    ({"contact": {**CONTACT, "phone": "070-123"}}, "contact.phone"),
    ({"contact": {**CONTACT, "email": "kim@"}}, "contact.email"),
    ({"contact": {**CONTACT, "name": "Kim 850101-1234"}}, "contact.name"),
    ({"contact": {**CONTACT, "name": "Kim\nBcc: all"}}, "contact.name"),
    ({"contact": {**CONTACT, "reason": "because"}}, "contact.reason"),
    ({"child": None}, "child"),
    ({"child": {"age": 12}}, "child.age"),
    ({"child": {"age": 2}, "expecting": True}, "child"),
    ({"slot": "never given out"}, "slot"),
    ({"modality": None}, "modality"),
    ({"modality": "carrier pigeon"}, "modality"),
]


async def test_what_is_invalid_is_named_by_field_and_never_repeated(booking: Running) -> None:
    first = (await slots(booking))[0]
    for changes, field in INVALID:
        body = {**request_for(first), **changes}
        status, english = await book(booking, body)
        assert (status, english["type"]) == (422, "urn:samtid:problem:invalid"), changes
        assert [error["field"] for error in english["errors"]] == [field]
        _, swedish = await book(booking, body, language="sv")
        assert swedish["title"] != english["title"]
        assert swedish["errors"][0]["message"] != english["errors"][0]["message"] or field == "modality"
        assert "850101" not in str(english) + str(swedish)
    assert first in await slots(booking)


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize(
    "far", ["0001-01-01", "1999-12-31", "2101-01-01", "9999-12-31", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"]
)
async def test_times_at_the_ends_of_time_are_refused(booking: Running, name: str, far: str) -> None:
    answer = await booking.http.get("/booking/v1/slots", params={**QUERY, name: far})
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"field": name, "message": "Välj en dag från 2000 till 2100."}],
    )


@pytest.mark.parametrize("start", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)])
async def test_the_id_of_a_slot_at_the_ends_of_time_is_none(booking: Running, start: datetime) -> None:
    slot = str(SlotId("foraldrasamtal", "maria-ek", start))
    answer = await hold(booking, {"id": slot})
    assert (answer.status_code, [e["field"] for e in answer.json()["errors"]]) == (422, ["slot"])


async def test_all_that_is_wrong_is_told_at_once(booking: Running) -> None:
    first = (await slots(booking))[0]
    wrong = {"slot": first["id"], "contact": {"name": "", "email": None}}
    _, problem = await book(booking, wrong)
    assert [error["field"] for error in problem["errors"]] == [
        "municipality",
        "modality",
        "contact.name",
        "contact.phone",
        "child",
    ]


async def test_a_visit_needs_a_place(booking: Running) -> None:
    afternoon = next(slot for slot in await slots(booking) if slot["place"] is None)
    status, problem = await book(booking, request_for(afternoon, modality="visit"))
    assert (status, problem["errors"][0]["field"]) == (422, "modality")


async def test_too_soon_too_far_not_offered_and_not_open(booking: Running, clock: Clock) -> None:
    free = await slots(booking, limit=500)
    assert free[-1]["start"] == "2026-04-13T07:00:00Z"  # six weeks on to the minute: 09.00 in summer time
    clock.move(hours=1)
    status, problem = await book(booking, request_for(free[0]))
    assert (status, problem["type"]) == (409, "urn:samtid:problem:too-soon")
    clock.move(days=-8)
    status, problem = await book(booking, request_for(free[-1]))
    assert (status, problem["type"]) == (409, "urn:samtid:problem:too-far-ahead")
    clock.move(days=8, hours=-1)
    status, problem = await book(booking, request_for(free[0], municipality="1281"))
    assert (status, problem["type"]) == (404, "urn:samtid:problem:not-offered")
    from booking.slots.service import SlotId

    between = SlotId.parse(free[0]["id"])
    off_grid = str(SlotId(between.offering, between.advisor, between.start.replace(minute=30)))
    status, problem = await book(booking, request_for({"id": off_grid}))
    assert (status, problem["type"]) == (409, "urn:samtid:problem:slot-taken")
    assert problem["alternatives"][0]["id"] == free[0]["id"]


async def test_an_idempotency_key_gives_the_same_answer_and_refuses_another_body(booking: Running) -> None:
    first, second = (await slots(booking))[:2]
    status, answer = await book(booking, request_for(first), key="k")
    assert status == 201
    assert await book(booking, request_for(first), key="k") == (201, answer)
    status, problem = await book(booking, request_for(second), key="k")
    assert (status, problem["type"]) == (422, "urn:samtid:problem:idempotency-key-reused")
    assert second in await slots(booking)
    # A refusal is not remembered: the same key may be used once the request has been mended.
    status, _ = await book(booking, request_for(first), key="other")
    assert status == 409
    status, _ = await book(booking, request_for(second), key="other")
    assert status == 201
    async with database.driver(booking.admin) as connection:
        assert await connection.fetchval("select count(*) from outbox") == 2


async def test_a_repeated_key_is_answered_even_when_the_time_has_passed(booking: Running, clock: Clock) -> None:
    first = (await slots(booking))[0]
    _, answer = await book(booking, request_for(first), key="k")
    clock.move(hours=5)
    assert await book(booking, request_for(first), key="k") == (201, answer)


async def test_a_hold_expires_by_itself_and_can_be_extended_within_limits(booking: Running, clock: Clock) -> None:
    slot = (await slots(booking))[2]
    made = (await hold(booking, slot)).json()
    assert made["expires_at"] == "2026-03-02T07:10:00Z"
    clock.move(minutes=9)
    extended = (await booking.http.post(f"/booking/v1/holds/{made['id']}/extend")).json()
    assert extended["expires_at"] == "2026-03-02T07:19:00Z"
    for minutes in (9, 9):
        clock.move(minutes=minutes)
        extended = (await booking.http.post(f"/booking/v1/holds/{made['id']}/extend")).json()
    assert extended["expires_at"] == "2026-03-02T07:30:00Z"
    clock.move(minutes=3)
    status, problem = await book(booking, {"hold": made["id"], "contact": CONTACT, "child": {"age": 2}})
    assert (status, problem["type"]) == (409, "urn:samtid:problem:hold-gone")
    # The time is free again at once, before any sweeper came by.
    status, _ = await book(booking, request_for(slot))
    assert status == 201
    gone = await booking.http.post(f"/booking/v1/holds/{made['id']}/extend")
    assert gone.status_code == 409


async def test_a_hold_can_be_booked_though_its_lead_time_has_begun(booking: Running, clock: Clock) -> None:
    first = (await slots(booking))[0]
    made = (await hold(booking, first)).json()
    clock.move(minutes=5)
    status, _ = await book(booking, {"hold": made["id"], "contact": CONTACT, "expecting": True})
    assert status == 201


async def test_a_booking_is_moved_within_its_offering_alone(booking: Running) -> None:
    await put(booking.runtime, register.OFFERING.model_copy(update={"id": "annat"}))
    first, second = (await slots(booking))[:2]
    _, mine = await book(booking, request_for(first))
    manage = f"/booking/v1/bookings/{mine['manage_token']}"
    other = next(slot for slot in await slots(booking, offering="annat") if slot["start"] == second["start"])
    refused = await booking.http.post(f"{manage}/reschedule", json={"slot": other["id"]})
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:samtid:problem:not-offered")
    now = (await booking.http.get(manage)).json()
    assert (now["start"], now["sequence"]) == (first["start"], 0)


async def test_a_move_that_fails_leaves_the_booking_where_it_was(booking: Running, clock: Clock) -> None:
    first, second, third = (await slots(booking))[:3]
    _, mine = await book(booking, request_for(first))
    await book(booking, request_for(second))
    manage = f"/booking/v1/bookings/{mine['manage_token']}"
    refused = await booking.http.post(f"{manage}/reschedule", json={"slot": second["id"]})
    assert refused.status_code == 409
    assert third["id"] in [slot["id"] for slot in refused.json()["alternatives"]]
    assert (await booking.http.get(manage)).json()["start"] == first["start"]
    same = await booking.http.post(f"{manage}/reschedule", json={"slot": first["id"]})
    assert (same.status_code, same.json()["sequence"]) == (200, 0)
    clock.move(hours=3)
    begun = await booking.http.post(f"{manage}/cancel")
    assert (begun.status_code, begun.json()["type"]) == (409, "urn:samtid:problem:not-changeable")


async def test_an_unknown_token_is_not_found(booking: Running) -> None:
    for path in ("", "/cancel"):
        method = booking.http.post if path else booking.http.get
        answer = await method(f"/booking/v1/bookings/{'x' * 43}{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:samtid:problem:unknown-booking")


async def test_pages_of_slots_follow_each_other(booking: Running) -> None:
    whole = [slot["id"] for slot in await slots(booking, limit=500)]
    seen: list[str] = []
    path: str | None = "/booking/v1/slots?offering=foraldrasamtal&municipality=1266&limit=77"
    while path:
        page = (await booking.http.get(path)).json()
        seen += [slot["id"] for slot in page["items"]]
        path = page["next"]
    assert seen == whole
    monday = await slots(booking, **{"from": "2026-03-09", "to": "2026-03-09"})
    assert {slot["start"][:10] for slot in monday} == {"2026-03-09"}
    assert len(monday) == 8

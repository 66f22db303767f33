"""One booking over the API: found, held, booked, looked up, moved, cancelled."""

from typing import Any

from tests.conftest import Running

QUERY = {"offering": "foraldrasamtal", "municipality": "1266"}
CONTACT = {"name": "Kim", "phone": "070-123 45 67", "email": None, "language": "sv"}


async def slots(booking: Running, **query: Any) -> list[dict[str, Any]]:
    answer = await booking.http.get("/booking/v1/slots", params={**QUERY, **query})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def request_for(slot: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "slot": slot["id"],
        "municipality": "1266",
        "modality": "video",
        "contact": CONTACT,
        "child": {"age": 2},
        **changes,
    }


async def test_the_first_free_time_is_found_in_words(booking: Running) -> None:
    first = (await slots(booking))[0]
    assert first["start"] == "2026-03-02T09:00:00Z"
    assert first["end"] == "2026-03-02T09:45:00Z"
    assert first["text"] == "måndag 2 mars kl. 10.00–10.45"
    assert first["advisor"] == {"id": "maria-ek", "name": "Maria Ek"}
    assert first["modalities"] == ["video", "phone", "visit"]
    assert first["place"] == {"id": "bvc-horby", "name": "BVC Hörby", "address": "Vårdvägen 1, Hörby"}


async def test_a_time_is_held_booked_moved_and_cancelled(booking: Running) -> None:
    first, second, third = (await slots(booking))[:3]
    hold = await booking.http.post(
        "/booking/v1/holds", json={"slot": first["id"], "municipality": "1266", "modality": "phone"}
    )
    assert hold.status_code == 201, hold.text
    assert first["id"] not in [slot["id"] for slot in await slots(booking)]
    made = await booking.http.post(
        "/booking/v1/bookings",
        json={"hold": hold.json()["id"], "contact": CONTACT, "expecting": True},
        headers={"Idempotency-Key": "one"},
    )
    assert made.status_code == 201, made.text
    booked = made.json()
    assert booked["start"] == first["start"]
    assert booked["modality"] == "phone"
    assert booked["manage_url"] == f"http://samtid.test/bokning/{booked['manage_token']}"
    manage = f"/booking/v1/bookings/{booked['manage_token']}"
    moved = await booking.http.post(f"{manage}/reschedule", json={"slot": third["id"]})
    assert moved.status_code == 200, moved.text
    assert (moved.json()["start"], moved.json()["sequence"]) == (third["start"], 1)
    free = [slot["id"] for slot in await slots(booking)]
    assert first["id"] in free
    assert second["id"] in free
    assert third["id"] not in free
    cancelled = await booking.http.post(f"{manage}/cancel")
    assert cancelled.json()["status"] == "cancelled"
    assert (await booking.http.get(manage)).json()["status"] == "cancelled"
    assert third["id"] in [slot["id"] for slot in await slots(booking)]

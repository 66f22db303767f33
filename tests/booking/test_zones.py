"""A family meets an advisor by the time where the advisor is; where that is not the time in Sweden, it is named."""

from tests.booking import register
from tests.booking.test_journey import request_for, slots
from tests.conftest import Running
from tests.sharing.world import put


async def test_a_time_of_another_zone_than_the_readers_names_it(booking: Running) -> None:
    await put(booking.runtime, register.schedule(zone="Europe/Helsinki"))
    page = (await booking.http.get("/boka/horby/foraldrasamtal/tider", params={"satt": "video"})).text
    assert "11.00–11.45 (tid i Helsingfors)" in page
    made = (await booking.http.post("/booking/v1/bookings", json=request_for((await slots(booking))[1]))).json()
    assert made["text"].endswith(" (tid i Helsingfors)")
    shown = (await booking.http.get(f"/en/bokning/{made['manage_token']}")).text
    assert "(Helsinki" in shown
    for path in ("flytta", "avboka", "uppgifter"):
        assert "Helsingfors" in (await booking.http.get(f"/bokning/{made['manage_token']}/{path}")).text

"""On both nights on which the clocks change, search, hold, explanation and page say the same of a time."""

from datetime import UTC, date, datetime, timedelta

import pytest

from booking.explaining import service
from booking.explaining.rules import Entitled
from booking.explaining.service import Asked
from booking.sharing.rules import Position, Share
from booking.slots.service import SlotId
from kit import database
from tests.conftest import Clock, Running
from tests.sharing import agreements
from tests.sharing.test_explaining import MARIA, TOWN, booking, is_held, is_searched, known, plain, store

__all__ = ["booking"]

MINUTE = timedelta(minutes=1)
HORIZON, LEAD = timedelta(days=42), timedelta(hours=48)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Stockholm"])
@pytest.mark.parametrize(
    ("start", "day", "opens"),
    [
        # Mondays at ten, the day after the night: as many hours before it, the clocks said nine, and eleven.
        (datetime(2026, 3, 30, 8, tzinfo=UTC), "måndag 30 mars", "måndag 16 februari kl. 09.00"),
        (datetime(2026, 10, 26, 9, tzinfo=UTC), "måndag 26 oktober", "måndag 14 september kl. 11.00"),
    ],
    ids=["spring", "autumn"],
)
async def test_a_time_opens_and_closes_in_all_places_at_once(
    booking: Running, clock: Clock, start: datetime, day: str, opens: str, zone: str
) -> None:
    monday = start.date()
    share = Share("p", monday, 7, Position(entitled=600))
    of = known(
        offering=agreements.offering(
            municipalities=(TOWN, "1267"), advisors=("maria",), lead_time_hours=48, horizon_days=42
        ),
        entitled=(Entitled(share, date.fromordinal(monday.toordinal() + 6)),),
    )
    # What a server's own zone is must not matter: its days would have 23 and 25 hours.
    async with database.driver(booking.admin) as connection:
        name = await connection.fetchval("select current_database()")
        await connection.execute(f"alter database \"{name}\" set timezone = '{zone}'")
    await booking.runtime.engine.dispose()
    slot = SlotId("foraldrasamtal", "maria", start)
    for now, offered in (
        (start - HORIZON - MINUTE, False),
        (start - HORIZON, True),
        (start - LEAD, True),
        (start - LEAD + MINUTE, False),
    ):
        clock.now = now
        await store(booking, of, now)
        async with database.driver(booking.runtime.engine) as connection:
            told = await service.explain(
                connection, MARIA, Asked(slot.offering, TOWN, slot.advisor, start), now=now, language="sv"
            )
        assert told.explanation.offered == offered, now
        assert await is_searched(booking, start, now) == offered, now
        assert await is_held(booking, of, start, now) == offered, now
        page = await booking.http.get("/boka/horby/foraldrasamtal/tider", params={"satt": "video", "visa": 500})
        assert (str(slot) in page.text) == offered, now
        if offered:
            assert f"{day} kl. 10.00–10.45" in plain(page.text)
        elif now < start - HORIZON:
            assert told.advice == f"Den öppnar {opens}."

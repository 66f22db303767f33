"""Hours until midnight: written by hand, imported, kept, shown, and booked to the last slot of the day."""

from datetime import date, time
from typing import Any

import pytest

from booking.agenda import leave
from directory import events
from directory.forms import entity_of, filled
from directory.rules.register import Period, Register
from directory.rules.schedules import clash, schedule
from tests.agenda.conftest import Work
from tests.agenda.test_days import plain
from tests.agenda.test_leave import EXTRA, OWN, TODAY
from tests.booking import register
from tests.booking.test_journey import request_for, slots
from tests.conftest import Running
from tests.directory.desk import OPERATOR, Desk, led_to, stored
from tests.signing import session_of

IMPORTED = """
schedules:
  - id: evenings
    advisor: maria-ek
    valid_from: 2020-01-01
    valid_until: 2020-12-31
    weekly: [{{weekday: tuesday, start: "20:00", end: "{end}", modalities: [phone]}}]
    exceptions:
      - {{kind: extra, first: 2020-02-02, last: 2020-02-02, start: "00:00", end: "{end}", modalities: [phone]}}
"""


def block(start: time, end: time) -> events.WeeklyBlock:
    return events.WeeklyBlock(weekday=2, start=start, end=end, modalities=["phone"])


@pytest.mark.parametrize("typed", ["24:00", "24.00", "00:00", "24:00:00"])
def test_midnight_at_the_end_of_a_day_is_written_either_way(typed: str) -> None:
    row = {"weekday": "tuesday", "start": "20:00", "end": typed, "modalities.phone": "on"}
    sent = {"advisor": "maria-ek", "valid_from": "2026-01-01", "zone": "Europe/Stockholm"}
    data = filled("schedule", {**sent, **{f"weekly.0.{name}": text for name, text in row.items()}}).data
    entity, wrong = entity_of("schedule", {**data, "id": "evenings"})
    assert wrong == []
    assert isinstance(entity, events.Schedule)
    assert entity.weekly[0].end == time(0)
    assert list(schedule(Register(), entity)) == []
    change, errors = leave.read(EXTRA | {"till": typed[:5]}, OWN, TODAY)
    assert errors == {}
    assert change is not None
    assert change.exception.end == time(0)
    assert leave.read(leave.typed_of(change.exception), OWN, TODAY) == (change, {})


def test_a_block_until_midnight_has_its_last_hours_and_no_others() -> None:
    both = Period(date(2026, 1, 1), None)
    evening = block(time(20), time(0))
    assert clash(evening, block(time(23), time(23, 30)), both)
    assert clash(block(time(23), time(23, 30)), evening, both)
    assert clash(evening, block(time(0), time(0)), both)
    assert not clash(evening, block(time(18), time(20)), both)
    assert not clash(evening, block(time(0), time(6)), both)


async def test_the_register_keeps_and_shows_it(directory: Running) -> None:
    headers = {**session_of(directory, OPERATOR), "content-type": "application/yaml"}
    for end in ("24:00", "00:00"):
        taken = await directory.http.post("/directory/v1/import", content=IMPORTED.format(end=end), headers=headers)
        assert taken.status_code == 200, taken.text
    assert taken.json()["unchanged"] == 1
    assert (await stored(directory, "schedules", "evenings"))["weekly"][0]["end"] == "00:00:00"
    exported = (await directory.http.get("/directory/v1/export", headers=headers)).text
    assert exported.count("24:00") == 2
    desk = Desk(directory, OPERATOR)
    assert "20.00–24.00" in await desk.page("/arbetstider/evenings/historik")
    led_to(await desk.save("/arbetstider/evenings", weekly__0__start="21:00"))
    assert (await stored(directory, "schedules", "evenings"))["weekly"][0]["end"] == "00:00:00"


EVENINGS: Any = [
    events.WeeklyBlock(weekday=day, start=time(20), end=time(0), modalities=["video", "phone"]) for day in (2, 7)
]


# An ordinary day, and the two on which the clocks change: local 23.00 each time.
@pytest.mark.parametrize("start", ["2026-03-03T22:00:00Z", "2026-03-29T21:00:00Z"], ids=["tuesday", "summer time"])
async def test_the_last_slot_of_the_day_can_be_booked(work: Work, start: str) -> None:
    evenings = register.schedule(version=2, weekly=EVENINGS)
    others = register.schedule("advisor-1", version=2, weekly=[])
    shares = register.pool("maria-ek", "advisor-1").model_copy(update={"version": 2, "shares": {"1266": 100}})
    await work.learn(shares, evenings, others)
    found = await slots(work.booking, limit=500)
    assert start in [each["start"] for each in found]
    assert max(each["start"] for each in found if each["start"][:10] == start[:10]) == start
    made = await work.booking.http.post(
        "/booking/v1/bookings", json=request_for(next(each for each in found if each["start"] == start))
    )
    assert made.status_code == 201, made.text
    assert "kl. 23.00–23.45" in made.json()["text"]


async def test_extra_hours_until_midnight_are_said_in_words(work: Work) -> None:
    for typed in ("24:00", "00:00"):
        said = plain((await work.post("/arbetsdag/franvaro", **EXTRA | {"till": typed})).text)
        assert "Extra tid kl. 10.00–24.00: lördag 7 mars 2026" in said

"""Time, bare: wall time, holidays, both DST nights, and the starts that are cut from open hours."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.slots import rules
from booking.slots.reads import Advisor, Ages, Offering, Pool, Schedule, ScheduleException, Text, Unit, WeeklyBlock
from booking.slots.rules import Block

STOCKHOLM = ZoneInfo("Europe/Stockholm")
SPRING = date(2026, 3, 29)  # 02.00 becomes 03.00
AUTUMN = date(2026, 10, 25)  # 03.00 becomes 02.00
HOUR = timedelta(hours=1)


def never(_day: date) -> bool:
    return False


def utc(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def schedule(*weekly: WeeklyBlock, **changes: object) -> Schedule:
    values = {
        "id": "s",
        "version": 1,
        "advisor": "a",
        "zone": "Europe/Stockholm",
        "valid_from": date(2026, 1, 1),
        "weekly": weekly,
        **changes,
    }
    return Schedule.model_validate(values)


def block(weekday: int, start: time, end: time) -> WeeklyBlock:
    return WeeklyBlock(weekday=weekday, start=start, end=end, modalities=("video",))


def spans(blocks: list[Block]) -> list[tuple[datetime, datetime]]:
    return [(b.start, b.end) for b in blocks]


def test_wall_time_follows_the_clocks() -> None:
    mondays = schedule(block(1, time(9), time(12)))
    before, after = rules.open_blocks(mondays, date(2026, 3, 23), date(2026, 3, 30), never)
    assert (before.start, after.start) == (utc(date(2026, 3, 23), 8), utc(date(2026, 3, 30), 7))


@pytest.mark.parametrize(
    ("day", "start", "end", "expected"),
    [
        (SPRING, time(1), time(4), (utc(SPRING, 0), utc(SPRING, 2))),  # two hours, not three
        (SPRING, time(2, 30), time(4), (utc(SPRING, 1), utc(SPRING, 2))),  # begins when the gap is over
        (SPRING, time(1), time(2, 30), (utc(SPRING, 0), utc(SPRING, 1))),  # ends when the gap begins
        (SPRING, time(2, 15), time(2, 45), None),  # never happens
        (AUTUMN, time(1), time(4), (utc(AUTUMN, 0) - HOUR, utc(AUTUMN, 3))),  # four hours
        (AUTUMN, time(2, 30), time(4), (utc(AUTUMN, 1, 30), utc(AUTUMN, 3))),  # from the second 02.30
        (AUTUMN, time(1), time(2, 30), (utc(AUTUMN, 0) - HOUR, utc(AUTUMN, 0, 30))),  # until the first 02.30
        (AUTUMN, time(2, 15), time(2, 45), None),  # which of the two is not known, so neither
        (SPRING, time(22), time(0), (utc(SPRING, 20), utc(SPRING, 22))),  # until midnight at the end of the day
        (AUTUMN, time(22), time(0), (utc(AUTUMN, 21), utc(AUTUMN, 23))),
        (SPRING, time(0), time(0), (utc(SPRING, 0) - HOUR, utc(SPRING, 22))),  # a day of 23 hours, and one of 25
        (AUTUMN, time(0), time(0), (utc(AUTUMN, 0) - 2 * HOUR, utc(AUTUMN, 23))),
    ],
)
def test_the_two_nights_when_the_clocks_change(
    day: date, start: time, end: time, expected: tuple[datetime, datetime] | None
) -> None:
    night = schedule(block(7, start, end))
    assert spans(rules.open_blocks(night, day, day, never)) == ([expected] if expected else [])


def test_closed_on_holidays_unless_said_otherwise() -> None:
    midsummer_eve = date(2026, 6, 19)
    week = block(5, time(9), time(12))
    assert rules.open_blocks(schedule(week), midsummer_eve, midsummer_eve, midsummer_eve.__eq__) == []
    open_then = rules.open_blocks(
        schedule(week, works_on_holidays=True), midsummer_eve, midsummer_eve, midsummer_eve.__eq__
    )
    assert spans(open_then) == [(utc(midsummer_eve, 7), utc(midsummer_eve, 10))]


def test_leave_from_one_day_to_another_is_one_stretch_and_of_before_of_each_day() -> None:
    monday = date(2026, 3, 2)
    week = [block(day, time(9), time(17)) for day in (1, 2, 3)]
    away: dict[str, Any] = {"kind": "leave", "first": monday, "last": date(2026, 3, 4), "start": time(13)}
    last = date(2026, 3, 4)
    stretch = ScheduleException(**away, end=time(10), through=True)
    assert spans(rules.open_blocks(schedule(*week, exceptions=(stretch,)), monday, last, never)) == [
        (utc(monday, 8), utc(monday, 12)),
        (utc(last, 9), utc(last, 16)),
    ]
    each = ScheduleException(**away, end=time(17))
    daily = spans(rules.open_blocks(schedule(*week, exceptions=(each,)), monday, last, never))
    assert [end.hour for _, end in daily] == [12, 12, 12]


def test_leave_takes_away_and_extra_hours_add_what_is_not_open_already() -> None:
    monday = date(2026, 3, 2)
    week = block(1, time(9), time(12))
    leave = ScheduleException(kind="leave", first=monday, last=monday, start=time(10), end=time(11))
    extra = ScheduleException(
        kind="extra", first=monday, last=monday, start=time(11), end=time(14), modalities=("phone",)
    )
    found = rules.open_blocks(schedule(week, exceptions=(leave, extra)), monday, monday, never)
    assert spans(found) == [
        (utc(monday, 8), utc(monday, 9)),
        (utc(monday, 10), utc(monday, 11)),
        (utc(monday, 11), utc(monday, 13)),
    ]
    assert [b.modalities for b in found] == [("video",), ("video",), ("phone",)]


def test_validity_includes_its_first_and_last_day() -> None:
    days = [date(2026, 3, d) for d in (2, 9, 16)]
    valid = schedule(block(1, time(9), time(12)), valid_from=days[1], valid_until=days[1])
    assert [b.day for b in rules.open_blocks(valid, days[0], days[2], never)] == [days[1]]


walls = st.times(min_value=time(0), max_value=time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0))


@given(
    day=st.dates(date(2026, 1, 1), date(2030, 12, 31)),
    start=walls,
    end=walls,
)
def test_an_open_block_lies_within_its_wall_times_on_every_day(day: date, start: time, end: time) -> None:
    found = rules.open_blocks(schedule(block(day.isoweekday(), start, end)), day, day, never)
    for opened in found:
        instant = opened.start
        while instant < opened.end:
            local = instant.astimezone(STOCKHOLM)
            assert local.date() == day
            assert start <= local.time()
            # Midnight, as an end, is the day's.
            assert end == time(0) or local.time() < end
            instant += timedelta(minutes=15)
    if start < end and day not in {SPRING, AUTUMN} and day.month not in {3, 10}:
        assert found[0].end - found[0].start == datetime.combine(day, end) - datetime.combine(day, start)


@given(
    weekly=st.lists(st.tuples(st.integers(1, 7), walls, walls), max_size=6),
    exceptions=st.lists(st.tuples(st.sampled_from(["leave", "extra"]), st.integers(0, 13), walls, walls), max_size=4),
)
def test_open_hours_never_overlap(
    weekly: list[tuple[int, time, time]], exceptions: list[tuple[str, int, time, time]]
) -> None:
    first = date(2026, 3, 23)
    made = schedule(
        *(block(*w) for w in weekly),
        exceptions=[
            {"kind": kind, "first": first, "last": first + timedelta(days=n), "start": s, "end": e, "modalities": []}
            for kind, n, s, e in exceptions
        ],
    )
    other = schedule(block(1, time(8), time(17)), id="t")
    found = rules.open_hours([made, other], first, first + timedelta(days=13), never)
    for one, following in itertools.pairwise(found):
        assert one.end <= following.start


def offering(**changes: object) -> Offering:
    values = {
        "id": "o",
        "version": 1,
        "name": Text(sv="Samtal"),
        "summary": Text(sv="Samtal"),
        "kind": "conversation",
        "documentation": "minimal",
        "unit": "u",
        "municipalities": ("1266",),
        "advisors": ("a",),
        "duration": 45,
        "buffer_before": 5,
        "buffer_after": 10,
        "starts_every": 30,
        "modalities": ("video",),
        "ages": Ages(first=0, last=6, expecting=True),
        "horizon_days": 42,
        "lead_time_hours": 24,
        "cancel_limit_hours": 24,
        "self_booking": True,
        **changes,
    }
    return Offering.model_validate(values)


@given(
    duration=st.integers(5, 90),
    before=st.integers(0, 20),
    after=st.integers(0, 20),
    every=st.integers(5, 90),
    busy=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 60)), max_size=5),
)
def test_starts_are_on_the_grid_and_clear_of_busy_time(
    duration: int, before: int, after: int, every: int, busy: list[tuple[int, int]]
) -> None:
    wanted = offering(duration=duration, buffer_before=before, buffer_after=after, starts_every=every)
    day = date(2026, 3, 2)
    opened = Block(day, utc(day, 8), utc(day, 12), ("video",), None, "Europe/Stockholm")
    minute = timedelta(minutes=1)
    taken = [(opened.start + s * minute, opened.start + (s + n) * minute) for s, n in busy]
    found = rules.starts(wanted, opened, taken)
    for times in found:
        assert rules.is_on_grid(wanted, opened, times)
        assert all(times.busy_until <= s or e <= times.busy_from for s, e in taken)
    every_start = rules.starts(wanted, opened, [])
    clear = [t for t in every_start if all(t.busy_until <= s or e <= t.busy_from for s, e in taken)]
    assert found == clear


def test_a_pool_limits_who_may_book_whom() -> None:
    advisor = Advisor(id="a", version=1, name="A", unit="u", languages=("sv",), modalities=("video",))
    unit = Unit(id="u", version=1, municipality="1281")
    pool = Pool(id="p", version=1, name="P", advisors=("a",), shares={"1266": 100}, valid_from=date(2026, 1, 1))
    everywhere = offering(municipalities=("1266", "1281"), units={"1266": "horby"})
    alone = rules.reaches([everywhere], [advisor], [unit], [])
    pooled = rules.reaches([everywhere], [advisor], [unit], [pool])
    assert {r.municipality for r in alone} == {"1281"}
    assert {(r.municipality, r.pool, r.unit) for r in pooled} == {("1266", "p", "horby")}
    assert {r.unit for r in alone} == {"u"}
    # Never by another's unit.
    unanswered = offering(municipalities=("1266", "1281"))
    assert rules.reaches([unanswered], [advisor], [unit], [pool]) == set()
    other = pool.model_copy(update={"id": "q"})
    assert rules.reaches([everywhere], [advisor], [unit], [other, pool]) == pooled
    assert rules.reaches([offering(self_booking=False)], [advisor], [unit], [pool]) == set()

"""The rules of periods, blocks and colours, held against the plainest way to compute the same."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.editing import changed
from directory.events import Amendment, Pool, WeeklyBlock
from directory.partly import partly
from directory.reading import read
from directory.rules import breaches
from directory.rules.common import near
from directory.rules.places import contrast_with_white
from directory.rules.pools import pool
from directory.rules.register import PathOf, Period, Register, members
from directory.rules.schedules import clash
from directory.tables import EVENTS
from tests.directory.desk import DEMO

FIRST = date(2026, 10, 19)
DAYS = 30

days = st.integers(0, DAYS - 1).map(lambda n: FIRST + timedelta(days=n))
quarters = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))


@st.composite
def periods(draw: st.DrawFn) -> Period:
    first = draw(days)
    last = draw(st.none() | days.filter(lambda day: day >= first))
    return Period(first, last)


@st.composite
def blocks(draw: st.DrawFn) -> WeeklyBlock:
    start = draw(quarters)
    end = draw(quarters.filter(lambda at: at > start) if start < time(23, 45) else st.just(time(23, 59)))
    return WeeklyBlock(weekday=draw(st.integers(1, 7)), start=start, end=end, modalities=["video"])


def days_of(period: Period) -> set[date]:
    """The days of a period within the weeks that the strategies draw from, and the one after them."""
    every = [FIRST + timedelta(days=n) for n in range(DAYS + 7)]
    return {day for day in every if period.first <= day and (period.last is None or day <= period.last)}


def minutes_of(block: WeeklyBlock, days: set[date]) -> set[tuple[date, int]]:
    span = range(block.start.hour * 60 + block.start.minute, block.end.hour * 60 + block.end.minute)
    return {(day, minute) for day in days if day.isoweekday() == block.weekday for minute in span}


@given(periods(), periods())
def test_shared_days_are_the_days_of_both(one: Period, other: Period) -> None:
    both = one.shared(other)
    assert (days_of(both) if both else set()) == days_of(one) & days_of(other)
    assert both == other.shared(one)


@given(periods(), st.integers(1, 7))
def test_a_period_has_a_weekday_if_one_of_its_days_is_one(period: Period, weekday: int) -> None:
    assert period.has(weekday) == any(day.isoweekday() == weekday for day in days_of(period))


@given(periods(), blocks(), periods(), blocks())
def test_blocks_clash_if_they_share_a_minute_of_a_day(
    one_period: Period, one: WeeklyBlock, other_period: Period, other: WeeklyBlock
) -> None:
    both = one_period.shared(other_period)
    shared = minutes_of(one, days_of(one_period)) & minutes_of(other, days_of(other_period))
    assert clash(one, other, both) == bool(shared)
    assert clash(other, one, both) == bool(shared)


def agreement(first: date, last: date | None, amended: list[date]) -> Pool:
    return Pool(
        id="pool",
        version=1,
        name="Pool",
        advisors=["maria-ek"],
        posts=1,
        shares={"1267": 100},
        valid_from=first,
        valid_until=last,
        amendments=[Amendment(valid_from=day, posts=1, shares={"1266": 100}) for day in amended],
    )


@given(periods(), st.lists(days, max_size=4))
def test_on_each_day_of_an_agreement_one_set_of_terms_holds(period: Period, amended: list[date]) -> None:
    starts = [period.first, *amended]
    sound = starts == sorted(set(starts)) and all(day in days_of(period) for day in starts)
    assert (not list(pool(Register(), agreement(period.first, period.last, amended)))) == sound


def test_whoever_joins_by_an_amendment_takes_part() -> None:
    assert members(agreement(FIRST, None, [])) == {"1267"}
    assert members(agreement(FIRST, None, [FIRST + timedelta(days=7)])) == {"1267", "1266"}


def test_the_last_day_there_is_has_no_next_monday() -> None:
    assert not Period(date.max, date.max).has(1)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast_with_white("#ffffff") == 1
    assert contrast_with_white("#000000") == 21
    assert contrast_with_white("#767676") > 4.5 > contrast_with_white("#777777")


def paths(value: Any, path: PathOf = ()) -> Iterator[PathOf]:
    """Of all that stands within plain data."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*path, name)
        yield from paths(inner, (*path, name))


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_what_cannot_be_read_is_no_fault_of_a_rule(kind: str) -> None:
    """Of a register in which nothing is wrong, whatever of it cannot be read."""
    entities = [entry.entity for entry in read(DEMO).entries.values()]
    known = changed(Register(), entities)
    assert list(breaches(known)) == []
    for one in (max(known.live(kind), key=lambda entity: len(entity.model_dump_json())), known.live(kind)[0]):
        data = one.model_dump(mode="json")
        for path in paths(data):
            entity = partly(EVENTS[kind].data, data, [path])
            assert (entity is None) == (path in (("id",), ("ended",))), path
            rest = [] if entity is None else [entity]
            assert list(breaches(changed(known, rest, [(kind, one.id)]))) == [], path
            assert [breach for each in rest for breach in near(each, None)] == [], path

"""What may be booked, bare: each rule at its edge, on both sides of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from booking.bookings import rules
from booking.bookings.links import Links, token_hash
from booking.bookings.rules import NotChangeable, SlotTaken, Start, TooFarAhead, TooSoon
from booking.slots.reads import Ages
from booking.slots.rules import Block, SlotFacts
from booking.slots.service import closed
from kit.refusal import Invalid
from tests.booking.test_slot_rules import offering

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAYS = {"lead_time_hours": 24, "horizon_days": 42}


def facts(around: datetime, **changes: object) -> SlotFacts:
    """Four open hours, two on each side of an instant, of an offering of 45 minutes that begins each quarter."""
    block = Block(around.date(), around - 2 * HOUR, around + 2 * HOUR, ("video",), None, "Europe/Stockholm")
    of = offering(**{"starts_every": 15, "buffer_before": 0, "buffer_after": 0, **DAYS, **changes})
    return SlotFacts(of, "1266", "Maria Ek", "familjestod", ("video",), block, None)


def allowed(known: SlotFacts, start: datetime, *, by_staff: bool = False) -> Start:
    return rules.allow_start(
        known, advisor="maria-ek", municipality="1266", modality="video", start=start, now=NOW, by_staff=by_staff
    )


def test_the_lead_time_is_over_at_its_last_instant() -> None:
    first = NOW + 24 * HOUR
    assert allowed(facts(first), first).times.start == first
    with pytest.raises(TooSoon):
        allowed(facts(first), first - 15 * MINUTE)
    # Staff can tell the advisor, but nobody books what has begun.
    assert allowed(facts(NOW), NOW, by_staff=True).times.start == NOW
    with pytest.raises(TooSoon):
        allowed(facts(NOW), NOW - 15 * MINUTE, by_staff=True)


def test_the_horizon_itself_is_the_last_that_can_be_booked() -> None:
    last = NOW + timedelta(days=42)
    assert allowed(facts(last), last).times.start == last
    with pytest.raises(TooFarAhead):
        allowed(facts(last), last + 15 * MINUTE)


def test_buffers_stay_within_the_open_time() -> None:
    middle = NOW + 48 * HOUR
    opens, closes = middle - 2 * HOUR, middle + 2 * HOUR
    known = facts(middle, buffer_before=15, buffer_after=30)
    first, last = opens + 15 * MINUTE, closes - 75 * MINUTE
    for start in (first, last):
        assert allowed(known, start).times.start == start
    for start in (first - 15 * MINUTE, last + 15 * MINUTE):
        with pytest.raises(SlotTaken):
            allowed(known, start)


def test_starts_are_whole_steps_from_where_the_open_time_begins() -> None:
    middle = NOW + 48 * HOUR
    known = facts(middle, starts_every=30)
    assert allowed(known, middle)
    with pytest.raises(SlotTaken):
        allowed(known, middle + 15 * MINUTE)


def test_a_shared_advisor_whose_shares_are_not_worked_out_is_nobodys() -> None:
    middle = NOW + 48 * HOUR
    assert allowed(facts(middle), middle).charge is None
    with pytest.raises(SlotTaken):
        allowed(replace(facts(middle), pool="hoor-horby-eslov"), middle)


def test_a_childs_age_is_within_both_ends_of_the_offerings() -> None:
    of = offering(ages=Ages(first=2, last=6, expecting=False))
    for age in (2, 6):
        rules.allow_child(of, age=age, expecting=False)
    for age, expecting in ((1, False), (7, False), (None, True)):
        with pytest.raises(Invalid):
            rules.allow_child(of, age=age, expecting=expecting)


def test_what_is_kept_of_a_link_does_not_lead_back_to_it() -> None:
    links = Links(b"a secret that only this test knows", "http://samtid.test")
    token = links.token(uuid4())
    kept = token_hash(token)
    assert len(kept) == 32
    assert token.encode()[:6] not in kept
    assert kept != token_hash(links.token(uuid4()))


def test_what_has_begun_is_not_changed() -> None:
    rules.allow_change("confirmed", NOW + MINUTE, NOW)
    with pytest.raises(NotChangeable):
        rules.allow_change("confirmed", NOW, NOW)
    with pytest.raises(NotChangeable):
        rules.allow_change("cancelled", NOW + MINUTE, NOW)


def test_a_cancellation_is_late_after_the_limit() -> None:
    of = offering(cancel_limit_hours=24)
    assert not rules.is_late(of, NOW + 24 * HOUR, NOW)
    assert rules.is_late(of, NOW + 24 * HOUR, NOW + MINUTE)
    assert rules.is_late(None, NOW + 24 * HOUR, NOW)


@pytest.mark.parametrize(
    "name",
    [
        "Kim 190001012384",
        "Kim 0001012384",
        "000101 2384 Kim",
        "Kim 000101-2384",
        "Kim 000101+2384",
        "20000101-2384",
        "20000101\u20132384",
        "20000101\u22122384",
        "000101\u00ad2384",
        "20000101 - 2384",
        "20000101_2384",
        "2000-01-01-2384",
        "2000.01.01/2384",
        "20 00 01 01 23 84",
        "0 0 0 1 0 1 2 3 8 4",
        "20000161-2384",
        "00\u200b0191-2384",
        "Kim, 2 barn, 20000101 2384",
        "٢٠٠٠٠١٠١٢٣٨٤",
        "991399-2384",
    ],
)
def test_a_personal_number_is_known_however_it_is_written(name: str) -> None:
    assert rules.holds_personal_number(name)


@pytest.mark.parametrize(
    "name",
    [
        "Kim",
        "Kim 2384",
        "Kim 000101",
        "Kim 00010123841",
        "Kim 073-955 06 36",
        "Kim 2019, 2021 och 2023",
        "Kim 99 13 99 23 84",
    ],
)
def test_other_digits_are_no_personal_number(name: str) -> None:
    assert not rules.holds_personal_number(name)


@pytest.mark.parametrize("day", [date(2026, 12, 24), date(2026, 6, 19), date(2026, 12, 31), date(2026, 12, 25)])
def test_holidays_are_closed_those_of_custom_too(day: date) -> None:
    assert closed(day)


@pytest.mark.parametrize("day", [date(2026, 12, 23), date(2026, 6, 18), date(2026, 12, 30)])
def test_the_days_before_them_are_open(day: date) -> None:
    assert not closed(day)

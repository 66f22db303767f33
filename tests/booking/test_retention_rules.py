"""When a family's identity must go: bare rules."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.families import rules
from booking.families.rules import Rule, Visit
from booking.slots.reads import Offering
from tests.booking import register

MADE = datetime(2026, 3, 2, 7, tzinfo=UTC)
DAY = timedelta(days=1)


def offering(documentation: str = "minimal", days: int | None = None) -> Offering:
    changed = {"documentation": documentation, "retention_days": days}
    return Offering.model_validate({**register.OFFERING.model_dump(mode="json"), **changed})


ANONYMOUS, GENERAL, SHORT, LONG = offering("anonymous"), offering(), offering(days=10), offering("elsewhere", 3000)


def visit(of: Offering | None, end: datetime, status: str = "fulfilled", changed_at: datetime = MADE) -> Visit:
    return Visit(of, status, end, changed_at)


@pytest.mark.parametrize(
    ("of", "rule"),
    [
        (ANONYMOUS, Rule("anonymous", 30)),
        (offering("anonymous", 7), Rule("anonymous", 7)),
        (offering("anonymous", 365), Rule("anonymous", 30)),
        (GENERAL, Rule("general", 365)),
        (SHORT, Rule("offering", 10)),
        (LONG, Rule("offering", 3000)),
        (None, Rule("general", 365)),
    ],
)
def test_the_rule_of_an_offering(of: Offering | None, rule: Rule) -> None:
    assert rules.rule_of(of) == rule
    end = MADE + 5 * DAY
    last = end + rule.days * DAY
    assert rules.due([visit(of, end)], MADE, last - timedelta(seconds=1)) is None
    assert rules.due([visit(of, end)], MADE, last) == rule


def test_the_visit_that_needs_the_identity_longest_decides() -> None:
    first, second = visit(SHORT, MADE + 20 * DAY), visit(ANONYMOUS, MADE + 5 * DAY)
    assert rules.due([first, second], MADE, MADE + 34 * DAY) is None
    assert rules.due([first, second], MADE, MADE + 35 * DAY) == Rule("anonymous", 30)


def test_a_cancelled_time_counts_from_when_it_was_cancelled() -> None:
    cancelled = visit(ANONYMOUS, MADE + 40 * DAY, "cancelled", MADE + 2 * DAY)
    assert rules.due([cancelled], MADE, MADE + 32 * DAY) == Rule("anonymous", 30)
    afterwards = visit(ANONYMOUS, MADE + 2 * DAY, "cancelled", MADE + 9 * DAY)
    assert rules.due([afterwards], MADE, MADE + 32 * DAY) == Rule("anonymous", 30)


def test_a_family_that_never_booked_is_kept_for_a_year() -> None:
    assert rules.due([], MADE, MADE + 364 * DAY) is None
    assert rules.due([], MADE, MADE + 365 * DAY) == Rule("general", 365)


visits = st.builds(
    visit,
    st.sampled_from([ANONYMOUS, GENERAL, SHORT, LONG, None]),
    st.integers(0, 4000).map(lambda n: MADE + n * DAY),
    st.sampled_from(["confirmed", "fulfilled", "no_show", "cancelled"]),
    st.integers(0, 4000).map(lambda n: MADE + n * DAY),
)


@given(st.lists(visits, max_size=4), st.integers(0, 9000).map(lambda n: MADE + n * DAY))
def test_nothing_goes_while_a_time_is_to_come_and_what_must_go_stays_due(booked: list[Visit], now: datetime) -> None:
    found = rules.due(booked, MADE, now)
    if rules.still_booked(booked, now):
        assert found is None
    if found:
        assert rules.due(booked, MADE, now + DAY) == found, "it does not change its mind"
        assert all(rules.due([one], MADE, now) for one in booked), "no visit needs it any more"

"""What may become of a booking: every way through its life, and the edges of the days on which something is allowed."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from booking.agenda import rules
from booking.agenda.rules import Begun, DayOver, NotBegun, NotPossible
from booking.slots.reads import ScheduleException
from kit.refusal import Refusal

STOCKHOLM = ZoneInfo("Europe/Stockholm")
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACTIONS = sorted({action for _, action in rules.NEXT})


def after(action: rules.Action, status: rules.Status, *, now: datetime, changed: datetime | None = None) -> str:
    return rules.after(action, status, start=START, changed=changed, zone=STOCKHOLM, now=now)


def test_an_outcome_is_noted_from_the_start_on() -> None:
    assert after("fulfilled", "confirmed", now=START) == "fulfilled"
    assert after("no_show", "confirmed", now=START) == "no_show"
    with pytest.raises(NotBegun):
        after("fulfilled", "confirmed", now=START - timedelta(seconds=1))


def test_a_booking_is_moved_until_it_begins_and_cancelled_after_that_too() -> None:
    before = START - timedelta(seconds=1)
    assert after("move", "confirmed", now=before) == "confirmed"
    with pytest.raises(Begun):
        after("move", "confirmed", now=START)
    assert after("cancel", "confirmed", now=before) == after("cancel", "confirmed", now=START) == "cancelled"


def test_an_outcome_is_taken_back_on_the_local_day_on_which_it_was_noted() -> None:
    noted = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # 23.30 in Sweden
    assert after("reopen", "no_show", now=noted + timedelta(minutes=29), changed=noted) == "confirmed"
    with pytest.raises(DayOver):
        after("reopen", "no_show", now=noted + timedelta(minutes=30), changed=noted)


class Life(RuleBasedStateMachine):
    """A booking to which anybody tries anything at any time."""

    @initialize(start=st.integers(0, 72))
    def hold(self, start: int) -> None:
        self.now = START - timedelta(hours=36)
        self.start = self.now + timedelta(hours=start)
        self.status: rules.Status = "held"
        self.changed = self.now
        self.been = ["held"]

    @rule(hours=st.integers(0, 30))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(action=st.sampled_from(ACTIONS), later=st.integers(1, 48))
    def attempt(self, action: rules.Action, later: int) -> None:
        given = {"start": self.start, "changed": self.changed, "zone": STOCKHOLM, "now": self.now}
        possible = rules.can(action, self.status, **given)
        try:
            following = rules.after(action, self.status, **given)
        except Refusal:
            assert not possible
            return
        assert possible
        if action in ("fulfilled", "no_show"):
            assert self.start <= self.now
            assert following == action
        if action == "reopen":
            assert self.now.astimezone(STOCKHOLM).date() == self.changed.astimezone(STOCKHOLM).date()
        if action == "move":
            assert self.now < self.start
            self.start = self.now + timedelta(hours=later)
        self.been.append(following)
        self.status, self.changed = following, self.now

    @invariant()
    def what_is_cancelled_stays_so_and_nothing_is_held_again(self) -> None:
        been = getattr(self, "been", ["held"])
        assert "cancelled" not in been[:-1]
        assert "held" not in been[1:]
        for earlier, later in pairwise(been):
            assert (earlier, later) not in {("fulfilled", "no_show"), ("no_show", "fulfilled"), ("held", "fulfilled")}


TestLife = Life.TestCase


@pytest.mark.parametrize("status", ["held", "confirmed", "fulfilled", "no_show", "cancelled"])
@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_not_allowed_is_refused_by_name(status: rules.Status, action: rules.Action) -> None:
    if (status, action) in rules.NEXT:
        return
    with pytest.raises(NotPossible):
        after(action, status, now=START, changed=START)


def spans(first: date, last: date, **more: Any) -> list[rules.Span]:
    return rules.spans(ScheduleException(kind="leave", first=first, last=last, **more), first, last, STOCKHOLM)


def test_leave_of_whole_days_covers_them_to_their_last_moment() -> None:
    covered = spans(date(2026, 3, 2), date(2026, 3, 3))
    first, last = datetime(2026, 3, 1, 23, tzinfo=UTC), datetime(2026, 3, 3, 23, tzinfo=UTC)
    assert (covered[0].start, covered[-1].end, len(covered)) == (first, last, 2)
    assert covered[1].hits(last - timedelta(seconds=1), last)
    assert not covered[1].hits(last, last + timedelta(hours=1))


def test_leave_of_some_hours_is_told_in_wall_time_on_both_sides_of_a_change_of_clocks() -> None:
    covered = spans(date(2026, 3, 28), date(2026, 3, 29), start=time(9), end=time(12))
    assert [span.start.hour for span in covered] == [8, 7]
    assert spans(date(2026, 3, 29), date(2026, 3, 29), start=time(2), end=time(3)) == []


def test_leave_that_goes_through_covers_all_from_its_start_to_its_end() -> None:
    covered = spans(date(2026, 3, 28), date(2026, 3, 30), start=time(13), end=time(9), through=True)
    assert [(span.start.hour, span.end.hour) for span in covered] == [(12, 23), (23, 22), (22, 7)]
    assert all(one.end == other.start for one, other in pairwise(covered))

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from notification import rules

START = datetime(2026, 3, 30, 7, 0, tzinfo=UTC)
END = START + timedelta(minutes=45)


@pytest.mark.parametrize(
    ("before", "kinds"),
    [
        (timedelta(days=20), {"confirmation", "reminder_5d", "reminder_24h"}),
        (timedelta(days=5, hours=12), {"confirmation", "reminder_5d", "reminder_24h"}),
        (timedelta(days=5, hours=11), {"confirmation", "reminder_24h"}),
        (timedelta(hours=36), {"confirmation", "reminder_24h"}),
        (timedelta(hours=35), {"confirmation"}),
        (timedelta(hours=-1), {"confirmation"}),
    ],
)
def test_reminders_only_where_their_moment_is_well_ahead(before: timedelta, kinds: set[str]) -> None:
    due = rules.messages("confirmed", START - before, START)
    assert set(due) == kinds
    assert due["confirmation"] == START - before
    if "reminder_24h" in due:
        assert due["reminder_24h"] == START - timedelta(hours=24)


def test_a_change_renews_reminders_and_a_cancellation_has_none() -> None:
    at = START - timedelta(days=10)
    assert set(rules.messages("rescheduled", at, START)) == {"change", "reminder_5d", "reminder_24h"}
    assert rules.messages("cancelled", at, START) == {"cancellation": at}


def test_delays_grow_and_go_on_while_a_message_is_of_use() -> None:
    moments = [rules.retry_at(n, START, START) or START for n in range(1, 40)]
    waits = [moment - START for moment in moments]
    assert waits[: len(rules.RETRY_AFTER)] == list(rules.RETRY_AFTER)
    assert set(waits[len(rules.RETRY_AFTER) :]) == {timedelta(hours=4)}
    assert all(a < b for a, b in pairwise(rules.RETRY_AFTER))
    assert rules.retry_at(3, START, START + rules.LONGEST) is None


def test_the_preferred_way_is_given_a_while_and_then_the_ways_take_turns() -> None:
    taken = [rules.way(["email", "sms"], attempts) for attempts in range(8)]
    assert taken == ["email"] * rules.ALONE + ["sms", "email", "sms", "email"]
    assert timedelta(minutes=1) < sum(rules.RETRY_AFTER[: rules.ALONE], timedelta()) < timedelta(minutes=5)
    assert {rules.way(["sms"], attempts) for attempts in range(8)} == {"sms"}


@pytest.mark.parametrize(
    ("kind", "sequence", "status", "now", "said"),
    [
        ("confirmation", 1, "confirmed", START - timedelta(days=9), "send"),
        ("confirmation", 0, "confirmed", START - timedelta(days=9), "superseded"),
        ("change", 2, "confirmed", START - timedelta(days=9), "wait"),
        ("confirmation", 1, "cancelled", START - timedelta(days=9), "not_confirmed"),
        ("confirmation", 1, "confirmed", START, "too_late"),
        ("cancellation", 1, "cancelled", START, "send"),
        ("cancellation", 1, "cancelled", END, "too_late"),
        ("cancellation", 0, "cancelled", START - timedelta(days=9), "superseded"),
        ("reminder_5d", 1, "confirmed", START - timedelta(days=5), "send"),
        ("reminder_5d", 1, "confirmed", START - timedelta(days=2), "too_late"),
        ("reminder_24h", 1, "confirmed", START - timedelta(hours=2), "send"),
        ("reminder_24h", 1, "confirmed", START - timedelta(hours=1), "too_late"),
        ("reminder_24h", 1, "no_show", START - timedelta(hours=2), "not_confirmed"),
    ],
)
def test_verdict(kind: rules.Kind, sequence: int, status: rules.Status, now: datetime, said: str) -> None:
    assert rules.verdict(kind, sequence, current=1, status=status, start=START, end=END, now=now) == said


@pytest.mark.parametrize(
    ("kind", "sequence", "status", "over", "said"),
    [
        ("confirmation", 1, "confirmed", False, "send"),
        ("reminder_24h", 1, "confirmed", False, "send"),
        ("reminder_24h", 1, "confirmed", True, "too_late"),
        ("confirmation", 0, "confirmed", False, "superseded"),
        ("change", 2, "confirmed", False, "wait"),
        ("reminder_5d", 1, "cancelled", False, "not_confirmed"),
        ("cancellation", 1, "cancelled", False, "send"),
        ("cancellation", 1, "cancelled", True, "too_late"),
    ],
)
def test_verdict_on_notice(kind: rules.Kind, sequence: int, status: rules.Status, over: bool, said: str) -> None:
    assert rules.verdict_on_notice(kind, sequence, current=1, status=status, over=over) == said

"""When a message counts as one that reached nobody, and when nobody needs it."""

from datetime import UTC, datetime, timedelta

import pytest

from booking.messages.rules import NO_SMS, is_known, reached_nobody

DUE = datetime(2026, 3, 2, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("left", "waited"),
    [(240 * HOUR, 8 * HOUR), (24 * HOUR, 6 * HOUR), (2 * HOUR, HOUR / 2), (-HOUR, -HOUR / 4)],
    ids=["far", "a day", "near", "begun"],
)
def test_the_nearer_the_time_the_less_is_waited(left: timedelta, waited: timedelta) -> None:
    for late, expected in ((waited - timedelta(seconds=1), False), (waited, True)):
        assert reached_nobody("pending", "smtp_451", due=DUE, start=DUE + left, now=DUE + late) is expected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [("dead", "smtp_550", True), ("sent", None, False), ("dropped", "superseded", False), ("pending", None, False)],
)
def test_what_died_did_not_and_what_only_waits_or_is_sent_is_not_counted(
    status: str, code: str | None, expected: bool
) -> None:
    assert reached_nobody(status, code, due=DUE, start=DUE + HOUR, now=DUE + 9 * HOUR) is expected


@pytest.mark.parametrize(
    ("kind", "code", "own", "expected"),
    [
        ("confirmation", NO_SMS, False, True),
        ("reminder_24h", NO_SMS, False, True),
        ("cancellation", NO_SMS, True, True),
        ("cancellation", NO_SMS, False, False),
        ("change", NO_SMS, False, False),
        ("confirmation", "smtp_550", False, False),
        ("cancellation", "no_mailable_address", True, False),
    ],
)
def test_who_gets_no_messages_knows_what_it_was_told_and_did_itself(
    kind: str, code: str, own: bool, expected: bool
) -> None:
    assert is_known(kind, code, own=own) is expected

"""Which messages a fact about a booking gives rise to, when they fall due, and when one is no longer worth sending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, assert_never

Fact = Literal["confirmed", "rescheduled", "cancelled"]
Kind = Literal["confirmation", "change", "cancellation", "reminder_5d", "reminder_24h"]
Status = Literal["confirmed", "cancelled", "fulfilled", "no_show"]
# The ways to reach a family.
Channel = Literal["email", "sms"]


class NotSent(Exception):  # noqa: N818 - an answer of the world around us, not an error of ours
    """A message was not sent. `code` says why in a word that holds nothing personal."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TryLater(NotSent):
    """It may be taken another time."""


class NotKnown(TryLater):
    """Booking has not said, or not yet, whom to tell: nothing was tried, and it may answer in a moment."""


class Refused(NotSent):
    """It will never be taken there: trying again in the same way is of no use."""


AT_ONCE: dict[Fact, Kind] = {"confirmed": "confirmation", "rescheduled": "change", "cancelled": "cancellation"}


@dataclass(frozen=True)
class Reminder:
    """Falls due `before` the start; not sent any more when less than `until` is left, for the next one is near."""

    before: timedelta
    until: timedelta


REMINDERS: dict[Kind, Reminder] = {
    "reminder_5d": Reminder(before=timedelta(days=5), until=timedelta(days=2)),
    "reminder_24h": Reminder(before=timedelta(hours=24), until=timedelta(hours=1)),
}
# Who has just booked or moved needs no reminder of it.
QUIET_AFTER_FACT = timedelta(hours=12)

# After each failure of a server; from the last on it goes on for as long as the message is of use.
RETRY_AFTER: Sequence[timedelta] = (
    timedelta(seconds=1),
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
)
# So many tries go the preferred way, which takes three minutes: a server that is being restarted is back by then.
# From then on the ways take turns, for one that always says "later" would never take it.
ALONE = 4
# Where booking does not say when a message is of no use any more. Longer than a time can be booked ahead.
LONGEST = timedelta(days=180)
# Booking is asked again so soon: it is only being started anew, and its silence says nothing of a server.
ASK_AGAIN = timedelta(seconds=10)

# Somebody waits for a code, and a new one can be asked for: it is tried again soon or not at all.
CODE_RETRY_AFTER: Sequence[timedelta] = tuple(timedelta(seconds=each) for each in (1, 2, 5, 10, 20, 60, 300))


def messages(fact: Fact, at: datetime, start: datetime) -> dict[Kind, datetime]:
    """The messages of a fact that happened `at`, about a booking that starts at `start`: when each falls due."""
    due: dict[Kind, datetime] = {AT_ONCE[fact]: at}
    if fact != "cancelled":
        for kind, reminder in REMINDERS.items():
            moment = start - reminder.before
            if moment >= at + QUIET_AFTER_FACT:
                due[kind] = moment
    return due


def retry_at(attempts: int, due: datetime, now: datetime) -> datetime | None:
    """When a message that fell due at `due` and has failed `attempts` times is tried again; None where it is given up.

    The verdict ends it before, once it is of no use.
    """
    again = now + RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]
    return again if again < due + LONGEST else None


def code_again(attempts: int, expires: datetime, now: datetime) -> datetime | None:
    """When a code that has failed `attempts` times is tried again; None where it is worth nothing by then."""
    again = now + CODE_RETRY_AFTER[min(attempts, len(CODE_RETRY_AFTER)) - 1]
    return again if again < expires else None


def way(ways: Sequence[Channel], attempts: int) -> Channel:
    """By which of the `ways`, the preferred one first, a message is tried that has failed `attempts` times."""
    return ways[max(0, attempts + 1 - ALONE) % len(ways)]


Verdict = Literal["send", "wait", "superseded", "not_confirmed", "too_late"]


def verdict(
    kind: Kind, sequence: int, *, current: int, status: Status, start: datetime, end: datetime, now: datetime
) -> Verdict:
    """What to do with a message about version `sequence` of a booking that is at version `current` now.

    `wait` where the booking is told as it was before the fact: the answer is too old to be used. All but `send` and
    `wait` are reasons to drop the message.
    """
    if sequence > current:
        return "wait"
    if sequence < current:
        return "superseded"
    match kind:
        case "cancellation":
            return "send" if now < end else "too_late"
        case "confirmation" | "change":
            latest = start
        case "reminder_5d" | "reminder_24h":
            latest = start - REMINDERS[kind].until
        case _:
            assert_never(kind)
    if status != "confirmed":
        return "not_confirmed"
    return "send" if now < latest else "too_late"


def verdict_on_notice(kind: Kind, sequence: int, *, current: int, status: Status, over: bool) -> Verdict:
    """The same for a family of protected identity, of whose time no more is told than whether it is `over`."""
    if sequence > current:
        return "wait"
    if sequence < current:
        return "superseded"
    if kind != "cancellation" and status != "confirmed":
        return "not_confirmed"
    return "too_late" if over else "send"

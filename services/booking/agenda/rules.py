"""What may become of a booking in the hands of staff, and when working time that changes hits one. Pure: no I/O, no
clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from booking.bookings.rules import TooSoon, UnknownBooking
from booking.slots.reads import ScheduleException
from booking.slots.rules import closing, opening
from kit.refusal import Refusal

Status = Literal["held", "confirmed", "fulfilled", "no_show", "cancelled"]
Outcome = Literal["fulfilled", "no_show"]
Action = Literal["confirm", "move", "cancel", "fulfilled", "no_show", "reopen"]

# All that can happen to a booking. What is not here is refused.
NEXT: Mapping[tuple[Status, Action], Status] = {
    ("held", "confirm"): "confirmed",
    ("confirmed", "move"): "confirmed",
    ("confirmed", "cancel"): "cancelled",
    ("confirmed", "fulfilled"): "fulfilled",
    ("confirmed", "no_show"): "no_show",
    ("fulfilled", "reopen"): "confirmed",
    ("no_show", "reopen"): "confirmed",
}


class NotYours(UnknownBooking):
    """For a booking that there is not, or that is another advisor's: which of both is not told."""

    sv = ("Bokningen finns inte bland dina", "Adressen kan vara felskriven, eller så har en annan rådgivare bokningen.")
    en = ("The booking is not among yours", "The address may be mistyped, or another advisor has the booking.")


class BeforeVisit(TooSoon):
    """For a follow-up that would begin before the visit that it follows is over."""

    sv = ("Tiden är före mötet", "En uppföljning kommer efter det. Välj en senare tid.")
    en = ("The time is before the visit", "A follow-up comes after it. Choose a later time.")


class NotPossible(Refusal):
    code = "not-possible"
    sv = ("Det går inte längre", "Bokningen har ändrats, eller är över. Gå till den och se hur den är nu.")
    en = ("That is no longer possible", "The booking has changed, or is over. Go to it and see how it is now.")


class NotBegun(Refusal):
    code = "not-begun"
    sv = ("Tiden har inte börjat än", "Om familjen kom eller uteblev kan du skriva när tiden har börjat.")
    en = ("The time has not begun yet", "Whether the family came can be noted once the time has begun.")


class Begun(Refusal):
    code = "begun"
    sv = ("Tiden har redan börjat", "Den kan inte flyttas. Boka en uppföljning i stället.")
    en = ("The time has already begun", "It cannot be moved. Book a follow-up instead.")


class DayOver(Refusal):
    code = "day-over"
    sv = ("Det går att ångra samma dag", "Dagen är slut, och det som noterades står kvar.")
    en = ("It can be undone on the same day", "The day is over, and what was noted stays.")


def after(
    action: Action, status: Status, *, start: datetime, changed: datetime | None, zone: ZoneInfo, now: datetime
) -> Status:
    """What a booking becomes. `changed` is when it became what it is; all are aware instants, days are of `zone`.

    Raises NotPossible, NotBegun for an outcome before the start, Begun for a move after it, or DayOver for an outcome
    that is taken back on a later day than it was noted. Cancelling is possible after the start too: a visit that did
    not take place for our own reasons is neither held nor missed.
    """
    following = NEXT.get((status, action))
    if following is None:
        raise NotPossible
    if action in ("fulfilled", "no_show") and now < start:
        raise NotBegun
    if action == "move" and start <= now:
        raise Begun
    if action == "reopen" and (changed is None or _day(changed, zone) != _day(now, zone)):
        raise DayOver
    return following


def can(
    action: Action, status: Status, *, start: datetime, changed: datetime | None, zone: ZoneInfo, now: datetime
) -> bool:
    """Whether `after` would allow it."""
    try:
        after(action, status, start=start, changed=changed, zone=zone, now=now)
    except Refusal:
        return False
    return True


def _day(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


@dataclass(frozen=True)
class Span:
    """Instants in UTC, `end` not included."""

    start: datetime
    end: datetime

    def hits(self, start: datetime, end: datetime) -> bool:
        """Whether they have a moment in common with an interval."""
        return self.start < end and start < self.end


def spans(exception: ScheduleException, first: date, last: date, zone: ZoneInfo) -> list[Span]:
    """What an exception to a schedule covers of its days from `first` to `last`.

    Empty where a DST night leaves nothing of the times.
    """
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    hours = ((day, *exception.hours(day)) for day in days)
    made = (Span(opening(day, start, zone), closing(day, end, zone)) for day, start, end in hours)
    return [span for span in made if span.start < span.end]

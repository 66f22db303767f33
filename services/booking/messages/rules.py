"""When a message counts as one that reached nobody, and when nobody needs it. Pure: no I/O, no clock."""

from collections.abc import Mapping
from datetime import datetime, timedelta

# Longer than most servers are away, and short enough for staff to call the same day.
PATIENCE = timedelta(hours=8)
# Of what is left until a near time, so much is waited: a quarter.
PART = 4
# What a message ends with whose family has a number alone, which takes no SMS: it was told that it gets no messages.
NO_SMS = "no_sms_to_number"
# The messages of a change, by what is noted of that; a time that was booked is told to whoever books it.
TELLS: Mapping[str, str] = {"change": "rescheduled", "cancellation": "cancelled"}


def is_known(kind: str, code: str | None, *, own: bool) -> bool:
    """Whether a family that gets no messages knows what this one would have said: there is nothing to tell it.

    It knows its time from when it was booked. Of a change it knows where that was its `own`: made by it, or asked for.
    """
    return code == NO_SMS and (own or kind not in TELLS)


def reached_nobody(status: str, code: str | None, *, due: datetime, start: datetime, now: datetime) -> bool:
    """Whether a message that fell due at `due`, about a time at `start`, reached nobody `now`; instants are aware.

    It did not where it died. Where it fails (it waits, and `code` says why) it is tried again, but the family may need
    to be called: from eight hours on, or from a quarter of what was left until the time, if that is less.
    """
    if status == "dead":
        return True
    return status == "pending" and code is not None and now >= due + min(PATIENCE, (start - due) / PART)

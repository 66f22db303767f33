"""When a message counts as one that reached nobody. Pure: no I/O, no clock."""

from datetime import datetime, timedelta

# Longer than most servers are away, and short enough for staff to call the same day.
PATIENCE = timedelta(hours=8)
# Of what is left until a near time, so much is waited: a quarter.
PART = 4


def reached_nobody(status: str, code: str | None, *, due: datetime, start: datetime, now: datetime) -> bool:
    """Whether a message that fell due at `due`, about a time at `start`, reached nobody `now`; instants are aware.

    It did not where it died. Where it fails (it waits, and `code` says why) it is tried again, but the family may need
    to be called: from eight hours on, or from a quarter of what was left until the time, if that is less.
    """
    if status == "dead":
        return True
    return status == "pending" and code is not None and now >= due + min(PATIENCE, (start - due) / PART)

"""One appointment as a calendar file (RFC 5545), which a mail or a page can hand out."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

PRODUCT = "-//Samtid//Samtid//SV"
MEDIA_TYPE = "text/calendar"


def event(
    *,
    uid: str,
    sequence: int,
    start: datetime,
    end: datetime,
    zone: str,
    summary: str,
    description: str,
    location: str | None,
    cancelled: bool,
    now: datetime,
) -> bytes:
    """One VCALENDAR with one VEVENT, METHOD:PUBLISH.

    `start`, `end` and `now` are aware instants; the calendar shows the first two as wall time of `zone` (IANA). The
    same `uid` with a higher `sequence` replaces the appointment in a calendar that has it; `cancelled` marks it so.
    Raises ZoneInfoNotFoundError for a zone that does not exist.
    """
    wall = ZoneInfo(zone)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    made = Event()
    made.add("uid", uid)
    made.add("sequence", sequence)
    made.add("dtstamp", now.astimezone(UTC))
    made.add("dtstart", _local(start, wall))
    made.add("dtend", _local(end, wall))
    made.add("summary", summary)
    made.add("description", description)
    if location:
        made.add("location", location)
    made.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    # A cancelled appointment that somebody keeps in view must not make them look busy.
    made.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    calendar.add_component(_timezone(wall, start.astimezone(wall).year, end.astimezone(wall).year))
    calendar.add_component(made)
    written: bytes = calendar.to_ical()
    return written


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    """The wall time, or UTC in the second of the two hours that an autumn night has: wall time means the first one."""
    local = instant.astimezone(zone)
    return instant.astimezone(UTC) if local.fold else local


@lru_cache(maxsize=64)
def _timezone(zone: ZoneInfo, first_year: int, last_year: int) -> Timezone:
    """The VTIMEZONE that holds for the years given, both included.

    Made here because icalendar's own (7.3) dates the change to summer time one hour late: an onset is told in the
    wall time that held before it.
    """
    made = Timezone()
    made.add("tzid", zone.key)
    # From the day before, so that New Year's night is covered east of Greenwich too.
    onset = datetime(first_year - 1, 12, 31, tzinfo=UTC)
    before = _offset(onset, zone)
    made.add_component(_observance(onset, before, zone))
    for day in range((date(last_year + 1, 1, 2) - onset.date()).days):
        low = onset + timedelta(days=day)
        if _offset(low + timedelta(days=1), zone) == before:
            continue
        span = timedelta(days=1)
        while span > timedelta(minutes=1):
            span /= 2
            if _offset(low + span, zone) == before:
                low += span
        change = (low + span).replace(second=0, microsecond=0)
        made.add_component(_observance(change, before, zone))
        before = _offset(change, zone)
    return made


def _observance(onset: datetime, before: timedelta, zone: ZoneInfo) -> TimezoneStandard | TimezoneDaylight:
    local = onset.astimezone(zone)
    made = TimezoneDaylight() if local.dst() else TimezoneStandard()
    made.add("dtstart", (onset + before).replace(tzinfo=None))
    made.add("tzoffsetfrom", before)
    made.add("tzoffsetto", _offset(onset, zone))
    made.add("tzname", local.tzname())
    return made


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None, "a zone has an offset at every instant"
    return offset

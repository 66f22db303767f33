"""Appointments as calendar files (RFC 5545): one that a mail or a page hands out, or many to subscribe to."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

PRODUCT = "-//Samtid//Samtid//SV"
MEDIA_TYPE = "text/calendar"


@dataclass(frozen=True)
class Appointment:
    """What calendars keep of one appointment. Instants are aware; `zone` (IANA) is the one that they are shown in.

    The same `uid` with a higher `sequence` replaces what a calendar has; `changed` is when it became what it is.
    """

    uid: str
    sequence: int
    start: datetime
    end: datetime
    zone: str
    summary: str
    changed: datetime
    description: str | None = None
    location: str | None = None
    cancelled: bool = False


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
    organizer: str,
    now: datetime,
) -> bytes:
    """One VCALENDAR with one VEVENT, METHOD:PUBLISH, made `now`. `organizer` is an address of the installation's (URI),
    the same for each version of an appointment.

    `start`, `end` and `now` are aware instants; the calendar shows the first two as wall time of `zone` (IANA). The
    same `uid` with a higher `sequence` replaces the appointment in a calendar that has it; `cancelled` marks it so.
    Raises ZoneInfoNotFoundError for a zone that does not exist.
    """
    one = Appointment(uid, sequence, start, end, zone, summary, now, description, location, cancelled)
    return _filled(_calendar(), [one], organizer)


def feed(name: str, appointments: Iterable[Appointment], *, organizer: str, zone: str, now: datetime) -> bytes:
    """A calendar to subscribe to. The same appointments give the same bytes; without any it tells of `zone` alone, for
    a calendar without a component is none (RFC 5545, section 3.6).

    Raises ZoneInfoNotFoundError for a zone that does not exist.
    """
    made = _calendar()
    # What calendar programs call it, and how often they may ask: the second line is RFC 7986's name for both.
    made.add("x-wr-calname", name)
    made.add("name", name)
    made.add("refresh-interval", timedelta(minutes=30), parameters={"VALUE": "DURATION"})
    told = list(appointments)
    if told:
        return _filled(made, told, organizer)
    here = ZoneInfo(zone)
    made.add_component(_timezone(here, now.astimezone(here).year, now.astimezone(here).year))
    return _written(made)


def _calendar() -> Calendar:
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    return made


def _filled(calendar: Calendar, appointments: Iterable[Appointment], organizer: str) -> bytes:
    calendar.add("method", "PUBLISH")
    years: dict[ZoneInfo, list[int]] = {}
    events = []
    for one in appointments:
        wall = ZoneInfo(one.zone)
        years.setdefault(wall, []).extend(instant.astimezone(wall).year for instant in (one.start, one.end))
        events.append(_event(one, wall, organizer))
    for zone, told in years.items():
        calendar.add_component(_timezone(zone, min(told), max(told)))
    for made in events:
        calendar.add_component(made)
    return _written(calendar)


def _written(calendar: Calendar) -> bytes:
    written: bytes = calendar.to_ical()
    return written


def _event(one: Appointment, wall: ZoneInfo, organizer: str) -> Event:
    made = Event()
    made.add("uid", one.uid)
    made.add("sequence", one.sequence)
    # Whoever publishes an appointment is told (RFC 5546, section 3.2.1): the installation, and nobody who works there.
    made.add("organizer", organizer)
    made.add("dtstamp", one.changed.astimezone(UTC))
    made.add("dtstart", _local(one.start, wall))
    made.add("dtend", _local(one.end, wall))
    made.add("summary", one.summary)
    if one.description:
        made.add("description", one.description)
    if one.location:
        made.add("location", one.location)
    made.add("status", "CANCELLED" if one.cancelled else "CONFIRMED")
    # A cancelled appointment that somebody keeps in view must not make them look busy.
    made.add("transp", "TRANSPARENT" if one.cancelled else "OPAQUE")
    return made


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

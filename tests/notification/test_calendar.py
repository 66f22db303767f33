"""The calendar file, read back by icalendar and by the rules of RFC 5545 alone."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar

from kit import calendar

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def _made(start: datetime, zone: str = "Europe/Stockholm", minutes: int = 45, **changed: Any) -> bytes:
    values: dict[str, Any] = {
        "uid": "a@samtid",
        "sequence": 3,
        "start": start,
        "end": start + timedelta(minutes=minutes),
        "zone": zone,
        "summary": "Föräldrasamtal, Maria Ek",
        "description": "Besök\nFrågor; ring, gärna",
        "location": "Vårdvägen 1, Hörby",
        "cancelled": False,
        "organizer": "https://boka.example.se",
        "now": datetime(2026, 3, 1, 12, tzinfo=UTC),
    }
    return calendar.event(**{**values, **changed})


def _told(content: bytes, name: str) -> datetime:
    """The instant of a property, by the file's own VTIMEZONE: the latest onset before the wall time decides."""
    read = Calendar.from_ical(content)
    [event], [zone] = read.walk("VEVENT"), read.walk("VTIMEZONE")
    written = event[name].dt
    if "TZID" not in event[name].params:
        return written.astimezone(UTC)
    assert event[name].params["TZID"] == zone["TZID"]
    wall = written.replace(tzinfo=None)
    onsets = [(part["DTSTART"].dt.replace(tzinfo=None), part["TZOFFSETTO"].td) for part in zone.subcomponents]
    offset = max((onset, to) for onset, to in onsets if onset <= wall)[1]
    return (wall - offset).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "wall"),
    [
        ("2026-07-01T07:00Z", "2026-07-01T09:00:00+02:00"),
        ("2026-12-01T07:00Z", "2026-12-01T08:00:00+01:00"),
        ("2025-12-31T23:15Z", "2026-01-01T00:15:00+01:00"),
        # The night to summer time: 02.00 becomes 03.00 at 01:00 UTC.
        ("2026-03-29T00:45Z", "2026-03-29T01:45:00+01:00"),
        ("2026-03-29T01:30Z", "2026-03-29T03:30:00+02:00"),
        # The night to winter time: 03.00 becomes 02.00 at 01:00 UTC, and 02.30 comes twice.
        ("2026-10-25T00:30Z", "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T01:30Z", "2026-10-25T02:30:00+01:00"),
        ("2026-10-25T02:15Z", "2026-10-25T03:15:00+01:00"),
    ],
)
def test_the_right_instant_and_wall_time(start: str, wall: str) -> None:
    instant = datetime.fromisoformat(start)
    content = _made(instant)
    [event] = Calendar.from_ical(content).walk("VEVENT")
    assert event["DTSTART"].dt.astimezone(STOCKHOLM).isoformat() == wall
    assert _told(content, "DTSTART") == instant
    assert _told(content, "DTEND") == instant + timedelta(minutes=45)


@given(
    st.integers(0, 10 * 365 * 24 * 60).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    st.sampled_from(["Europe/Stockholm", "UTC", "America/New_York", "Asia/Kolkata", "Pacific/Auckland"]),
    st.integers(1, 48 * 60),
)
def test_any_instant_in_any_zone(start: datetime, zone: str, minutes: int) -> None:
    content = _made(start, zone, minutes)
    assert _told(content, "DTSTART") == start
    assert _told(content, "DTEND") == start + timedelta(minutes=minutes)


def test_the_words_and_the_method() -> None:
    content = _made(datetime(2026, 7, 1, 7, tzinfo=UTC))
    read = Calendar.from_ical(content)
    [event] = read.walk("VEVENT")
    assert read["METHOD"] == "PUBLISH"
    assert event["ORGANIZER"] == "https://boka.example.se"
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == ("a@samtid", 3, "CONFIRMED")
    assert event["SUMMARY"] == "Föräldrasamtal, Maria Ek"
    assert event["DESCRIPTION"] == "Besök\nFrågor; ring, gärna"
    assert event["LOCATION"] == "Vårdvägen 1, Hörby"
    assert event["DTSTAMP"].dt == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert content == _made(datetime(2026, 7, 1, 7, tzinfo=UTC))
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))


def test_a_cancelled_appointment_says_so_and_keeps_nobody_busy() -> None:
    content = _made(datetime(2026, 7, 1, 7, tzinfo=UTC), cancelled=True, location=None)
    [event] = Calendar.from_ical(content).walk("VEVENT")
    assert (event["STATUS"], event["TRANSP"]) == ("CANCELLED", "TRANSPARENT")
    assert "LOCATION" not in event


def test_both_changes_of_the_year_are_told_in_the_wall_time_before_them() -> None:
    [zone] = Calendar.from_ical(_made(datetime(2026, 7, 1, 7, tzinfo=UTC))).walk("VTIMEZONE")
    onsets = {part.name: part["DTSTART"].dt.isoformat() for part in zone.subcomponents[1:]}
    assert onsets == {"DAYLIGHT": "2026-03-29T02:00:00", "STANDARD": "2026-10-25T03:00:00"}


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "UTC"])
def test_a_feed_without_appointments_is_a_calendar_too(zone: str) -> None:
    """RFC 5545 asks for a component at least, and RFC 5546 for an appointment in what is published."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    content = calendar.feed("Samtid", [], organizer="https://boka.example.se", zone=zone, now=now)
    read = Calendar.from_ical(content)
    assert [part.name for part in read.subcomponents] == ["VTIMEZONE"]
    assert "METHOD" not in read
    assert IcsCalendarStream.calendar_from_ics(content.decode()).events == []

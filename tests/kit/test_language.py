"""Times as people say them: what is not the time in Sweden says where it holds."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kit.language import clock_text, when_text

START = datetime(2026, 3, 30, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "sv", "en"),
    [
        ("Europe/Stockholm", "måndag 30 mars kl. 09.00–09.45", "Monday 30 March, 09:00–09:45"),
        # The same time by another name.
        ("Europe/Paris", "måndag 30 mars kl. 09.00–09.45", "Monday 30 March, 09:00–09:45"),
        (
            "Europe/Helsinki",
            "måndag 30 mars kl. 10.00–10.45 (tid i Helsingfors)",
            "Monday 30 March, 10:00–10:45 (Helsinki time)",
        ),
        (
            "Africa/Addis_Ababa",
            "måndag 30 mars kl. 10.00–10.45 (tid i Addis Abeba)",
            "Monday 30 March, 10:00–10:45 (Addis Ababa time)",
        ),
    ],
)
def test_another_zone_is_named(zone: str, sv: str, en: str) -> None:
    end = START + timedelta(minutes=45)
    assert when_text(START, end, ZoneInfo(zone), "sv") == sv
    assert when_text(START, end, ZoneInfo(zone), "en") == en
    assert clock_text(START, ZoneInfo(zone), "sv") == sv.partition(" kl. ")[2].replace("–10.45", "").replace(
        "–09.45", ""
    )


def test_the_hour_that_comes_twice_is_told_apart_too() -> None:
    twice = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert clock_text(twice, ZoneInfo("Europe/Stockholm"), "sv") == "02.30 (vintertid)"
    assert clock_text(twice, ZoneInfo("Europe/Helsinki"), "en") == "03:30 (winter time) (Helsinki time)"

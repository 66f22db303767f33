"""The reader's language, and times as people say them."""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date, get_timezone_location
from starlette.requests import HTTPConnection

Language = Literal["sv", "en"]
# Whoever reads a time takes it for the time here, unless another is named.
SWEDEN = ZoneInfo("Europe/Stockholm")
LANGUAGES: tuple[Language, ...] = ("sv", "en")


def of_request(request: HTTPConnection) -> Language:
    """The language of a request: what the page's address said, else Accept-Language, else Swedish."""
    chosen: Language | None = request.scope.get("samtid.language")
    if chosen:
        return chosen
    return preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> Language:
    """The first language of an Accept-Language header that we have. Browsers send them by preference."""
    for part in accept_language.lower().split(","):
        tag = part.split(";")[0].strip()[:2]
        if tag in ("sv", "nb", "nn", "da"):
            return "sv"
        if tag == "en":
            return "en"
    return "sv"


@lru_cache(maxsize=4096)
def day_text(day: date, language: Language) -> str:
    """`måndag 30 mars`, `Monday 30 March`."""
    return format_date(day, "EEEE d MMMM", locale=language)


def clock_text(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """`09.00` in Swedish, `09:00` in English: local time. Says summer or winter in the hour that comes twice, and where
    that time holds if it is not the time in Sweden: `09.00 (tid i Helsingfors)`.
    """
    return _clock(instant, zone, language) + _elsewhere(instant, zone, language)


def _clock(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    local = instant.astimezone(zone)
    text = f"{local.hour:02}{'.' if language == 'sv' else ':'}{local.minute:02}"
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return text
    names = ("sommartid", "vintertid") if language == "sv" else ("summer time", "winter time")
    return f"{text} ({names[local.fold]})"


def _elsewhere(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    if instant.astimezone(zone).utcoffset() == instant.astimezone(SWEDEN).utcoffset():
        return ""
    city = get_timezone_location(zone, locale=language, return_city=True)
    return f" (tid i {city})" if language == "sv" else f" ({city} time)"


def hours_text(start: datetime, end: datetime, zone: ZoneInfo, language: Language) -> str:
    """`09.00–09.45`: the local times of two aware instants, as `clock_text`."""
    first, last = _clock(start, zone, language), _clock(end, zone, language)
    return f"{first}–{last}{_elsewhere(start, zone, language)}"


# The same times are shown to everybody who searches, so their texts are worth keeping. Give instants in UTC: two local
# times of one zone that differ in their fold alone count as equal, and would be told as the same hour.
@lru_cache(maxsize=16384)
def when_text(start: datetime, end: datetime, zone: ZoneInfo, language: Language) -> str:
    """`måndag 30 mars kl. 09.00–09.45`: weekday, date and local times of two aware instants."""
    day, hours = day_text(start.astimezone(zone).date(), language), hours_text(start, end, zone, language)
    return f"{day} kl. {hours}" if language == "sv" else f"{day}, {hours}"


@lru_cache(maxsize=16384)
def instant(value: datetime) -> str:
    """RFC 3339 in UTC: `2026-03-30T07:00:00Z`."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def minutes_text(minutes: int) -> str:
    """`12 h 30 min`, and a minus before what is below zero: whole minutes as people say them, in either language."""
    hours, rest = divmod(abs(minutes), 60)
    parts = ([f"{hours} h"] if hours else []) + ([f"{rest} min"] if rest else [])
    if not parts:
        return "0"
    return ("\N{MINUS SIGN}" if minutes < 0 else "") + " ".join(parts).replace(" ", "\N{NO-BREAK SPACE}")


# Area codes of two and three digits; all others have four. Mobile numbers begin with 07.
_AREAS = frozenset(
    ["08"]
    + [f"0{n}" for n in (10, 11, 13, 16, 18, 19, 20, 21, 23, 26, 31, 33, 35, 36, 40, 42, 44, 46, 54, 60, 63, 90)]
    + [f"07{n}" for n in range(10)]
)
_GROUPS = {5: (3, 2), 6: (2, 2, 2), 7: (3, 2, 2), 8: (3, 3, 2)}


def phone_text(number: str, language: Language) -> str:
    """A telephone number (E.164) as people read it: `0415-37 80 00`, in English `+46 415 37 80 00`.

    One from another country, or of an unusual length, is left as it is.
    """
    if not number.startswith("+46"):
        return number
    plain = "0" + number[3:]
    area = next((plain[:n] for n in (2, 3) if plain[:n] in _AREAS), plain[:4])
    rest = plain[len(area) :]
    if len(rest) not in _GROUPS:
        return number
    parts, at = [], 0
    for length in _GROUPS[len(rest)]:
        parts.append(rest[at : at + length])
        at += length
    return f"{area}-{' '.join(parts)}" if language == "sv" else f"+46 {area[1:]} {' '.join(parts)}"

"""Why a time is not offered: what is known of it, and the rules' answer in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import holidays

from booking.agenda.tables import names
from booking.explaining import rules, tables
from booking.explaining.rules import Explanation, Known, Stop
from booking.explaining.texts import TEXTS
from booking.sharing.report_tables import towns_of
from booking.slots import service as slots
from booking.slots import tables as slot_tables
from booking.slots.reads import Advisor, Municipality, Offering, Pool, Unit
from kit.access import Person
from kit.database import Connection
from kit.language import Language, clock_text, day_text, minutes_text
from kit.refusal import NotFound
from kit.telemetry import span
from kit.web.pages import filled

ROLES = ("advisor", "coordinator")
# A day so near needs no year to be understood.
THIS_YEAR_DAYS = 180
_HOLIDAYS = {
    language: holidays.country_holidays("SE", categories=("public", "de_facto"), language=locale)
    for language, locale in (("sv", "sv"), ("en", "en_US"))
}


@dataclass(frozen=True)
class Asked:
    """Whether families of a municipality are offered an advisor's time for an offering. `start` is a UTC instant."""

    offering: str
    municipality: str
    advisor: str
    start: datetime


@dataclass(frozen=True)
class Choices:
    """What a person may ask about. The advisors are those of the person's own municipalities, shared ones too."""

    offerings: Sequence[Offering]
    municipalities: Sequence[Municipality]
    advisors: Sequence[Advisor]


@dataclass(frozen=True)
class Told:
    """An answer in words: one sentence, and what can be done about it. `place` is where visits are met then."""

    explanation: Explanation
    sentence: str
    advice: str
    place: str | None


async def choices(connection: Connection, person: Person) -> Choices:
    """What a person may ask about, in the order of the names."""
    own = await _own(connection, person)
    return Choices(
        sorted((o for o in await _offerings(connection) if not o.ended), key=lambda o: (o.name.sv.casefold(), o.id)),
        await slots.municipalities(connection),
        sorted((a for a in own if not a.ended), key=lambda a: (a.name.casefold(), a.id)),
    )


async def explain(connection: Connection, person: Person, asked: Asked, *, now: datetime, language: Language) -> Told:
    """The answer to a question. Raises NotFound for an advisor of whom the person may not ask."""
    with span("booking", "explain a time"):
        advisor = next((a for a in await _own(connection, person) if a.id == asked.advisor), None)
        if advisor is None:
            raise NotFound
        known = await _known(connection, asked, advisor)
        found = rules.explain(known, municipality=asked.municipality, start=asked.start, now=now, closed=slots.closed)
        place = found.block and found.block.place
        told = await names(connection, "municipality", [asked.municipality])
        places = await names(connection, "centre", [place] if place else [])
        town, own = told.get(asked.municipality, asked.municipality), asked.advisor == person.advisor
        sentence, advice = _words(known, asked, found, town, now, language, own=own)
        return Told(found, sentence, advice, places.get(place) if place else None)


async def _known(connection: Connection, asked: Asked, advisor: Advisor) -> Known:
    offering = await tables.document(connection, "offering", asked.offering)
    schedules = await slot_tables.schedules(connection, advisor.id)
    return Known(
        offering=Offering.stored(offering) if offering else None,
        municipality=await slots.municipality_of(connection, asked.municipality) is not None,
        advisor=advisor,
        units=[Unit.model_validate_json(d) for d in await slot_tables.documents(connection, "unit")],
        pools=[Pool.model_validate_json(d) for d in await slot_tables.documents(connection, "pool")],
        schedules=schedules,
        busy=await tables.busy(connection, advisor.id, asked.start),
        entitled=await tables.entitled(connection, asked.municipality, asked.start.date()),
        places=await tables.places(
            connection,
            {p for s in schedules for p in (*(w.place for w in s.weekly), *(e.place for e in s.exceptions)) if p},
        ),
    )


async def _offerings(connection: Connection) -> list[Offering]:
    return [Offering.stored(document) for document in await slot_tables.documents(connection, "offering")]


async def _own(connection: Connection, person: Person) -> list[Advisor]:
    """The advisors of the municipalities of the person's units: employed there, or shared with them."""
    towns = await towns_of(connection, person.units(*ROLES))
    units = [Unit.model_validate_json(d) for d in await slot_tables.documents(connection, "unit")]
    pools = [Pool.model_validate_json(d) for d in await slot_tables.documents(connection, "pool")]
    employers = {unit.id for unit in units if unit.municipality in towns}
    shared = {
        advisor
        for pool in pools
        for advisor in pool.advisors
        if any(towns & terms.shares.keys() for terms in (pool, *pool.amendments))
    }
    found = [Advisor.model_validate_json(d) for d in await slot_tables.documents(connection, "advisor")]
    return [a for a in found if a.unit in employers or a.id in shared or a.id == person.advisor]


def _words(
    known: Known, asked: Asked, found: Explanation, town: str, now: datetime, language: Language, *, own: bool
) -> tuple[str, str]:
    """One sentence that says what stands in the way, or that nothing does, and what can be done.

    The time is the reader's `own`, or another advisor's.
    """
    offering = known.offering.name.in_language(language) if known.offering else asked.offering
    values = {
        "offering": offering,
        "town": town,
        "advisor": known.advisor.name if known.advisor else asked.advisor,
        "lead": minutes_text(known.offering.lead_time_hours * 60) if known.offering else "",
    }
    if found.stop is None:
        return filled(TEXTS, language, "why_offered", **values), filled(TEXTS, language, "do_offered", **values)
    stop, zone = found.stop, ZoneInfo(found.zone)
    values |= _of_time(stop, zone, now, language) | _of_share(stop, known, language)
    values["holiday"] = _HOLIDAYS[language].get(found.day) or ""
    values["ways"] = _listed([filled(TEXTS, language, way) for way in stop.ways], language)
    key = stop.reason.replace("-", "_")
    if stop.reason == "absent" and own:
        key += "_own"
    lacking = (stop.reason == "outside-hours" and not stop.hours) or (
        stop.reason in ("not-a-start", "too-long") and not stop.starts
    )
    return (
        filled(TEXTS, language, f"why_{key}", **values),
        filled(TEXTS, language, f"do_{key}{'_none' if lacking else ''}", **values),
    )


def _day(day: date, now: datetime, language: Language) -> str:
    text = day_text(day, language)
    return text if abs((day - now.date()).days) < THIS_YEAR_DAYS else f"{text} {day.year}"


def _of_time(stop: Stop, zone: ZoneInfo, now: datetime, language: Language) -> dict[str, str]:
    def clock(at: datetime) -> str:
        return clock_text(at, zone, language)

    opens = ""
    if isinstance(stop.opens, datetime):
        day = _day(stop.opens.astimezone(zone).date(), now, language)
        opens = f"{day} kl. {clock(stop.opens)}" if language == "sv" else f"{day}, {clock(stop.opens)}"
    elif stop.opens:
        opens = _day(stop.opens, now, language)
    return {
        "opens": opens,
        "hours": _listed([f"{clock(first)}–{clock(last)}" for first, last in stop.hours], language),
        "starts": _listed([clock(start) for start in stop.starts], language),
    }


def _of_share(stop: Stop, known: Known, language: Language) -> dict[str, str]:
    values = {"pool": next((pool.name for pool in known.pools if pool.id == stop.pool), "")}
    if stop.entitled is None:
        return values
    share = stop.entitled.share
    return values | {
        "used": minutes_text(share.position.used),
        "limit": minutes_text(share.position.limit),
        "charge": minutes_text(stop.minutes),
        "first": day_text(share.period, language),
        "last": day_text(stop.entitled.last, language),
    }


def _listed(parts: Iterable[str], language: Language) -> str:
    """`a, b och c`."""
    *before, last = [*parts] or [""]
    return f"{', '.join(before)} {'och' if language == 'sv' else 'and'} {last}" if before else last

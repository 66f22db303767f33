"""When an advisor is open, and which starts an offering cuts from that time. Pure: no I/O, no clock."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from booking.sharing.rules import Share
from booking.slots.reads import Advisor, Offering, Pool, Schedule, Unit
from kit.refusal import Refusal

Closed = Callable[[date], bool]
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


class NotOffered(Refusal):
    status = 404
    code = "not-offered"
    sv = ("Det erbjuds inte här", "Välj en annan insats eller kommun.")
    en = ("This is not offered here", "Choose another offering or municipality.")


class NotOfferedThere(NotOffered):
    """In a municipality (its name in page addresses) that is known, and has other things to offer."""

    def __init__(self, slug: str) -> None:
        super().__init__()
        self.slug = slug


_SUFFIX = re.compile("(kommun|municipality|stad)$")
# What stands for a letter that was written in another code than UTF-8.
UNREADABLE = "\N{REPLACEMENT CHARACTER}"


def alike(written: str, slug: str, name: str) -> bool:
    """Whether somebody who wrote this in an address means the municipality: `Hörby`, `HORBY`, `Eslövs kommun`."""
    plain = _plain(written)
    names = {_plain(slug), _plain(name)}
    wanted = {plain, _SUFFIX.sub("", plain)} - {""}
    pattern = "|".join(re.escape(each).replace(re.escape(UNREADABLE), ".") for each in wanted)
    return any(re.fullmatch(pattern, each) for name in names for each in (name, f"{name}s"))


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.replace(UNREADABLE, "\0"))
    return "".join(UNREADABLE if c == "\0" else c for c in apart.casefold() if c == "\0" or c.isalnum())


@dataclass(frozen=True)
class Block:
    """Open time of one advisor: two UTC instants on one local day, and how families can be met in it."""

    day: date
    start: datetime
    end: datetime
    modalities: tuple[str, ...]
    place: str | None
    zone: str


@dataclass(frozen=True)
class Reach:
    """An advisor whom families of a municipality may book for an offering, on local days `first` to `last`."""

    offering: str
    municipality: str
    advisor: str
    first: date
    last: date
    pool: str | None
    unit: str
    modalities: tuple[str, ...]
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    id: str
    name: str
    address: str

    @property
    def map_url(self) -> str:
        """Where its address is shown on a map: a link, which tells of nobody who did not press it."""
        return f"https://www.openstreetmap.org/search?{urlencode({'query': self.address})}"


@dataclass(frozen=True)
class Free:
    """A free start; instants are UTC. As a visit it is `far` where its place is in another municipality; that is known
    of what a search found.
    """

    offering: str
    advisor: str
    advisor_name: str
    start: datetime
    end: datetime
    modalities: tuple[str, ...]
    place: Place | None
    zone: str
    far: bool = False


@dataclass(frozen=True)
class Moving:
    """A booking that is to be moved: whom it is with, when (UTC) and how it is met."""

    booking: UUID
    advisor: str
    start: datetime
    modality: str


@dataclass(frozen=True)
class SlotFacts:
    """What is known about one start for one municipality: None where there is nothing. `place` has an address.

    `unit` answers for the municipality's families; there is none where they cannot book the advisor. `pool` is the
    agreement by which they can, and `share` what it says of that day.
    """

    offering: Offering | None
    municipality: str | None
    advisor_name: str | None
    unit: str | None
    modalities: tuple[str, ...]
    block: Block | None
    place: Place | None
    pool: str | None = None
    share: Share | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """How families can be met in the block."""
        return ways(self.block, self.place is not None) if self.block else ()


@dataclass(frozen=True)
class Times:
    """A start of an offering. `busy_from` and `busy_until` include the buffers; all are UTC instants."""

    start: datetime
    end: datetime
    busy_from: datetime
    busy_until: datetime

    @property
    def minutes(self) -> int:
        """How long the advisor is busy, which is what the municipality served is charged: buffers are travel too."""
        return (self.busy_until - self.busy_from) // MINUTE


def open_blocks(schedule: Schedule, first: date, last: date, closed: Closed) -> list[Block]:
    """The open time of one schedule from day `first` to day `last`, both included, in order and without overlap.

    `closed` says which local days are holidays. Leave takes away, extra hours add what is not open already.
    """
    zone = ZoneInfo(schedule.zone)
    blocks: list[Block] = []
    for day in _days(first, last):
        made: list[Block] = []
        if schedule.valid_from <= day <= (schedule.valid_until or date.max):
            if schedule.works_on_holidays or not closed(day):
                for weekly in schedule.weekly:
                    if weekly.weekday == day.isoweekday():
                        made += _block(day, weekly.start, weekly.end, zone, weekly.modalities, weekly.place)
            for exception in schedule.exceptions:
                if not exception.first <= day <= exception.last:
                    continue
                span = _block(day, *exception.hours(day), zone, exception.modalities, exception.place)
                if exception.kind == "leave":
                    made = [part for block in made for part in _without(block, span)]
                else:
                    made += [part for extra in span for part in _without(extra, made)]
        blocks += sorted(made, key=lambda block: block.start)
    return blocks


def open_hours(schedules: Iterable[Schedule], first: date, last: date, closed: Closed) -> list[Block]:
    """The open time of one advisor over all of its schedules; where two overlap, the first one counts."""
    merged: list[Block] = []
    for schedule in sorted(schedules, key=lambda s: s.id):
        for block in open_blocks(schedule, first, last, closed):
            merged += _without(block, [other for other in merged if other.day == block.day])
    return sorted(merged, key=lambda block: block.start)


def is_bookable(offering: Offering) -> bool:
    """Whether parents book an offering by time, themselves."""
    return offering.self_booking and offering.kind == "conversation"


def reaches(
    offerings: Iterable[Offering], advisors: Iterable[Advisor], units: Iterable[Unit], pools: Iterable[Pool]
) -> set[Reach]:
    """Who may be booked for what by whom.

    A pooled advisor is there for the municipalities that its agreement names while it does (KL 9:37), others for the
    municipality that employs them. An offering that parents cannot book themselves reaches nobody.
    """
    employers = {unit.id: unit.municipality for unit in units if not unit.ended}
    known = {advisor.id: advisor for advisor in advisors if not advisor.ended}
    live = sorted((pool for pool in pools if not pool.ended), key=lambda pool: pool.id)
    # Two pools hold the same advisor only while word of a move is under way: the first in order counts until then.
    found: dict[tuple[str, str, str, date], Reach] = {}
    for offering in offerings:
        if offering.ended or not is_bookable(offering):
            continue
        for advisor in (known[a] for a in offering.advisors if a in known):
            modalities = tuple(m for m in offering.modalities if m in advisor.modalities)
            agreements = [pool for pool in live if advisor.id in pool.advisors]
            served: list[tuple[str | None, str, date, date]] = [
                (pool.id, code, terms.first, terms.last)
                for pool in agreements
                for terms in pool.terms()
                for code in terms.shares
            ]
            if not agreements and advisor.unit in employers:
                served.append((None, employers[advisor.unit], date.min, date.max))
            for pool, code, first, last in served:
                unit = answering(offering, code, employers)
                if code in offering.municipalities and modalities and unit:
                    found.setdefault(
                        (offering.id, code, advisor.id, first),
                        Reach(offering.id, code, advisor.id, first, last, pool, unit, modalities, advisor.languages),
                    )
    return set(found.values())


def answering(offering: Offering, municipality: str, employers: Mapping[str, str]) -> str | None:
    """The unit that answers for a municipality's families: never another's, so that there may be none.

    `employers` are the municipalities of units.
    """
    own = offering.unit if employers.get(offering.unit) == municipality else None
    return offering.units.get(municipality, own)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += DAY


def _block(
    day: date, start: time, end: time, zone: ZoneInfo, modalities: Iterable[str], place: str | None
) -> list[Block]:
    """The block between two wall times, or none where a DST night leaves nothing of it."""
    opens = opening(day, start, zone)
    closes = closing(day, end, zone)
    return [Block(day, opens, closes, tuple(modalities), place, zone.key)] if opens < closes else []


def opening(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The UTC instant from which it surely is `wall` or later: the second of two, the end of a gap."""
    return _instant(datetime.combine(day, wall), zone, fold=1)


def closing(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """The UTC instant until which it surely is before `wall`: the first of two, the start of a gap. Midnight is the one
    at the end of the day.
    """
    if wall in (time.min, time.max):
        return _instant(datetime.combine(day + DAY, time.min), zone, fold=0)
    return _instant(datetime.combine(day, wall), zone, fold=0)


def _instant(naive: datetime, zone: ZoneInfo, fold: int) -> datetime:
    instant = naive.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == naive:
        return instant
    # The wall time does not exist: zoneinfo accepts it silently. Both readings become the moment of the change.
    instant = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    before = instant.astimezone(zone).utcoffset()
    while instant.astimezone(zone).utcoffset() == before:
        instant += MINUTE
    return instant


def _without(block: Block, others: Iterable[Block]) -> list[Block]:
    """What is left of a block when others are taken out of it."""
    parts = [block]
    for other in others:
        parts = [piece for part in parts for piece in _cut(part, other)]
    return parts


def _cut(part: Block, other: Block) -> list[Block]:
    if other.end <= part.start or part.end <= other.start:
        return [part]
    pieces = ((part.start, other.start), (other.end, part.end))
    return [replace(part, start=start, end=end) for start, end in pieces if start < end]


def times(offering: Offering, start: datetime) -> Times:
    """The times of a start, with the offering's buffers around it."""
    end = start + timedelta(minutes=offering.duration)
    return Times(
        start=start,
        end=end,
        busy_from=start - timedelta(minutes=offering.buffer_before),
        busy_until=end + timedelta(minutes=offering.buffer_after),
    )


def ways(block: Block, has_place: bool) -> tuple[str, ...]:
    """How families can be met in a block: no visit where there is no place with an address to come to."""
    return tuple(way for way in block.modalities if way != "visit" or has_place)


def is_on_grid(offering: Offering, block: Block, wanted: Times) -> bool:
    """Whether `wanted` is a start that this offering cuts from this block: buffers inside, at a whole step."""
    inside = block.start <= wanted.busy_from and wanted.busy_until <= block.end
    return inside and (wanted.busy_from - block.start) % timedelta(minutes=offering.starts_every) == timedelta(0)


def earliest(offering: Offering, now: datetime) -> datetime:
    """The first instant that may be booked: the lead time from `now`."""
    return now + timedelta(hours=offering.lead_time_hours)


def latest(offering: Offering, now: datetime) -> datetime:
    """The last instant that may be booked: the horizon from `now`, in days of 24 hours whatever the clocks do."""
    return now + timedelta(days=offering.horizon_days)


def starts(offering: Offering, block: Block, busy: Iterable[tuple[datetime, datetime]]) -> list[Times]:
    """Every free start of an offering in a block, given the advisor's busy intervals.

    What the search statement does for many advisors at once; here for explanations, simulations and as its test.
    """
    taken = sorted(busy)
    found = []
    wanted = times(offering, block.start + timedelta(minutes=offering.buffer_before))
    step = timedelta(minutes=offering.starts_every)
    while wanted.busy_until <= block.end:
        if not any(start < wanted.busy_until and wanted.busy_from < end for start, end in taken):
            found.append(wanted)
        wanted = times(offering, wanted.start + step)
    return found

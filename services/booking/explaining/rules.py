"""Why families of a municipality are not offered an advisor's time: the rules that search and booking have, in order.

Pure: no I/O, no clock. It asks the same functions, so that it cannot say anything else than they do.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from booking.sharing import rules as sharing
from booking.sharing.rules import Share
from booking.slots import rules as slots
from booking.slots.reads import Advisor, Offering, Pool, Schedule, Unit
from booking.slots.rules import Block, Closed, Reach, Times

Rule = Literal[
    "offering",
    "self_booking",
    "municipality",
    "advisor",
    "way",
    "shared",
    "working",
    "start",
    "free",
    "in_time",
    "horizon",
    "share",
]
Reason = Literal[
    "offering-unknown",
    "offering-ended",
    "not-booked-by-families",
    "municipality-unknown",
    "not-in-municipality",
    "nobody-answers",
    "advisor-unknown",
    "not-among-advisors",
    "no-common-way",
    "not-shared",
    "employed-elsewhere",
    "no-working-time",
    "holiday",
    "absent",
    "outside-hours",
    "no-way-then",
    "no-place",
    "not-a-start",
    "too-long",
    "taken",
    "held",
    "past",
    "too-soon",
    "too-far-ahead",
    "share-unknown",
    "share-used",
]
NEAREST = 3
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Busy:
    """Time that is taken: two UTC instants. `held` while somebody is booking it."""

    start: datetime
    end: datetime
    held: bool


@dataclass(frozen=True)
class Entitled:
    """A municipality's share of a period that ends with local day `last`."""

    share: Share
    last: date


@dataclass(frozen=True)
class Known:
    """What is stored of all that decides. Those that have ended are here too.

    `advisor` is the one asked for, `schedules` and `busy` are that one's; `entitled` is of the municipality asked for.
    `places` are the ids of centres with an address, which have not ended.
    """

    offering: Offering | None
    municipality: bool
    advisor: Advisor | None
    units: Sequence[Unit] = ()
    pools: Sequence[Pool] = ()
    schedules: Sequence[Schedule] = ()
    busy: Sequence[Busy] = ()
    entitled: Sequence[Entitled] = ()
    places: Collection[str] = ()


@dataclass(frozen=True)
class Stop:
    """What stands in the way, with what there is to say of it.

    `hours` and `starts` are UTC: when the advisor works that day, and the nearest starts that are free. `opens` is
    when the time can be booked, an instant or a local day. `pool` is the agreement, `entitled` its period, and
    `minutes` what the time would cost the share.
    """

    reason: Reason
    hours: tuple[tuple[datetime, datetime], ...] = ()
    starts: tuple[datetime, ...] = ()
    ways: tuple[str, ...] = ()
    opens: datetime | date | None = None
    pool: str | None = None
    entitled: Entitled | None = None
    minutes: int = 0


@dataclass(frozen=True)
class Explanation:
    """Each rule in order: True where it allows the time, False for the first that does not, None for what comes after.

    `day` is the local day in `zone`. `block` is the working time that holds the start, where there is any.
    """

    rules: Mapping[Rule, bool | None]
    stop: Stop | None
    day: date
    zone: str
    block: Block | None

    @property
    def offered(self) -> bool:
        """Whether nothing stands in the way."""
        return self.stop is None


@dataclass(frozen=True)
class _Case:
    """What is asked, and what follows from what is known. `start` is a UTC instant."""

    known: Known
    municipality: str
    start: datetime
    now: datetime
    closed: Closed

    @property
    def offering(self) -> Offering:
        assert self.known.offering is not None, "the first rule asks for it"
        return self.known.offering

    @property
    def advisor(self) -> Advisor:
        assert self.known.advisor is not None, "a rule before asks for it"
        return self.known.advisor

    @cached_property
    def zone(self) -> str:
        return self.known.schedules[0].zone if self.known.schedules else sharing.HOME.key

    @cached_property
    def block(self) -> Block | None:
        return self.block_of(self.known.schedules, self.closed)

    @cached_property
    def day(self) -> date:
        return self.block.day if self.block else self.start.astimezone(ZoneInfo(self.zone)).date()

    @property
    def wanted(self) -> Times:
        return slots.times(self.offering, self.start)

    @cached_property
    def reach(self) -> Reach | None:
        found = slots.reaches([self.offering], [self.advisor], self.known.units, self.known.pools)
        return next((r for r in found if r.municipality == self.municipality and r.first <= self.day <= r.last), None)

    @property
    def ways(self) -> tuple[str, ...]:
        """How families can meet the advisor for the offering."""
        return tuple(m for m in self.offering.modalities if m in self.advisor.modalities)

    def meets_in(self, block: Block) -> bool:
        """Whether there is a way to meet in a block that the offering and the advisor have."""
        return any(way in slots.ways(block, block.place in self.known.places) for way in self.ways)

    def block_of(self, schedules: Sequence[Schedule], closed: Closed) -> Block | None:
        """The working time that holds the start."""
        about = self.start.date()
        found = slots.open_hours(schedules, about - DAY, about + DAY, closed)
        return next((block for block in found if block.start <= self.start < block.end), None)

    def blocks(self) -> list[Block]:
        """The working time of the day."""
        return slots.open_hours(self.known.schedules, self.day, self.day, self.closed)


def explain(known: Known, *, municipality: str, start: datetime, now: datetime, closed: Closed) -> Explanation:
    """Why a start (a UTC instant) is not offered to families of a municipality, or that it is.

    `closed` says which local days are holidays.
    """
    case = _Case(known, municipality, start, now, closed)
    asked: dict[Rule, bool | None] = dict.fromkeys(RULES)
    stop = None
    for rule, in_the_way in RULES.items():
        stop = in_the_way(case)
        asked[rule] = stop is None
        if stop:
            break
    return Explanation(asked, stop, case.day, case.block.zone if case.block else case.zone, case.block)


def _offering(case: _Case) -> Stop | None:
    if case.known.offering is None:
        return Stop("offering-unknown")
    return Stop("offering-ended") if case.offering.ended else None


def _self_booking(case: _Case) -> Stop | None:
    return None if slots.is_bookable(case.offering) else Stop("not-booked-by-families")


def _municipality(case: _Case) -> Stop | None:
    if not case.known.municipality:
        return Stop("municipality-unknown")
    if case.municipality not in case.offering.municipalities:
        return Stop("not-in-municipality")
    employers = {unit.id: unit.municipality for unit in case.known.units if not unit.ended}
    return None if slots.answering(case.offering, case.municipality, employers) else Stop("nobody-answers")


def _advisor(case: _Case) -> Stop | None:
    if case.known.advisor is None or case.advisor.ended:
        return Stop("advisor-unknown")
    return None if case.advisor.id in case.offering.advisors else Stop("not-among-advisors")


def _way(case: _Case) -> Stop | None:
    return None if case.ways else Stop("no-common-way")


def _shared(case: _Case) -> Stop | None:
    if case.reach:
        return None
    pool = next((p for p in case.known.pools if not p.ended and case.advisor.id in p.advisors), None)
    return Stop("not-shared", pool=pool.id) if pool else Stop("employed-elsewhere")


def _working(case: _Case) -> Stop | None:
    if case.block is None:
        return _not_working(case)
    if case.meets_in(case.block):
        return None
    if any(way in case.block.modalities for way in case.ways):
        return Stop("no-place")
    return Stop("no-way-then", ways=case.block.modalities)


def _not_working(case: _Case) -> Stop:
    if case.start < case.now:
        return Stop("past")
    schedules = case.known.schedules
    if not any(s.valid_from <= case.day <= (s.valid_until or date.max) for s in schedules):
        return Stop("no-working-time")
    without_leave = [
        s.model_copy(update={"exceptions": tuple(e for e in s.exceptions if e.kind != "leave")}) for s in schedules
    ]
    if case.block_of(without_leave, case.closed):
        return Stop("absent")
    if case.block_of(without_leave, lambda _day: False):
        return Stop("holiday")
    return Stop("outside-hours", hours=tuple((block.start, block.end) for block in case.blocks()))


def _start(case: _Case) -> Stop | None:
    assert case.block is not None, "a rule before asks for it"
    if slots.is_on_grid(case.offering, case.block, case.wanted):
        return None
    busy = [(taken.start, taken.end) for taken in case.known.busy]
    that_day = [block for block in case.blocks() if case.meets_in(block)]
    starts = [times.start for block in that_day for times in slots.starts(case.offering, block, busy)]
    nearest = sorted(starts, key=lambda start: (abs(start - case.start), start))[:NEAREST]
    fits = case.wanted.busy_until <= case.block.end
    return Stop("not-a-start" if fits else "too-long", starts=tuple(sorted(nearest)))


def _free(case: _Case) -> Stop | None:
    wanted = case.wanted
    in_it = [b for b in case.known.busy if b.start < wanted.busy_until and wanted.busy_from < b.end]
    if not in_it:
        return None
    return Stop("held" if all(busy.held for busy in in_it) else "taken")


def _in_time(case: _Case) -> Stop | None:
    if case.start >= slots.earliest(case.offering, case.now):
        return None
    return Stop("past" if case.start < case.now else "too-soon")


def _horizon(case: _Case) -> Stop | None:
    if case.start <= slots.latest(case.offering, case.now):
        return None
    return Stop("too-far-ahead", opens=case.start - timedelta(days=case.offering.horizon_days))


def _share(case: _Case) -> Stop | None:
    assert case.reach is not None, "a rule before asks for it"
    if case.reach.pool is None:
        return None
    entitled = next(
        (e for e in case.known.entitled if e.share.pool == case.reach.pool and e.share.period <= case.day <= e.last),
        None,
    )
    if entitled is None:
        return Stop("share-unknown", pool=case.reach.pool)
    share, minutes = entitled.share, case.wanted.minutes
    released = sharing.is_released(case.day, sharing.today(case.now), share.release_days)
    if sharing.may_take(share.position, minutes, released=released):
        return None
    opens = sharing.opens(case.day, share.release_days)
    return Stop("share-used", pool=share.pool, entitled=entitled, minutes=minutes, opens=opens)


RULES: Mapping[Rule, Callable[[_Case], Stop | None]] = {
    "offering": _offering,
    "self_booking": _self_booking,
    "municipality": _municipality,
    "advisor": _advisor,
    "way": _way,
    "shared": _shared,
    "working": _working,
    "start": _start,
    "free": _free,
    "in_time": _in_time,
    "horizon": _horizon,
    "share": _share,
}

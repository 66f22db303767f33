"""A year of an agreement in a few seconds: how long families wait under one policy or another.

Pure: no I/O, no clock. Schedules are expanded and starts are cut by `booking.slots.rules`, time is divided by
`booking.sharing.rules`: what is compared is what runs. Days are local, instants UTC, waits whole days.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from itertools import count
from math import exp
from random import Random
from typing import NamedTuple

from booking.sharing import rules
from booking.sharing.comparison import Outcome, Policy, Result
from booking.sharing.rules import DAY, HOME, WEEK, Period, Position, Terms
from booking.slots import rules as slots
from booking.slots.reads import Offering, Schedule
from booking.slots.rules import Block, Closed, Times

WEEKDAYS = (1.2, 1.1, 1.0, 0.9, 0.8, 0.0, 0.0)
MONTHS = (1.0,) * 12
# Local wall times between which families ask.
FIRST_MINUTE, LAST_MINUTE = 7 * 60, 22 * 60
THIRD = 3
# Knuth's method compares with e to the power of minus the mean, which must not become 0: larger means are cut up.
LARGEST_MEAN = 30.0


@dataclass(frozen=True)
class Surge:
    """So many times as many families of a municipality ask from day `first` to day `last`, both included."""

    municipality: str
    first: date
    last: date
    factor: float


@dataclass(frozen=True)
class Poisson:
    """Families who ask, by chance: `weekly` so many a week on average, by municipality.

    `weekdays` (Monday first) and `months` (January first) are the shape of a week and of a year; nobody asks on
    holidays.
    """

    weekly: Mapping[str, float]
    weekdays: Sequence[float] = WEEKDAYS
    months: Sequence[float] = MONTHS
    surges: Sequence[Surge] = ()


@dataclass(frozen=True)
class Replay:
    """Families who asked: the day and the municipality of each."""

    asked: Sequence[tuple[date, str]]


@dataclass(frozen=True)
class Scenario:
    """An agreement, its advisors' schedules, one offering, and who asks; measured from day `first` to day `last`.

    A family that finds nothing tries again each morning for `patience` days. `cancelled` and `missed` are the shares of
    bookings that are given up, at any time between asking and meeting, and to which nobody comes.
    """

    terms: Sequence[Terms]
    schedules: Mapping[str, Sequence[Schedule]]
    offering: Offering
    demand: Poisson | Replay
    first: date
    last: date
    closed: Closed
    patience: int = 14
    cancelled: float = 0.08
    missed: float = 0.05

    @property
    def municipalities(self) -> list[str]:
        """All that have a share at some time, by code."""
        return sorted({code for terms in self.terms for code in terms.shares})

    @property
    def charge(self) -> int:
        """Minutes that a booking takes of its advisor."""
        return self.offering.buffer_before + self.offering.duration + self.offering.buffer_after


class Request(NamedTuple):
    """A family of a municipality that asks at an instant.

    `gives_up` is when it cancels what it gets, as a part of the way from asking to meeting; None if it does not.
    """

    asked: datetime
    municipality: str
    gives_up: float | None
    comes: bool


class Booked(NamedTuple):
    """A booking as it was made at an instant."""

    made: datetime
    municipality: str
    advisor: str
    day: date
    times: Times


def even_guess(
    terms: Sequence[Terms],
    schedules: Mapping[str, Sequence[Schedule]],
    charge: int,
    first: date,
    last: date,
    closed: Closed,
    *,
    load: float = 0.85,
) -> dict[str, float]:
    """Families a week by municipality that would use this much of the time, each by the share it has at the end.

    For whoever knows nothing better. `charge` is the minutes that one takes.
    """
    blocks = [b for each in schedules.values() for b in slots.open_hours(each, first, last, closed)]
    minutes = sum((block.end - block.start) // slots.MINUTE for block in blocks)
    weekly = load * minutes / charge / (((last - first).days + 1) / 7)
    shares = max(terms, key=lambda each: each.first).shares
    return {code: round(weekly * share / sum(shares.values()), 1) for code, share in shares.items()}


def requests(scenario: Scenario, seed: int) -> list[Request]:
    """Who asks, in order, before, on and after the days that are measured: the same for every policy of a seed.

    Each municipality has chances of its own, so that a surge in one changes nothing for the others.
    """
    made = []
    demand = scenario.demand
    past = Counter(demand.asked) if isinstance(demand, Replay) else None
    for code in scenario.municipalities:
        chance = Random(f"{seed} {code}")  # noqa: S311 - it must be repeatable, and guards nothing
        for day in _days(_begin(scenario), _end(scenario)):
            many = past[day, code] if past is not None else _how_many(scenario, code, day, chance)
            for _ in range(many):
                asked = _at(day, chance.randrange(FIRST_MINUTE, LAST_MINUTE))
                gives_up = chance.random() if chance.random() < scenario.cancelled else None
                made.append(Request(asked, code, gives_up, chance.random() >= scenario.missed))
    return sorted(made, key=lambda request: (request.asked, request.municipality))


def _how_many(scenario: Scenario, code: str, day: date, chance: Random) -> int:
    demand = scenario.demand
    assert isinstance(demand, Poisson), "what is replayed is counted"
    if scenario.closed(day):
        return 0
    mean = demand.weekly.get(code, 0.0) * demand.weekdays[day.weekday()] / sum(demand.weekdays)
    mean *= demand.months[day.month - 1]
    for surge in demand.surges:
        if surge.municipality == code and surge.first <= day <= surge.last:
            mean *= surge.factor
    return poisson(mean, chance)


def poisson(mean: float, chance: Random) -> int:
    """A number by Poisson's distribution."""
    many = 0
    while mean > 0:
        part = min(mean, LARGEST_MEAN)
        mean -= part
        left = chance.random()
        while left > exp(-part):
            many += 1
            left *= chance.random()
    return many


def _begin(scenario: Scenario) -> date:
    """The first day simulated: the calendar of the first day measured must have filled as it does."""
    return scenario.first - DAY * scenario.offering.horizon_days


def _end(scenario: Scenario) -> date:
    """The last day simulated: it is known by then what became of those who asked on the last day measured."""
    return scenario.last + DAY * scenario.patience


def _at(day: date, minute: int) -> datetime:
    return slots.opening(day, time(minute // 60, minute % 60), HOME)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + DAY * n for n in range((last - first).days + 1))


class Calendar:
    """Which starts are free, by day: worked out by `slots.starts` whenever an advisor's day changes, and not before."""

    def __init__(self, scenario: Scenario, first: date, last: date) -> None:
        self.offering = scenario.offering
        self.blocks: dict[tuple[date, str], list[Block]] = defaultdict(list)
        self.working: dict[date, list[str]] = defaultdict(list)
        self.capacity: Counter[tuple[date, str]] = Counter()
        self.taken: Counter[tuple[date, str]] = Counter()
        self.minutes: Counter[date] = Counter()
        self.busy: dict[tuple[date, str], list[Times]] = defaultdict(list)
        self.free: dict[date, list[tuple[datetime, str, Times]]] = {}
        for advisor, schedules in sorted(scenario.schedules.items()):
            for block in slots.open_hours(schedules, first, last, scenario.closed):
                if not self.blocks[block.day, advisor]:
                    self.working[block.day].append(advisor)
                self.blocks[block.day, advisor].append(block)
                minutes = (block.end - block.start) // slots.MINUTE
                self.minutes[block.day] += minutes
                self.capacity[_week(block.day), advisor] += minutes
        self._starts: dict[tuple[date, str], list[Times]] = {}
        for day in self.working:
            for advisor in self.working[day]:
                self._cut(day, advisor)
            self._merge(day)

    def first_of(self, day: date, earliest: datetime, latest: datetime) -> tuple[str, Times] | None:
        """The first free start of a day within these instants, with the advisor who is preferred for it."""
        at: datetime | None = None
        found: list[tuple[str, Times]] = []
        for start, advisor, times in self.free.get(day, ()):
            if at is not None and start > at:
                break
            if earliest <= start <= latest:
                at = start
                found.append((advisor, times))
        if len(found) <= 1:
            return found[0] if found else None
        week = _week(day)
        return min(found, key=lambda f: rules.preference(f[0], self.taken[week, f[0]], self.capacity[week, f[0]], None))

    def take(self, day: date, advisor: str, times: Times, minutes: int) -> None:
        """Make a start's time busy."""
        self.busy[day, advisor].append(times)
        self._changed(day, advisor, minutes)

    def give_back(self, day: date, advisor: str, times: Times, minutes: int) -> None:
        """Make a start's time free."""
        self.busy[day, advisor].remove(times)
        self._changed(day, advisor, -minutes)

    def _changed(self, day: date, advisor: str, minutes: int) -> None:
        self.taken[_week(day), advisor] += minutes
        self._cut(day, advisor)
        self._merge(day)

    def _cut(self, day: date, advisor: str) -> None:
        busy = [(times.busy_from, times.busy_until) for times in self.busy[day, advisor]]
        self._starts[day, advisor] = [
            times for block in self.blocks[day, advisor] for times in slots.starts(self.offering, block, busy)
        ]

    def _merge(self, day: date) -> None:
        self.free[day] = sorted(
            (times.start, advisor, times) for advisor in self.working[day] for times in self._starts[day, advisor]
        )


def _week(day: date) -> date:
    return day - DAY * day.weekday()


class Shares:
    """How all municipalities stand in each period."""

    def __init__(self, terms: Sequence[Terms], first: date, last: date, minutes: Mapping[date, int]) -> None:
        self.periods = list(rules.periods(terms, first, last))
        self.of = {day: period for period in self.periods for day in _days(period.first, period.last)}
        self.standing: dict[date, dict[str, Position]] = {
            period.first: {
                code: Position(entitled)
                for code, entitled in rules.entitle(period, lambda day: minutes.get(day, 0)).items()
            }
            for period in self.periods
        }
        self.owed: dict[date, Counter[tuple[str, str]]] = {period.first: Counter() for period in self.periods}

    def use(self, period: Period, municipality: str, minutes: int) -> None:
        """Charge a municipality."""
        after, loans = rules.use(self.standing[period.first], municipality, minutes)
        self._keep(period, after, loans)

    def give_back(self, period: Period, municipality: str, minutes: int) -> None:
        """Take a charge back."""
        standing, owed = self.standing[period.first], self.owed[period.first]
        self._keep(period, *rules.give_back(standing, owed, municipality, minutes))

    def _keep(self, period: Period, after: dict[str, Position], loans: Sequence[rules.Loan]) -> None:
        self.standing[period.first] = after
        for loan in loans:
            self.owed[period.first][loan.lender, loan.borrower] += loan.minutes

    def close(self, ended: Period, today: date) -> None:
        """Carry what was not used into the first period that lies wholly beyond the release, as the terms allow."""
        release = ended.terms.release_days
        beyond = (p for p in self.periods if p.first > today and not rules.is_released(p.first, today, release))
        if (target := next(beyond, None)) is None:
            return
        standing = self.standing[target.first]
        for code, position in self.standing[ended.first].items():
            if into := standing.get(code):
                more = rules.credit(position, into, ended.terms.carry_over)
                standing[code] = replace(into, credit=into.credit + more)


class Run:
    """One year under one policy. `bookings` is everything that was booked, in order, cancelled later or not."""

    def __init__(self, scenario: Scenario, policy: Policy) -> None:
        self.scenario = scenario
        self.release_days = policy.release_days
        self.first = _begin(scenario)
        reach = _end(scenario) + DAY * (scenario.offering.horizon_days + 1)
        terms = [replace(t, release_days=policy.release_days, carry_over=policy.carry_over) for t in scenario.terms]
        begin = _week(self.first)
        self.calendar = Calendar(scenario, begin - 4 * WEEK, reach + 4 * WEEK)
        self.shares = Shares(terms, begin, reach, self.calendar.minutes)
        self.charge = scenario.charge
        self.outcomes = {code: Outcome() for code in scenario.municipalities}
        self.bookings: list[Booked] = []
        self._waiting: list[Request] = []
        self._leaving: list[tuple[datetime, int, Booked]] = []
        self._order = count()

    def through(self, asked: Sequence[Request], progress: Callable[[int, int], None]) -> Result:
        """Live through all days. `progress` is told after each week how many of how many are over."""
        days = list(_days(self.first, _end(self.scenario)))
        weeks = -(-len(days) // 7)
        following = iter([*asked, None])
        request = next(following)
        for number, day in enumerate(days):
            self._morning(day)
            midnight = slots.opening(day + DAY, time.min, HOME)
            while request is not None and request.asked < midnight:
                self._give_up(request.asked)
                if not self._serve(request, request.asked, day):
                    self._waiting.append(request)
                request = next(following)
            if (number + 1) % 7 == 0 or number + 1 == len(days):
                progress(-(-(number + 1) // 7), weeks)
        self._settle()
        return self.outcomes

    def _morning(self, day: date) -> None:
        now = _at(day, FIRST_MINUTE)
        self._give_up(now)
        self._carry_over(day)
        waiting, self._waiting = self._waiting, []
        # Where one family finds nothing, the next of its municipality finds no more.
        none_left: set[str] = set()
        for request in waiting:
            code = request.municipality
            if code not in none_left and self._serve(request, now, day):
                continue
            none_left.add(code)
            if day - request.asked.astimezone(HOME).date() < DAY * self.scenario.patience:
                self._waiting.append(request)
            else:
                self._unserved(request)
        if self.scenario.first <= day <= self.scenario.last and day in self.calendar.working:
            for code in self.outcomes:
                self.outcomes[code].third_next[self._third_next(code, now, day)] += 1

    def _carry_over(self, day: date) -> None:
        for period in self.shares.periods:
            if period.last == day - DAY and period.terms.carry_over:
                self.shares.close(period, day)

    def _reached(self, code: str, day: date) -> Iterator[date]:
        """The days on which a municipality may book now, nearest first."""
        may: dict[date, bool] = {}
        for n in range(self.scenario.offering.horizon_days + 1):
            on = day + DAY * n
            period = self.shares.of.get(on)
            if not self.calendar.free.get(on) or period is None:
                continue
            position = self.shares.standing[period.first].get(code)
            if position is None:
                continue
            if rules.is_released(on, day, self.release_days):
                yield on
                continue
            if period.first not in may:
                may[period.first] = rules.may_take(position, self.charge, released=False)
            if may[period.first]:
                yield on

    def _serve(self, request: Request, now: datetime, day: date) -> bool:
        """Book the first time that the family's municipality may take, if there is one."""
        earliest = slots.earliest(self.scenario.offering, now)
        latest = slots.latest(self.scenario.offering, now)
        for on in self._reached(request.municipality, day):
            if found := self.calendar.first_of(on, earliest, latest):
                self._book(request, Booked(now, request.municipality, found[0], on, found[1]))
                return True
        return False

    def _book(self, request: Request, booked: Booked) -> None:
        self.calendar.take(booked.day, booked.advisor, booked.times, self.charge)
        self.shares.use(self.shares.of[booked.day], booked.municipality, self.charge)
        self.bookings.append(booked)
        if request.gives_up is not None:
            leaves = booked.made + (booked.times.start - booked.made) * request.gives_up
            heapq.heappush(self._leaving, (leaves, next(self._order), booked))
        if outcome := self._measured(request):
            outcome.asked += 1
            outcome.waits[(booked.day - request.asked.astimezone(HOME).date()).days] += 1
            outcome.cancelled += request.gives_up is not None
            outcome.missed += request.gives_up is None and not request.comes

    def _give_up(self, now: datetime) -> None:
        while self._leaving and self._leaving[0][0] <= now:
            _, _, booked = heapq.heappop(self._leaving)
            self.calendar.give_back(booked.day, booked.advisor, booked.times, self.charge)
            self.shares.give_back(self.shares.of[booked.day], booked.municipality, self.charge)

    def _unserved(self, request: Request) -> None:
        if outcome := self._measured(request):
            outcome.asked += 1
            outcome.unserved += 1
            outcome.waits[self.scenario.patience + self.scenario.offering.horizon_days] += 1

    def _measured(self, request: Request) -> Outcome | None:
        asked = request.asked.astimezone(HOME).date()
        measured = self.scenario.first <= asked <= self.scenario.last
        return self.outcomes[request.municipality] if measured else None

    def _third_next(self, code: str, now: datetime, day: date) -> int:
        earliest = slots.earliest(self.scenario.offering, now)
        latest = slots.latest(self.scenario.offering, now)
        lacking = THIRD
        for on in self._reached(code, day):
            lacking -= sum(earliest <= start <= latest for start, _, _ in self.calendar.free[on])
            if lacking <= 0:
                return (on - day).days
        return self.scenario.offering.horizon_days

    def _settle(self) -> None:
        """Count the minutes of whole periods."""
        for period in self.shares.periods:
            if self.scenario.first <= period.first and period.last <= self.scenario.last:
                for code, position in self.shares.standing[period.first].items():
                    outcome = self.outcomes[code]
                    outcome.entitled += position.entitled
                    outcome.used += position.used
                    outcome.borrowed += position.borrowed
                    outcome.lent += position.lent


def silent(_done: int, _weeks: int) -> None:
    """Tell nobody how far it is."""


def simulate(scenario: Scenario, policy: Policy, seed: int, progress: Callable[[int, int], None] = silent) -> Result:
    """What becomes of each municipality's families under a policy. The same seed gives the same."""
    return Run(scenario, policy).through(requests(scenario, seed), progress)

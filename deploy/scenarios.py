"""Scenarios to simulate as files: YAML, described field by field in deploy/demo/README.md."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from booking.sharing.rules import PeriodKind, Terms
from booking.sharing.simulation import MONTHS, WEEKDAYS, Poisson, Replay, Scenario, Surge, even_guess
from booking.slots.reads import Ages, Offering, Pool, Schedule, ScheduleException, Text, WeeklyBlock
from booking.slots.rules import is_bookable
from booking.slots.service import closed
from directory.reading import in_plain_words
from directory.reading import read as read_register
from directory.rules.register import WEEKDAYS as WEEKDAY_NAMES
from directory.rules.register import PathOf

REGISTER = Path(__file__).parent / "demo" / "mellersta-skane.yaml"
LONGEST = timedelta(days=3 * 366)
ZONE = "Europe/Stockholm"


class ScenarioError(RuntimeError):
    """A scenario that cannot be simulated; the message says file, line and field, and what is wrong there."""


@dataclass(frozen=True)
class Loaded:
    """A scenario, and the names of its municipalities by code."""

    scenario: Scenario
    names: Mapping[str, str]


Code = Annotated[str, Field(pattern=r"^[0-9]{4}$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Part = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Hours(_Part):
    weekday: Weekday
    start: time
    end: time


class Leave(_Part):
    first: date
    last: date


class Works(_Part):
    weekly: list[Hours] = Field(min_length=1)
    leave: list[Leave] = []


class Agreement(_Part):
    shares: dict[Code, Annotated[int, Field(gt=0)]] = Field(min_length=1)
    period: PeriodKind = "iso_week"


class Meeting(_Part):
    """Minutes, but for the horizon and the lead time."""

    duration: int = Field(gt=0)
    buffer_before: int = Field(0, ge=0)
    buffer_after: int = Field(0, ge=0)
    starts_every: int = Field(30, gt=0)
    horizon_days: int = Field(42, ge=1, le=180)
    lead_time_hours: int = Field(4, ge=0)


class Peak(_Part):
    municipality: Code
    first: date
    last: date
    factor: float = Field(ge=0, le=20)


class Asking(_Part):
    weekly: dict[Code, Annotated[float, Field(ge=0, le=1000)]] | None = None
    weekdays: list[Annotated[float, Field(ge=0)]] = Field(list(WEEKDAYS), min_length=7, max_length=7)
    months: list[Annotated[float, Field(ge=0, le=20)]] = Field(list(MONTHS), min_length=12, max_length=12)
    surges: list[Peak] = []
    replay: Path | None = None


class Register(_Part):
    files: list[Path] = Field(min_length=1)
    pool: str
    offering: str | None = None


class Written(_Part):
    """A scenario as it is written."""

    first: date
    last: date
    names: dict[Code, str] = {}
    register_of: Register | None = Field(None, alias="register")
    agreement: Agreement | None = None
    advisors: dict[str, Works] | None = None
    offering: Meeting | None = None
    demand: Asking = Asking()
    patience: int = Field(14, ge=0, le=365)
    cancelled: Part = 0.08
    missed: Part = 0.05


def read(path: Path) -> Loaded:
    """The scenario of a file. Raises ScenarioError."""
    lines: dict[PathOf, int] = {(): 1}
    raw = _compose(path, lines)
    try:
        written = Written.model_validate(raw)
    except ValidationError as error:
        faults = [_fault(path, lines, *_in_words(problem)) for problem in error.errors()]
        raise ScenarioError("\n".join(faults)) from error
    if faults := [_fault(path, lines, at, what) for at, what in _breaches(written)]:
        raise ScenarioError("\n".join(faults))
    if written.register_of:
        files = [path.parent / file for file in written.register_of.files]
        terms, schedules, offering, names = _registered(files, written.register_of.pool, written.register_of.offering)
    else:
        terms, schedules, offering, names = *_written(written), {}
    codes = {code for each in terms for code in each.shares}
    if faults := [_fault(path, lines, at, what) for at, what in _strangers(written.demand, codes)]:
        raise ScenarioError("\n".join(faults))
    charge = offering.buffer_before + offering.duration + offering.buffer_after
    asking = written.demand
    if asking.replay:
        demand: Poisson | Replay = Replay(_past(path.parent / asking.replay, codes))
    else:
        weekly = asking.weekly or even_guess(terms, schedules, charge, written.first, written.last, closed)
        surges = [Surge(peak.municipality, peak.first, peak.last, peak.factor) for peak in asking.surges]
        demand = Poisson(weekly, asking.weekdays, asking.months, surges)
    made = Scenario(
        terms,
        schedules,
        offering,
        demand,
        written.first,
        written.last,
        closed,
        patience=written.patience,
        cancelled=written.cancelled,
        missed=written.missed,
    )
    return Loaded(made, {**names, **written.names})


def of_pool(files: Sequence[Path], pool: str, first: date) -> Loaded:
    """A year from day `first` of an agreement of a register, with an even guess of who asks. Raises ScenarioError."""
    terms, schedules, offering, names = _registered(files, pool, None)
    last = first + timedelta(days=363)
    charge = offering.buffer_before + offering.duration + offering.buffer_after
    weekly = even_guess(terms, schedules, charge, first, last, closed)
    return Loaded(Scenario(terms, schedules, offering, Poisson(weekly), first, last, closed), names)


_Parts = tuple[Sequence[Terms], Mapping[str, Sequence[Schedule]], Offering]


def _written(written: Written) -> _Parts:
    assert written.agreement, "looked at before"
    assert written.advisors, "looked at before"
    assert written.offering, "looked at before"
    terms = [Terms(date.min, date.max, written.agreement.shares, period=written.agreement.period)]
    schedules = {
        advisor: [
            Schedule(
                id=advisor,
                version=1,
                advisor=advisor,
                zone=ZONE,
                valid_from=date.min,
                weekly=tuple(
                    WeeklyBlock(
                        weekday=WEEKDAY_NAMES.index(block.weekday) + 1,
                        start=block.start,
                        end=block.end,
                        modalities=("video",),
                    )
                    for block in works.weekly
                ),
                exceptions=tuple(
                    ScheduleException(kind="leave", first=leave.first, last=leave.last) for leave in works.leave
                ),
            )
        ]
        for advisor, works in written.advisors.items()
    }
    # What is not simulated is filled in, so that the same rules can cut the starts.
    offering = Offering(
        id="simulated",
        version=1,
        name=Text(sv=""),
        summary=Text(sv=""),
        kind="conversation",
        documentation="anonymous",
        unit="",
        municipalities=tuple(written.agreement.shares),
        advisors=tuple(written.advisors),
        modalities=("video",),
        ages=Ages(first=0, last=20, expecting=True),
        cancel_limit_hours=24,
        self_booking=True,
        **written.offering.model_dump(),
    )
    return terms, schedules, offering


def _registered(
    files: Sequence[Path], pool: str, offering: str | None
) -> tuple[Sequence[Terms], Mapping[str, Sequence[Schedule]], Offering, Mapping[str, str]]:
    """An agreement of a register, its advisors' schedules, and the offering that they share."""
    reading = read_register(files)
    if reading.faults:
        raise ScenarioError("\n".join(map(str, sorted(reading.faults))))
    live = [entry.entity for entry in reading.entries.values() if not entry.entity.ended]
    where = ", ".join(map(str, files))

    def stored(name: str, model: Any) -> list[Any]:
        kinds = {entry.entity.id: entry.kind for entry in reading.entries.values()}
        return [model.model_validate_json(e.model_dump_json()) for e in live if kinds[e.id] == name]

    pools = {each.id: each for each in stored("pool", Pool)}
    if pool not in pools:
        raise ScenarioError(f"{where}: there is no pool {pool}, only {', '.join(sorted(pools)) or 'none at all'}.")
    advisors = pools[pool].advisors
    schedules = {
        advisor: [schedule for schedule in stored("schedule", Schedule) if schedule.advisor == advisor]
        for advisor in advisors
    }
    offered = {o.id: o for o in stored("offering", Offering) if is_bookable(o) and {*o.advisors} & {*advisors}}
    if (offering and offering not in offered) or not offered:
        raise ScenarioError(
            f"{where}: {offering or 'nothing'} is booked by time with the advisors of {pool}; "
            f"there is {', '.join(sorted(offered)) or 'no offering of theirs'}."
        )
    if not offering and len(offered) > 1:
        raise ScenarioError(
            f"{where}: the advisors of {pool} have several offerings, {', '.join(sorted(offered))}: say which one."
        )
    names = {e.id: e.name for e in live if isinstance(getattr(e, "slug", None), str) and isinstance(e.name, str)}  # type: ignore[attr-defined]
    return pools[pool].terms(), schedules, offered[offering or next(iter(offered))], names


def _breaches(written: Written) -> Iterator[tuple[PathOf, str]]:
    """What single fields do not show."""
    if written.last - written.first > LONGEST:
        yield ("last",), "is more than three years after first"
    for at, first, last in _spans(written):
        if first > last:
            yield at, "is before its beginning"
    for name in ("agreement", "advisors", "offering"):
        inline = getattr(written, name)
        if written.register_of and inline is not None:
            yield (name,), "comes from the register: leave out one of the two"
        if not written.register_of and not inline:
            yield (name,), "is missing: write it, or name a register"
    asking = written.demand
    if asking.replay and (asking.weekly or asking.surges):
        yield ("demand", "replay"), "takes the place of weekly and surges: leave out one of the two"
    if not sum(asking.weekdays):
        yield ("demand", "weekdays"), "must not all be 0"


def _spans(written: Written) -> Iterator[tuple[PathOf, Any, Any]]:
    """Where something ends, when it begins and when it ends."""
    yield ("last",), written.first, written.last
    for n, peak in enumerate(written.demand.surges):
        yield ("demand", "surges", n, "last"), peak.first, peak.last
    for advisor, works in (written.advisors or {}).items():
        for n, block in enumerate(works.weekly):
            yield ("advisors", advisor, "weekly", n, "end"), block.start, block.end
        for n, leave in enumerate(works.leave):
            yield ("advisors", advisor, "leave", n, "last"), leave.first, leave.last


def _strangers(asking: Asking, codes: set[str]) -> Iterator[tuple[PathOf, str]]:
    for code in asking.weekly or {}:
        if code not in codes:
            yield ("demand", "weekly", code), "has no share in the agreement"
    for n, peak in enumerate(asking.surges):
        if peak.municipality not in codes:
            yield ("demand", "surges", n, "municipality"), f"{peak.municipality} has no share in the agreement"


def _past(path: Path, codes: set[str]) -> list[tuple[date, str]]:
    """Past bookings: a CSV file with the columns day and municipality."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ScenarioError(f"{path}: cannot be read as CSV in UTF-8 ({type(error).__name__}).") from error
    if not rows or [name.strip() for name in rows[0]] != ["day", "municipality"]:
        raise ScenarioError(f"{path}:1: the first line must be day,municipality.")
    found = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            day, code = row
            found.append((date.fromisoformat(day.strip()), code.strip()))
        except ValueError as error:
            raise ScenarioError(f"{path}:{number}: write a day and a municipality, like 2026-03-02,1285.") from error
        if found[-1][1] not in codes:
            raise ScenarioError(f"{path}:{number}: municipality {found[-1][1]} has no share in the agreement.")
    return found


def _compose(path: Path, lines: dict[PathOf, int]) -> Any:
    """The file as texts, lists and mappings, and the line of each; fields type what they get."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8-sig"), Loader=yaml.BaseLoader)
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: is not UTF-8 text: save it as UTF-8.") from error
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "too deep"
        raise ScenarioError(f"{path}:{mark.line + 1 if mark else 1}: is not valid YAML: {problem}") from error
    if not isinstance(node, yaml.MappingNode):
        raise ScenarioError(f"{path}:1: must hold fields, such as first and last.")
    return _plain(path, node, (), lines)


def _plain(path: Path, node: yaml.Node, at: PathOf, lines: dict[PathOf, int]) -> Any:
    if isinstance(node, yaml.MappingNode):
        made = {}
        for key, value in node.value:
            name = str(key.value)
            if (*at, name) in lines:
                raise ScenarioError(f"{path}:{key.start_mark.line + 1}: {name} stands here a second time.")
            lines[*at, name] = key.start_mark.line + 1
            made[name] = _plain(path, value, (*at, name), lines)
        return made
    if isinstance(node, yaml.SequenceNode):
        for n, value in enumerate(node.value):
            lines[*at, n] = value.start_mark.line + 1
        return [_plain(path, value, (*at, n), lines) for n, value in enumerate(node.value)]
    return str(node.value)


def _in_words(problem: Any) -> tuple[PathOf, str]:
    at: PathOf = tuple(part for part in problem["loc"] if part != "[key]")
    if problem["type"] == "extra_forbidden":
        return at, "is no field that a scenario has there"
    _, _, what = in_plain_words(Written, problem)
    # The name of the field stands in front anyway.
    return at, what.removeprefix(f"{_dotted(at)}").lstrip(": ")


def _fault(path: Path, lines: Mapping[PathOf, int], at: PathOf, what: str) -> str:
    known = at
    while known not in lines:
        known = known[:-1]
    return f"{path}:{lines[known]}: {_dotted(at)} {what}"


def _dotted(at: PathOf) -> str:
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in at).removeprefix(".")

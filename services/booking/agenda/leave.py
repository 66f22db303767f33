"""Leave and extra hours: what is asked for, and whom it hits. Directory saves it: the hours are of its register."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import get_args

from booking.agenda import rules, service, tables
from booking.agenda.rules import Span
from booking.agenda.service import Day, Item
from booking.slots import service as slots
from booking.slots import tables as slot_tables
from booking.slots.reads import Advisor, Modality, Schedule, ScheduleException
from kit.access import Person
from kit.database import Connection
from kit.days import is_near
from kit.language import Language

LONGEST = timedelta(days=366)
MODALITIES: tuple[Modality, ...] = get_args(Modality)


@dataclass(frozen=True)
class Hours:
    """A person's own schedules as directory has them, and what the person can offer in extra hours."""

    schedules: Sequence[Schedule]
    modalities: Sequence[Modality]
    places: Sequence[tuple[str, str]]

    def coming(self, today: date) -> list[ScheduleException]:
        """The exceptions that are not over, the first first."""
        found = dict.fromkeys(e for schedule in self.schedules for e in schedule.exceptions if e.last >= today)
        return sorted(found, key=lambda e: (e.first, e.start or time.min))


@dataclass(frozen=True)
class Change:
    """An exception to add to a person's schedules, or to take away from them."""

    exception: ScheduleException
    remove: bool = False

    def applied(self, schedule: Schedule) -> Schedule:
        """The schedule as it would be."""
        others = tuple(e for e in schedule.exceptions if e != self.exception)
        added = () if self.remove else (self.exception,)
        return schedule.model_copy(update={"exceptions": others + added})


async def hours(connection: Connection, person: Person) -> Hours:
    """The person's own hours. Raises NoCalendar."""
    advisor = service.own(person)
    document = await slot_tables.document(connection, "advisor", advisor)
    able = Advisor.model_validate_json(document).modalities if document else ()
    return Hours(await slot_tables.schedules(connection, advisor), able, await tables.places(connection))


def read(typed: Mapping[str, str], own: Hours, today: date) -> tuple[Change | None, dict[str, str]]:
    """What a form asks for, or the key of a text for each field that needs correcting.

    The same is asked by directory's rules when it saves; asked here, it can be told at the field. What is to be taken
    away must be there, and nothing else.
    """
    if typed.get("gor") == REMOVE:
        return _entered(typed, own)
    kind = typed.get("typ")
    errors: dict[str, str] = {} if kind in ("leave", "extra") else {"typ": "leave_kind_missing"}
    first, last = _day(typed, "forsta", errors), _day(typed, "sista", errors)
    start, end = _time(typed, "fran", errors), _time(typed, "till", errors)
    _judge_days(first, last, own, today, errors)
    through = kind == "leave" and first != last and start is not None and not typed.get("varje")
    # What nobody knows the kind of may go on from one day to another.
    _judge_times(start, end, errors, needed=kind == "extra", through=through or kind not in ("leave", "extra"))
    modalities = tuple(m for m in MODALITIES if typed.get(m)) if kind == "extra" else ()
    place = (typed.get("plats") or None) if "visit" in modalities else None
    if kind == "extra":
        _judge_ways(modalities, place, own, errors)
    if errors or first is None or last is None or kind not in ("leave", "extra"):
        return None, {name: errors[name] for name in FIELDS if name in errors}
    exception = ScheduleException.model_validate(
        {
            "kind": kind,
            "first": first,
            "last": last,
            "start": start,
            "end": end,
            "through": through,
            "modalities": modalities,
            "place": place,
        }
    )
    return Change(exception), {}


def _entered(typed: Mapping[str, str], own: Hours) -> tuple[Change | None, dict[str, str]]:
    given = {name: text for name, text in typed.items() if text and name != "gor"}
    for schedule in own.schedules:
        for exception in schedule.exceptions:
            if given == {name: text for name, text in typed_of(exception).items() if text}:
                return Change(exception, remove=True), {}
    return None, {"typ": "leave_gone"}


# In the order of the page.
FIELDS = ("typ", "forsta", "sista", "fran", "till", "varje", "video", "plats")
REMOVE = "ta-bort"


def typed_of(exception: ScheduleException) -> dict[str, str]:
    """An exception as its form has it."""
    typed = {
        "typ": exception.kind,
        "forsta": exception.first.isoformat(),
        "sista": exception.last.isoformat(),
        "fran": f"{exception.start:%H:%M}" if exception.start is not None else "",
        "till": f"{exception.end:%H:%M}" if exception.end is not None else "",
        "varje": "ja" if is_daily(exception) else "",
        "plats": exception.place or "",
    }
    return typed | dict.fromkeys(exception.modalities, "ja")


def is_daily(exception: ScheduleException) -> bool:
    """Whether a leave of several days is between the same times on each of them, which is asked for by itself."""
    several = exception.first < exception.last and exception.start is not None
    return exception.kind == "leave" and several and not exception.through


def _day(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> date | None:
    try:
        day = date.fromisoformat(typed.get(name, ""))
    except ValueError:
        day = date.max
    if not is_near(day):
        errors[name] = f"leave_{name}_missing"
        return None
    return day


def _time(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> time | None:
    text = typed.get(name, "").replace(".", ":")
    if not text:
        return None
    if name == "till" and text == "24:00":
        return time.min
    try:
        found = time.fromisoformat(text)
    except ValueError:
        errors[name] = "leave_time_wrong"
        return None
    if found.tzinfo or found.second or found.microsecond:
        errors[name] = "leave_time_wrong"
    return found


def _judge_days(first: date | None, last: date | None, own: Hours, today: date, errors: dict[str, str]) -> None:
    if first and last and last < first:
        errors["sista"] = "leave_before_first"
        return
    if last and last < today:
        errors["sista"] = "leave_over"
    elif first and last and last - first > LONGEST:
        errors["sista"] = "leave_too_long"
    earliest, latest = first or date.min, last or date.max
    if not any(s.valid_from <= latest and earliest <= (s.valid_until or date.max) for s in own.schedules):
        errors.setdefault("forsta", "leave_no_schedule")


def _judge_times(start: time | None, end: time | None, errors: dict[str, str], *, needed: bool, through: bool) -> None:
    # One that is wrong is told of by itself, and is none that is missing.
    if start is None and (end is not None or needed or "till" in errors):
        errors.setdefault("fran", "leave_from_missing")
    if end is None and (start is not None or needed or "fran" in errors):
        errors.setdefault("till", "leave_to_missing")
    if start is not None and end is not None and end <= start and end != time.min and not through:
        errors.setdefault("till", "leave_ends_first")


def _judge_ways(modalities: Sequence[Modality], place: str | None, own: Hours, errors: dict[str, str]) -> None:
    if not modalities:
        errors["video"] = "leave_ways_missing"
    elif not set(modalities) <= set(own.modalities):
        errors["video"] = "leave_ways_wrong"
    if "visit" in modalities and place not in {known for known, _ in own.places}:
        errors["plats"] = "leave_place_missing"


async def hits(
    connection: Connection, person: Person, change: Change, own: Hours, today: date, language: Language
) -> Day:
    """What is booked in the time of a change and would no longer lie in open hours; as if it were one day.

    What is only held is left out: it goes back by itself, and cannot be booked once the hours are gone.
    """
    exception = change.exception
    # What is of the register may have no end, and nothing is booked so far away.
    first, last = (min(max(day, today - LONGEST), today + LONGEST) for day in (exception.first, exception.last))
    days = await service.days(connection, person, first, last, language)
    zone = days[0].zone
    covered = rules.spans(exception, first, last, zone)
    after = [change.applied(schedule) for schedule in own.schedules]
    stay = [Span(b.start, b.end) for b in slots.open_hours(after, first, last)]

    def is_hit(item: Item) -> bool:
        live = item.view.status == "confirmed" if item.view else not item.held
        within = any(span.hits(item.start, item.end) for span in covered)
        return live and within and not any(s.start <= item.start and item.end <= s.end for s in stay)

    items = {(i.start, i.end, i.view): i for day in days for i in day.items if is_hit(i)}
    return Day(exception.first, zone, list(items.values()), (), ())

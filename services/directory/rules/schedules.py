"""What must be true of working hours, and between those of one advisor."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import time
from functools import cache
from itertools import combinations
from zoneinfo import available_timezones

from directory.events import Advisor, Schedule, ScheduleException, WeeklyBlock
from directory.rules.common import valid
from directory.rules.register import (
    MODALITIES_SV,
    WEEKDAYS,
    WEEKDAYS_SV,
    Breach,
    PathOf,
    Period,
    Register,
    Unread,
    as_far_as_read,
    grouped,
    named,
    period,
    said,
    working,
)

_zones = cache(available_timezones)


def until(end: time) -> time:
    """The end of a block to compare with: midnight at the end of the day, written 00:00, comes after all else."""
    return time.max if end == time.min else end


def clash(one: WeeklyBlock, other: WeeklyBlock, both: Period | None) -> bool:
    """Whether two blocks of one advisor share a minute within `both`, the days on which both their schedules hold."""
    return (
        both is not None
        and one.weekday == other.weekday
        and one.start < until(other.end)
        and other.start < until(one.end)
        and both.has(one.weekday)
    )


def _block(block: WeeklyBlock) -> str:
    end = "24:00" if block.end == time.min else f"{block.end:%H:%M}"
    return f"{WEEKDAYS[block.weekday - 1]} {block.start:%H:%M}–{end}"


def _block_sv(block: WeeklyBlock) -> str:
    end = "24.00" if block.end == time.min else f"{block.end:%H.%M}"
    return f"{WEEKDAYS_SV[block.weekday - 1]} {block.start:%H.%M}–{end}"


def schedule(register: Register, entity: Schedule) -> Iterator[Breach]:
    """Blocks and exceptions are whole, and of what their advisor offers."""
    yield from as_far_as_read(
        valid(entity),
        _zoned(entity),
        *(rule(register, entity, n) for n in _rows(entity, "weekly") for rule in (_block_times, _block_ways)),
        *(
            rule(register, entity, n)
            for n in _rows(entity, "exceptions")
            for rule in (_exception_days, _exception_times, _exception_ways)
        ),
    )


def _rows(entity: Schedule, name: str) -> Iterator[int]:
    def rows() -> Iterator[int]:
        yield from range(len(getattr(entity, name)))

    return as_far_as_read(rows())


def _zoned(entity: Schedule) -> Iterator[Breach]:
    if entity.zone not in _zones():
        yield Breach(
            f"tidszonen {entity.zone} finns inte: skriv en som Europe/Stockholm",
            f"there is no time zone {entity.zone}: write one like Europe/Stockholm",
            (named(entity, "zone"),),
        )


def _block_times(_: Register, entity: Schedule, n: int) -> Iterator[Breach]:
    yield from _times(entity, ("weekly", n), entity.weekly[n])


def _block_ways(register: Register, entity: Schedule, n: int) -> Iterator[Breach]:
    if not entity.weekly[n].modalities:
        yield Breach(
            "passet har inget sätt att mötas: välj minst ett",
            "the block has no modalities: name at least one",
            (named(entity, "weekly", n),),
        )
    yield from _lacking(entity, ("weekly", n), entity.weekly[n].modalities, working(register, entity.advisor))


def _exception_days(_: Register, entity: Schedule, n: int) -> Iterator[Breach]:
    exception = entity.exceptions[n]
    if exception.last < exception.first:
        yield Breach(
            f"sista dagen ({exception.last}) ligger före den första ({exception.first}): rätta en av dem",
            f"last ({exception.last}) is before first ({exception.first}): swap or correct them",
            (named(entity, "exceptions", n, "last"),),
        )


def _exception_times(_: Register, entity: Schedule, n: int) -> Iterator[Breach]:
    where, exception = ("exceptions", n), entity.exceptions[n]
    if exception.start is not None and exception.end is not None:
        several = exception.through and exception.first < exception.last
        yield from _times(entity, where, exception, within_a_day=not several)
    elif exception.start is not None or exception.end is not None:
        yield Breach(
            "ange både när det börjar och slutar, eller inget av dem för hela dagars frånvaro",
            "give both start and end, or neither for whole days of leave",
            (named(entity, *where),),
        )
    elif exception.kind == "extra":
        yield Breach(
            "extra tid behöver en tid när den börjar och en när den slutar",
            "extra time needs a start and an end",
            (named(entity, *where),),
        )


def _exception_ways(register: Register, entity: Schedule, n: int) -> Iterator[Breach]:
    where, exception = ("exceptions", n), entity.exceptions[n]
    if exception.kind == "extra" and not exception.modalities:
        yield Breach(
            "extra tid behöver sätt att mötas: välj minst ett",
            "extra time needs modalities: name at least one",
            (named(entity, *where),),
        )
    if exception.kind == "extra" and exception.through:
        yield Breach(
            "extra tid gäller varje dag mellan klockslagen: ta bort krysset för en sammanhängande frånvaro",
            "extra time is for each day between its times: take through away",
            (named(entity, *where, "through"),),
        )
    if exception.kind == "leave" and (exception.modalities or exception.place):
        yield Breach(
            "frånvaro har varken sätt att mötas eller plats: ta bort dem",
            "leave has neither modalities nor place: take them away",
            (named(entity, *where),),
        )
    yield from _lacking(entity, where, exception.modalities, working(register, entity.advisor))


def _times(
    entity: Schedule, where: PathOf, hours: WeeklyBlock | ScheduleException, *, within_a_day: bool = True
) -> Iterator[Breach]:
    wrong = [name for name in ("start", "end") if _is_none_of_a_clock(hours, name)]
    for name in wrong:
        yield Breach(
            "skriv en lokal tid som 09:00",
            f'{name} must be a local time like "09:00"',
            (named(entity, *where, name),),
        )
    start, end = hours.start, hours.end
    if wrong or start is None or end is None:
        return
    if not within_a_day:
        return
    if until(end) == start:
        yield Breach(
            f"passet är tomt: det börjar och slutar {start:%H.%M}",
            f"the block is empty: it starts and ends at {start:%H:%M}",
            (named(entity, *where, "end"),),
        )
    elif until(end) < start:
        yield Breach(
            f"passet slutar ({end:%H.%M}) innan det börjar ({start:%H.%M}): rätta det, eller skriv det som två pass om "
            "det fortsätter efter midnatt",
            f"the block ends ({end:%H:%M}) before it starts ({start:%H:%M}): correct it, or, if it goes on after "
            "midnight, write it as two blocks",
            (named(entity, *where, "end"),),
        )


def _is_none_of_a_clock(hours: WeeklyBlock | ScheduleException, name: str) -> bool:
    with suppress(Unread):
        wall: time = getattr(hours, name)
        return wall.tzinfo is not None or bool(wall.second or wall.microsecond)
    return False


def _lacking(entity: Schedule, where: PathOf, modalities: Sequence[str], advisor: Advisor | None) -> Iterator[Breach]:
    for n, modality in enumerate(modalities):
        if advisor is not None and modality not in advisor.modalities:
            offered = said([MODALITIES_SV[m] for m in advisor.modalities])
            yield Breach(
                f"arbetstiden {entity.id} har {MODALITIES_SV[modality]}, som {advisor.name} inte erbjuder ({offered}): "
                "ta bort det där, eller lägg till det hos rådgivaren",
                f"schedule {entity.id} has {modality}, which advisor {advisor.id} does not offer "
                f"({said(advisor.modalities)}): take it away there, or add it to the advisor",
                (named(entity, *where, "modalities", n), named(advisor, "modalities")),
            )


def one_place_at_a_time(register: Register) -> Iterator[Breach]:
    """Blocks of one advisor do not overlap on a day on which both hold."""
    live: list[Schedule] = register.live("schedule")
    for schedules in grouped(live, lambda schedule: [schedule.advisor]).values():
        yield from as_far_as_read(*(_one_zone(*both) for both in combinations(schedules, 2)))
        blocks = as_far_as_read(*(_sound(s, n) for s in schedules for n in _rows(s, "weekly")))
        yield from as_far_as_read(*(_one_place(*both) for both in combinations(blocks, 2)))


def _one_zone(one: Schedule, other: Schedule) -> Iterator[Breach]:
    if one.zone != other.zone and period(one).shared(period(other)):
        yield Breach(
            f"arbetstiderna {one.id} och {other.id} för {one.advisor} gäller på samma gång i olika tidszoner: "
            "ge dem samma",
            f"schedules {one.id} and {other.id} of advisor {one.advisor} hold at the same time in different "
            "zones: give them the same one",
            (named(other, "zone"), named(one, "zone"), named(other), named(one)),
        )


Placed = tuple[Schedule, int, WeeklyBlock]


def _one_place(one: Placed, other: Placed) -> Iterator[Breach]:
    (first, m, one_block), (second, n, other_block) = one, other
    if clash(one_block, other_block, period(first).shared(period(second))):
        yield Breach(
            f"{_block_sv(other_block)} i arbetstiden {second.id} krockar med {_block_sv(one_block)} i "
            f"arbetstiden {first.id}, och {first.advisor} kan bara vara på ett ställe: ändra en av dem",
            f"{_block(other_block)} in schedule {second.id} overlaps {_block(one_block)} in schedule "
            f"{first.id}, and advisor {first.advisor} can be in one place only: change one of them",
            (named(second, "weekly", n), named(first, "weekly", m)),
        )


def _sound(schedule: Schedule, n: int) -> Iterator[Placed]:
    """A block whose times can be compared with others: a fault in them is told by itself."""
    block = schedule.weekly[n]
    if block.start.tzinfo is None and block.end.tzinfo is None and block.start < until(block.end):
        yield schedule, n, block

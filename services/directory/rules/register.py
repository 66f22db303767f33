"""The register that the rules judge, and what they tell of it.

All wall times of one schedule are of its zone, all dates are local days.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from directory.events import Advisor, Centre, Entity, Municipality, Offering, Pool, Schedule, Staff, Unit

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS_SV = ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag")
MODALITIES_SV = {"video": "video", "phone": "telefon", "visit": "besök"}

PathOf = tuple[str | int, ...]
Some = TypeVar("Some", bound=Entity)


class Unread(Exception):  # noqa: N818 - ends a rule, which is no error
    """A rule asks for a field that could not be read, which is told by itself."""


@dataclass(frozen=True)
class Place:
    """A field of an entity; an empty path is the entity itself."""

    kind: str
    id: str
    path: PathOf = ()


@dataclass(frozen=True)
class Breach:
    """A rule that does not hold, in both languages, and the places where it can be put right, the likeliest first."""

    sv: str
    en: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Register:
    """Entities by kind and id. `unreadable` are those that are named somewhere but could not be understood, or only in
    part: nothing is concluded from what is absent of them.
    """

    municipality: dict[str, Municipality] = field(default_factory=dict)
    unit: dict[str, Unit] = field(default_factory=dict)
    centre: dict[str, Centre] = field(default_factory=dict)
    advisor: dict[str, Advisor] = field(default_factory=dict)
    pool: dict[str, Pool] = field(default_factory=dict)
    schedule: dict[str, Schedule] = field(default_factory=dict)
    offering: dict[str, Offering] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    unreadable: set[tuple[str, str]] = field(default_factory=set)

    def of(self, kind: str) -> dict[str, Any]:
        """The entities of one kind, ended ones too."""
        made: dict[str, Any] = getattr(self, kind)
        return made

    def live(self, kind: str) -> list[Any]:
        """The entities of one kind that have not ended, by id."""
        return [e for _, e in sorted(self.of(kind).items()) if not e.ended]


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included; `last` is None where there is no end."""

    first: date
    last: date | None

    def shared(self, other: "Period") -> "Period | None":
        """The days of both, None where there are none."""
        ends = [p.last for p in (self, other) if p.last is not None]
        both = Period(max(self.first, other.first), min(ends) if ends else None)
        return None if both.last is not None and both.last < both.first else both

    def has(self, weekday: int) -> bool:
        """Whether it holds a day of this ISO weekday."""
        return self.last is None or (self.last - self.first).days >= (weekday - self.first.isoweekday()) % 7


def period(entity: Pool | Schedule) -> Period:
    """The days on which a pool or a schedule is valid."""
    return Period(entity.valid_from, entity.valid_until)


def grouped(entities: Iterable[Some], keys: Callable[[Some], Iterable[str]]) -> dict[str, list[Some]]:
    """Entities in their order, by each of the `keys` of each. Made once, and looked into for each entity that asks:
    to go through all of a kind for each of a kind takes seconds in the register of a country.
    """
    found: dict[str, list[Some]] = {}
    for entity in entities:
        with suppress(Unread):
            for key in keys(entity):
                found.setdefault(key, []).append(entity)
    return found


T = TypeVar("T")


def as_far_as_read(*rules: Iterator[T]) -> Iterator[T]:
    """What each of these tells until it asks for what could not be read."""
    for rule in rules:
        with suppress(Unread):
            yield from rule


def members(pool: Pool) -> set[str]:
    """The codes of the municipalities that have a share at some time, by the agreement or an amendment."""
    every = (pool.shares, *(amendment.shares for amendment in pool.amendments))
    return {code for shares in every for code, share in shares.items() if share}


def working(register: Register, advisor_id: str) -> Advisor | None:
    """The advisor with this id, if there is one who has not ended."""
    advisor = register.advisor.get(advisor_id)
    return None if advisor is None or advisor.ended else advisor


def named(entity: Entity, *path: str | int) -> Place:
    """The place of a field of an entity."""
    return Place(type(entity).__name__.lower(), entity.id, path)


def said(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)

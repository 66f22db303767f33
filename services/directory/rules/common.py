"""What holds for lists, texts and periods of every kind."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from directory.events import Entity, Pool, Schedule
from directory.rules.register import Breach, PathOf, as_far_as_read, named
from kit import names
from kit.days import FIRST_YEAR, LAST_YEAR, is_near


def listed(entity: Entity, *names: str, empty: bool = False) -> Iterator[Breach]:
    """Lists have something in them, unless `empty` is allowed, and nothing twice."""
    return as_far_as_read(*(_list(entity, name, empty=empty) for name in names))


def _list(entity: Entity, name: str, *, empty: bool) -> Iterator[Breach]:
    values = getattr(entity, name)
    if not values and not empty:
        yield Breach("välj minst en", f"{name} is empty: name at least one", (named(entity, name),))
    for n, value in enumerate(values):
        if value in values[:n]:
            sv = f"{value} finns två gånger: ta bort den ena"
            yield Breach(sv, f"{name} has {value} twice: take one away", (named(entity, name, n),))


# Fields whose text may have several lines.
_LONG = {"summary", "practical", "purpose", "ground", "authority"}
# The address of the form that adds an entity, where that of an entity with this id would be.
TAKEN_ID = "ny"


def writable(entity: Entity) -> Iterator[Breach]:
    """No text has a sign that people cannot type, some of which PostgreSQL cannot keep, or that turns those beside it;
    and none breaks a line where it stands in one.
    """
    if entity.id == TAKEN_ID:
        yield Breach(
            f"id:t kan inte vara {TAKEN_ID}, som är adressen till formuläret för nya: välj ett annat",
            f"the id cannot be {TAKEN_ID}, which is the address of the form for new ones: choose another",
            (named(entity, "id"),),
        )
    for path, text in _texts(entity.model_dump(), ()):
        if not names.is_text(text):
            yield Breach(
                "texten innehåller ett styrtecken eller ett tecken som vänder på ordningen: skriv den på nytt",
                "the text has a control character in it, or one that turns the order: write it anew",
                (named(entity, *path),),
            )
        elif not (names.is_line(text) or _LONG.intersection(path)):
            yield Breach(
                "texten står på flera rader eller innehåller en tabb: skriv den på en rad",
                "the text has several lines, or a tab in it: write it on one line",
                (named(entity, *path),),
            )


def near(entity: Entity, before: Entity | None) -> Iterator[Breach]:
    """Days are of years that are reckoned with; those that the entity had before are kept.

    Told of what is changed, and not by `breaches`: a register may hold such days from before there were bounds.
    """
    kept = {day for _, day in _days(before.model_dump(), ())} if before else set()
    for path, day in _days(entity.model_dump(), ()):
        if not is_near(day) and day not in kept:
            yield Breach(
                f"välj en dag från {FIRST_YEAR} till {LAST_YEAR}",
                f"choose a day from {FIRST_YEAR} to {LAST_YEAR}",
                (named(entity, *path),),
            )


def _days(value: Any, path: PathOf) -> Iterator[tuple[PathOf, date]]:
    if isinstance(value, date):
        yield path, value
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _days(inner, (*path, name))


def _texts(value: Any, path: PathOf) -> Iterator[tuple[PathOf, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, (*path, name))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _texts(inner, (*path, n))


def valid(entity: Pool | Schedule) -> Iterator[Breach]:
    """The last day is not before the first."""
    if entity.valid_until is not None and entity.valid_until < entity.valid_from:
        yield Breach(
            f"sista dagen ({entity.valid_until}) ligger före den första ({entity.valid_from}): rätta en av dem",
            f"valid_until ({entity.valid_until}) is before valid_from ({entity.valid_from}): swap or correct them",
            (named(entity, "valid_until"),),
        )

"""What holds for lists, texts and periods of every kind."""

from collections.abc import Iterator
from typing import Any
from unicodedata import category

from directory.events import Entity, Pool, Schedule
from directory.rules.register import Breach, PathOf, named


def listed(entity: Entity, *names: str, empty: bool = False) -> Iterator[Breach]:
    """Lists have something in them, unless `empty` is allowed, and nothing twice."""
    for name in names:
        values = getattr(entity, name)
        if not values and not empty:
            yield Breach("välj minst en", f"{name} is empty: name at least one", (named(entity, name),))
        for n, value in enumerate(values):
            if value in values[:n]:
                sv = f"{value} finns två gånger: ta bort den ena"
                yield Breach(sv, f"{name} has {value} twice: take one away", (named(entity, name, n),))


def writable(entity: Entity) -> Iterator[Breach]:
    """No text has a sign that people cannot type, some of which PostgreSQL cannot keep."""
    for path, text in _texts(entity.model_dump(), ()):
        if any(category(sign) in ("Cc", "Cs") and sign not in "\n\t" for sign in text):
            yield Breach(
                "texten innehåller ett styrtecken: skriv den på nytt",
                "the text has a control character in it: write it anew",
                (named(entity, *path),),
            )


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

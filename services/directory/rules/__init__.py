"""What must be true of the register as a whole. Pure: a register goes in, what it breaches comes out.

Only live entities are judged.
"""

from collections.abc import Callable, Iterator
from typing import Any

from directory.events import Entity
from directory.rules.common import writable
from directory.rules.offerings import offering
from directory.rules.people import advisor, one_person_each, staff
from directory.rules.places import centre, municipality, one_slug_each
from directory.rules.pools import one_pool_at_a_time, pool
from directory.rules.references import references
from directory.rules.register import Breach, Register
from directory.rules.schedules import one_place_at_a_time, schedule


def breaches(register: Register) -> Iterator[Breach]:
    """Every rule that the register breaks."""
    yield from references(register)
    for kind, check in _CHECKS.items():
        for entity in register.live(kind):
            yield from check(register, entity)
    for kind in _CHECKS:
        for entity in register.of(kind).values():
            yield from writable(entity)
    yield from one_slug_each(register)
    yield from one_person_each(register)
    yield from one_pool_at_a_time(register)
    yield from one_place_at_a_time(register)


def _nothing(_: Register, __: Entity) -> Iterator[Breach]:
    yield from ()


_CHECKS: dict[str, Callable[[Register, Any], Iterator[Breach]]] = {
    "municipality": municipality,
    "unit": _nothing,
    "centre": centre,
    "advisor": advisor,
    "pool": pool,
    "schedule": schedule,
    "offering": offering,
    "staff": staff,
}

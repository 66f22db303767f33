"""What must be true of the register as a whole. Pure: a register goes in, what it breaches comes out.

Only live entities are judged. Of one that was read in part, each rule is judged that asks for what was read.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from directory.rules.common import writable
from directory.rules.offerings import offering
from directory.rules.people import advisor, one_person_each, staff
from directory.rules.places import centre, municipality, one_slug_each
from directory.rules.pools import by_advisor, one_pool_at_a_time, pool
from directory.rules.references import KINDS_SV, references
from directory.rules.register import Breach, Register, as_far_as_read
from directory.rules.schedules import one_place_at_a_time, schedule


def breaches(register: Register) -> Iterator[Breach]:
    """Every rule that the register breaks."""
    yield from references(register)
    checks: dict[str, Callable[[Register, Any], Iterator[Breach]]] = {
        "municipality": municipality,
        "centre": centre,
        "advisor": advisor,
        "pool": pool,
        "schedule": schedule,
        "offering": partial(offering, by_advisor(register)),
        "staff": staff,
    }
    for kind, check in checks.items():
        for entity in register.live(kind):
            yield from as_far_as_read(check(register, entity))
    for kind in KINDS_SV:
        for entity in register.of(kind).values():
            yield from writable(entity)
    yield from one_slug_each(register)
    yield from one_person_each(register)
    yield from one_pool_at_a_time(register)
    yield from one_place_at_a_time(register)

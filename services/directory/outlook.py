"""What somebody who answers for a part of the register should attend to soon. Pure; days are local days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from directory.events import Entity, Schedule
from directory.rights import Remit, concerns
from directory.rules.register import Period, Register, period

# A schedule is noticed a month before its end, an agreement so long before that boards can decide on the next one.
SCHEDULE_DAYS = 30
AGREEMENT_DAYS = 90


@dataclass(frozen=True)
class Warned:
    """`about` is where it can be put right; `what` says which text, with these values."""

    what: str
    about: Entity
    values: dict[str, object]


def outlook(register: Register, mine: Remit, today: date) -> list[Warned]:
    """Everything of a remit that will soon not work, or does not now."""
    found = [*_offerings(register, today), *_advisors(register, today), *_pools(register, today)]
    return [each for each in found if concerns(register, mine, each.about)]


def _schedules(register: Register, advisor: str) -> list[Schedule]:
    return [s for s in register.live("schedule") if s.advisor == advisor]


def _offerings(register: Register, today: date) -> Iterator[Warned]:
    for offering in register.live("offering"):
        ahead = Period(today, today + timedelta(days=offering.horizon_days))
        works = [any(period(s).shared(ahead) for s in _schedules(register, a)) for a in offering.advisors]
        # All of them meet in a joint visit.
        enough = all(works) if offering.kind == "joint_visit" else any(works)
        if offering.advisors and not enough:
            yield Warned("warn_offering", offering, {"days": offering.horizon_days})


def _advisors(register: Register, today: date) -> Iterator[Warned]:
    soon = today + timedelta(days=SCHEDULE_DAYS)
    for advisor in register.live("advisor"):
        coming = [s for s in _schedules(register, advisor.id) if s.valid_until is None or s.valid_until >= today]
        if not any(s.valid_from <= today for s in coming):
            yield Warned("warn_advisor", advisor, {})
        elif coming and all(s.valid_until and s.valid_until <= soon for s in coming):
            last = max(coming, key=lambda s: s.valid_until or date.max)
            yield Warned("warn_schedule", last, {"day": last.valid_until})


def _pools(register: Register, today: date) -> Iterator[Warned]:
    for pool in register.live("pool"):
        if pool.valid_until and today <= pool.valid_until <= today + timedelta(days=AGREEMENT_DAYS):
            yield Warned("warn_pool", pool, {"day": pool.valid_until})

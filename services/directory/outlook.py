"""What somebody who answers for a part of the register should attend to soon. Pure; days are local days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from directory.events import Entity, Offering, PersonalData
from directory.rights import concerns
from directory.rules.agreement import Remit
from directory.rules.register import Period, Register, grouped, period

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
    return [
        *(each for each in found if concerns(register, mine, each.about)),
        # An operator fills it in, but it is the coordinators' families who are not told.
        *(each for each in _municipalities(register) if mine.everything or each.about.id in mine.municipalities),
    ]


def _offerings(register: Register, today: date) -> Iterator[Warned]:
    schedules = grouped(register.live("schedule"), lambda schedule: [schedule.advisor])
    for offering in register.live("offering"):
        ahead = Period(today, today + timedelta(days=offering.horizon_days))
        works = [any(period(s).shared(ahead) for s in schedules.get(a, ())) for a in offering.advisors]
        # All of them meet in a joint visit.
        enough = all(works) if offering.kind == "joint_visit" else any(works)
        if offering.advisors and _by_time(offering) and not enough:
            what = "warn_joint_visit" if offering.kind == "joint_visit" else "warn_offering"
            yield Warned(what, offering, {"days": offering.horizon_days})


def _by_time(offering: Offering) -> bool:
    return offering.kind == "joint_visit" or (offering.kind == "conversation" and offering.self_booking)


def _advisors(register: Register, today: date) -> Iterator[Warned]:
    soon = today + timedelta(days=SCHEDULE_DAYS)
    schedules = grouped(register.live("schedule"), lambda schedule: [schedule.advisor])
    booked = {advisor for offering in register.live("offering") for advisor in offering.advisors}
    for advisor in register.live("advisor"):
        if advisor.id not in booked:
            yield Warned("warn_no_offering", advisor, {})
        coming = [s for s in schedules.get(advisor.id, ()) if s.valid_until is None or s.valid_until >= today]
        if not coming:
            yield Warned("warn_advisor", advisor, {})
        elif (first := min(s.valid_from for s in coming)) > today:
            yield Warned("warn_advisor_later", advisor, {"day": first})
        elif all(s.valid_until and s.valid_until <= soon for s in coming):
            last = max(coming, key=lambda s: s.valid_until or date.max)
            yield Warned("warn_schedule", last, {"day": last.valid_until})


def _pools(register: Register, today: date) -> Iterator[Warned]:
    for pool in register.live("pool"):
        if pool.valid_until and today <= pool.valid_until <= today + timedelta(days=AGREEMENT_DAYS):
            yield Warned("warn_pool", pool, {"day": pool.valid_until})


def _municipalities(register: Register) -> Iterator[Warned]:
    """Those whose families are asked for details and not told who is responsible for them, and who sees to that."""
    asked = {code for offering in register.live("offering") for code in offering.municipalities}
    for municipality in register.live("municipality"):
        told = municipality.personal_data or PersonalData()
        officer = told.officer_email or told.officer_phone
        if municipality.id in asked and not (told.controller and officer):
            yield Warned("warn_municipality", municipality, {})

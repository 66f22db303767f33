"""Invented agreements to simulate."""

from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any

from booking.sharing.rules import Terms
from booking.sharing.simulation import Poisson, Scenario, Surge
from booking.slots.reads import Ages, Offering, Schedule, Text, WeeklyBlock
from booking.slots.service import closed

FIRST = date(2026, 4, 6)  # a Monday
LAST = date(2027, 4, 4)
# Shares of three municipalities that one advisor serves, and of seven that 4.5 posts serve.
THREE = {"1285": 50, "1266": 26, "1267": 24}
SEVEN = {"1281": 30, "1230": 18, "1262": 17, "1231": 13, "1285": 11, "1266": 6, "1267": 5}


def offering(**changes: Any) -> Offering:
    values = {
        "id": "foraldrasamtal",
        "version": 1,
        "name": Text(sv="Föräldrasamtal"),
        "summary": Text(sv="Prata med en föräldrarådgivare."),
        "kind": "conversation",
        "documentation": "anonymous",
        "unit": "familjestod",
        "units": dict.fromkeys(changes.get("municipalities", ()), "familjestod"),
        "municipalities": (),
        "advisors": (),
        "duration": 45,
        "buffer_after": 15,
        "starts_every": 60,
        "modalities": ("video",),
        "ages": Ages(first=0, last=6, expecting=True),
        "horizon_days": 42,
        "lead_time_hours": 4,
        "cancel_limit_hours": 24,
        "self_booking": True,
        **changes,
    }
    return Offering.model_validate(values)


def schedule(advisor: str, hours: Sequence[tuple[int, int, int]], **changes: Any) -> Schedule:
    """Of blocks (weekday from 1, first hour, last hour)."""
    weekly = [
        WeeklyBlock(weekday=day, start=time(start), end=time(end), modalities=("video",)) for day, start, end in hours
    ]
    values = {"id": advisor, "version": 1, "advisor": advisor, "zone": "Europe/Stockholm", "weekly": weekly, **changes}
    return Schedule.model_validate({"valid_from": date(2026, 1, 1), **values})


EIGHT_A_DAY = [(day, start, start + 4) for day in range(1, 6) for start in (8, 13)]
MORNINGS = [(day, 8, 12) for day in range(1, 6)]


def of_three(*, load: float = 0.9, surge: float = 2.2, **changes: Any) -> Scenario:
    """One advisor with eight times a day; for 40 days in autumn one town has `surge` times its families."""
    weekly = {code: 40 * load * share / 100 for code, share in THREE.items()}
    return _scenario(
        THREE, {"a": EIGHT_A_DAY}, weekly, (Surge("1285", date(2026, 9, 1), date(2026, 10, 10), surge),), **changes
    )


def of_seven(**changes: Any) -> Scenario:
    """4.5 posts for seven municipalities, and a surge in the second largest."""
    weekly = {code: 1.67 * share for code, share in SEVEN.items()}
    advisors = {**{f"a{n}": EIGHT_A_DAY for n in range(4)}, "a4": MORNINGS}
    return _scenario(SEVEN, advisors, weekly, (Surge("1230", date(2026, 9, 1), date(2026, 10, 10), 2.2),), **changes)


def _scenario(
    shares: Mapping[str, int],
    advisors: Mapping[str, Sequence[tuple[int, int, int]]],
    weekly: Mapping[str, float],
    surges: Sequence[Surge],
    **changes: Any,
) -> Scenario:
    values = {
        "terms": (Terms(date(2026, 1, 1), date.max, shares),),
        "schedules": {name: (schedule(name, hours),) for name, hours in advisors.items()},
        "offering": offering(),
        "demand": Poisson(weekly, surges=surges),
        "first": FIRST,
        "last": LAST,
        "closed": closed,
        **changes,
    }
    return Scenario(**values)

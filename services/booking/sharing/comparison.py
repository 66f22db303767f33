"""Policies for keeping an agreement, and how they compare: what families of each municipality get out of each. Pure."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from booking.sharing.rules import PERCENT

# More days than any horizon has: with so many, every time is anybody's at once.
ALWAYS = 10_000
MOST_RELEASE_DAYS = 28
# The part of the families that a wait is told for: nine of ten are met within it.
MOST = 0.9


@dataclass(frozen=True)
class Policy:
    """How an agreement could be kept: see `rules.Terms`, of which these take the place."""

    release_days: int | None
    carry_over: int = 0

    @classmethod
    def parse(cls, name: str) -> "Policy":
        """The policy of a name such as `first-come`, `hard-quota`, `release-7` or `release-7-carry-50`.

        Raises ValueError.
        """
        found = re.fullmatch(r"(?:(first-come)|(hard-quota)|release-([0-9]{1,2}))(?:-carry-([0-9]{1,3}))?", name)
        if not found or int(found[3] or 0) > MOST_RELEASE_DAYS or int(found[4] or 0) > PERCENT:
            raise ValueError(f"no such policy: {name}")
        release = ALWAYS if found[1] else None if found[2] else int(found[3])
        return cls(release, int(found[4] or 0))

    def __str__(self) -> str:
        kept = f"release-{self.release_days}"
        kept = {ALWAYS: "first-come", None: "hard-quota"}.get(self.release_days, kept)
        return f"{kept}-carry-{self.carry_over}" if self.carry_over else kept


FIRST_COME = Policy(ALWAYS)
HARD_QUOTA = Policy(None)
POLICIES = (FIRST_COME, HARD_QUOTA, Policy(3), Policy(7), Policy(14))


@dataclass
class Outcome:
    """What became of one municipality's families; of several runs where they are added.

    `waits` counts days from asking to meeting. Whoever gave up looking counts with the least that the wait would have
    been: the days of patience and then the whole horizon, in which there was nothing. `third_next` counts, for each
    working day, the days until the third free time; the horizon where there is none. Minutes are of whole periods.
    """

    waits: Counter[int] = field(default_factory=Counter)
    third_next: Counter[int] = field(default_factory=Counter)
    asked: int = 0
    unserved: int = 0
    cancelled: int = 0
    missed: int = 0
    entitled: int = 0
    used: int = 0
    borrowed: int = 0
    lent: int = 0

    def wait(self, part: float) -> int | None:
        """The days within which this part of the families was met, such as 0.9; None where nobody asked."""
        return percentile(self.waits, part)

    @property
    def third(self) -> int | None:
        """The median of the days until the third next time."""
        return percentile(self.third_next, 0.5)

    @property
    def utilisation(self) -> float | None:
        """Minutes used, relative to what it was entitled to."""
        return self.used / self.entitled if self.entitled else None

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(**{name: value + getattr(other, name) for name, value in vars(self).items()})


Result = Mapping[str, Outcome]
"""What became of each municipality's families."""


def percentile(counted: Mapping[int, int], part: float) -> int | None:
    """The least number that at least this part of those counted does not pass (the nearest rank)."""
    rank, seen = part * sum(counted.values()), 0
    for number in sorted(counted):
        seen += counted[number]
        if seen and seen >= rank:
            return number
    return None


def added(results: Sequence[Result]) -> dict[str, Outcome]:
    """The outcome of several runs as of one."""
    return {code: sum((result[code] for result in results[1:]), results[0][code]) for code in results[0]}


def whole(result: Result) -> Outcome:
    """All municipalities together."""
    return sum(result.values(), Outcome())


@dataclass(frozen=True)
class Cost:
    """How many days longer (negative: shorter) nine families of ten wait under a policy than under another one, by
    municipality, and how many more find no time.
    """

    policy: Policy
    other: Policy
    days: Mapping[str, int]
    unserved: int


def frontier(results: Mapping[Policy, Result]) -> list[Policy]:
    """The policies to choose among: no other is at least as good for every municipality and better for one.

    What counts is the days within which nine families of ten are met.
    """
    waits = {policy: {code: one.wait(MOST) or 0 for code, one in result.items()} for policy, result in results.items()}

    def beats(one: Policy, other: Policy) -> bool:
        pairs = [(waits[one][code], waits[other][code]) for code in waits[one]]
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    return [policy for policy in waits if not any(beats(other, policy) for other in waits)]


def costs(results: Mapping[Policy, Result], policy: Policy) -> list[Cost]:
    """What a policy costs whom, compared with each of the others."""
    own = results[policy]
    return [
        Cost(
            policy,
            other,
            {code: (own[code].wait(MOST) or 0) - (result[code].wait(MOST) or 0) for code in own},
            whole(own).unserved - whole(result).unserved,
        )
        for other, result in results.items()
        if other != policy
    ]

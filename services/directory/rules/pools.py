"""What must be true of an agreement, and between agreements; whom an advisor reaches by them."""

from collections.abc import Iterator
from itertools import combinations

from directory.events import Advisor, Pool
from directory.rules.common import listed, valid
from directory.rules.register import Breach, Register, named, period


def reach(register: Register, advisor: Advisor) -> set[str]:
    """The codes of the municipalities whose families the advisor may meet: the employer's, and the pools'."""
    made = {
        code
        for pool in register.live("pool")
        if advisor.id in pool.advisors
        for code, share in pool.shares.items()
        if share
    }
    if unit := register.unit.get(advisor.unit):
        made.add(unit.municipality)
    return made


def pool(_: Register, entity: Pool) -> Iterator[Breach]:
    """Each municipality has a share, and the shares are of one whole."""
    yield from listed(entity, "advisors")
    yield from valid(entity)
    for code, share in entity.shares.items():
        if share < 1:
            yield Breach(
                f"kommunen {code} har andelen {share}: ge den minst 1 procent, eller utelämna den",
                f"municipality {code} has a share of {share}: give it at least 1 percent, or leave it out",
                (named(entity, "shares", code),),
            )
    total = sum(entity.shares.values())
    if total != 100:  # noqa: PLR2004 - percent
        yield Breach(
            f"andelarna blir tillsammans {total} procent, inte 100",
            f"shares add up to {total}, not to 100 percent",
            (named(entity, "shares"),),
        )


def one_pool_at_a_time(register: Register) -> Iterator[Breach]:
    """An advisor's time is divided by one agreement."""
    for one, other in combinations(register.live("pool"), 2):
        if period(one).shared(period(other)) is None:
            continue
        for n, advisor in enumerate(other.advisors):
            if advisor in one.advisors:
                yield Breach(
                    f"rådgivaren {advisor} är med i {one.name} och {other.name} på samma gång: behåll den ena, eller "
                    "låt den ena ta slut innan den andra börjar",
                    f"advisor {advisor} is in the pools {one.id} and {other.id} at the same time: keep one, or let "
                    "one end before the other begins",
                    (named(other, "advisors", n), named(one, "advisors", one.advisors.index(advisor))),
                )

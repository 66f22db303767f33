"""What must be true of an agreement, and between agreements; whom an advisor reaches by them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations

from directory.events import Advisor, Amendment, Pool
from directory.rules.common import listed, valid
from directory.rules.register import Breach, PathOf, Register, as_far_as_read, grouped, members, named, period


def terms_on(pool: Pool, day: date) -> Pool | Amendment:
    """The terms that hold on a day: the agreement's own, or those of the last amendment whose day has come."""
    return next((a for a in reversed(pool.amendments) if a.valid_from <= day), pool)


def by_advisor(register: Register) -> Mapping[str, Sequence[Pool]]:
    """The pools that each advisor is in."""
    live: list[Pool] = register.live("pool")
    return grouped(live, lambda pool: dict.fromkeys(pool.advisors))


def reach(register: Register, advisor: Advisor, pools: Mapping[str, Sequence[Pool]]) -> set[str]:
    """The codes of the municipalities whose families the advisor may meet: the employer's, and the pools'.

    Those of an amendment count before its day has come: what is to be booked then must be in the register before.
    """
    made = {code for pool in pools.get(advisor.id, ()) for code in members(pool)}
    if unit := register.unit.get(advisor.unit):
        made.add(unit.municipality)
    return made


def pool(_: Register, entity: Pool) -> Iterator[Breach]:
    """The terms are whole at any time, and amendments follow each other."""
    yield from listed(entity, "advisors")
    yield from as_far_as_read(
        valid(entity),
        _shared(entity, (), entity),
        *(_shared(entity, ("amendments", n), amendment) for n, amendment in enumerate(entity.amendments)),
        *(rule(entity, n) for n in range(len(entity.amendments)) for rule in (_follows, _within)),
    )


def _shared(entity: Pool, where: PathOf, terms: Pool | Amendment) -> Iterator[Breach]:
    """Each municipality has a share, and the shares are of one whole."""
    shares = terms.shares
    for code, share in shares.items():
        if share < 1:
            yield Breach(
                f"kommunen {code} har andelen {share}: ge den minst 1 procent, eller utelämna den",
                f"municipality {code} has a share of {share}: give it at least 1 percent, or leave it out",
                (named(entity, *where, "shares", code),),
            )
    total = sum(shares.values())
    if total != 100:  # noqa: PLR2004 - percent
        yield Breach(
            f"andelarna blir tillsammans {total} procent, inte 100",
            f"shares add up to {total}, not to 100 percent",
            (named(entity, *where, "shares"),),
        )


def _follows(entity: Pool, n: int) -> Iterator[Breach]:
    """On each day of the agreement one set of terms holds, and each set holds on some day."""
    where = (named(entity, "amendments", n, "valid_from"),)
    day = entity.amendments[n].valid_from
    if day <= entity.valid_from:
        yield Breach(
            f"avtalet börjar gälla {entity.valid_from}, så ett tilläggsavtal kan gälla tidigast dagen efter: skriv "
            "en senare dag, eller ändra avtalets egna villkor",
            f"the agreement holds from {entity.valid_from}, so an amendment holds from the day after at the "
            "earliest: write a later day, or change the agreement's own terms",
            where,
        )
    elif day <= (before := max([entity.valid_from, *(earlier.valid_from for earlier in entity.amendments[:n])])):
        yield Breach(
            f"ett tilläggsavtal gäller redan från {before}: skriv dem i tidsordning, högst ett per dag",
            f"an amendment holds from {before} already: write them in the order of their days, one a day at most",
            where,
        )


def _within(entity: Pool, n: int) -> Iterator[Breach]:
    day = entity.amendments[n].valid_from
    if entity.valid_until is not None and day > entity.valid_until:
        yield Breach(
            f"avtalet tar slut {entity.valid_until}: skriv en tidigare dag, eller förläng avtalet",
            f"the agreement ends on {entity.valid_until}: write an earlier day, or prolong the agreement",
            (named(entity, "amendments", n, "valid_from"), named(entity, "valid_until")),
        )


def one_pool_at_a_time(register: Register) -> Iterator[Breach]:
    """An advisor's time is divided by one agreement."""
    for advisor, pools in by_advisor(register).items():
        yield from as_far_as_read(*(_one_pool(advisor, *both) for both in combinations(pools, 2)))


def _one_pool(advisor: str, one: Pool, other: Pool) -> Iterator[Breach]:
    if period(one).shared(period(other)):
        yield Breach(
            f"rådgivaren {advisor} är med i {one.name} och {other.name} på samma gång: behåll den ena, eller "
            "låt den ena ta slut innan den andra börjar",
            f"advisor {advisor} is in the pools {one.id} and {other.id} at the same time: keep one, or let "
            "one end before the other begins",
            (
                named(other, "advisors", other.advisors.index(advisor)),
                named(one, "advisors", one.advisors.index(advisor)),
            ),
        )

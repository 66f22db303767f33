"""Whose yes a change of the register needs. Pure.

Secrecy holds between boards (OSL 26:1) and an agreement is two parties' (KL 9:37): a municipality says itself who meets
its families and on what terms, an employer says itself for whom its advisors work, and neither can say it for the
other. So each thing that an entity holds has parties. It comes to be, or changes, when all of them have agreed; some of
them may end it alone, because nobody is held to lend what is theirs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

from directory.events import Advisor, Amendment, Centre, Entity, Offering, Pool, Schedule, Staff
from directory.rules.register import Register, members

# What the register counts and notes itself.
ITS_OWN = {"version", "sessions_after"}


class Party(NamedTuple):
    """Whoever answers for a unit, or for any unit of a municipality, by its code."""

    kind: Literal["unit", "municipality"]
    id: str


@dataclass(frozen=True)
class Remit:
    """What somebody answers for: units, their municipalities' codes, or everything."""

    everything: bool
    units: frozenset[str]
    municipalities: frozenset[str]

    def covers(self, party: Party) -> bool:
        """Whether it can say yes for a party."""
        return self.everything or party.id in (self.units if party.kind == "unit" else self.municipalities)


@dataclass(frozen=True)
class Held:
    """One thing that an entity holds. `parties` agree to it; each of `free` may end it without the others."""

    value: Any
    parties: frozenset[Party]
    free: frozenset[Party] = frozenset()


Key = tuple[str, ...]
Holdings = Mapping[Key, Held]


def held(register: Register, entity: Entity) -> Holdings:
    """What an entity holds. Municipalities and units hold nothing: they are the installation's."""
    found: Iterator[tuple[Key, Held]] = iter(())
    match entity:
        case Centre():
            found = iter([(("centre",), Held(said(entity), frozenset({_town(entity.municipality)})))])
        case Advisor():
            found = iter([(("advisor",), Held(said(entity), frozenset({Party("unit", entity.unit)})))])
        case Pool():
            found = _of_pool(register, entity)
        case Schedule():
            found = _of_schedule(register, entity)
        case Offering():
            found = _of_offering(register, entity)
        case Staff():
            found = _of_staff(register, entity)
    return dict(found)


def needs(
    known: Register, wanted: Register, before: Entity | None, after: Entity, mine: Remit, today: date
) -> frozenset[Party]:
    """Whose yes it needs to make an entity of `known` what it is in `wanted`, besides the yes of `mine`.

    `today` is a local day.
    """
    if mine.everything or (isinstance(before, Pool) and isinstance(after, Pool) and leaves(before, after, mine, today)):
        return frozenset()
    needed: set[Party] = set()
    agreed = _places_agreed(known, after)
    for key, was, becomes in _changes(known, wanted, before, after):
        if becomes is None and was is not None and any(map(mine.covers, was.free)):
            continue
        if was is None and key in agreed:
            continue
        for one in (was, becomes):
            needed |= one.parties if one else frozenset()
    return frozenset(party for party in needed if not mine.covers(party))


def concerned(known: Register, wanted: Register, before: Entity | None, after: Entity) -> frozenset[Party]:
    """All parties of what changes, whether they must agree or are only to know."""
    changes = _changes(known, wanted, before, after)
    return frozenset(party for _, *both in changes for one in both if one for party in one.parties)


def leaves(before: Pool, after: Pool, mine: Remit, today: date) -> bool:
    """Whether all that changes is that municipalities of `mine` leave an agreement, with the notice that it asks for.

    They leave by one more amendment, in which nothing changes for those who stay, but that nobody's share is less.
    """
    if before.notice_days is None or len(after.amendments) != len(before.amendments) + 1:
        return False
    last = after.amendments[-1]
    if said(before.model_copy(update={"amendments": [*before.amendments, last]})) != said(after):
        return False
    terms = before.amendments[-1] if before.amendments else before
    gone = terms.shares.keys() - last.shares.keys()
    same = all(
        getattr(last, name) == getattr(terms, name) for name in ("posts", "release_days", "period", "carry_over")
    )
    return (
        same
        and bool(gone)
        and gone <= mine.municipalities
        and last.shares.keys() <= terms.shares.keys()
        and all(share >= terms.shares[code] for code, share in last.shares.items())
        and last.valid_from >= today + timedelta(days=before.notice_days)
    )


def said(entity: Entity, *without: str) -> dict[str, Any]:
    """What people have said of an entity, as plain data, `without` some of its fields."""
    return entity.model_dump(mode="json", exclude={*ITS_OWN, *without})


def _changes(
    known: Register, wanted: Register, before: Entity | None, after: Entity
) -> Iterator[tuple[Key, Held | None, Held | None]]:
    old, new = held(known, before) if before else {}, held(wanted, after)
    for key in dict.fromkeys((*old, *new)):
        was, becomes = old.get(key), new.get(key)
        if was is None or becomes is None or was.value != becomes.value:
            yield key, was, becomes


def _town(code: str) -> Party:
    return Party("municipality", code)


def _employer(register: Register, advisor_id: str) -> frozenset[Party]:
    """Nobody where there is no such advisor, which is a fault of its own."""
    advisor = register.advisor.get(advisor_id)
    return frozenset({Party("unit", advisor.unit)} if advisor else ())


def of_families(register: Register, offering: Offering, code: str) -> Party:
    """Who answers for a municipality's families in an offering: its unit; where none is named, each of its units."""
    unit = register.unit.get(offering.unit)
    named = offering.units.get(code) or (offering.unit if unit and unit.municipality == code else None)
    found = register.unit.get(named or "")
    return Party("unit", found.id) if found and found.municipality == code else _town(code)


def _of_offering(register: Register, offering: Offering) -> Iterator[tuple[Key, Held]]:
    owner = frozenset({Party("unit", offering.unit)})
    terms = said(offering, "unit", "units", "municipalities", "advisors", "ended")
    yield ("offering",), Held((offering.unit, terms), owner)
    if offering.ended:
        return
    served = frozenset(of_families(register, offering, code) for code in offering.municipalities)
    # Whose families are all that there are takes them out by ending it, as it cannot be for nobody. Where there are
    # others, their families and those who meet them need their yes.
    yield ("live",), Held(None, owner, owner | served)
    for code in offering.municipalities:
        families = frozenset({of_families(register, offering, code)})
        # Whoever has a municipality's families in an offering has its public page: every word is agreed.
        yield ("families", code), Held(terms, owner | families, families)
        named = offering.units.get(code)
        answering = families | ({Party("unit", named)} if named else frozenset())
        yield ("answering", code), Held(named, answering, answering)
        for advisor in offering.advisors:
            both = _employer(register, advisor) | families
            yield ("advisor", advisor, code), Held(None, both, both)
    for advisor in offering.advisors:
        both = _employer(register, advisor) | owner
        yield ("advisor", advisor), Held(None, both, both | served)


def _of_pool(register: Register, pool: Pool) -> Iterator[tuple[Key, Held]]:
    common = said(pool, "advisors", "posts", "shares", "release_days", "period", "carry_over", "amendments")
    spans = _spans(pool)
    for code in members(pool):
        own = [span for span in spans if span[-1]["shares"].get(code)]
        # Whoever has left an agreement is not asked what becomes of it, only what it was for them.
        stays = own[-1:] == spans[-1:]
        yield ("member", code), Held((own, common if stays else None), frozenset({_town(code)}))
    if pool.ended:
        return
    for advisor in pool.advisors:
        employer = _employer(register, advisor)
        yield ("advisor", advisor), Held(None, employer, employer)
        for code in members(pool):
            both = employer | {_town(code)}
            yield ("advisor", advisor, code), Held(None, both, both)


def _spans(pool: Pool) -> list[tuple[date, date | None, dict[str, Any]]]:
    """First day, the day after the last, and the terms between them."""
    names = {"posts", "shares", "release_days", "period", "carry_over"}
    every: list[Pool | Amendment] = [pool, *pool.amendments]
    ends = [*(terms.valid_from for terms in every[1:]), None]
    return [(terms.valid_from, end, terms.model_dump(include=names)) for terms, end in zip(every, ends, strict=True)]


def _of_schedule(register: Register, schedule: Schedule) -> Iterator[tuple[Key, Held]]:
    employer = _employer(register, schedule.advisor)
    hours = said(schedule)
    parts = [(part.pop("place"), name, part) for name in ("weekly", "exceptions") for part in hours[name]]
    placed = [(place, name, repr(sorted(part.items()))) for place, name, part in parts if place]
    yield ("hours",), Held(hours, employer)
    if schedule.ended:
        return
    for place, name, part in placed:
        centre = register.centre.get(place)
        both = employer | ({_town(centre.municipality)} if centre else frozenset())
        # That an advisor is there is for both to say, when is the employer's, and either can put an end to it.
        yield ("place", schedule.advisor, place), Held(None, both, both)
        yield ("at", place, name, part), Held(None, employer, both)


def _places_agreed(known: Register, entity: Entity) -> frozenset[Key]:
    """Where an advisor is by other working hours: more of them there need nobody's yes."""
    if not isinstance(entity, Schedule):
        return frozenset()
    others = (s for s in known.live("schedule") if s.advisor == entity.advisor)
    return frozenset(key for other in others for key, _ in _of_schedule(known, other) if key[0] == "place")


def _of_staff(register: Register, staff: Staff) -> Iterator[tuple[Key, Held]]:
    parties: set[Party] = set()
    for grant in staff.grants:
        party = _granting(register, grant.unit, grant.centre)
        parties |= party
        yield ("grant", grant.role, grant.unit or "", grant.centre or ""), Held(None, party, party)
    yield ("person",), Held(said(staff, "grants", "advisor"), frozenset(parties))
    if staff.advisor:
        # Whose days somebody sees as their own is decided where that advisor is employed.
        employer = _employer(register, staff.advisor)
        yield ("advisor", staff.advisor), Held(None, employer, employer)


def _granting(register: Register, unit: str | None, centre: str | None) -> frozenset[Party]:
    """Who gives a role and takes it: nobody where it is the whole installation's."""
    if unit:
        return frozenset({Party("unit", unit)})
    found = register.centre.get(centre or "")
    return frozenset({_town(found.municipality)} if found else ())

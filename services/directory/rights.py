"""Who may change what in the register. Pure: people and registers go in, what is denied comes out.

An operator may change everything. A coordinator answers for units: for their offerings and their advisors with their
schedules, for the centres of the units' municipalities, for pools in which those take part, and for roles that are
held for the units and the centres. Municipalities and units themselves are an operator's.

What is changed must be theirs as it was and as it becomes: nothing is taken from others, nothing handed to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from directory.events import Advisor, Centre, Entity, Grant, Offering, Pool, Schedule, Staff
from directory.rules.register import Breach, Place, Register, members

# What is the installation's, whoever works there.
OPERATORS_OWN = ("municipality", "unit")


@dataclass(frozen=True)
class Remit:
    """What somebody answers for: units, their municipalities' codes, or everything."""

    everything: bool
    units: frozenset[str]
    municipalities: frozenset[str]


def remit(register: Register, person: str) -> Remit:
    """What a member of staff answers for, as the register has it now; nothing for whoever is not in it or has left."""
    staff = register.staff.get(person)
    grants = staff.grants if staff and not staff.ended else []
    units = [u for g in grants if g.role == "coordinator" and (u := register.unit.get(g.unit or "")) and not u.ended]
    return Remit(
        any(g.role == "operator" for g in grants),
        frozenset(unit.id for unit in units),
        frozenset(unit.municipality for unit in units),
    )


def concerns(register: Register, mine: Remit, entity: Entity) -> bool:
    """Whether an entity is within a remit. Staff is where one of its roles is; whoever holds none is everybody's."""
    here = False
    match entity:
        case Centre():
            here = entity.municipality in mine.municipalities
        case Advisor() | Offering():
            here = entity.unit in mine.units
        case Pool():
            here = not mine.municipalities.isdisjoint(members(entity))
        case Schedule():
            advisor = register.advisor.get(entity.advisor)
            here = advisor is not None and advisor.unit in mine.units
        case Staff():
            here = not entity.grants or any(may_grant(register, mine, grant) for grant in entity.grants)
    return here or mine.everything


def may_add(mine: Remit, kind: str) -> bool:
    """Whether somebody with this remit may add entities of a kind at all."""
    return mine.everything or bool(mine.units and kind not in OPERATORS_OWN)


def may_grant(register: Register, mine: Remit, grant: Grant) -> bool:
    """Whether a role is this remit's to give and to take."""
    if mine.everything:
        return True
    if grant.role == "operator":
        return False
    if grant.role == "nurse":
        centre = register.centre.get(grant.centre or "")
        return centre is not None and centre.municipality in mine.municipalities
    return grant.unit in mine.units


def owns(register: Register, mine: Remit, staff: Staff) -> bool:
    """Whether everything of a member of staff is this remit's: name, identity and whether they work here still."""
    return all(may_grant(register, mine, grant) for grant in staff.grants)


def denied(known: Register, wanted: Register, person: str, before: Entity | None, after: Entity) -> Iterator[Breach]:
    """Why a person may not make an entity of `known` what it is in `wanted`; nothing where they may."""
    mine = remit(known, person)
    if isinstance(after, Staff):
        # Only the same kind has the same id.
        yield from _staff(known, wanted, person, before if isinstance(before, Staff) else None, after)
    elif (before and not concerns(known, mine, before)) or not concerns(wanted, mine, after):
        yield _not_yours(after)


def _not_yours(entity: Entity, *path: str | int) -> Breach:
    return Breach(
        "det hör inte till någon verksamhet som du är samordnare för: be den som är det, eller driftansvarig",
        "it belongs to no unit that you coordinate: ask whoever does, or an operator",
        (Place(type(entity).__name__.lower(), entity.id, path),),
    )


def _staff(known: Register, wanted: Register, person: str, before: Staff | None, after: Staff) -> Iterator[Breach]:
    mine = remit(known, person)
    if not mine.everything and not mine.units:
        yield _not_yours(after)
    held = before.grants if before else []
    for n, grant in enumerate(after.grants):
        if grant not in held and not may_grant(wanted, mine, grant):
            yield _not_yours(after, "grants", n)
    for grant in held:
        if grant not in after.grants and not may_grant(known, mine, grant):
            yield _not_yours(after, "grants")
    yield from _own_fields(known, wanted, mine, before, after)
    yield from _locked_out(person, before, after)


def _own_fields(known: Register, wanted: Register, mine: Remit, before: Staff | None, after: Staff) -> Iterator[Breach]:
    """What is not a role: a colleague of several units is changed by whoever answers for all of them."""
    changed = [n for n in ("name", "identity", "ended") if before and getattr(before, n) != getattr(after, n)]
    if before and changed and not owns(known, mine, before):
        yield from (_not_yours(after, name) for name in changed)
    old, new = before.advisor if before else None, after.advisor
    if old != new:
        # Whose days somebody sees as their own is decided where that advisor is employed.
        theirs = [(known, old), (wanted, new)]
        advisors = [register.advisor.get(advisor) for register, advisor in theirs if advisor]
        if not all(advisor is None or concerns(known, mine, advisor) for advisor in advisors):
            yield _not_yours(after, "advisor")


def _locked_out(person: str, before: Staff | None, after: Staff) -> Iterator[Breach]:
    """Nobody takes the own last role of a kind that gives roles: it would need somebody else to get it back."""
    if before is None or after.id != person:
        return
    for role, sv in (("coordinator", "samordnare"), ("operator", "driftansvarig")):
        had, has = (any(g.role == role for g in staff.grants) for staff in (before, after))
        if had and (not has or after.ended):
            yield Breach(
                f"det är din egen sista roll som {sv}: be en annan om att ta bort den",
                f"it is your own last role as {role}: ask somebody else to take it away",
                (Place("staff", after.id, ("ended",) if has else ("grants",)),),
            )

"""Who may change what in the register. Pure: people and registers go in, what is denied comes out.

An operator may change everything. A coordinator answers for units: for their offerings and their advisors with their
schedules, for the centres of the units' municipalities, for pools in which those take part, and for roles that are
held for the units and the centres. Municipalities and units themselves are an operator's.

What others answer for too is changed with their yes (`directory.rules.agreement`).
"""

from collections.abc import Iterator
from typing import TypeVar

from directory.events import Entity, Grant, Staff
from directory.rules.agreement import Party, Remit, held, said
from directory.rules.register import Breach, Place, Register

E = TypeVar("E", bound=Entity)

# What is the installation's, whoever works there.
OPERATORS_OWN = ("municipality", "unit")


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
    """Whether anything of an entity is within a remit. Who holds no role is an operator's."""
    if mine.everything:
        return True
    # Whose days somebody sees says nothing of whose colleague it is.
    theirs = [
        one for key, one in held(register, entity).items() if not (isinstance(entity, Staff) and key[0] == "advisor")
    ]
    return any(mine.covers(party) for one in theirs for party in one.parties)


def others(register: Register, mine: Remit, entity: Entity) -> frozenset[Party]:
    """Who else answers for something of an entity."""
    parties = (party for one in held(register, entity).values() for party in one.parties)
    return frozenset(party for party in parties if not mine.covers(party))


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
    """Whether everything of a member of staff is this remit's: name, identity and whether they work here still.

    Whoever holds no role is an operator's, so that nobody chooses who signs in with a role that another gives.
    """
    return mine.everything or (bool(staff.grants) and all(may_grant(register, mine, grant) for grant in staff.grants))


def shown(register: Register, mine: Remit, entity: E) -> E:
    """A state of an entity as somebody may see it: with the identity of those alone whose it is theirs to change."""
    if isinstance(entity, Staff) and not owns(register, mine, register.staff.get(entity.id, entity)):
        return entity.model_copy(update={"identity": ""})
    return entity


def denied(known: Register, wanted: Register, person: str, before: Entity | None, after: Entity) -> Iterator[Breach]:
    """Why a person may not even propose to make an entity of `known` what it is in `wanted`; else nothing."""
    mine = remit(known, person)
    if isinstance(after, Staff):
        # Only the same kind has the same id.
        yield from _staff(known, wanted, person, before if isinstance(before, Staff) else None, after)
    elif not (concerns(known, mine, before) if before else concerns(wanted, mine, after)):
        yield _not_yours(after)


def called(register: Register, party: Party) -> str:
    """What a party is called: `Familjestöd, Höör`, or `Höör`."""
    unit = register.unit.get(party.id) if party.kind == "unit" else None
    code = unit.municipality if unit else party.id
    town = register.municipality.get(code)
    return ", ".join(filter(None, (unit.name if unit else "", town.name if town else code)))


def _not_yours(entity: Entity, *path: str | int) -> Breach:
    return Breach(
        "det hör inte till någon verksamhet som du är samordnare för: be den som är det, eller driftansvarig",
        "it belongs to no unit that you coordinate: ask whoever does, or an operator",
        (Place(type(entity).__name__.lower(), entity.id, path),),
    )


def _staff(known: Register, wanted: Register, person: str, before: Staff | None, after: Staff) -> Iterator[Breach]:
    mine = remit(known, person)
    if not mine.everything:
        theirs = any(concerns(register, mine, one) for register, one in ((known, before), (wanted, after)) if one)
        if not mine.units or not (theirs or (before and said(before) == said(after))):
            yield _not_yours(after, *([] if after.grants else ["grants"]))
        # What is held for the whole installation is nobody's to agree to.
        held_by = [[g for g in one.grants if g.role == "operator"] if one else [] for one in (before, after)]
        if held_by[0] != held_by[1]:
            yield _not_yours(after, "grants")
        # Nobody else says who signs in with a role that another gives.
        if before and (held_by[0] or not before.grants):
            names = ("name", "identity", "ended")
            yield from (_not_yours(after, name) for name in names if getattr(before, name) != getattr(after, name))
    yield from _locked_out(person, before, after)


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

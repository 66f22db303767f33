"""Who may change what, for every role, kind and unit: held against the plainest way to say the same."""

from datetime import date
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from directory import editing, events, rights
from directory.events import Entity, Grant, Staff
from directory.rules import agreement
from directory.rules.agreement import Remit
from directory.rules.register import Register
from tests.booking.register import OFFERING

# Two units of one municipality, and one of another.
MUNICIPALITY_OF = {"north": "1111", "south": "1111", "east": "2222"}
CENTRE_OF = {"1111": "centre-1111", "2222": "centre-2222"}
ME = "me"

units = st.sampled_from(sorted(MUNICIPALITY_OF))


def municipality(code: str) -> events.Municipality:
    return events.Municipality(
        id=code, version=1, slug=f"m{code}", name=code, accent="#000000", concern_url="https://x", phone="+46415378000"
    )


def of_unit(kind: str, unit: str) -> Entity:
    """The entity `thing` of a kind, as it is when it belongs to a unit."""
    code = MUNICIPALITY_OF[unit]
    thing: dict[str, Any] = {"id": "thing", "version": 1, "name": "Thing"}
    made: dict[str, Entity] = {
        "municipality": municipality(code),
        "unit": events.Unit(**{**thing, "id": unit}, municipality=code, board="Board"),
        "centre": events.Centre(
            **thing, municipality=code, kind="bvc", address="Street 1", attached_to_family_centre=False
        ),
        "advisor": events.Advisor(**thing, profession="kurator", unit=unit, languages=["sv"], modalities=["phone"]),
        "pool": events.Pool(**thing, advisors=[], posts=1, shares={code: 100}, valid_from=date(2026, 1, 1)),
        "schedule": events.Schedule(
            id="thing", version=1, advisor=f"of-{unit}", valid_from=date(2026, 1, 1), weekly=[]
        ),
        "offering": OFFERING.model_copy(
            update={"id": "thing", "unit": unit, "units": {}, "municipalities": [], "advisors": []}
        ),
    }
    return made[kind]


grants = st.one_of(
    st.builds(Grant, role=st.sampled_from(["advisor", "coordinator", "reviewer"]), unit=units),
    st.builds(Grant, role=st.just("nurse"), centre=st.sampled_from(sorted(CENTRE_OF.values()))),
    st.just(Grant(role="operator")),
)
NORTHS_COORDINATOR = Grant(role="coordinator", unit="north")
ADVISES = Grant(role="advisor", unit="north")
held = st.lists(grants, max_size=4, unique_by=lambda grant: grant.model_dump_json())


def staff(person: str, roles: list[Grant], **more: Any) -> Staff:
    return Staff(**{"id": person, "version": 1, "name": person, "identity": f"SE-{person}", "grants": roles, **more})


def register(*entities: Entity) -> Register:
    base = [
        *(municipality(code) for code in CENTRE_OF),
        *(of_unit("unit", unit) for unit in MUNICIPALITY_OF),
        *(of_unit("advisor", u).model_copy(update={"id": f"of-{u}"}) for u in MUNICIPALITY_OF),
        *(
            of_unit("centre", unit).model_copy(update={"id": CENTRE_OF[MUNICIPALITY_OF[unit]]})
            for unit in ("north", "east")
        ),
    ]
    return editing.changed(Register(), [*base, *entities])


def allowed(known: Register, after: Entity, before: Entity | None, me: str = ME) -> bool:
    """Whether somebody may make it so at once, without anybody else's yes."""
    wanted = editing.changed(known, [after])
    denied = list(rights.denied(known, wanted, me, before, after))
    return not denied and not agreement.needs(known, wanted, before, after, rights.remit(known, me), date(2026, 11, 23))


def mine(roles: list[Grant]) -> set[str]:
    return {grant.unit for grant in roles if grant.role == "coordinator" and grant.unit}


def is_operator(roles: list[Grant]) -> bool:
    return any(grant.role == "operator" for grant in roles)


KINDS = ["municipality", "unit", "centre", "advisor", "pool", "schedule", "offering"]
# What belongs to a municipality is that of all who coordinate there.
SHARED = ("centre", "pool")


@settings(deadline=None)
@given(held, st.sampled_from(KINDS), st.none() | units, units)
def test_only_what_was_theirs_and_stays_theirs_is_changed(
    roles: list[Grant], kind: str, was: str | None, becomes: str
) -> None:
    before, after = (of_unit(kind, unit) if unit else None for unit in (was, becomes))
    assert after
    if before:
        before = before.model_copy(update={"id": after.id})
    me = staff(ME, roles)
    known = register(me, *([before] if before else []))
    towns = {MUNICIPALITY_OF[unit] for unit in mine(roles)}

    def theirs(unit: str) -> bool:
        return MUNICIPALITY_OF[unit] in towns if kind in SHARED else unit in mine(roles)

    may = is_operator(roles) or (
        kind not in ("municipality", "unit") and theirs(becomes) and (was is None or theirs(was))
    )
    assert allowed(known, after, before) == may


def test_nothing_is_taken_from_others_and_nothing_handed_to_them() -> None:
    me = staff(ME, [Grant(role="coordinator", unit="north")])
    for was, becomes, may in (("north", "north", True), ("south", "north", False), ("north", "south", False)):
        before, after = of_unit("advisor", was), of_unit("advisor", becomes)
        known = register(me, before)
        assert allowed(known, after, before) == may, (was, becomes)


def test_who_joins_by_an_amendment_answers_for_the_agreement_too() -> None:
    amended = of_unit("pool", "north").model_copy(
        update={"amendments": [events.Amendment(valid_from=date(2027, 1, 1), posts=1, shares={"2222": 100})]}
    )
    for unit in MUNICIPALITY_OF:
        known = register(staff(ME, [Grant(role="coordinator", unit=unit)]), amended)
        assert rights.concerns(known, rights.remit(known, ME), amended)


@settings(deadline=None)
@given(held, held, held)
# What one role in many decides is found by luck, and not in each run.
@example([NORTHS_COORDINATOR], [], [Grant(role="nurse", centre="centre-2222")])
@example([NORTHS_COORDINATOR], [], [Grant(role="advisor", unit="south")])
@example([NORTHS_COORDINATOR], [Grant(role="advisor", unit="south")], [])
@example([NORTHS_COORDINATOR], [], [Grant(role="operator")])
@example([NORTHS_COORDINATOR], [ADVISES], [ADVISES, Grant(role="operator")])
def test_only_own_roles_are_given_and_taken(roles: list[Grant], was: list[Grant], becomes: list[Grant]) -> None:
    before, after = staff("you", was), staff("you", becomes)
    known = register(staff(ME, roles), before)
    towns = {MUNICIPALITY_OF[unit] for unit in mine(roles)}

    def theirs(grant: Grant) -> bool:
        return grant.unit in mine(roles) or grant.centre in {CENTRE_OF[town] for town in towns}

    touched = [g for g in was if g not in becomes] + [g for g in becomes if g not in was]
    may = is_operator(roles) or (bool(mine(roles)) and all(map(theirs, touched)))
    assert allowed(known, after, before) == may


@settings(deadline=None)
@given(held, held, st.sampled_from(["name", "identity", "ended"]))
@example([NORTHS_COORDINATOR], [Grant(role="advisor", unit=unit) for unit in ("north", "south")], "name")
def test_a_colleague_of_several_units_is_changed_by_who_answers_for_all(
    roles: list[Grant], was: list[Grant], field: str
) -> None:
    before = staff("you", was)
    after = before.model_copy(update={field: True if field == "ended" else "Other"})
    known = register(staff(ME, roles), before)
    towns = {MUNICIPALITY_OF[unit] for unit in mine(roles)}
    all_theirs = bool(was) and all(
        g.unit in mine(roles) or g.centre in {CENTRE_OF[town] for town in towns} for g in was
    )
    may = is_operator(roles) or (bool(mine(roles)) and all_theirs)
    assert allowed(known, after, before) == may


@pytest.mark.parametrize("field", ["name", "identity", "ended"])
def test_whoever_gives_a_first_role_does_not_say_who_signs_in_with_it(field: str) -> None:
    before = staff("you", [])
    known = register(staff(ME, [NORTHS_COORDINATOR]), before)
    given = before.model_copy(update={"grants": [ADVISES]})
    assert allowed(known, given, before)
    assert not allowed(known, given.model_copy(update={field: True if field == "ended" else "Other"}), before)


@settings(deadline=None)
@given(held, held)
def test_whoever_is_added_has_a_role_that_is_the_adders_to_give(roles: list[Grant], becomes: list[Grant]) -> None:
    known = register(staff(ME, roles))
    after = staff("you", becomes)
    towns = {MUNICIPALITY_OF[unit] for unit in mine(roles)}
    theirs = [g.unit in mine(roles) or g.centre in {CENTRE_OF[town] for town in towns} for g in becomes]
    may = is_operator(roles) or (bool(theirs) and all(theirs))
    assert allowed(known, after, None) == may


@settings(deadline=None)
@given(held, held)
@example([NORTHS_COORDINATOR], [ADVISES, Grant(role="operator")])
@example([NORTHS_COORDINATOR], [ADVISES, Grant(role="nurse", centre="centre-2222")])
def test_an_identity_is_shown_where_it_may_be_changed(roles: list[Grant], was: list[Grant]) -> None:
    you = staff("you", was)
    known = register(staff(ME, roles), you)
    after = you.model_copy(update={"identity": "Other"})
    may = allowed(known, after, you)
    seen = rights.shown(known, rights.remit(known, ME), you)
    assert seen.identity == (you.identity if may else "")


@settings(deadline=None)
@given(held, units)
@example([NORTHS_COORDINATOR], "south")
def test_whose_days_are_ones_own_is_decided_where_the_advisor_is_employed(roles: list[Grant], unit: str) -> None:
    # A colleague of both, so that a coordinator of either may propose it.
    held_there = [Grant(role="advisor", unit=each) for each in MUNICIPALITY_OF]
    before, after = staff("you", held_there), staff("you", held_there, advisor=f"of-{unit}")
    known = register(staff(ME, roles), before)
    may = is_operator(roles) or unit in mine(roles)
    assert allowed(known, after, before) == may


@settings(deadline=None)
@given(held, held, st.booleans())
def test_nobody_takes_the_own_last_role_that_gives_roles(
    roles: list[Grant],
    becomes: list[Grant],
    ended: bool,
) -> None:
    before, after = staff(ME, roles), staff(ME, becomes, ended=ended)
    known = register(before)
    may = allowed(known, after, before)
    for role in ("coordinator", "operator"):
        had, has = (any(grant.role == role for grant in of) for of in (roles, [] if ended else becomes))
        if had and not has:
            assert not may


@settings(deadline=None)
@given(held)
def test_whoever_has_left_may_change_nothing(roles: list[Grant]) -> None:
    known = register(staff(ME, roles, ended=True))
    assert rights.remit(known, ME) == rights.remit(known, "nobody") == Remit(False, frozenset(), frozenset())

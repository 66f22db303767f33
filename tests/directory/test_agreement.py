"""Nobody reaches into what another answers for: each reference that an entity can hold, tried by a stranger to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import pytest

from directory import editing, events, rights
from directory.events import Amendment, Entity, Grant, ScheduleException, WeeklyBlock
from directory.rules import agreement
from directory.rules.agreement import Party, Remit
from directory.rules.register import Register
from tests.directory.test_rights import ME, MUNICIPALITY_OF, of_unit, register, staff

TODAY = date(2026, 11, 23)
NORTH, SOUTH, EAST = "north", "south", "east"
TOWN, OTHER = MUNICIPALITY_OF[NORTH], MUNICIPALITY_OF[EAST]
MINE = Remit(False, frozenset({NORTH}), frozenset({TOWN}))
THEIRS = Remit(False, frozenset({EAST}), frozenset({OTHER}))
UNIT, MUNICIPALITY = Party("unit", EAST), Party("municipality", OTHER)

PATTERNS = ("^[a-z0-9][a-z0-9-]{0,62}$", "^[0-9]{4}$")


def references(schema: dict[str, Any], part: Any, path: str) -> Iterator[str]:
    """Every place of a schema where an id or a code of another entity may stand."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rpartition("/")[2]]
    if part.get("pattern") in PATTERNS or PATTERNS[1] in part.get("patternProperties", ()):
        yield path
    for inner in (*part.get("anyOf", ()), *filter(None, [part.get("items")])):
        yield from references(schema, inner, path)
    for name, inner in part.get("properties", {}).items():
        yield from references(schema, inner, f"{path}.{name}")


def all_references() -> set[str]:
    """Those of all kinds, but for what an entity is called itself."""
    found = set()
    for event in events.PUBLISHES:
        if event is not events.REGISTER:
            schema = event.data.model_json_schema()
            found |= set(references(schema, schema, event.name)) - {f"{event.name}.id", f"{event.name}.slug"}
    return found


def offering(**changes: Any) -> Entity:
    values = {"municipalities": [TOWN], "advisors": ["of-north"], **changes}
    return of_unit("offering", NORTH).model_copy(update=values)


def pool(**changes: Any) -> Entity:
    return of_unit("pool", NORTH).model_copy(update=changes)


def amended(*shares: dict[str, int], **changes: Any) -> list[Amendment]:
    values = {"posts": 1.0, **changes}
    return [Amendment(valid_from=date(2028 + n, 1, 1), shares=s, **values) for n, s in enumerate(shares)]


def schedule(*places: str | None, **changes: Any) -> Entity:
    weekly = [
        WeeklyBlock(weekday=n + 1, start=time(9), end=time(12), modalities=["phone"], place=place)
        for n, place in enumerate(places)
    ]
    return of_unit("schedule", NORTH).model_copy(update={"weekly": weekly, **changes})


def extra(place: str | None) -> ScheduleException:
    day = date(2026, 12, 1)
    return ScheduleException(
        kind="extra", first=day, last=day, start=time(9), end=time(12), modalities=["phone"], place=place
    )


COLLEAGUE = [Grant(role="advisor", unit=NORTH)]


@dataclass(frozen=True)
class Crossing:
    """A reference into what the east answers for, made by the north: before and after, and whose yes it needs.

    `back` says whether the east may take it back without the north's yes.
    """

    before: Entity | None
    after: Entity
    needs: set[Party]
    back: bool = True


# By the reference, each of the ways in which it can be made.
CROSSINGS: dict[str, list[Crossing]] = {
    "centre.municipality": [Crossing(of_unit("centre", NORTH), of_unit("centre", EAST), {MUNICIPALITY}, back=False)],
    "advisor.unit": [Crossing(of_unit("advisor", NORTH), of_unit("advisor", EAST), {UNIT}, back=False)],
    "pool.advisors": [
        Crossing(pool(), pool(advisors=["of-east"]), {UNIT}),
        Crossing(None, pool(advisors=["of-east"]), {UNIT}),
    ],
    "pool.shares": [
        Crossing(pool(), pool(shares={TOWN: 50, OTHER: 50}), {MUNICIPALITY}, back=False),
        Crossing(None, pool(shares={TOWN: 50, OTHER: 50}), {MUNICIPALITY}),
        Crossing(pool(shares={TOWN: 50, OTHER: 50}), pool(shares={TOWN: 90, OTHER: 10}), {MUNICIPALITY}, back=False),
    ],
    "pool.amendments.shares": [
        Crossing(pool(), pool(amendments=amended({TOWN: 50, OTHER: 50})), {MUNICIPALITY}, back=False)
    ],
    "schedule.advisor": [Crossing(schedule(), schedule(advisor="of-east"), {UNIT}, back=False)],
    "schedule.weekly.place": [
        Crossing(schedule(None), schedule("centre-2222"), {MUNICIPALITY}),
        Crossing(None, schedule("centre-2222"), {MUNICIPALITY}),
        Crossing(schedule("centre-1111"), schedule("centre-2222"), {MUNICIPALITY}, back=False),
    ],
    "schedule.exceptions.place": [
        Crossing(schedule(exceptions=[extra(None)]), schedule(exceptions=[extra("centre-2222")]), {MUNICIPALITY})
    ],
    "offering.unit": [Crossing(offering(), offering(unit=EAST, units={TOWN: NORTH}), {UNIT}, back=False)],
    "offering.units": [
        Crossing(
            offering(municipalities=[TOWN, OTHER]),
            offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}),
            {UNIT, MUNICIPALITY},
        ),
        Crossing(offering(), offering(units={TOWN: EAST}), {UNIT}, back=False),
    ],
    "offering.municipalities": [
        Crossing(offering(), offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}), {UNIT}),
        Crossing(None, offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}), {UNIT}),
        Crossing(None, offering(municipalities=[OTHER], units={OTHER: EAST}), {UNIT}),
        Crossing(offering(), offering(municipalities=[TOWN, OTHER]), {MUNICIPALITY}),
    ],
    "offering.advisors": [
        Crossing(offering(), offering(advisors=["of-north", "of-east"]), {UNIT}),
        Crossing(None, offering(advisors=["of-east"]), {UNIT}),
    ],
    "staff.advisor": [Crossing(staff("you", COLLEAGUE), staff("you", COLLEAGUE, advisor="of-east"), {UNIT})],
    "staff.grants.unit": [
        Crossing(staff("you", COLLEAGUE), staff("you", [*COLLEAGUE, Grant(role="advisor", unit=EAST)]), {UNIT}),
        Crossing(None, staff("you", [*COLLEAGUE, Grant(role="advisor", unit=EAST)]), {UNIT}),
    ],
    "staff.grants.centre": [
        Crossing(
            staff("you", COLLEAGUE),
            staff("you", [*COLLEAGUE, Grant(role="nurse", centre="centre-2222")]),
            {MUNICIPALITY},
        )
    ],
}
# Only an operator changes these.
OPERATORS_OWN = {"unit.municipality"}
EVERY = [(name, n) for name, crossings in CROSSINGS.items() for n in range(len(crossings))]


def test_every_reference_that_an_entity_can_hold_is_tried() -> None:
    assert all_references() == CROSSINGS.keys() | OPERATORS_OWN


def world(*entities: Entity | None) -> Register:
    people = (
        staff(ME, [Grant(role="coordinator", unit=NORTH)]),
        staff("east", [Grant(role="coordinator", unit=EAST)]),
    )
    return register(*people, *(one for one in entities if one))


@pytest.mark.parametrize(("reference", "n"), EVERY)
def test_a_reference_to_others_needs_their_yes(reference: str, n: int) -> None:
    crossing = CROSSINGS[reference][n]
    known = world(crossing.before)
    wanted = editing.changed(known, [crossing.after])
    assert not list(rights.denied(known, wanted, ME, crossing.before, crossing.after))
    needed = agreement.needs(known, wanted, crossing.before, crossing.after, MINE, TODAY)
    assert needed == crossing.needs


@pytest.mark.parametrize(("reference", "n"), EVERY)
def test_what_is_ones_own_is_taken_back_without_others(reference: str, n: int) -> None:
    crossing = CROSSINGS[reference][n]
    if crossing.before is None:
        return
    known = world(crossing.after)
    wanted = editing.changed(known, [crossing.before])
    needed = agreement.needs(known, wanted, crossing.after, crossing.before, THEIRS, TODAY)
    assert (not needed) == crossing.back
    # And never by whoever's it is not.
    nobody = Remit(False, frozenset({"west"}), frozenset({"3333"}))
    assert agreement.needs(known, wanted, crossing.after, crossing.before, nobody, TODAY)
    assert agreement.concerned(known, wanted, crossing.after, crossing.before) & crossing.needs


def test_a_new_unit_and_a_new_municipality_are_an_operators() -> None:
    unit = of_unit("unit", EAST).model_copy(update={"id": "new"})
    known = world()
    assert list(rights.denied(known, editing.changed(known, [unit]), ME, None, unit))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}), {"retention_days": 3650}),
        (offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}), {"ended": True}),
        (offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}), {"name": events.Text(sv="Ring 0900-123456")}),
        (offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}), {"units": {}}),
        (offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}), {"municipalities": [TOWN], "units": {}}),
        # Who meets their families is theirs to say too.
        (
            offering(municipalities=[TOWN, OTHER], units={OTHER: EAST}, advisors=[]),
            {"advisors": ["of-north"]},
        ),
        (pool(shares={TOWN: 50, OTHER: 50}), {"ended": True}),
        (pool(shares={TOWN: 50, OTHER: 50}), {"valid_until": date(2026, 12, 31)}),
        (pool(shares={TOWN: 50, OTHER: 50}), {"release_days": 0}),
        (pool(shares={TOWN: 50, OTHER: 50}), {"notice_days": 0}),
        (pool(shares={TOWN: 50, OTHER: 50}), {"name": "Another"}),
        (pool(shares={TOWN: 50, OTHER: 50}), {"advisors": ["of-north"]}),
        (staff("you", [*COLLEAGUE, Grant(role="advisor", unit=EAST)]), {"identity": "SE-mine"}),
        (staff("you", [*COLLEAGUE, Grant(role="advisor", unit=EAST)]), {"ended": True}),
        (staff("you", [*COLLEAGUE, Grant(role="advisor", unit=EAST)]), {"grants": COLLEAGUE}),
    ],
)
def test_what_is_shared_is_changed_by_none_alone(before: Entity, after: dict[str, Any]) -> None:
    known = world(before)
    changed = before.model_copy(update=after)
    wanted = editing.changed(known, [changed])
    assert agreement.needs(known, wanted, before, changed, MINE, TODAY) <= {UNIT, MUNICIPALITY}
    assert agreement.needs(known, wanted, before, changed, MINE, TODAY)
    for alone in (
        Remit(True, frozenset(), frozenset()),
        Remit(False, frozenset({NORTH, EAST}), frozenset({TOWN, OTHER})),
    ):
        assert not agreement.needs(known, wanted, before, changed, alone, TODAY)


def test_an_advisor_of_others_is_lent_by_the_employer_whoever_it_is_for() -> None:
    before = offering(municipalities=[], advisors=[])
    known = world(before)
    after = before.model_copy(update={"advisors": ["of-east"]})
    needed = agreement.needs(known, editing.changed(known, [after]), before, after, MINE, TODAY)
    assert needed == {UNIT}


def test_whose_families_are_all_that_there_are_ends_an_offering() -> None:
    north, third = Party("unit", NORTH), Party("municipality", "3333")
    for towns, asked in (([OTHER], set()), ([TOWN, OTHER], {north}), ([OTHER, "3333"], {north, third})):
        before = offering(municipalities=towns, units={OTHER: EAST})
        known = world(before)
        after = before.model_copy(update={"ended": True})
        needed = agreement.needs(known, editing.changed(known, [after]), before, after, THEIRS, TODAY)
        assert needed == asked
        known = world(after)
        needed = agreement.needs(known, editing.changed(known, [before]), after, before, THEIRS, TODAY)
        assert needed == asked | {north}


def test_two_units_of_a_municipality_are_two() -> None:
    before = offering()
    for changes in ({"advisors": ["of-north", "of-south"]}, {"units": {TOWN: SOUTH}}, {"unit": SOUTH}):
        known = world(before)
        after = before.model_copy(update=changes)
        needed = agreement.needs(known, editing.changed(known, [after]), before, after, MINE, TODAY)
        assert needed == {Party("unit", SOUTH)}


def test_more_hours_where_an_advisor_is_already_need_nobodys_yes() -> None:
    before = schedule("centre-2222")
    known = world(before)
    another = schedule("centre-2222", "centre-2222").model_copy(update={"id": "next"})
    for was, becomes in ((before, schedule("centre-2222", "centre-2222")), (None, another)):
        assert not agreement.needs(known, editing.changed(known, [becomes]), was, becomes, MINE, TODAY)
    # When, is not the place's to say.
    moved = before.model_copy(update={"weekly": [*before.weekly, *schedule("centre-2222").weekly]})
    later = schedule(None, "centre-2222")
    for becomes in (moved.model_copy(update={"valid_until": TODAY}), later):
        wanted = editing.changed(known, [becomes])
        assert agreement.needs(known, wanted, before, becomes, THEIRS, TODAY) == {Party("unit", NORTH)}


THREE = {TOWN: 40, OTHER: 30, "3333": 30}


@pytest.mark.parametrize(
    ("days", "change", "alone"),
    [
        (180, {}, True),
        (None, {}, False),
        # A day too early.
        (402 + 3, {}, False),
        (180, {"posts": 2.0}, False),
        (180, {"release_days": 0}, False),
        (180, {"shares": {OTHER: 75, "3333": 25}}, False),
        (180, {"shares": {TOWN: 50, "3333": 50}}, False),
        (180, {"shares": {"3333": 100}}, False),
        (180, {"shares": {OTHER: 40, "3333": 30, "4444": 30}}, False),
    ],
)
def test_a_municipality_leaves_an_agreement_with_its_notice(days: int | None, change: Any, alone: bool) -> None:
    before = pool(shares=THREE, notice_days=days, advisors=["of-east"])
    terms: dict[str, Any] = {"posts": 1.0, "shares": {OTHER: 50, "3333": 50}, **change}
    after = before.model_copy(update={"amendments": [Amendment(valid_from=date(2028, 1, 1), **terms)]})
    known = world(before)
    needed = agreement.needs(known, editing.changed(known, [after]), before, after, MINE, TODAY)
    assert (not needed) == alone
    more = after.model_copy(update={"name": "Another"})
    assert agreement.needs(known, editing.changed(known, [more]), before, more, MINE, TODAY)

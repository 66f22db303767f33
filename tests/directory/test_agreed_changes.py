"""Whatever coordinators do one after the other, nothing of a municipality changes without its yes.

What is a municipality's is said here in other words than in `directory.rules.agreement`: as facts, of which it may lose
an advisor whom somebody takes back, and win none, and lose no other.
"""

import json
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from directory import agreeing, editing, events, exporting, history, importing, proposals, submitting
from directory.agreeing import NotYoursToAnswer
from directory.events import Entity, Grant, Offering, Pool, Schedule, Staff
from directory.forms import typed
from directory.proposals import Answer, Proposal
from directory.reading import read_bytes
from directory.rules import agreement
from directory.rules.register import Register
from kit.refusal import Refusal
from tests.directory.desk import NOW
from tests.directory.test_agreement import CROSSINGS

TOWNS = ("1111", "2222", "3333")
# Nobody coordinates in the third town at first.
PEOPLE = {"north": "1111", "east": "2222", "west": "3333"}
OPERATOR = "boss"


def town(code: str) -> list[Entity]:
    return [
        events.Municipality(
            id=code, version=1, slug=f"m{code}", name=code, accent="#000000", concern_url="https://x",
            phone="+46415378000"
        ),
        events.Unit(id=f"u{code}", version=1, municipality=code, name=f"Unit {code}", board="Board"),
        events.Centre(
            id=f"c{code}", version=1, municipality=code, name=code, kind="bvc", address="Street 1",
            attached_to_family_centre=False,
        ),
        events.Advisor(
            id=f"a{code}", version=1, name=code, profession="kurator", unit=f"u{code}", languages=["sv"],
            modalities=["phone", "visit"],
        ),
        events.Schedule(
            id=f"s{code}", version=1, advisor=f"a{code}", valid_from=date(2026, 1, 1),
            weekly=[
                events.WeeklyBlock(weekday=1, start=time(9), end=time(12), modalities=["visit"], place=f"c{code}")
            ],
        ),
    ]  # fmt: skip


def offering(code: str) -> Offering:
    return Offering(
        id=f"o{code}",
        version=1,
        name=events.Text(sv="Samtal"),
        summary=events.Text(sv="Samtal"),
        kind="conversation",
        regime="universal",
        documentation="anonymous",
        unit=f"u{code}",
        municipalities=[code],
        advisors=[f"a{code}"],
        duration=45,
        starts_every=60,
        modalities=["phone"],
        ages=events.Ages(first=0, last=6, expecting=True),
        languages=["sv"],
        self_booking=True,
    )


def staff(person: str, *grants: Grant) -> Staff:
    return Staff(id=person, version=1, name=person, identity=f"SE-{person}", grants=list(grants))


BASE: list[Entity] = [
    *(entity for code in TOWNS for entity in town(code)),
    offering("3333"),
    offering("1111").model_copy(update={"municipalities": ["1111", "2222"], "units": {"2222": "u2222"}}),
    Pool(
        id="shared",
        version=1,
        name="Shared",
        advisors=["a1111", "a2222"],
        posts=1,
        shares={"1111": 40, "2222": 30, "3333": 30},
        valid_from=date(2026, 1, 1),
    ),
    staff("north", Grant(role="coordinator", unit="u1111")),
    staff("east", Grant(role="coordinator", unit="u2222")),
    staff("west", Grant(role="reviewer", unit="u3333")),
    staff(OPERATOR, Grant(role="operator")),
]
codes = st.sampled_from(TOWNS)
people = st.sampled_from(["north", "east", "north", "east", "west", OPERATOR])


@dataclass(frozen=True)
class Change:
    """Somebody changes an entity, by form or by file; `how` is a field and what is put in or taken out of it."""

    who: str
    kind: str
    entity: str
    how: tuple[str, Any]
    by_form: bool


@dataclass(frozen=True)
class Answered:
    who: str
    nth: int
    what: str


@dataclass(frozen=True)
class Agreed:
    """Whoever can says yes, one after the other."""

    nth: int


@dataclass(frozen=True)
class Role:
    """The operator gives somebody the role of a coordinator, or takes it."""

    who: str


changes = st.one_of(
    st.builds(
        Change,
        who=people,
        kind=st.just("offering"),
        entity=st.sampled_from(["o1111", "o3333"]),
        how=st.tuples(st.sampled_from(["municipalities", "advisors", "name", "ended"]), codes),
        by_form=st.booleans(),
    ),
    st.builds(
        Change,
        who=people,
        kind=st.just("pool"),
        entity=st.just("shared"),
        how=st.tuples(st.sampled_from(["advisors", "release_days", "shares"]), codes),
        by_form=st.booleans(),
    ),
    st.builds(
        Change,
        who=people,
        kind=st.just("schedule"),
        entity=st.sampled_from([f"s{code}" for code in TOWNS]),
        how=st.tuples(st.just("place"), codes),
        by_form=st.booleans(),
    ),
)
answers = st.builds(
    Answered, who=people, nth=st.integers(0, 2), what=st.sampled_from(["yes", "yes", "yes", "no", "withdraw"])
)
steps = st.one_of(
    changes,
    changes,
    answers,
    st.builds(Agreed, nth=st.integers(0, 2)),
    st.builds(Agreed, nth=st.just(0)),
    st.builds(Role, who=st.sampled_from(list(PEOPLE))),
)
Step = Change | Answered | Agreed | Role


def toggled(values: list[str], value: str) -> list[str]:
    return [v for v in values if v != value] if value in values else [*values, value]


def changed(entity: Entity, how: tuple[str, str]) -> Entity:
    field, code = how
    update: dict[str, Any] = {}
    match entity:
        case Offering():
            if field == "municipalities":
                towns = toggled(entity.municipalities, code)
                update = {field: towns, "units": {c: f"u{c}" for c in towns if entity.unit != f"u{c}"}}
            elif field == "advisors":
                update = {field: toggled(entity.advisors, f"a{code}")}
            else:
                update = {"name": {"name": events.Text(sv=f"Samtal {code}")}, "ended": {"ended": not entity.ended}}[
                    field
                ]
        case Pool():
            if field == "advisors":
                update = {field: toggled(entity.advisors, f"a{code}")}
            elif field == "shares":
                others = [c for c in TOWNS if c != code]
                update = {field: {code: 80, **dict.fromkeys(others, 10)}}
            else:
                update = {field: int(code) % 28}
        case Schedule():
            block = entity.weekly[0].model_copy(update={"place": f"c{code}"})
            update = {"weekly": [block]}
    return entity.model_copy(update=update)


def facts(register: Register, code: str) -> set[tuple[str, ...]]:
    """What is a municipality's."""
    found: set[tuple[str, ...]] = set()
    for one in register.live("offering"):
        terms = one.model_dump(mode="json", exclude={"version", "unit", "units", "municipalities", "advisors"})
        if code in one.municipalities:
            found.add(("page", one.id, json.dumps(terms), one.units.get(code, one.unit)))
            found |= {("meets", one.id, advisor) for advisor in one.advisors}
        if f"a{code}" in one.advisors:
            found |= {("lends", one.id, served) for served in one.municipalities}
    for one in register.live("pool"):
        if code in one.shares:
            found.add(("share", one.id, one.model_dump_json(exclude={"version", "advisors"})))
        if f"a{code}" in one.advisors:
            found.add(("pooled", one.id))
    for one in register.live("schedule"):
        places = {block.place for block in one.weekly}
        if f"c{code}" in places:
            found.add(("place", one.id))
        if one.advisor == f"a{code}":
            found |= {("works", one.id, str(place)) for place in places}
    return found


# What somebody else can end, whose it is too.
TAKEN_BACK = {"meets", "lends", "pooled", "place", "works"}


class Town:
    """The register in a transaction of which nothing stays, and who does what to it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection

    async def begin(self) -> None:
        await importing.take(self.connection, as_file(BASE), history.IMPORT, NOW)

    async def known(self) -> tuple[Register, dict[Any, Proposal], list[Answer]]:
        known = await editing.read(self.connection)
        found = {one.id: one for one in await proposals.ended(self.connection, NOW, 1000)}
        return known, found, list(await proposals.answers(self.connection, list(found)))

    async def do(self, step: Step) -> None:
        if isinstance(step, Agreed):
            waiting = await proposals.waiting(self.connection)
            for person in (*PEOPLE, OPERATOR) if waiting else ():
                chosen = waiting[step.nth % len(waiting)].id
                nth = [one.id for one in await proposals.waiting(self.connection)]
                if chosen in nth:
                    await self.do(Answered(person, nth.index(chosen), "yes"))
            return
        try:
            async with self.connection.begin_nested():
                await self._do(self.connection, step)
        except (Refusal, importing.Rejected):
            pass

    async def _do(self, connection: AsyncConnection, step: Step) -> None:
        known = await editing.register(connection)
        match step:
            case Change(who, kind, entity_id, how, by_form):
                before = known.of(kind)[entity_id]
                after = changed(before, how)
                if by_form:
                    sent = {**typed(after), "_version": str(before.version)}
                    await submitting.submit(connection, who, kind, entity_id, sent, NOW)
                else:
                    await importing.take(connection, as_file([after]), who, NOW)
            case Answered(who, nth, what):
                waiting = await proposals.waiting(connection)
                if waiting:
                    chosen = waiting[nth % len(waiting)].id
                    if what == "withdraw":
                        await agreeing.withdraw(connection, who, chosen, NOW)
                    else:
                        await agreeing.decide(connection, who, chosen, yes=what == "yes", reason="why", now=NOW)
            case Role(who=who):
                one = known.staff[who]
                grant = Grant(role="coordinator", unit=f"u{PEOPLE[who]}")
                grants = [g for g in one.grants if g != grant] if grant in one.grants else [*one.grants, grant]
                await editing.write(connection, known, [one.model_copy(update={"grants": grants})], OPERATOR, NOW)


def as_file(entities: list[Entity]) -> Any:
    return read_bytes("", exporting.as_yaml(entities).encode())


def coordinates(register: Register, person: str) -> bool:
    return any(grant.role in ("coordinator", "operator") for grant in register.staff[person].grants)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, min_size=6, max_size=16))
async def test_nothing_of_a_municipality_changes_without_its_yes(engine: AsyncEngine, steps: list[Step]) -> None:
    async with engine.connect() as connection:
        await holds(Town(connection), steps)
        await connection.rollback()


async def holds(world: Town, steps: list[Step]) -> None:
    """Each step in turn, and after each what must be so."""
    await world.begin()
    before, decided, _ = await world.known()
    # Those in whose place an operator could answer at some time.
    alone = {"3333"}
    for step in steps:
        await world.do(step)
        after, found, given_answers = await world.known()
        new = [one for key, one in found.items() if key not in decided and one.state == "in_force"]
        agreed = {step.who} if isinstance(step, Change) and coordinates(before, step.who) else set()
        towns = set(TOWNS) if OPERATOR in agreed or isinstance(step, Role) else {PEOPLE[person] for person in agreed}
        for one in new:
            assert coordinates(before, one.by), "nobody's word counts who does not coordinate any longer"
            assert one.base == before.of(one.kind)[one.entity.id].version, "what came between is not overwritten"
            yes = {a.who for a in given_answers if a.proposal == one.id and a.yes}
            towns |= {PEOPLE[person] for person in {one.by, *yes} - {OPERATOR}}
            if OPERATOR in yes:
                towns |= alone
        alone |= {code for person, code in PEOPLE.items() if not coordinates(after, person)}
        for code in set(TOWNS) - towns:
            old, now = facts(before, code), facts(after, code)
            assert not now - old, (step, code)
            assert {kind for kind, *_ in old - now} <= TAKEN_BACK, (step, code)
        before, decided = after, found


def colleague(*grants: Grant, **more: Any) -> Staff:
    return staff("colleague", Grant(role="reviewer", unit="u1111"), *grants).model_copy(update=more)


def of_base(kind: str, entity_id: str, **changes: Any) -> Entity:
    found = next(entity for entity in BASE if editing.kind_of(entity) == kind and entity.id == entity_id)
    return found.model_copy(update=changes)


BLOCK = events.WeeklyBlock(weekday=2, start=time(9), end=time(12), modalities=["visit"], place="c2222")
EXTRA = events.ScheduleException(
    kind="extra", first=date(2026, 12, 5), last=date(2026, 12, 5), start=time(9), end=time(12), modalities=["visit"],
    place="c2222",
)  # fmt: skip
TERMS = {"posts": 1, "shares": {"1111": 50, "2222": 50}}
# By the reference, what the north makes of an entity of its own with it.
REACHING: dict[str, Entity] = {
    "centre.municipality": of_base("centre", "c1111", municipality="2222"),
    "advisor.unit": of_base("advisor", "a1111", unit="u2222"),
    "pool.advisors": of_base("pool", "shared", advisors=["a1111", "a2222", "b"]),
    "pool.shares": of_base("pool", "shared", shares={"1111": 90, "2222": 10}),
    "pool.amendments.shares": of_base(
        "pool", "shared", amendments=[events.Amendment(valid_from=date(2027, 1, 1), **TERMS)]
    ),
    "schedule.advisor": of_base("schedule", "s1111", advisor="a2222", valid_from=date(2025, 1, 1), weekly=[BLOCK]),
    "schedule.weekly.place": of_base("schedule", "s1111", weekly=[BLOCK]),
    "schedule.exceptions.place": of_base("schedule", "s1111", exceptions=[EXTRA]),
    "offering.unit": offering("1111").model_copy(update={"id": "new", "unit": "u2222", "units": {"1111": "u1111"}}),
    "offering.units": offering("1111").model_copy(
        update={"id": "new", "municipalities": ["1111", "2222"], "units": {"2222": "u2222"}}
    ),
    "offering.municipalities": offering("1111").model_copy(
        update={"id": "new", "unit": "u1111", "municipalities": ["2222"], "units": {"2222": "u2222"}}
    ),
    "offering.advisors": offering("1111").model_copy(update={"id": "new", "advisors": ["a1111", "a2222"]}),
    "staff.advisor": colleague(advisor="a2222"),
    "staff.grants.unit": colleague(Grant(role="advisor", unit="u2222")),
    "staff.grants.centre": colleague(Grant(role="nurse", centre="c2222")),
}
# An advisor of the east who is in no agreement.
FREE = of_base("advisor", "a2222").model_copy(update={"id": "b"})


def test_every_reference_reaches_somewhere() -> None:
    assert REACHING.keys() == CROSSINGS.keys()


@pytest.mark.parametrize("says", ["yes", "no"])
@pytest.mark.parametrize("reference", REACHING)
async def test_a_reference_is_there_when_each_has_said_yes_and_not_before(
    engine: AsyncEngine, reference: str, says: str
) -> None:
    wanted = REACHING[reference]
    kind = editing.kind_of(wanted)
    async with engine.connect() as connection:
        await importing.take(connection, as_file([*BASE, colleague(), FREE]), history.IMPORT, NOW)
        before = await editing.read(connection)
        plan = await importing.take(connection, as_file([wanted]), "north", NOW)
        assert (plan.report.added, plan.report.changed, plan.report.proposed) == (0, 0, 1)
        assert await editing.read(connection) == before
        (waits,) = await proposals.waiting(connection)
        with pytest.raises(NotYoursToAnswer):
            await agreeing.decide(connection, "north", waits.id, yes=True, reason=None, now=NOW)
        assert not await agreeing.decide(connection, "east", waits.id, yes=says == "yes", reason=None, now=NOW)
        if says == "yes" and await proposals.waiting(connection):
            # The third town is in the agreement too.
            assert await editing.read(connection) == before
            await agreeing.decide(connection, OPERATOR, waits.id, yes=True, reason="why", now=NOW)
        after = await editing.read(connection)
        if says == "yes":
            assert agreement.said(after.of(kind)[wanted.id]) == agreement.said(wanted)
        else:
            assert after == before
        await connection.rollback()

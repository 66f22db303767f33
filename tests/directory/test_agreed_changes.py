"""Whatever coordinators do one after the other, nothing of a municipality changes without its yes.

What is a municipality's is said here in other words than in `directory.rules.agreement`: as facts, of which it may lose
an advisor whom somebody takes back, and win none, and lose no other.
"""

import asyncio
import json
import os
from collections.abc import Coroutine
from datetime import date, time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from directory import agreeing, editing, events, exporting, history, importing, proposals, submitting
from directory.agreeing import NotYoursToAnswer
from directory.events import Entity, Grant, Offering, Pool, Schedule, Staff
from directory.forms import typed
from directory.proposals import Proposal
from directory.reading import read_bytes
from directory.rules import agreement
from directory.rules.register import Register
from directory.tables import EVENTS
from kit import database
from kit.refusal import Refusal
from tests.conftest import Databases
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
        *(
            events.Advisor(
                id=f"{letter}{code}", version=1, name=code, profession="kurator", unit=f"u{code}", languages=["sv"],
                modalities=["phone", "visit"],
            )
            for letter in "ab"
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
# Of an entity: a field, and whose code is put in or taken out of it.
offered = st.tuples(st.sampled_from(["municipalities", "advisors", "colleagues", "name", "ended"]), codes)
agreed = st.tuples(st.sampled_from(["advisors", "colleagues", "release_days", "shares"]), codes)


# Two advisors of each town: one who meets families from the beginning, and one who is there.
LETTERS = {"advisors": "a", "colleagues": "b"}


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
            elif field in LETTERS:
                update = {"advisors": toggled(entity.advisors, f"{LETTERS[field]}{code}")}
            else:
                update = {"name": {"name": events.Text(sv=f"Samtal {code}")}, "ended": {"ended": not entity.ended}}[
                    field
                ]
        case Pool():
            if field in LETTERS:
                update = {"advisors": toggled(entity.advisors, f"{LETTERS[field]}{code}")}
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
    employed = {one.id for one in register.live("advisor") if one.unit == f"u{code}"}
    for one in register.live("offering"):
        terms = one.model_dump(mode="json", exclude={"version", "unit", "units", "municipalities", "advisors"})
        if code in one.municipalities:
            found.add(("page", one.id, json.dumps(terms), one.units.get(code, one.unit)))
            found |= {("meets", one.id, advisor) for advisor in one.advisors}
        lent = employed & {*one.advisors}
        found |= {("lends", one.id, advisor, served) for advisor in lent for served in one.municipalities}
    for one in register.live("pool"):
        if code in one.shares:
            found.add(("share", one.id, one.model_dump_json(exclude={"version", "advisors"})))
            found |= {("shares", one.id, advisor) for advisor in one.advisors}
        found |= {("pooled", one.id, advisor) for advisor in employed & {*one.advisors}}
    for one in register.live("schedule"):
        places = {block.place for block in one.weekly}
        if f"c{code}" in places:
            found.add(("place", one.id))
        if one.advisor in employed:
            found |= {("works", one.id, str(place)) for place in places}
    return found


# What somebody else can end, whose it is too.
TAKEN_BACK = {"meets", "lends", "shares", "pooled", "place", "works"}


def as_file(entities: list[Entity]) -> Any:
    return read_bytes("", exporting.as_yaml(entities).encode())


class Towns(RuleBasedStateMachine):
    """Coordinators and an operator, who offer, answer, import, leave and come back, in a transaction of which nothing
    stays. Beside it stands what was agreed: who has said what, and what each town has by it.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.engine = database.engine(url, 1)
        self.connection = self.run(self._open())
        # What the model knows: who coordinates, what each town has, and of each proposal who made it, on what, and who
        # said yes to it.
        self.coordinating = {"north", "east"}
        self.had: dict[str, set[tuple[str, ...]]] = {}
        self.made: dict[UUID, tuple[str, str, str, int]] = {}
        self.yes: dict[UUID, set[str]] = {}
        self.ended: dict[UUID, str] = {}
        self.versions: dict[tuple[str, str], int] = {}
        # Whose word the step that is being taken has.
        self.said: set[str] = set()

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(what)

    async def _open(self) -> AsyncConnection:
        connection = await self.engine.connect()
        await importing.take(connection, as_file(BASE), history.IMPORT, NOW)
        return connection

    def teardown(self) -> None:
        async def close() -> None:
            await self.connection.rollback()
            await self.connection.close()
            await self.engine.dispose()

        self.run(close())
        self.loop.close()

    def word_of(self, person: str) -> set[str]:
        """The towns for which a person speaks: an operator for all, whoever coordinates for the own, else for none."""
        if person == OPERATOR:
            return set(TOWNS)
        return {PEOPLE[person]} if person in self.coordinating else set()

    def tried(self, step: Coroutine[Any, Any, Any]) -> bool:
        """Take a step, whole or not at all; whether it was taken."""

        async def take() -> bool:
            try:
                async with self.connection.begin_nested():
                    await step
            except (Refusal, importing.Rejected):
                return False
            return True

        return bool(self.run(take()))

    def waiting(self) -> list[Proposal]:
        return list(self.run(proposals.waiting(self.connection)))

    @initialize()
    def begin(self) -> None:
        self.look()

    def look(self) -> Register:
        register: Register = self.run(editing.read(self.connection))
        self.had = {code: facts(register, code) for code in TOWNS}
        self.versions = {(kind, one.id): one.version for kind in EVENTS for one in register.of(kind).values()}
        return register

    # What coordinators and operators do.

    @rule(who=people, entity=st.sampled_from(["o1111", "o3333"]), how=offered, by_form=st.booleans())
    def offer_an_offering(self, who: str, entity: str, how: tuple[str, str], by_form: bool) -> None:
        self.change(who, [("offering", entity, how)], by_form=by_form)

    @rule(who=people, how=agreed, by_form=st.booleans())
    def offer_an_agreement(self, who: str, how: tuple[str, str], by_form: bool) -> None:
        self.change(who, [("pool", "shared", how)], by_form=by_form)

    @rule(who=people, entity=st.sampled_from([f"s{code}" for code in TOWNS]), code=codes, by_form=st.booleans())
    def offer_a_place(self, who: str, entity: str, code: str, by_form: bool) -> None:
        self.change(who, [("schedule", entity, ("place", code))], by_form=by_form)

    @rule(who=people, first=offered, second=agreed, code=codes)
    def bring_a_file(self, who: str, first: tuple[str, str], second: tuple[str, str], code: str) -> None:
        several = [("offering", "o1111", first), ("pool", "shared", second), ("schedule", "s1111", ("place", code))]
        self.change(who, several, by_form=False)

    @rule(how=offered)
    def amend_meanwhile(self, how: tuple[str, str]) -> None:
        """By the command, which changes all."""

        async def take() -> None:
            known = await editing.register(self.connection)
            after = changed(known.of("offering")["o1111"], how)
            await importing.take(self.connection, as_file([after]), history.IMPORT, NOW, reason="why")

        if self.tried(take()):
            self.said = set(TOWNS)

    def change(self, who: str, what: list[tuple[str, str, tuple[str, str]]], *, by_form: bool) -> None:
        async def take() -> None:
            known = await editing.register(self.connection)
            entities = [changed(known.of(kind)[entity], how) for kind, entity, how in what]
            if by_form:
                (after,) = entities
                kind, entity, _ = what[0]
                sent = {**typed(after), "_version": str(after.version)}
                await submitting.submit(self.connection, who, kind, entity, sent, NOW)
            else:
                await importing.take(self.connection, as_file(entities), who, NOW)

        if self.tried(take()):
            self.said = self.word_of(who)
            for one in self.waiting():
                if one.id not in self.made:
                    assert one.by == who
                    self.made[one.id] = (who, one.kind, one.entity.id, self.versions[one.kind, one.entity.id])
                    self.yes[one.id] = self.word_of(who)

    @precondition(lambda self: self.made)
    @rule(who=people, nth=st.integers(0, 3))
    def confirm(self, who: str, nth: int) -> None:
        self.answer(who, nth, yes=True)

    @precondition(lambda self: self.made)
    @rule(nth=st.integers(0, 3))
    def confirm_in_others_place(self, nth: int) -> None:
        self.answer(OPERATOR, nth, yes=True)

    @precondition(lambda self: self.made)
    @rule(nth=st.integers(0, 3))
    def confirm_all(self, nth: int) -> None:
        """Whoever can says yes, one after the other."""
        for who in (*PEOPLE, OPERATOR):
            self.answer(who, nth, yes=True)
            self.each_has_what_was_agreed()

    @precondition(lambda self: self.made)
    @rule(who=people, nth=st.integers(0, 3))
    def refuse(self, who: str, nth: int) -> None:
        self.answer(who, nth, yes=False)

    def answer(self, who: str, nth: int, *, yes: bool) -> None:
        if not (some := self.waiting()):
            return
        one = some[nth % len(some)]
        wrong: list[Any] = []

        async def take() -> None:
            wrong.extend(await agreeing.decide(self.connection, who, one.id, yes=yes, reason="why", now=NOW))

        if self.tried(take()) and not wrong:
            if not yes:
                self.ended[one.id] = "refused"
                return
            # An operator answers where nobody coordinates, and only there.
            alone = {code for person, code in PEOPLE.items() if person not in self.coordinating}
            self.yes[one.id] |= alone if who == OPERATOR else self.word_of(who)
            if one.id not in {other.id for other in self.waiting()}:
                self.ended[one.id] = "in_force"
                by, kind, entity, base = self.made[one.id]
                assert self.word_of(by), "nobody's proposal comes in force who does not coordinate any longer"
                assert base == self.versions[kind, entity], "what came between is not overwritten"
                self.said = self.yes[one.id]

    @precondition(lambda self: self.made)
    @rule(who=people, nth=st.integers(0, 3))
    def withdraw(self, who: str, nth: int) -> None:
        if some := self.waiting():
            one = some[nth % len(some)]
            if self.tried(agreeing.withdraw(self.connection, who, one.id, NOW)):
                assert who == self.made[one.id][0]
                self.ended[one.id] = "withdrawn"

    @rule(who=st.sampled_from(list(PEOPLE)))
    def leave_or_come_back(self, who: str) -> None:
        """The operator takes somebody's role as coordinator, or gives it."""

        async def take() -> None:
            known = await editing.register(self.connection)
            one = known.staff[who]
            grant = Grant(role="coordinator", unit=f"u{PEOPLE[who]}")
            grants = [g for g in one.grants if g != grant] if grant in one.grants else [*one.grants, grant]
            await editing.write(self.connection, known, [one.model_copy(update={"grants": grants})], OPERATOR, NOW)

        assert self.tried(take())
        self.coordinating ^= {who}

    # What must be so after each of it.

    @invariant()
    def each_has_what_was_agreed(self) -> None:
        before, said, self.said = self.had, self.said, set()
        if not before:
            return
        versions = self.versions
        register = self.look()
        for code in set(TOWNS) - said:
            assert not self.had[code] - before[code], (code, said)
            assert {kind for kind, *_ in before[code] - self.had[code]} <= TAKEN_BACK, (code, said)
        if not said:
            assert self.had == before, "nobody with a word did anything"
        for one in self.waiting():
            by, kind, entity, base = self.made[one.id]
            assert one.id not in self.ended, "what has ended does not wait"
            assert base == register.of(kind)[entity].version, "what was overtaken does not wait"
            assert self.word_of(by), "what fell with its proposer does not wait"
        assert {key: version for key, version in self.versions.items() if version < versions.get(key, 0)} == {}


# As many as a suite has time for, and as they were found. `make attack` has more, and makes what it finds short.
HOSTILE = int(os.environ.get("SAMTID_HOSTILE", "300"))
PHASES = (Phase.generate, *((Phase.shrink,) if HOSTILE > 300 else ()))


def test_nothing_of_a_municipality_changes_without_its_yes(fresh: str) -> None:
    run_state_machine_as_test(
        lambda: Towns(fresh),
        settings=settings(
            max_examples=HOSTILE // 5,
            stateful_step_count=25,
            phases=PHASES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
async def fresh(new_database: Databases) -> str:
    """The URL of a new, empty database of directory."""
    return await new_database("directory")


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

"""Changing the register. Whoever does so takes its lock, is held to its rules, and leaves state and history behind.

known = await editing.register(connection)
wanted = editing.changed(known, [entity])
(refuse what rules.breaches(wanted) and rights.denied(…) tell)
await editing.write(connection, known, [entity], who, now)
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from directory import epochs, history, proposals, rights, tables
from directory.events import Entity
from directory.history import Because
from directory.rules import agreement
from directory.rules.agreement import Party
from directory.rules.register import Register
from directory.tables import EVENTS

ZONE = ZoneInfo("Europe/Stockholm")


@dataclass(frozen=True)
class Report:
    """How many entities were added, changed (ended ones too) and left as they were, and how many wait for others' yes.

    A command changes all, so that there nothing waits.
    """

    added: int
    changed: int
    unchanged: int
    proposed: int = 0

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged"


@dataclass
class Plan:
    """What writing entities comes to. What is added or changed has the version that it will have."""

    added: list[Entity] = field(default_factory=list)
    changed: list[tuple[Entity, Entity]] = field(default_factory=list)
    unchanged: int = 0
    # What waits for others' yes: before, and as it would be.
    proposed: list[tuple[Entity | None, Entity]] = field(default_factory=list)

    @property
    def report(self) -> Report:
        """The same in numbers."""
        return Report(len(self.added), len(self.changed), self.unchanged, len(self.proposed))


async def register(connection: AsyncConnection) -> Register:
    """The whole register, which nobody else changes until the transaction ends."""
    await tables.lock(connection)
    return await read(connection)


async def read(connection: AsyncConnection) -> Register:
    """The whole register as it is at the moment."""
    known = Register()
    for kind, data in await tables.everything(connection):
        known.of(kind)[data["id"]] = EVENTS[kind].data.model_validate(data)
    return known


def changed(known: Register, entities: Iterable[Entity], unreadable: Iterable[tuple[str, str]] = ()) -> Register:
    """The register as it would be with these entities in it, and without what could not be read."""
    wanted = Register(unreadable=set(unreadable))
    for kind in EVENTS:
        wanted.of(kind).update(known.of(kind))
    for kind, entity_id in wanted.unreadable:
        wanted.of(kind).pop(entity_id, None)
    for entity in entities:
        wanted.of(kind_of(entity))[entity.id] = entity
    return wanted


def day_of(now: datetime) -> date:
    """The local day of an instant, by which agreements are reckoned."""
    return now.astimezone(ZONE).date()


def kind_of(entity: Entity) -> str:
    """The kind of an entity, as events name it."""
    return type(entity).__name__.lower()


def plan(known: Register, entities: Iterable[Entity]) -> Plan:
    """What writing these entities would do. What the register counts and notes itself is not anybody's to say."""
    made = Plan()
    for entity in entities:
        before = known.of(kind_of(entity)).get(entity.id)
        kept = {name: getattr(before, name) for name in ("version", "sessions_after") if hasattr(before, name)}
        after = entity.model_copy(update=kept)
        if before is None:
            made.added.append(after.model_copy(update={"version": 1}))
        elif before == after:
            made.unchanged += 1
        else:
            made.changed.append((before, after.model_copy(update={"version": before.version + 1})))
    return made


async def write(
    connection: AsyncConnection,
    known: Register,
    entities: Iterable[Entity],
    who: str,
    now: datetime,
    *,
    because: Because | None = None,
    agreed: Collection[Party] = (),
) -> Plan:
    """Write what is new with its history and its events, in this order. `who` is an id of staff or history.IMPORT.

    Whom it concerns and who has neither done it nor `agreed` is told; proposals that it overtakes are void. Wake the
    relay when the transaction has committed.
    """
    made = plan(known, entities)
    steps = [*((None, entity) for entity in made.added), *made.changed]
    order = list(EVENTS)
    told = []
    wanted = changed(known, (after for _, after in steps))
    mine = rights.remit(known, who)
    # What is referred to is told before what refers to it.
    for before, after in sorted(steps, key=lambda step: order.index(kind_of(step[1]))):
        kind = kind_of(after)
        await tables.save(connection, kind, after)
        change = await history.record(connection, who, kind, before, after, now, because or Because())
        told.append((kind, after))
        if mine.units and not mine.everything:
            concerned = agreement.concerned(known, wanted, before, after) - frozenset(agreed)
            await proposals.tell(connection, change, [party for party in concerned if not mine.covers(party)])
    if told:
        await epochs.tell(connection, told, now)
        await _overtake(connection, wanted, {(kind, after.id) for kind, after in told}, now)
    return made


async def _overtake(
    connection: AsyncConnection, known: Register, written: Collection[tuple[str, str]], now: datetime
) -> None:
    """End what waits and can no longer hold: what was proposed on an earlier version, or by who may not now."""
    for one in await proposals.waiting(connection):
        before = known.of(one.kind).get(one.entity.id)
        if (one.kind, one.entity.id) in written:
            await proposals.end(connection, one.id, "overtaken", now)
        elif any(rights.denied(known, changed(known, [one.entity]), one.by, before, one.entity)):
            await proposals.end(connection, one.id, "fallen", now)

"""Changes that wait for others' yes, and what others answered: the statements. `directory.agreeing` decides.

A proposal is one whole entity as it would be, held to the version that it was made on. Answers are added and never
changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from directory.events import Entity
from directory.rules.agreement import Party
from directory.tables import EVENTS, change, proposal, proposal_answer, told

# Overtaken: somebody else changed the entity meanwhile. Fallen: who proposed it may not do so any longer.
State = Literal["offered", "in_force", "refused", "withdrawn", "overtaken", "fallen"]


@dataclass(frozen=True)
class Proposal:
    """`base` is the version that it was made on, 0 where there was none. Instants are UTC, `by` is an id of staff."""

    id: UUID
    kind: str
    entity: Entity
    base: int
    by: str
    at: datetime
    state: State
    ended_at: datetime | None


@dataclass(frozen=True)
class Answer:
    """One person's answer, and for which parties it was given; `reason` where an operator answers in their stead."""

    proposal: UUID
    at: datetime
    who: str
    yes: bool
    parties: frozenset[Party]
    reason: str | None


async def add(connection: AsyncConnection, made: Proposal) -> None:
    """Write a new proposal."""
    await connection.execute(
        insert(proposal).values(
            id=made.id,
            kind=made.kind,
            entity=made.entity.id,
            document=made.entity.model_dump(mode="json"),
            base=made.base,
            by=made.by,
            at=made.at,
            state=made.state,
        )
    )


async def one(connection: AsyncConnection, proposal_id: UUID) -> Proposal | None:
    """The proposal with this id."""
    row = (await connection.execute(select(proposal).where(proposal.c.id == proposal_id))).first()
    return _proposal(row) if row else None


async def waiting(connection: AsyncConnection) -> Sequence[Proposal]:
    """All that wait for an answer, the oldest first."""
    chosen = select(proposal).where(proposal.c.state == "offered").order_by(proposal.c.at, proposal.c.id)
    return [_proposal(row) for row in await connection.execute(chosen)]


async def ended(connection: AsyncConnection, since: datetime, limit: int) -> Sequence[Proposal]:
    """Those that have been decided since an instant, the latest first."""
    chosen = select(proposal).where(proposal.c.ended_at >= since).order_by(proposal.c.ended_at.desc()).limit(limit)
    return [_proposal(row) for row in await connection.execute(chosen)]


async def of_entity(connection: AsyncConnection, kind: str, entity_id: str) -> Sequence[Proposal]:
    """All about one entity, the latest first."""
    chosen = select(proposal).where(proposal.c.kind == kind, proposal.c.entity == entity_id)
    return [_proposal(row) for row in await connection.execute(chosen.order_by(proposal.c.at.desc(), proposal.c.id))]


async def end(connection: AsyncConnection, proposal_id: UUID, state: State, now: datetime) -> None:
    """Note what became of a proposal that waited."""
    chosen = update(proposal).where(proposal.c.id == proposal_id, proposal.c.state == "offered")
    await connection.execute(chosen.values(state=state, ended_at=now))


async def answer(connection: AsyncConnection, given: Answer) -> None:
    """Write an answer."""
    parties = [list(party) for party in sorted(given.parties)]
    await connection.execute(
        insert(proposal_answer).values(
            proposal=given.proposal, at=given.at, who=given.who, yes=given.yes, parties=parties, reason=given.reason
        )
    )


async def answers(connection: AsyncConnection, of: Collection[UUID]) -> Sequence[Answer]:
    """All answers to these proposals, the earliest first."""
    chosen = select(proposal_answer).where(proposal_answer.c.proposal.in_(of)).order_by(proposal_answer.c.id)
    return [
        Answer(row.proposal, row.at, row.who, row.yes, frozenset(Party(*p) for p in row.parties), row.reason)
        for row in await connection.execute(chosen)
    ]


async def tell(connection: AsyncConnection, change_id: int, parties: Collection[Party]) -> None:
    """Note whom a change has to be shown to, because it was made without their yes."""
    rows = [{"change": change_id, "kind": party.kind, "party": party.id} for party in sorted(parties)]
    if rows:
        await connection.execute(insert(told), rows)


async def told_of(connection: AsyncConnection, since: datetime) -> Sequence[tuple[int, Party]]:
    """Changes since an instant by their ids, with those to whom each is shown, the latest first."""
    chosen = select(told).join(change, change.c.id == told.c.change).where(change.c.at >= since)
    rows = await connection.execute(chosen.order_by(told.c.change.desc(), told.c.kind, told.c.party))
    return [(row.change, Party(row.kind, row.party)) for row in rows]


def _proposal(row: Any) -> Proposal:
    model: Any = EVENTS[row.kind].data
    document = model.model_validate(row.document)
    return Proposal(row.id, row.kind, document, row.base, row.by, row.at, row.state, row.ended_at)

"""Proposals for programs: `/directory/v1/proposals`. What waits and concerns one, and the answer to it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from directory import agreeing, editing, proposals, waiting
from directory.agreeing import NotWaiting, NotYoursToAnswer, ReasonNeeded, Standing
from directory.api import PREFIX, Coordinating, Limit, Offset, Service, sent_from_here
from directory.proposals import State
from directory.rules.agreement import ITS_OWN, Party
from directory.rules.register import Breach
from directory.viewing import View, Viewed
from kit import problems, telemetry
from kit.access import NotAllowed, NotSignedIn
from kit.app import Runtime
from kit.language import of_request
from kit.refusal import NotFound, Refusal, TooLarge
from kit.web.pages import FromElsewhere

router = APIRouter(prefix=f"{PREFIX}/proposals", tags=["proposals"])


class ProposalUnfit(Refusal):
    """With the last yes it would be in force; `faults` says which rules it then breaks."""

    code = "proposal-unfit"
    sv = ("Förslaget går inte längre ihop med katalogen", "Inget svar är sparat. Se under faults vad som hindrar det.")
    en = ("The proposal no longer fits the register", "No answer was kept. See under faults what is in its way.")


class PartyOut(BaseModel):
    """A unit by its id, or any unit of a municipality by its code."""

    kind: Literal["unit", "municipality"]
    id: str


class AnswerOut(BaseModel):
    """One person's answer, and for whom it was given; `reason` where an operator answers in another's place."""

    who: str
    at: datetime
    yes: bool
    parties: list[PartyOut]
    reason: str | None


class ProposalOut(BaseModel):
    """A change that needs the yes of others. `document` is the whole entity as it would be; `version` is that of the
    entity on which it was made, 0 for a new one. Whose yes it needs, lacks and is yours to give is told while it waits.
    """

    id: UUID
    kind: str
    entity: str
    version: int
    document: dict[str, Any]
    by: str
    at: datetime
    state: State
    ended_at: datetime | None
    needed: list[PartyOut]
    missing: list[PartyOut]
    yours: list[PartyOut]
    answers: list[AnswerOut]


class ProposalsOut(BaseModel):
    """A part of a list. `next` is the relative address of the part that follows, null at the end."""

    items: list[ProposalOut]
    limit: int
    offset: int
    next: str | None


class AnswerIn(problems.Body):
    """`reason` is for operators, who answer where nobody coordinates."""

    reason: str | None = Field(None, max_length=500)


@router.get(
    "",
    responses=problems.responses(NotSignedIn, NotAllowed),
    summary="The proposals that wait and that one made or that concern one, the oldest first",
)
async def pending(seen: Viewed, service: Service, limit: Limit = 100, offset: Offset = 0) -> ProposalsOut:
    """What was decided is read by its id."""
    async with service.engine.connect() as connection:
        found = await waiting.standings(connection, seen, await proposals.waiting(connection))
    following = f"{PREFIX}/proposals?limit={limit}&offset={offset + limit}" if len(found) > offset + limit else None
    shown = [_out(seen, one) for one in found[offset : offset + limit]]
    return ProposalsOut(items=shown, limit=limit, offset=offset, next=following)


@router.get(
    "/{proposal}",
    responses=problems.responses(NotFound, NotSignedIn, NotAllowed),
    summary="One proposal, and what came of it",
)
async def one(seen: Viewed, service: Service, proposal: UUID) -> ProposalOut:
    """Of others' proposals nothing is told."""
    return await _shown(service, seen, proposal)


_ANSWERED = (NotFound, NotSignedIn, NotAllowed, FromElsewhere, NotYoursToAnswer, NotWaiting, TooLarge)


@router.post(
    "/{proposal}/confirm",
    responses=problems.responses(*_ANSWERED, ReasonNeeded, ProposalUnfit),
    summary="Say yes for all of one's own whose yes is missing; with the last one it is in force",
    dependencies=[Depends(sent_from_here)],
)
async def confirm(
    request: Request, service: Service, person: Coordinating, proposal: UUID, body: AnswerIn | None = None
) -> ProposalOut:
    """The proposal as it then stands."""
    return await _decided(request, service, person, proposal, body, yes=True)


@router.post(
    "/{proposal}/refuse",
    responses=problems.responses(*_ANSWERED, ReasonNeeded),
    summary="Say no, which ends it",
    dependencies=[Depends(sent_from_here)],
)
async def refuse(
    request: Request, service: Service, person: Coordinating, proposal: UUID, body: AnswerIn | None = None
) -> ProposalOut:
    """The proposal as it then stands."""
    return await _decided(request, service, person, proposal, body, yes=False)


@router.post(
    "/{proposal}/withdraw",
    responses=problems.responses(NotFound, NotSignedIn, NotAllowed, FromElsewhere, NotWaiting),
    summary="Take back a proposal of one's own",
    dependencies=[Depends(sent_from_here)],
)
async def withdraw(request: Request, service: Service, person: Coordinating, proposal: UUID) -> ProposalOut:
    """The proposal as it then stands."""
    async with service.engine.begin() as connection:
        await agreeing.withdraw(connection, person.id, proposal, service.clock())
    return await _shown(service, await _view(request, service, person), proposal)


async def _decided(
    request: Request, service: Runtime, person: Coordinating, proposal: UUID, body: AnswerIn | None, *, yes: bool
) -> ProposalOut:
    reason = body.reason if body else None
    with telemetry.span("directory", "answer proposal"):
        async with service.engine.begin() as connection:
            wrong = await agreeing.decide(
                connection, person.id, proposal, yes=yes, reason=reason or None, now=service.clock()
            )
    if wrong:
        raise ProposalUnfit(faults=_faults(request, wrong))
    service.relay.wake()
    return await _shown(service, await _view(request, service, person), proposal)


def _faults(request: Request, wrong: Sequence[Breach]) -> list[str]:
    return [breach.sv if of_request(request) == "sv" else breach.en for breach in wrong]


async def _view(request: Request, service: Runtime, person: Coordinating) -> View:
    async with service.engine.connect() as connection:
        return View(request, person, await editing.read(connection), service.clock())


async def _shown(service: Runtime, seen: View, proposal: UUID) -> ProposalOut:
    async with service.engine.connect() as connection:
        stands = agreeing.standing(seen.register, *await agreeing.find(connection, proposal), seen.now)
    if not agreeing.may_see(seen.register, seen.mine, seen.person.id, stands):
        raise NotFound
    return _out(seen, stands)


def _out(seen: View, stands: Standing) -> ProposalOut:
    found = stands.proposal
    document = seen.shown(found.entity).model_dump(mode="json", exclude=ITS_OWN)
    if found.kind == "staff":
        # None for whoever may not change it, as in the register's own lists.
        document["identity"] = document["identity"] or None
    waits = found.state == "offered"
    return ProposalOut(
        id=found.id,
        kind=found.kind,
        entity=found.entity.id,
        version=found.base,
        document=document,
        by=found.by,
        at=found.at,
        state=found.state,
        ended_at=found.ended_at,
        needed=_parties(stands.needed if waits else ()),
        missing=_parties(stands.missing if waits else ()),
        yours=_parties(stands.yours(seen.register, seen.person.id) if waits else ()),
        answers=[
            AnswerOut(who=given.who, at=given.at, yes=given.yes, parties=_parties(given.parties), reason=given.reason)
            for given in stands.answers
        ],
    )


def _parties(some: Any) -> list[PartyOut]:
    parties: Sequence[Party] = sorted(some)
    return [PartyOut(kind=party.kind, id=party.id) for party in parties]

"""Proposals: offered to those whose yes they need, answered, in force when all have agreed. The caller opens the
transaction, in which it holds the register's lock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection

from directory import editing, proposals, rights
from directory.events import Entity
from directory.history import Because
from directory.proposals import Answer, Proposal
from directory.rules import agreement, breaches
from directory.rules.agreement import Party, Remit, said
from directory.rules.register import Breach, Register
from kit.refusal import NotFound, Refusal


class NotYoursToAnswer(Refusal):
    status = 403
    code = "not-yours-to-answer"
    sv = ("Det är inte ditt att svara på", "Den som samordnar verksamheten svarar, och har den ingen: driftansvarig.")
    en = ("It is not yours to answer", "Whoever coordinates the unit answers, and where nobody does, an operator.")


class NotWaiting(Refusal):
    status = 409
    code = "proposal-not-waiting"
    sv = ("Förslaget väntar inte längre på svar", "Sidan säger vad som hände med det. Föreslå på nytt om det behövs.")
    en = ("The proposal no longer waits", "The page says what became of it. Propose it again if it is needed.")


class ReasonNeeded(Refusal):
    status = 422
    code = "reason-needed"
    sv = ("Skriv varför", "Den som svarar i en annans ställe skriver varför. Det står i historiken.")
    en = ("Say why", "Whoever answers in another's place says why. It stands in the history.")


@dataclass(frozen=True)
class Standing:
    """How a proposal stands: whose yes it needs, and whose of them it lacks. Pure."""

    proposal: Proposal
    before: Entity | None
    answers: Sequence[Answer]
    needed: frozenset[Party]
    missing: frozenset[Party]

    def yours(self, known: Register, person: str) -> frozenset[Party]:
        """For which of those who are missing a person can answer. Where nobody coordinates, an operator does."""
        mine = rights.remit(known, person)
        if mine.everything:
            return frozenset(party for party in self.missing if not coordinated(known, party))
        return frozenset(filter(mine.covers, self.missing))


def coordinated(known: Register, party: Party) -> bool:
    """Whether there is anybody who can answer for a party."""
    people = (rights.remit(known, staff.id) for staff in known.live("staff"))
    return any(remit.covers(party) for remit in people if not remit.everything)


def standing(known: Register, proposal: Proposal, answers: Sequence[Answer], now: datetime) -> Standing:
    """How a proposal stands in the register as it is: who must agree is judged anew, as roles and advisors move."""
    before: Entity | None = known.of(proposal.kind).get(proposal.entity.id)
    wanted = editing.changed(known, [proposal.entity])
    mine = rights.remit(known, proposal.by)
    needed = agreement.needs(known, wanted, before, proposal.entity, mine, editing.day_of(now))
    agreed = frozenset(party for given in answers if given.yes for party in given.parties)
    return Standing(proposal, before, answers, needed, needed - agreed)


def unfit(known: Register, proposal: Proposal) -> Sequence[Breach]:
    """The rules that a proposal would break, were it in force now."""
    place = (proposal.kind, proposal.entity.id)
    found = breaches(editing.changed(known, [proposal.entity]))
    return [breach for breach in found if any((p.kind, p.id) == place for p in breach.places)]


async def offer(
    connection: AsyncConnection, known: Register, person: str, entities: Iterable[Entity], now: datetime
) -> list[Proposal]:
    """Propose entities as they would be. What the same person proposed before of the same is withdrawn; the same
    again, on the same version, is the same proposal.
    """
    made = []
    pending = [p for p in await proposals.waiting(connection) if p.by == person]
    for entity in entities:
        kind = editing.kind_of(entity)
        before = known.of(kind).get(entity.id)
        base = before.version if before else 0
        earlier = [p for p in pending if (p.kind, p.entity.id) == (kind, entity.id)]
        if same := [p for p in earlier if p.base == base and said(p.entity) == said(entity)]:
            made.append(same[0])
            continue
        for one in earlier:
            await proposals.end(connection, one.id, "withdrawn", now)
        new = Proposal(uuid4(), kind, entity, base, person, now, "offered", None)
        await proposals.add(connection, new)
        made.append(new)
    return made


async def find(connection: AsyncConnection, proposal_id: UUID) -> tuple[Proposal, Sequence[Answer]]:
    """A proposal and its answers. Raises NotFound."""
    found = await proposals.one(connection, proposal_id)
    if found is None:
        raise NotFound
    return found, await proposals.answers(connection, [proposal_id])


def may_see(known: Register, mine: Remit, person: str, stands: Standing) -> bool:
    """Whether somebody may see a proposal: who made it, and everybody whom it concerns, or what came of it."""
    found = stands.proposal
    if found.by == person or mine.everything:
        return True
    if found.state == "in_force":
        return rights.concerns(known, mine, found.entity)
    wanted = editing.changed(known, [found.entity])
    parties = agreement.concerned(known, wanted, stands.before, found.entity)
    answered = frozenset(party for given in stands.answers for party in given.parties)
    return any(map(mine.covers, parties | answered))


async def decide(
    connection: AsyncConnection, person: str, proposal_id: UUID, *, yes: bool, reason: str | None, now: datetime
) -> Sequence[Breach]:
    """Answer a proposal for all of one's own whose yes is missing. With the last yes it is in force, unless it breaks
    rules: then nothing is answered, and they are returned.

    Raises NotFound, NotYoursToAnswer, NotWaiting or ReasonNeeded.
    """
    known = await editing.register(connection)
    found, given = await find(connection, proposal_id)
    stands = standing(known, found, given, now)
    mine = rights.remit(known, person)
    if not may_see(known, mine, person, stands):
        raise NotFound
    if found.state != "offered":
        raise NotWaiting
    yours = stands.yours(known, person)
    if not yours:
        raise NotYoursToAnswer
    if mine.everything and not reason:
        raise ReasonNeeded
    answer = Answer(found.id, now, person, yes, yours, reason or None)
    if not yes:
        await proposals.answer(connection, answer)
        await proposals.end(connection, found.id, "refused", now)
        return ()
    in_force = not stands.missing - yours
    if in_force and (wrong := unfit(known, found)):
        return wrong
    await proposals.answer(connection, answer)
    if in_force:
        await proposals.end(connection, found.id, "in_force", now)
        because = Because(proposal=found.id)
        await editing.write(connection, known, [found.entity], found.by, now, because=because, agreed=stands.needed)
    return ()


async def withdraw(connection: AsyncConnection, person: str, proposal_id: UUID, now: datetime) -> None:
    """Take back a proposal of one's own. Raises NotFound or NotWaiting."""
    await editing.register(connection)
    found, _ = await find(connection, proposal_id)
    if found.by != person:
        raise NotFound
    if found.state != "offered":
        raise NotWaiting
    await proposals.end(connection, found.id, "withdrawn", now)

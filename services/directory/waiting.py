"""Proposals in words, for those whom they concern."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from directory import agreeing, editing, history, proposals, rights
from directory.agreeing import Standing
from directory.history import Change
from directory.rules.agreement import Party
from directory.viewing import View

# For so long what was decided, or changed without somebody's yes, stands among what to attend to.
SHOWN = timedelta(days=30)
# How many decided proposals the list shows.
DECIDED = 100


async def standings(connection: AsyncConnection, seen: View, found: Sequence[proposals.Proposal]) -> list[Standing]:
    """How those of the proposals stand that one may see."""
    given = await proposals.answers(connection, [one.id for one in found])
    stands = [
        agreeing.standing(seen.register, one, [a for a in given if a.proposal == one.id], seen.now) for one in found
    ]
    return [s for s in stands if agreeing.may_see(seen.register, seen.mine, seen.person.id, s)]


async def attend(connection: AsyncConnection, seen: View) -> list[dict[str, str]]:
    """What proposals and changes without one's yes somebody has to attend to, in words, with the way there."""
    since = seen.now - SHOWN
    waiting = await standings(connection, seen, await proposals.waiting(connection))
    asked = [one for one in waiting if one.yours(seen.register, seen.person.id)]
    made = [_line(seen, "warn_proposal", one) for one in asked]
    made += [_line(seen, "warn_proposed", one) for one in waiting if one.proposal.by == seen.person.id]
    for one in await standings(connection, seen, await proposals.ended(connection, since, DECIDED)):
        if one.proposal.by == seen.person.id and one.proposal.state in ("refused", "overtaken", "fallen"):
            made.append(_line(seen, f"warn_{one.proposal.state}", one))
    told = [change for change, party in await proposals.told_of(connection, since) if seen.mine.covers(party)]
    if told and not seen.mine.everything:
        made += [_told(seen, change) for change in await history.some(connection, dict.fromkeys(told))]
    return made


async def of_entity(
    connection: AsyncConnection, seen: View, kind: str, entity_id: str, *, waits: bool = False
) -> list[dict[str, Any]]:
    """The proposals about one entity that one may see, in words, the latest first; those that wait, or all."""
    found = [p for p in await proposals.of_entity(connection, kind, entity_id) if not waits or p.state == "offered"]
    return [summary(seen, one) for one in await standings(connection, seen, found)]


def _line(seen: View, key: str, one: Standing) -> dict[str, str]:
    name = f"{seen.text(f'k_{one.proposal.kind}')} {seen.words.name(one.proposal.entity)}"
    return {"text": seen.text(key, who=seen.who(one.proposal.by), name=name), "link": address(one.proposal.id)}


def _told(seen: View, change: Change) -> dict[str, str]:
    name = f"{seen.text(f'k_{change.kind}')} {seen.words.name(change.after)}"
    text = seen.text("warn_told", who=seen.who(change.who), name=name)
    return {"text": text, "link": f"{seen.link(change.after)}/historik"}


def address(proposal: UUID) -> str:
    """The address of a proposal's page."""
    return f"/katalog/forslag/{proposal}"


def summary(seen: View, one: Standing) -> dict[str, Any]:
    """A proposal in words, without what it changes."""
    found = one.proposal
    return {
        "link": address(found.id),
        "kind": seen.text(f"k_{found.kind}"),
        "name": seen.words.name(found.entity),
        "who": seen.who(found.by),
        "when": _when(found.at),
        "state": seen.text(f"state_{found.state}"),
        "ended": _when(found.ended_at) if found.ended_at else "",
        "answers": [
            {
                "text": seen.text("answer_yes" if given.yes else "answer_no", who=seen.who(given.who)),
                "for": parties(seen, given.parties),
                "when": _when(given.at),
                "reason": given.reason,
            }
            for given in one.answers
        ],
        "missing": parties(seen, one.missing) if found.state == "offered" else "",
    }


def _when(at: datetime) -> str:
    return at.astimezone(editing.ZONE).strftime("%Y-%m-%d %H:%M")


def parties(seen: View, some: frozenset[Party]) -> str:
    """What parties are called, in one line."""
    return "; ".join(sorted(rights.called(seen.register, party) for party in some))

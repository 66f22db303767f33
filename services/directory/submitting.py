"""A form of the register that was sent: what it comes to, judged and written in the transaction of the request."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from directory import agreeing, editing, history, rights
from directory.events import Entity, Grant, Staff
from directory.forms import FILL_IN, Filled, Sent, entity_of, filled, new_id, settled
from directory.history import Change
from directory.proposals import Proposal
from directory.rules import agreement, breaches
from directory.rules.agreement import Remit
from directory.rules.common import near
from directory.rules.register import Breach, Register, as_far_as_read
from kit.refusal import NotFound

# What is not theirs to say who answers for some of a person's roles only.
OF_THE_WHOLE_PERSON = ("name", "identity", "ended")


@dataclass
class Outcome:
    """What became of a form: saved, or proposed where it needs others' yes. `wrong` is control, Swedish, English;
    `later` are changes that the form does not know.
    """

    known: Register
    before: Entity | None
    saved: Entity | None = None
    proposed: Proposal | None = None
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    denied: bool = False
    later: Sequence[Change] = ()


async def submit(
    connection: AsyncConnection, person: str, kind: str, entity_id: str | None, sent: Sent, now: datetime
) -> Outcome:
    """Change the entity with this id, or add one where there is no id, as its form says, or tell why not.

    `person` is an id of staff. `sent["_version"]` is the version that the form was made from; a form that does not say
    has seen none. Raises NotFound.
    """
    known = await editing.register(connection)
    before: Entity | None = known.of(kind).get(entity_id) if entity_id is not None else None
    if entity_id is not None and before is None:
        raise NotFound
    outcome = Outcome(known, before)
    if before and (version := _version(sent)) < before.version:
        outcome.later = await history.of_entity(connection, kind, before.id, above=version)
    entity = _entity(outcome, person, kind, sent)
    if outcome.later or entity is None or outcome.wrong:
        return outcome
    wanted = editing.changed(known, [entity])
    if agreement.needs(known, wanted, before, entity, rights.remit(known, person), editing.day_of(now)):
        (outcome.proposed,) = await agreeing.offer(connection, known, person, [entity], now)
        return outcome
    plan = await editing.write(connection, known, [entity], person, now)
    outcome.saved = next(iter([*plan.added, *(after for _, after in plan.changed)]), before)
    return outcome


def _version(sent: Sent) -> int:
    text = sent.get("_version", "")
    # As long as a number can be and still be a version.
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004


def _entity(outcome: Outcome, person: str, kind: str, sent: Sent) -> Entity | None:
    """The entity that the form makes, whole where the outcome has nothing that is wrong."""
    known, before = outcome.known, outcome.before
    said = filled(kind, sent)
    data = settled(kind, said, before)
    if before:
        data["id"] = before.id
    elif data.get("id") in known.of(kind):
        outcome.wrong.append(("id", "det finns redan: välj ett annat", "it is taken: choose another"))
    elif kind != "municipality":
        data.setdefault("id", new_id(kind, data, known.of(kind)))
    mine = rights.remit(known, person)
    if kind == "staff" and isinstance(before, Staff):
        said = _with_others_roles(known, mine, before, data, said)
    entity, faults = entity_of(kind, data)
    outcome.wrong += [(said.place(kind, path), sv, en) for path, sv, en in faults]
    told = {place for place, _, _ in outcome.wrong}
    outcome.wrong += [(name, *FILL_IN) for name in said.empty if name not in told]
    if entity is None:
        return None
    wanted = editing.changed(known, [entity], [(kind, entity.id)] if faults else ())
    denied = list(as_far_as_read(rights.denied(known, wanted, person, before, entity)))
    outcome.denied = bool(denied)
    for breach in [*denied, *breaches(wanted), *near(entity, before)]:
        if (place := _place(breach, kind, entity.id)) is not None:
            outcome.wrong.append((said.place(kind, place), breach.sv, breach.en))
    return entity


def _place(breach: Breach, kind: str, entity_id: str) -> Any:
    """Where in this entity a breach can be put right; None where it was there before, elsewhere."""
    return next((p.path for p in breach.places if (p.kind, p.id) == (kind, entity_id)), None)


def _with_others_roles(known: Register, mine: Remit, before: Staff, data: dict[str, Any], said: Filled) -> Filled:
    """Leave in `data` what the form does not show because it is others' to change."""
    if not rights.owns(known, mine, before):
        data |= {name: getattr(before, name) for name in OF_THE_WHOLE_PERSON}
    row_of = dict(zip(map(_key, data["grants"]), said.rows["grants"], strict=True))
    held = [grant.model_dump(exclude_none=True) for grant in before.grants]
    kept = [g for g in held if _key(g) in row_of or not rights.may_grant(known, mine, Grant.model_validate(g))]
    new = [grant for grant in data["grants"] if _key(grant) not in map(_key, kept)]
    data["grants"] = kept + new
    # A role that the form does not show has no row there.
    rows = [row_of.get(_key(grant), -1) for grant in data["grants"]]
    return replace(said, rows={**said.rows, "grants": rows})


def _key(grant: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(grant.items()))

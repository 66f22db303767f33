"""The figures that a coordinator sees: of the own municipalities, and of those that share an agreement with them.

Of others whole quarters are told, and the same for ever: as they were counted when somebody first asked.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from booking.figures import rules, tables
from booking.figures.rules import Account, Counted, Place, Tables, Town
from booking.sharing.rules import HOME
from booking.slots import service as slots
from booking.slots import tables as register
from booking.slots.reads import Centre, Municipality, Pool
from booking.slots.rules import opening
from kit.access import Person
from kit.database import Connection

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Report:
    """Figures of the local days `first` to `last`, both included; `pools` are the agreements' names."""

    first: date
    last: date
    tables: Tables
    pools: dict[str, str]


async def report(connection: Connection, person: Person, first: date, last: date, now: date) -> Report:
    """All figures that this coordinator may see on a local day. Centres are told of in the own municipalities alone."""
    own = await tables.coordinated(connection, person.units("coordinator"))
    pools = [p for p in await _pools(connection) if own & _members(p)]
    others = rules.is_settled(first, last, now)
    seen = own.union(*map(_members, pools)) if others else own
    municipalities = [m for m in await slots.municipalities(connection) if m.id in seen]
    centres = [Centre.model_validate_json(document) for document in await tables.centres(connection, own)]
    counted = await _count(connection, [m.id for m in municipalities if m.id in own], first, last)
    if others:
        counted = _together(counted, await _settled(connection, seen - own, first, last))
    counted = replace(counted, accounts=await _accounts(connection, pools, first, last))
    towns = [_town(m, centres if m.id in own else (), counted, last) for m in municipalities]
    return Report(first, last, rules.tables(towns, counted), {p.id: p.name for p in pools})


async def _pools(connection: Connection) -> list[Pool]:
    """All agreements, ended ones too, for their accounts are still owed."""
    return [Pool.model_validate_json(document) for document in await register.documents(connection, "pool")]


def _members(pool: Pool) -> set[str]:
    return {code for terms in pool.terms() for code in terms.shares}


def _town(of: Municipality, centres: Sequence[Centre], counted: Counted, last: date) -> Town:
    """A municipality with its centres, and with those elsewhere where its families were met."""
    visited = {place for code, _, place in counted.made if code == of.id}
    visited |= {place for code, place, _ in counted.outcomes if code == of.id}
    its = [c for c in sorted(centres, key=lambda c: c.name) if c.municipality == of.id or c.id in visited]
    return Town(
        of.id,
        of.name,
        rules.children_on(of.denominators, last),
        centres=[
            Place(c.id, c.name, rules.children_on(c.denominators, last), elsewhere=c.municipality != of.id) for c in its
        ],
    )


async def _accounts(connection: Connection, pools: Sequence[Pool], first: date, last: date) -> list[Account]:
    return [
        Account(row["pool"], row["municipality"], row["entitled"], row["used"], row["borrowed"], row["lent"])
        for row in await tables.accounts(connection, [p.id for p in pools], first, last)
    ]


async def _settled(connection: Connection, towns: set[str], first: date, last: date) -> Counted:
    """What was counted of a quarter when it was first asked for: whatever is noted later changes nothing of it."""
    found = await tables.settled(connection, towns, first)
    if lacking := sorted(towns - found.keys()):
        now = {town: _written(await _count(connection, [town], first, last)) for town in lacking}
        await tables.settle(connection, first, now)
        found = await tables.settled(connection, towns, first)
    return _together(*map(_read, found.values()))


_COUNTS = ("made", "outcomes", "waits", "measured", "searched")


def _written(counted: Counted) -> str:
    return json.dumps({name: [*getattr(counted, name).items()] for name in _COUNTS})


def _read(document: str) -> Counted:
    found = json.loads(document)
    counts: Any = {name: {tuple(k) if isinstance(k, list) else k: n for k, n in found[name]} for name in _COUNTS}
    return Counted(**counts)


def _together(*each: Counted) -> Counted:
    """What was counted of several towns, each by itself."""
    counts: Any = {name: {key: n for counted in each for key, n in getattr(counted, name).items()} for name in _COUNTS}
    return Counted(**counts)


async def _count(connection: Connection, towns: Sequence[str], first: date, last: date) -> Counted:
    since, until = midnight(first), midnight(last + DAY)
    made = await tables.made(connection, towns, since, until)
    outcomes = await tables.outcomes(connection, towns, since, until)
    waits = await tables.waits(connection, towns, since, until)
    measured: dict[str, list[tuple[int | None, int | None]]] = {}
    for row in await tables.measured(connection, towns, first, last):
        measured.setdefault(row["municipality"], []).append((row["next_days"], row["third_days"]))
    searched = await tables.searched(connection, towns, first, last)
    return Counted(
        made={(row["municipality"], row["modality"], row["place"]): row["n"] for row in made},
        outcomes={(row["municipality"], row["place"], row["outcome"]): row["n"] for row in outcomes},
        waits={(row["municipality"], row["place"]): row["days"] for row in waits},
        measured=measured,
        searched={row["municipality"]: (row["searches"], row["found_nothing"]) for row in searched},
    )


def midnight(day: date) -> datetime:
    """The instant at which a local day begins."""
    return opening(day, time.min, HOME)

"""The figures that a coordinator sees: of the own municipalities, and of those that share an agreement with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

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


async def report(connection: Connection, person: Person, first: date, last: date) -> Report:
    """All figures that this coordinator may see. Centres are told of in the own municipalities alone."""
    own = await tables.coordinated(connection, person.units("coordinator"))
    pools = [p for p in await _pools(connection) if own & _members(p)]
    seen = own.union(*map(_members, pools))
    municipalities = [m for m in await slots.municipalities(connection) if m.id in seen]
    centres = [Centre.model_validate_json(document) for document in await tables.centres(connection, own)]
    codes = [m.id for m in municipalities]
    counted = await _count(connection, codes, [p.id for p in pools], first, last)
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


async def _count(
    connection: Connection, towns: Sequence[str], pools: Sequence[str], first: date, last: date
) -> Counted:
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
        accounts=[
            Account(row["pool"], row["municipality"], row["entitled"], row["used"], row["borrowed"], row["lent"])
            for row in await tables.accounts(connection, pools, first, last)
        ],
    )


def midnight(day: date) -> datetime:
    """The instant at which a local day begins."""
    return opening(day, time.min, HOME)

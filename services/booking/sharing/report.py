"""What an agreement's ledger says of a year: the report that municipalities owe of what they share (KL 9:38).

All numbers are minutes and sums over the ledger's rows. A period belongs to the year in which its first day lies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from booking.agenda.tables import names
from booking.sharing import report_tables as tables
from booking.sharing.rules import Position, Terms
from booking.slots import service as slots
from booking.slots.reads import Pool
from kit.access import Person
from kit.database import Connection
from kit.refusal import NotFound
from kit.telemetry import span


@dataclass(frozen=True)
class Sum:
    """Rows of the ledger of one period, municipality and kind, added up; of a loan also of one lender."""

    first: date
    last: date | None
    municipality: str
    kind: str
    lender: str | None
    minutes: int


@dataclass(frozen=True)
class Line:
    """How a municipality stood, with what it borrowed from whom and lent to whom, by municipality."""

    position: Position
    borrowed_from: Mapping[str, int] = field(default_factory=dict)
    lent_to: Mapping[str, int] = field(default_factory=dict)

    @property
    def unused(self) -> int:
        """What nobody used of its part. Negative where leave took away time that was used already."""
        return self.position.left

    @property
    def balance(self) -> int:
        """What the others owe it: negative where it owes them."""
        return self.position.lent - self.position.borrowed


@dataclass(frozen=True)
class ReportPeriod:
    """Days `first` to `last`, both included, and how each municipality stood. `last` is None where it is not known."""

    first: date
    last: date | None
    lines: Mapping[str, Line]


@dataclass(frozen=True)
class Agreement:
    """An agreement whose report may be read, who has ever been in it by code, and the years that there are."""

    pool: Pool
    members: Mapping[str, str]
    years: Sequence[int]


@dataclass(frozen=True)
class Report:
    """A year of an agreement. `terms` are those that applied on a day of it."""

    agreement: Agreement
    year: int
    terms: Sequence[Terms]
    total: Mapping[str, Line]
    periods: Sequence[ReportPeriod]


def lines(sums: Iterable[Sum], members: Iterable[str]) -> dict[str, Line]:
    """The sums by municipality, those of `members` without any too."""
    found: dict[str, dict[str, int]] = {}
    loans: dict[tuple[str, str], int] = {}
    for each in sums:
        own = found.setdefault(each.municipality, {})
        own[each.kind] = own.get(each.kind, 0) + each.minutes
        if each.lender is not None:
            found.setdefault(each.lender, {})
            pair = (each.lender, each.municipality)
            loans[pair] = loans.get(pair, 0) + each.minutes
    return {code: _line(code, found.get(code, {}), loans) for code in dict.fromkeys([*members, *found])}


def _line(code: str, of: Mapping[str, int], loans: Mapping[tuple[str, str], int]) -> Line:
    borrowed = {lender: minutes for (lender, to), minutes in loans.items() if to == code and minutes}
    lent = {to: minutes for (lender, to), minutes in loans.items() if lender == code and minutes}
    position = Position(
        entitled=of.get("entitlement", 0),
        credit=of.get("credit", 0),
        used=of.get("use", 0),
        lent=sum(lent.values()),
        borrowed=sum(borrowed.values()),
    )
    return Line(position, borrowed, lent)


def terms_of(pool: Pool, year: int) -> list[Terms]:
    """The agreement's terms that applied on a day of the year, in order."""
    return [terms for terms in pool.terms() if terms.first.year <= year <= terms.last.year]


async def agreements(connection: Connection, person: Person, now_year: int) -> list[Agreement]:
    """The agreements in which a municipality of the person's units is or was a member, by name."""
    towns = await tables.towns_of(connection, person.units("coordinator"))
    own = [pool for pool in await tables.pools(connection) if towns & _codes(pool)]
    years: dict[str, set[int]] = {pool.id: _valid(pool, now_year) for pool in own}
    for row in await tables.YEARS.rows(connection, pools=[*years]):
        years[row["pool"]] |= set(range(row["first"], row["last"] + 1))
    ordered = [place.id for place in await slots.municipalities(connection)]
    named = await names(connection, "municipality", sorted({code for pool in own for code in _codes(pool)}))
    return [
        Agreement(
            pool,
            {
                code: named.get(code, code)
                for code in sorted(_codes(pool), key=lambda c: (ordered.index(c) if c in ordered else len(ordered), c))
            },
            sorted(years[pool.id], reverse=True),
        )
        for pool in sorted(own, key=lambda pool: (pool.name, pool.id))
    ]


async def read(connection: Connection, person: Person, pool: str, year: int, now_year: int) -> Report:
    """The report of a year. Raises NotFound for an agreement whose report the person may not read."""
    with span("booking", "report of an agreement"):
        found = next((a for a in await agreements(connection, person, now_year) if a.pool.id == pool), None)
        if found is None:
            raise NotFound
        sums = [Sum(**row) for row in await tables.SUMS.rows(connection, pool=pool, year=year)]
        by_period: dict[date, list[Sum]] = {}
        for each in sums:
            by_period.setdefault(each.first, []).append(each)
        return Report(
            found,
            year,
            terms_of(found.pool, year),
            lines(sums, found.members) if sums else {},
            [ReportPeriod(first, own[0].last, lines(own, found.members)) for first, own in by_period.items()],
        )


def _codes(pool: Pool) -> set[str]:
    return {code for terms in (pool, *pool.amendments) for code in terms.shares}


def _valid(pool: Pool, now_year: int) -> set[int]:
    last = min(now_year, pool.valid_until.year if pool.valid_until else now_year)
    return set(range(pool.valid_from.year, last + 1))

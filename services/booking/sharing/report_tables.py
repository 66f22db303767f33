"""The statements of the ledger's report. Whose bookings the minutes are of, whoever serves cannot read."""

from booking.slots.reads import Pool
from booking.slots.tables import documents
from kit.database import Connection, Statement

# The first and the last of an index, however many rows lie between.
YEARS = Statement("""
select p.pool, extract(year from l.first)::int as first, extract(year from l.last)::int as last
from unnest(:pools::text[]) as p (pool)
cross join lateral (select min(period) as first, max(period) as last from ledger where pool = p.pool) l
where l.first is not null
""")
SUMS = Statement("""
select l.period as first, p.last, l.municipality, l.kind, l.lender, sum(l.minutes)::int as minutes
from ledger l
left join (select first, max(last) as last from entitlement where pool = :pool group by first) p on p.first = l.period
where l.pool = :pool and l.period >= make_date(:year::int, 1, 1) and l.period < make_date(:year::int + 1, 1, 1)
group by l.period, p.last, l.municipality, l.kind, l.lender
order by l.period, l.municipality, l.kind, l.lender
""")
USED = Statement("""
select municipality, sum(minutes)::int as minutes from ledger
where pool = :pool and kind = 'use' and period >= :first::date and period < :last::date group by municipality
""")


async def pools(connection: Connection) -> list[Pool]:
    """All agreements, those that have ended too: what they were is to be reported."""
    return [Pool.model_validate_json(document) for document in await documents(connection, "pool")]


async def towns_of(connection: Connection, units: tuple[str, ...]) -> set[str]:
    """The municipalities to which units belong."""
    rows = await connection.fetch(
        "select distinct data->>'municipality' as code from directory_copy where kind = 'unit' and id = any ($1)", units
    )
    return {row["code"] for row in rows}

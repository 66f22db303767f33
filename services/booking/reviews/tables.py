"""The statements of the log of reads and of its reviews."""

from collections.abc import AsyncIterator

from booking.reviews.rules import Entry, Head
from kit.database import Connection, Statement

LOG_READ = Statement(
    "select log_read(:role::text, :unit::text, :family::uuid, :booking::uuid, :what::text, :why::text)"
)

# Policies show a reviewer what was read of the units of the transaction, and nothing else.
FOUND = """
from read_log l
left join booking b on b.id = l.booking
left join directory_copy s on s.kind = 'staff' and s.id = l.staff
where l.at >= :first::timestamptz and l.at < :end::timestamptz
  and (:staff::text is null or l.staff = :staff) and (:what::text is null or l.what = :what)
  and (:unit::text is null or l.unit = :unit)
"""
# The reference of a protected family's booking would be one more place that it stands in.
ROW = """
select l.id, l.at, l.staff, coalesce(s.data->>'name', l.staff) as name, l.role, l.unit, l.what, l.why, l.hash,
       case when not b.protected then b.reference end as reference,
       l.id in (select unnest(seen) from review) as reviewed
"""
COUNT = Statement(f"select count(*) {FOUND}")
# By the instant: by the id, the database would look for a page's rows through all of the log.
PAGE = Statement(f"{ROW} {FOUND} order by l.at desc, l.id desc limit :limit offset :offset")
ALL = Statement(f"{ROW} {FOUND} order by l.id")
THESE = Statement(f"{ROW} {FOUND} and l.id = any (:ids::bigint[]) order by l.id")
# What chance draws from: not what the reviewer read, and nothing that came after the sample was first drawn.
FACTS = Statement(f"""
select l.id, l.at, l.staff, l.family, b.advisor as booked, s.data->>'advisor' as own,
       coalesce(b.protected, false) as protected
{FOUND} and l.staff <> :reviewer::text and l.id <= :upto::bigint
""")
LATEST = "select coalesce(max(id), 0) from read_log"
READERS = Statement("""
select distinct l.staff as id, coalesce(s.data->>'name', l.staff) as name
from read_log l left join directory_copy s on s.kind = 'staff' and s.id = l.staff
where l.at >= :first::timestamptz and l.at < :end::timestamptz
order by name, id
""")
UNITS = Statement("select id, coalesce(nullif(data->>'name', ''), id) as name from directory_copy where kind = 'unit'")

# The same sample is signed off once by one reviewer.
SIGN_OFF = Statement("""
insert into review (id, at, reviewer, units, first, last, staff, what, seed, upto, seen, remark, note)
values (:id::uuid, :at::timestamptz, :reviewer::text, :units::text[], :first::date, :last::date, :staff::text,
        :what::text, :seed::text, :upto::bigint, :seen::bigint[], :remark::text, :note::text)
on conflict do nothing
""")
REVIEWS = Statement("""
select r.at, coalesce(s.data->>'name', r.reviewer) as reviewer, r.units, r.first, r.last,
       coalesce(t.data->>'name', r.staff) as staff, r.what, r.seed, cardinality(r.seen) as seen, r.remark, r.note
from review r
left join directory_copy s on s.kind = 'staff' and s.id = r.reviewer
left join directory_copy t on t.kind = 'staff' and t.id = r.staff
order by r.at desc limit :limit
""")


async def entries(connection: Connection) -> AsyncIterator[Entry]:
    """All rows in their order, as they are stored. To be read as the owner, in a transaction."""
    rows = connection.cursor(
        "select id, at, staff, role, unit, family, booking, what, why, previous, hash from read_log order by id",
        prefetch=1000,
    )
    async for row in rows:
        yield Entry(**row)


async def written(connection: Connection) -> Head:
    """The last row as the database counted it when it was written."""
    row = await connection.fetchrow("select id, hash from read_log_head")
    assert row is not None, "the migration made it"
    return Head(row["id"], row["hash"])

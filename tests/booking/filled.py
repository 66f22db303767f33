"""A database of booking's with a past, made by PostgreSQL itself in some seconds."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from tests.booking import register

# The last day of what there is.
TODAY: date = register.NOW.date()
ADVISORS, DAYS, UNITS = 100, 250, 10

# Everybody had one visit a day, each by another family: of these one in twenty is still known. Of each advisor's open
# time and of each agreement's periods all is past but the last.
_PAST = f"""
create temp table visit as
select md5(a || ' ' || d)::uuid as id, md5('family ' || a || ' ' || d)::uuid as family, 'advisor-' || a as advisor,
       'unit-' || a % {UNITS} as unit, 'pool-' || a % {UNITS} as pool, '{TODAY}'::date - d as day,
       ('{TODAY}'::date - d)::timestamptz + interval '9 hours' as start_at, row_number() over (order by d desc, a) as n
from generate_series(1, {ADVISORS}) a, generate_series(0, {DAYS - 1}) d;

insert into family (id, unit, sealed, phone_fingerprint, email_fingerprint, language, created_at, erased_at)
select family, unit, case when n % 20 = 0 then '\\x01'::bytea end,
       case when n % 20 = 0 then sha256(int4send((n % 256)::int)) end,
       case when n % 20 = 0 then sha256(int4send((n % 256)::int)) end, 'sv', start_at,
       case when n % 20 > 0 then start_at end
from visit;
insert into erasure (family, at, rule) select id, erased_at, 'general' from family where erased_at is not null;
insert into booking (id, status, offering, municipality, unit, advisor, modality, start_at, end_at, zone, created_at,
                     changed_at, family, reference, token_hash)
select id, 'fulfilled', 'foraldrasamtal', '1266', unit, advisor, 'video', start_at, start_at + interval '1 hour',
       'Europe/Stockholm', start_at, start_at, family, id::text, uuid_send(id)
from visit;
insert into busy (id, advisor, day, during, kind, municipality, pool, period)
select id, advisor, day, tstzrange(start_at, start_at + interval '1 hour'), 'booking', '1266', pool, day from visit;
insert into open_block (advisor, day, during, modalities, zone)
select advisor, day, tstzrange(start_at, start_at + interval '8 hours'), array['video'], 'Europe/Stockholm' from visit;

insert into entitlement (pool, first, municipality, last, release_days, carry_over, minutes, closed)
select distinct pool, day, town, day, 7, 0, 60, day < '{TODAY}' from visit, unnest(array['1266', '1267', '1285']) town;
insert into inbox (consumer, event_id, received_at) select 'booking-state-directory', id, start_at from visit;
insert into review (id, at, reviewer, units, first, last, seed, upto, seen, remark)
select gen_random_uuid(), start_at, 'granskare', array[unit], day, day, 'abc', n, array[n, n + 1], 'fine' from visit
where n % 25 = 0;
insert into read_log (id, at, staff, role, unit, family, booking, what, why, previous, hash)
select n, start_at, 'someone', 'advisor', unit, family, id, 'booking', 'day', '', '' from visit;
insert into figure_booking (booking, sequence, municipality, modality, place, start_at, status, late, confirmed_at,
                            first)
select id, 0, '1266', 'visit', 'centre-1', start_at, 'fulfilled', false, start_at, true from visit;

insert into directory_copy (kind, id, version, ended, data)
select kind, kind || '-' || n, 1, false, jsonb_build_object(
    'id', kind || '-' || n, 'version', 1, 'name', kind || ' ' || n, 'slug', kind || '-' || n,
    'advisor', 'advisor-' || n, 'identity', 'SE-' || n, 'municipality', n, 'address', 'Vägen ' || n,
    'accent', '#1f5f3f', 'phone', '+46415378000',
    'concern_url', 'https://www.example.se', 'zone', 'Europe/Stockholm', 'valid_from', '2026-01-01',
    'weekly', '[]'::jsonb, 'grants', jsonb_build_array(jsonb_build_object('role', 'advisor', 'unit', 'unit-' || n)))
from unnest(array['municipality', 'schedule', 'staff', 'centre']) kind,
     generate_series(1, case kind when 'centre' then 100 else 2000 end) n;
"""

# Some families were not reached, and few messages fail.
_MESSAGES = """
insert into message (id, version, booking, sequence, kind, status, due_at, attempts, code, changed_at)
select gen_random_uuid(), 2, id, 0, 'confirmation', case when n % 5000 = 0 then 'pending' else 'sent' end, start_at, 1,
       case when n % 5000 = 0 then 'smtp_451' end, start_at
from visit where n % 2 = 0;
insert into attention (id, kind, booking, unit, owner, since, due, settled_at, why)
select gen_random_uuid(), 'not_reached', id, unit, advisor, start_at, start_at, start_at, 'reached' from visit
where n % 2 = 1;
"""


async def fill(admin: AsyncEngine) -> None:
    """Write it all, as the superuser, and let PostgreSQL look at it."""
    async with database.driver(admin) as connection:
        await connection.execute(_PAST)
        await connection.execute(_MESSAGES)
        await connection.execute("vacuum analyze")

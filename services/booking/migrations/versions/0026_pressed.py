"""Under pressure a contact is proved before it books: when that is, and a proof of a family that is not there yet."""

from kit import migrations

revision = "0026"
down_revision = "0025"

# Where a family is not there yet, its key has the id that it will have, and its language stands with the proof.
PROOF = """
alter table proof
    drop constraint proof_family_fkey,
    add column language text constraint proof_language_check check (language in ('sv', 'en')),
    add constraint proof_comes_check check (language is null or (family is not null and sealed is not null));
"""

# Of a day: what nobody who is known has booked with the advisors of an offering, be it of another, against what they
# are used to and what they have. As few as `few` are no pressure, nor four times a usual day's that were kept, nor a
# twentieth of what could be booked.
PRESSURE = """
create function under_pressure(wanted text, at timestamptz, few integer)
returns boolean language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    advisors text[];
    minutes integer;
    days integer;
    lately integer;
    usual numeric;
    could integer;
begin
    select array(select jsonb_array_elements_text(o.data->'advisors')), (o.data->>'duration')::integer,
           (o.data->>'horizon_days')::integer
    into advisors, minutes, days
    from public.directory_copy o where o.kind = 'offering' and o.id = wanted;
    select count(*) into lately
    from public.booking b join public.family f on f.id = b.family
    where b.advisor = any (advisors) and b.created_at > at - interval '1 day' and b.status = 'confirmed'
        and b.start_at > at and not f.given_to_staff and f.phone_proved_at is null and f.email_proved_at is null;
    if lately < few then
        return false;
    end if;
    select count(*) / 28.0 into usual
    from public.booking b join public.family f on f.id = b.family
    where b.advisor = any (advisors) and b.created_at > at - interval '29 days'
        and b.created_at <= at - interval '1 day' and b.status <> 'cancelled' and not f.given_to_staff;
    if lately < 4 * usual then
        return false;
    end if;
    select coalesce(sum(d.capacity - d.taken), 0) / minutes into could
    from public.advisor_day d
    where d.advisor = any (advisors) and d.day between at::date and at::date + days;
    return lately >= (could + lately) / 20;
end $$;

grant create on schema public to booking_ahead;
revoke execute on function under_pressure from public;
grant execute on function under_pressure to booking;
alter function under_pressure owner to booking_ahead;
revoke create on schema public from booking_ahead;

grant select (given_to_staff, phone_proved_at, email_proved_at) on family to booking_ahead;
grant select (created_at) on booking to booking_ahead;
drop policy counted on booking;
create policy counted on booking for select to booking_ahead using (status <> 'held');
grant select on directory_copy, advisor_day to booking_ahead;
grant select (advisor) on booking to booking_ahead;
create index booking_made_idx on booking (advisor, created_at);
"""


def upgrade() -> None:
    migrations.script(PROOF + PRESSURE)

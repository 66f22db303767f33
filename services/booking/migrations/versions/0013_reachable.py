"""A telephone talk is of a family that gave a number, and a visit has a place: the database holds both."""

from kit import migrations

revision = "0013"
down_revision = "0012"

# A number is sealed, but whether there is one is not. Telephone talks of before are left as they are: whoever is moved
# is asked for what lacks. That is looked at when the transaction ends, which writes the contact last. No visit without
# a place was ever to come, for no installation was in use.
GUARDS = """
alter table family
    add column callable boolean generated always as (phone_hint is not null or erased_at is not null) stored,
    add constraint family_id_callable_key unique (id, callable);
alter table booking
    add column calls boolean generated always as (case when modality = 'phone' then true end) stored,
    add constraint booking_calls_fkey foreign key (family, calls) references family (id, callable)
        deferrable initially deferred not valid,
    add constraint booking_visit_check
        check (modality <> 'visit' or place is not null or status not in ('held', 'confirmed'));
"""

# Whoever may change a booking may give its family the number that it lacks.
CONTACT = """
grant update (sealed, phone_hint) on family to booking;
create policy of_token_changed on family for update to booking
    using (id = (select family from booking where token_hash = (select given_token())));
create policy of_units_changed on family for update to booking using (
    unit = any ((select given_units())::text[])
    and (protection = 'none' or exists (select from family_access a where a.family = family.id))
);
"""


def upgrade() -> None:
    migrations.script(GUARDS + CONTACT)

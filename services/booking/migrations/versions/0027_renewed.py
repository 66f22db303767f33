"""Whoever proves a contact and another can have the other in its place; the former is told so."""

from kit import migrations

revision = "0027"
down_revision = "0026"

# Of a message that tells of a change, nobody is asked for a code.
TELLS = """
alter table proof add column tells boolean not null default false;
"""

# Two proofs of one transaction: of the contact that a family has, and of the one that it gets. None changes it alone.
RENEWED = """
create function given_renewed() returns bytea language sql stable
return decode(nullif(current_setting('samtid.renewed', true), ''), 'hex');
grant execute on function given_renewed() to booking_proved;

alter policy of_token on proof using (
    token_hash in ((select given_token()), (select given_renewed())) and ends_at > (select given_before())
);
alter policy of_proved on family using (
    protection = 'none' and erased_at is null
    and (phone_fingerprint in (select fingerprint from proof) or email_fingerprint in (select fingerprint from proof))
);
alter policy of_proved on booking using (
    not protected and exists (
        select from family f where f.id = booking.family
        and (booking.by_email or f.phone_fingerprint in (select fingerprint from proof))
    )
);
create policy renewed on family for update to booking_proved using (
    protection = 'none' and erased_at is null
    and (phone_fingerprint in (select fingerprint from proof) or email_fingerprint in (select fingerprint from proof))
) with check (
    phone_fingerprint in (select fingerprint from proof where token_hash = (select given_renewed()))
    or email_fingerprint in (select fingerprint from proof where token_hash = (select given_renewed()))
);
grant update (sealed, phone_fingerprint, email_fingerprint, phone_proved_at, email_proved_at) on family
    to booking_proved;
"""


def upgrade() -> None:
    migrations.script(TELLS + RENEWED)

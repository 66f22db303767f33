"""What fails for too long is found by itself: that it fails is told once, and time goes on.

It also finds what came up about a booking, settled or not, and who changed it: a family that did so itself knows.
"""

from kit import migrations

revision = "0016"
down_revision = "0015"

FAILING = """
create index message_failing on message (booking) where status = 'pending' and code is not null;
create index attention_booking_idx on attention (booking);

grant select (booking, status, code) on message to booking_sweep;
create policy failing on message for select to booking_sweep using (status = 'pending' and code is not null);
create policy failing on attention for select to booking_sweep
    using (exists (select from message m where m.booking = attention.booking));

grant select (booking, what, at, staff, reason) on booking_change to booking_messages;
create policy weighed on booking_change for select to booking_messages using (booking = (select given_booking()));
"""


def upgrade() -> None:
    migrations.script(FAILING)

"""The tables of booking, as SQLAlchemy knows them. The migrations make them; a test holds the two together.

Which rows of `booking`, `family` and `idempotency` a transaction sees, the migrations say too: see `booking.secrecy`.
"""

from datetime import timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZMULTIRANGE, TSTZRANGE, ExcludeConstraint

from kit import database, inbox, limits, outbox

metadata = database.metadata()
outbox_table = outbox.table(metadata)
inbox_table = inbox.table(metadata)
limits.tables(metadata)

INSTANT = DateTime(timezone=True)

# No booking lasts longer: the table itself refuses one.
LONGEST = timedelta(days=1)

# What directory published, one row an entity, as it came.
directory_copy = Table(
    "directory_copy",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("epoch", DateTime(timezone=True)),
)
# Since when a kind of entities is of a register that has been heard of whole.
directory_epoch = Table(
    "directory_epoch",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("epoch", DateTime(timezone=True), nullable=False),
)
_data = directory_copy.c.data
Index("directory_copy_slug_idx", _data["slug"].astext, postgresql_where="kind = 'municipality'")
Index("directory_copy_advisor_idx", _data["advisor"].astext, postgresql_where="kind = 'schedule'")
Index("directory_copy_identity_idx", _data["identity"].astext, postgresql_where="kind = 'staff'")
Index("directory_copy_grants_idx", _data.op("->")("grants"), postgresql_using="gin", postgresql_where="kind = 'staff'")

# Who may be booked for what by whom: worked out from offerings, advisors, units and pools whenever one changes.
reach = Table(
    "reach",
    metadata,
    Column("offering", Text, primary_key=True),
    Column("municipality", Text, primary_key=True),
    Column("advisor", Text, primary_key=True),
    Column("first", Date, primary_key=True),
    Column("last", Date, nullable=False),
    Column("pool", Text),
    Column("unit", Text, nullable=False),
    Column("modalities", ARRAY(Text), nullable=False),
    Column("languages", ARRAY(Text), nullable=False),
)

# Open hours, worked out from schedules for the days that can be booked.
open_block = Table(
    "open_block",
    metadata,
    Column("advisor", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("during", TSTZRANGE, primary_key=True),
    Column("modalities", ARRAY(Text), nullable=False),
    Column("place", Text),
    Column("zone", Text, nullable=False),
)

# Per advisor and local day: the open time, and what of it is not busy. A projection: `busy` decides.
advisor_day = Table(
    "advisor_day",
    metadata,
    Column("advisor", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("open", TSTZMULTIRANGE, nullable=False),
    Column("free", TSTZMULTIRANGE, nullable=False),
    # Minutes of `open`, and of it what is not `free`.
    Column("capacity", SmallInteger, nullable=False, server_default="0"),
    Column("taken", SmallInteger, nullable=False, server_default="0"),
)

# Everything that occupies an advisor. No path writes an advisor's time anywhere else.
busy = Table(
    "busy",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("advisor", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("during", TSTZRANGE, nullable=False),
    Column("kind", Text, nullable=False),
    # What it is charged to: the agreement's period, null where the advisor is not shared.
    Column("municipality", Text),
    Column("pool", Text),
    Column("period", Date),
    CheckConstraint("kind in ('hold', 'booking')", name="kind"),
    CheckConstraint("(pool is null) = (period is null) and (pool is null or municipality is not null)", name="charged"),
    ExcludeConstraint(("advisor", "="), ("during", "&&"), using="gist", name="busy_no_overlap"),
    Index("busy_advisor_day_idx", "advisor", "day"),
    Index("busy_pool_idx", "pool", "day", postgresql_where="pool is not null"),
)

# How a municipality stands in one period of an agreement, in minutes (`booking.sharing.rules.Position`): the sums of
# its rows in the ledger, kept so that a booking locks and reads one row. `first` to `last` are days, both included.
entitlement = Table(
    "entitlement",
    metadata,
    Column("pool", Text, primary_key=True),
    Column("first", Date, primary_key=True),
    Column("municipality", Text, primary_key=True),
    Column("last", Date, nullable=False),
    Column("release_days", SmallInteger, nullable=False),
    Column("carry_over", SmallInteger, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("credit", Integer, nullable=False, server_default="0"),
    Column("used", Integer, nullable=False, server_default="0"),
    Column("lent", Integer, nullable=False, server_default="0"),
    Column("borrowed", Integer, nullable=False, server_default="0"),
    # Whether the period is over and its credit given.
    Column("closed", Boolean, nullable=False, server_default="false"),
    CheckConstraint("minutes >= 0 and credit >= 0 and used >= 0 and lent >= 0 and borrowed >= 0", name="counts"),
    Index("entitlement_municipality_idx", "municipality", "last"),
    Index("entitlement_open", "last", postgresql_where="not closed"),
)

# All that happened to those minutes, the reverse of it too; nothing in it is ever changed. A loan is of the `lender` to
# the `municipality`, for a booking (or a hold).
ledger = Table(
    "ledger",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("pool", Text, nullable=False),
    Column("period", Date, nullable=False),
    Column("municipality", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("lender", Text),
    Column("booking", Uuid),
    CheckConstraint("kind in ('entitlement', 'credit', 'use', 'loan')", name="kind"),
    CheckConstraint("minutes <> 0", name="minutes"),
    CheckConstraint("(kind = 'loan') = (lender is not null)", name="lender"),
    CheckConstraint("(kind in ('use', 'loan')) = (booking is not null)", name="booking"),
    Index("ledger_period_idx", "pool", "period"),
)

# Who somebody is: sealed with a key of the family's own, whose id is the family's, in the key store. The fingerprints
# lead to families with the same telephone number or address; of those made known before these were whole, the first
# byte is kept until somebody finds them. `erasing` until the key of an erased family is destroyed.
family = Table(
    "family",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("sealed", LargeBinary),
    Column("phone_fingerprint", LargeBinary),
    Column("email_fingerprint", LargeBinary),
    Column("language", Text, nullable=False),
    Column("protection", Text, nullable=False, server_default="none"),
    Column("created_at", INSTANT, nullable=False),
    Column("erased_at", INSTANT),
    Column("erasing", Boolean, nullable=False, server_default="false"),
    # Else it was written on the web, by somebody who has not shown that it is theirs.
    Column("given_to_staff", Boolean, nullable=False, server_default="false"),
    # When somebody last showed, by a code, that they have the number, or the address: not that one person has both.
    Column("phone_proved_at", INSTANT),
    Column("email_proved_at", INSTANT),
    # Whether there is a number to call, or the family is erased and nobody calls any more.
    Column("callable", Boolean, Computed("phone_fingerprint is not null or erased_at is not null")),
    UniqueConstraint("id", "unit"),
    UniqueConstraint("id", "callable"),
    CheckConstraint("protection in ('none', 'sekretessmarkering', 'skyddad_folkbokforing')", name="protection"),
    CheckConstraint("sealed is not null or erased_at is not null", name="sealed_or_erased"),
    CheckConstraint("not erasing or erased_at is not null", name="erasing"),
    CheckConstraint("octet_length(phone_fingerprint) in (1, 32)", name="phone_fingerprint"),
    CheckConstraint("octet_length(email_fingerprint) in (1, 32)", name="email_fingerprint"),
    Index("family_erasing", "id", postgresql_where="erasing"),
    Index("family_kept", "id", postgresql_where="erased_at is null"),
    Index("family_phone_idx", "phone_fingerprint", "unit", postgresql_where="sealed is not null and erased_at is null"),
    Index("family_email_idx", "email_fingerprint", "unit", postgresql_where="sealed is not null and erased_at is null"),
)

# That somebody showed, or was to show, that a contact is theirs, for a day: by a code that is made of the id. A contact
# that nobody booked with is asked for in the same way, has no family, and is sent nothing.
proof = Table(
    "proof",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    # Whose contact it is, or, where that is not there yet, will be.
    Column("family", Uuid),
    # The contact, with the family's key, where the family has it only once it is proved.
    Column("sealed", LargeBinary),
    # Of a family that is not there yet.
    Column("language", Text),
    # Whether it only tells the contact that another took its place.
    Column("tells", Boolean, nullable=False, server_default="false"),
    # Whose name the message bears, where it is one municipality's.
    Column("municipality", Text),
    Column("asked_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default="0"),
    Column("proved_at", INSTANT),
    # What the browser has that proved it, and until when that shows anything.
    Column("token_hash", LargeBinary, unique=True),
    Column("ends_at", INSTANT),
    CheckConstraint("channel in ('sms', 'email')", name="channel"),
    CheckConstraint("octet_length(fingerprint) = 32", name="fingerprint"),
    CheckConstraint("language in ('sv', 'en')", name="language"),
    CheckConstraint("language is null or (family is not null and sealed is not null)", name="comes"),
    CheckConstraint("tries between 0 and 5", name="tries"),
    CheckConstraint("proved_at is not null or token_hash is null", name="proved"),
    CheckConstraint("(token_hash is null) = (ends_at is null)", name="token"),
    Index("proof_fingerprint_idx", "fingerprint"),
    Index("proof_family_idx", "family", postgresql_where="family is not null"),
    Index("proof_asked_idx", "asked_at"),
)

# How many codes went to the numbers of a country, by its calling code, on a day in UTC.
code_count = Table(
    "code_count",
    metadata,
    Column("day", Date, primary_key=True),
    Column("country", SmallInteger, primary_key=True, autoincrement=False),
    Column("codes", Integer, nullable=False),
)

# The staff who see a family of protected identity.
family_access = Table(
    "family_access",
    metadata,
    Column("family", Uuid, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("staff", Text, primary_key=True),
    ForeignKeyConstraint(["family", "unit"], ["family.id", "family.unit"], name="family_access_family_fkey"),
)

# The log of erasures: which family, when it was decided, and by which rule.
erasure = Table(
    "erasure",
    metadata,
    Column("family", Uuid, primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("rule", Text, nullable=False),
    Index("erasure_at_idx", "at"),
)

booking = Table(
    "booking",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("status", Text, nullable=False),
    Column("sequence", Integer, nullable=False, server_default="0"),
    Column("offering", Text, nullable=False),
    Column("municipality", Text, nullable=False),
    # The branch that answers for the municipality's families: the boundary of secrecy.
    Column("unit", Text, nullable=False),
    Column("advisor", Text, nullable=False),
    Column("modality", Text, nullable=False),
    Column("place", Text),
    Column("start_at", INSTANT, nullable=False),
    Column("end_at", INSTANT, nullable=False),
    Column("zone", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    # While held: until when, and for which client (a keyed hash of its address).
    Column("expires_at", INSTANT),
    Column("client", LargeBinary),
    # From confirmation on.
    Column("family", Uuid, ForeignKey("family.id")),
    # Whether the family's identity is: then named staff alone see the booking.
    Column("protected", Boolean, nullable=False, server_default="false"),
    # Whether what is told of it may go to the family's address; to its number it may.
    Column("by_email", Boolean, nullable=False, server_default="true"),
    Column("child_age", SmallInteger),
    Column("reference", Text, unique=True),
    Column("token_hash", LargeBinary, unique=True),
    Column("changed_at", INSTANT),
    Column("late", Boolean),
    # Whether the family is called: true or null. Then it has a number.
    Column("calls", Boolean, Computed("case when modality = 'phone'::text then true else null::boolean end")),
    ForeignKeyConstraint(
        ["family", "calls"],
        ["family.id", "family.callable"],
        name="booking_calls_fkey",
        deferrable=True,
        initially="DEFERRED",
    ),
    CheckConstraint("modality <> 'visit' or place is not null or status not in ('held', 'confirmed')", name="visit"),
    CheckConstraint("status in ('held', 'confirmed', 'fulfilled', 'no_show', 'cancelled')", name="status"),
    CheckConstraint(
        "(status = 'held') = (expires_at is not null) and (status = 'held') = (reference is null)"
        " and (status = 'held') = (family is null) and (status = 'held') = (token_hash is null)",
        name="held_or_known",
    ),
    # LONGEST: how far back one that goes on may have begun.
    CheckConstraint("end_at - start_at <= interval '1 day'", name="length"),
    Index("booking_expires", "expires_at", postgresql_where="status = 'held'"),
    Index("booking_client", "client", postgresql_where="status = 'held'"),
    Index("booking_unit_idx", "unit", "start_at"),
    Index("booking_made_idx", "advisor", "created_at"),
    Index("booking_advisor_idx", "advisor", "start_at"),
    Index("booking_family_idx", "family", postgresql_where="family is not null"),
)

# What happened to a booking after it was made, and that it was made where staff did so. `staff` is null for the family.
booking_change = Table(
    "booking_change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("booking", Uuid, ForeignKey("booking.id"), nullable=False),
    Column("what", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("staff", Text),
    Column("start_at", INSTANT, nullable=False),
    Column("reason", Text),
    # How the family is met from then on, where that was changed.
    Column("modality", Text),
    CheckConstraint("modality in ('video', 'phone', 'visit')", name="modality"),
    CheckConstraint(
        "what in ('confirmed', 'rescheduled', 'cancelled', 'fulfilled', 'no_show', 'reopened')", name="what"
    ),
    CheckConstraint("reason in ('advisor_away', 'family_asked', 'double', 'other')", name="reason"),
    Index("booking_change_booking_idx", "booking", "at"),
)

# How each message about a booking stands, as notification's facts tell it.
message = Table(
    "message",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("booking", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("channel", Text),
    Column("due_at", INSTANT, nullable=False),
    Column("sent_at", INSTANT),
    Column("attempts", Integer, nullable=False),
    Column("code", Text),
    Column("next_attempt_at", INSTANT),
    # When it became so: the instant of the last fact.
    Column("changed_at", INSTANT),
    CheckConstraint("kind in ('confirmation', 'change', 'cancellation', 'reminder_5d', 'reminder_24h')", name="kind"),
    CheckConstraint("status in ('pending', 'sent', 'dropped', 'dead')", name="status"),
    CheckConstraint("channel in ('email', 'sms')", name="channel"),
    Index("message_booking_idx", "booking", "due_at"),
    Index("message_failing", "booking", postgresql_where="status = 'pending' and code is not null"),
)

# What staff of a unit have to attend to, until it is settled: `since` when, and before when (`due`).
attention = Table(
    "attention",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("booking", Uuid, nullable=False),
    Column("unit", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("since", INSTANT, nullable=False),
    Column("due", INSTANT, nullable=False),
    Column("settled_at", INSTANT),
    Column("why", Text),
    Column("staff", Text),
    CheckConstraint("kind in ('not_reached')", name="kind"),
    CheckConstraint("why in ('reached', 'handled', 'past')", name="why"),
    CheckConstraint("(settled_at is null) = (why is null)", name="settled"),
    Index("attention_open", "booking", "kind", unique=True, postgresql_where="settled_at is null"),
    Index("attention_due", "due", postgresql_where="settled_at is null"),
    Index("attention_unit_idx", "unit", postgresql_where="settled_at is null"),
    Index("attention_booking_idx", "booking"),
)

# Secret addresses at which an advisor's calendar program reads the advisor's times. Of an address its hash is kept.
calendar_feed = Table(
    "calendar_feed",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("staff", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("created_at", INSTANT, nullable=False),
    Index("calendar_feed_staff_idx", "staff"),
)

# One row per Idempotency-Key that led to a booking, for 24 hours. Keys and requests are kept as keyed hashes.
idempotency = Table(
    "idempotency",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("booking", Uuid, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column("created_at", INSTANT, nullable=False),
)

# What staff read of families: each row has the hash of the one before in its own. Written by `log_read` alone.
read_log = Table(
    "read_log",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", INSTANT, nullable=False),
    Column("staff", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("family", Uuid),
    Column("booking", Uuid),
    Column("what", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("what in ('booking', 'contact', 'list', 'export', 'calendar', 'search', 'review')", name="what"),
    CheckConstraint("why ~ '^[a-z][a-z -]*( > [a-z][a-z -]*)*$' and length(why) <= 80", name="why"),
    Index("read_log_unit_at_idx", "unit", "at"),
    Index("read_log_family_idx", "family"),
    Index("read_log_booking_idx", "booking", postgresql_where="booking is not null"),
)

# Its last row, as it was written.
read_log_head = Table(
    "read_log_head",
    metadata,
    Column("single", Boolean, primary_key=True, server_default="true"),
    Column("id", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("single", name="single"),
)

# What a reviewer looked at and signed off: a sample of the log, by its seed, and the ids of its rows.
review = Table(
    "review",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("units", ARRAY(Text), nullable=False),
    Column("first", Date, nullable=False),
    Column("last", Date, nullable=False),
    Column("staff", Text),
    Column("what", Text),
    Column("seed", Text, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("seen", ARRAY(BigInteger), nullable=False),
    Column("remark", Text, nullable=False),
    Column("note", Text),
    CheckConstraint("cardinality(seen) > 0", name="seen"),
    CheckConstraint("remark in ('fine', 'explained', 'follow_up', 'reported')", name="remark"),
    Index("review_seen_idx", "seen", postgresql_using="gin"),
)

# Every fact that figures are made of, as far as they read it, by the event's id. The outbox keeps facts for 30 days and
# the stream for 90; figures of years must be possible to build anew.
figure_fact = Table(
    "figure_fact",
    metadata,
    Column("event", Uuid, primary_key=True),
    Column("type", Text, nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("data", JSONB, nullable=False),
)

# What follows from those facts. Each booking as its last fact left it; `confirmed_at` is null until the first is known.
figure_booking = Table(
    "figure_booking",
    metadata,
    Column("booking", Uuid, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("municipality", Text, nullable=False),
    Column("modality", Text, nullable=False),
    Column("place", Text),
    Column("start_at", INSTANT, nullable=False),
    Column("status", Text, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("confirmed_at", INSTANT),
    # Whether it was the family's first, not a follow-up of one that is known.
    Column("first", Boolean),
    CheckConstraint("status in ('confirmed', 'cancelled', 'fulfilled', 'no_show')", name="status"),
    Index("figure_booking_confirmed_idx", "municipality", "confirmed_at"),
    Index("figure_booking_start_idx", "municipality", "start_at"),
    Index("figure_booking_place_idx", "municipality", "place", postgresql_where="modality = 'visit'"),
)

figure_search = Table(
    "figure_search",
    metadata,
    Column("municipality", Text, primary_key=True),
    Column("offering", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("searches", Integer, nullable=False),
    Column("found_nothing", Integer, nullable=False),
)

# Whole local days from a day to the first free start and to the third; null where there was none.
figure_availability = Table(
    "figure_availability",
    metadata,
    Column("municipality", Text, primary_key=True),
    Column("offering", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("at", INSTANT, nullable=False),
    Column("next_days", SmallInteger),
    Column("third_days", SmallInteger),
)

# What was counted of a municipality's quarter when another one's coordinator first asked: the same ever after.
figure_quarter = Table(
    "figure_quarter",
    metadata,
    Column("municipality", Text, primary_key=True),
    Column("first", Date, primary_key=True),
    Column("counted", JSONB, nullable=False),
)

# The local days on which free time was measured: once each, whoever starts when.
measured_day = Table("measured_day", metadata, Column("day", Date, primary_key=True))

"""The statements that change an advisor's time.

All take their locks in one order, so that none can deadlock with another: the booking's row, then the entitlements that
it is charged to, then the advisor's days in order of advisor and day, then `busy`.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from booking.bookings.rules import Reason, Start
from booking.families.contacts import Sealed
from booking.families.rules import Protection, is_protected
from booking.sharing.tables import CHARGE
from booking.slots.rules import Moving
from kit.database import Connection, Statement
from kit.outbox import Row

# The day is taken only where the projection says that it is free; the constraint on `busy` decides all the same.
# Where the two differ, refuse_overlap() rolls the statement back.
_TAKE_DAY = f"""
{CHARGE}
day as (
    update advisor_day set free = free - tstzmultirange(:busy::tstzrange), taken = taken + :charge
    from may
    where advisor = :advisor and day = :day and free @> :busy::tstzrange
    returning true
),
taken as (
    insert into busy (id, advisor, day, during, kind, municipality, pool, period)
    select :id::uuid, :advisor, :day, :busy, :kind, :charged, :pool, :period from day
    on conflict do nothing
    returning id
)
"""  # noqa: S608 - put together from constants
# No insert returns its rows: the database shows nobody a family in the statement that makes it known.
_KEEP_CONTACT_KEY_AND_EVENT = """
contact as (
    insert into family (id, unit, sealed, phone_fingerprint, email_fingerprint, phone_proved_at, email_proved_at,
                        language, protection, given_to_staff, created_at)
    select :family::uuid, unit, :sealed::bytea, :phone, :email, :phone_proved_at::timestamptz,
           :email_proved_at::timestamptz, :language, :protection, :by_staff, :now
    from made where :sealed is not null
),
key as (
    insert into idempotency (key, request, booking, answer, created_at)
    select :key::bytea, :request, :id, :answer::text::jsonb, :now from made where :key is not null
),
event as (
    insert into outbox (event_id, subject, payload, headers)
    select :event_id::uuid, :subject, :payload::bytea, :headers::text::jsonb from made
)
"""
# Whether nobody else is at the same request, and the contact may make one more booking of this offering.
_GUARD = """
guard as materialized (
    select single and within and not pressed as alone, within, pressed
    from (
        select single, case when single and :most::integer is not null
                            then may_book(:phone, :email, :offering, :now, :most) else true end as within,
               case when single and :few::integer is not null
                    then under_pressure(:offering, :now, :few) else false end as pressed
        from (select pg_try_advisory_xact_lock(:lock) as single offset 0) first
        offset 0
    ) asked
)
"""
# One statement, so that a booking is one round trip and one commit: 3 to 5 times as fast as one after the other.
BOOK = Statement(f"""
with {_GUARD},
{_TAKE_DAY},
made as (select id, :unit::text as unit from taken),
booked as (
    insert into booking (id, status, offering, municipality, unit, advisor, modality, place, start_at, end_at, zone,
                         created_at, changed_at, family, protected, child_age, reference, token_hash)
    select id, 'confirmed', :offering, :municipality, unit, :advisor, :modality, :place, :start, :end, :zone,
           :now, :now, :family, :protected, :child_age, :reference, :token_hash
    from made
),
{_KEEP_CONTACT_KEY_AND_EVENT}
select alone, within, pressed, exists (select from may) as charged, exists (select from made) as made,
       case when (exists (select from charged) or exists (select from day)) and not exists (select from taken)
            then refuse_overlap() end
from guard
""")  # noqa: S608 - put together from constants
CONFIRM = Statement(f"""
with {_GUARD},
made as (
    delete from booking using guard
    where alone and id = :id and status = 'held' and expires_at > :now
    returning booking.*
),
booked as (
    insert into booking (id, status, offering, municipality, unit, advisor, modality, place, start_at, end_at, zone,
                         created_at, changed_at, family, protected, child_age, reference, token_hash)
    select id, 'confirmed', offering, municipality, unit, advisor, modality, place, start_at, end_at, zone,
           created_at, :now, :family, :protected, :child_age, :reference, :token_hash
    from made
),
kept as (update busy set kind = 'booking' from made where busy.id = made.id),
{_KEEP_CONTACT_KEY_AND_EVENT}
select alone, within, pressed, true as charged, exists (select from made) as made from guard
""")  # noqa: S608 - put together from constants
HOLD = Statement(f"""
with guard as materialized (select true as alone),
{_TAKE_DAY},
held as (
    insert into booking (id, status, offering, municipality, unit, advisor, modality, place, start_at, end_at, zone,
                         created_at, expires_at, client)
    select id, 'held', :offering, :municipality, :unit, :advisor, :modality, :place, :start, :end, :zone,
           :now, :expires, :client
    from taken
)
select true as alone, true as within, false as pressed, exists (select from may) as charged,
       exists (select from taken) as made
""")  # noqa: S608 - put together from constants

LOCK_DAYS = """
select 1 from advisor_day where (advisor, day) in (select * from unnest($1::text[], $2::date[]))
order by advisor, day for update
"""
# The caller holds the locks of the bookings and of their days.
GIVE_BACK = """
with gone as (delete from busy where id = any($1::uuid[]) returning advisor, day, during)
update advisor_day a
set free = a.free + g.during * a.open, taken = minutes_of(a.open - (a.free + g.during * a.open))
from (select advisor, day, range_agg(during) as during from gone group by advisor, day) g
where a.advisor = g.advisor and a.day = g.day
"""
TAKE = Statement(f"""
with guard as (select true as alone),
{_TAKE_DAY}
select exists (select from taken) as made
""")  # noqa: S608 - put together from constants

VIEW = """
select b.*, s.day, o.data::text as offering_data, o.ended as offering_ended,
       a.data->>'name' as advisor_name, a.ended as advisor_ended,
       c.data->>'name' as place_name, c.data->>'address' as place_address,
       m.data->>'name' as municipality_name, m.data->>'phone' as help_phone,
       case when not m.ended then m.data->>'slug' end as slug
from booking b
left join busy s on s.id = b.id
left join directory_copy o on o.kind = 'offering' and o.id = b.offering
left join directory_copy a on a.kind = 'advisor' and a.id = b.advisor
left join directory_copy c on c.kind = 'centre' and c.id = b.place
left join directory_copy m on m.kind = 'municipality' and m.id = b.municipality
"""
HOLDS_OF_CLIENT = """
select count(*) from booking where client = $1 and status = 'held' and expires_at > $2
"""


What = Literal["confirmed", "rescheduled", "cancelled", "fulfilled", "no_show", "reopened"]


@dataclass(frozen=True)
class Change:
    """Something that happened to a booking. `staff` is the id of whoever did it, None for the family.

    `modality` is how the family is met from then on, where that was changed.
    """

    what: What
    at: datetime
    staff: str | None
    start: datetime
    reason: Reason | None = None
    modality: str | None = None


@dataclass(frozen=True)
class NewBooking:
    """What becomes known when a time is booked, beside its start. `sealed` is the contact of a new family, which has
    made at `most` so many bookings to come itself, or any number; which way it is `proved`, or from how `few` bookings
    of a day on it must be.
    """

    id: UUID
    family: UUID
    sealed: Sealed | None
    most: int | None
    few: int | None
    proved: Literal["email", "sms"] | None
    language: Literal["sv", "en"]
    protection: Protection
    by_staff: bool
    reference: str
    token_hash: bytes
    child_age: int | None
    key: bytes | None
    lock: int
    request: bytes
    answer: str
    event: Row


def _start(start: Start, *, charging: bool) -> dict[str, Any]:
    charge = start.charge
    return {
        "charging": charging and charge is not None,
        "charge": start.times.minutes,
        "charged": charge and charge.municipality,
        "pool": charge and charge.pool,
        "period": charge and charge.period,
        "released": charge is not None and charge.released,
        "offering": start.offering.id,
        "municipality": start.municipality,
        "unit": start.unit,
        "advisor": start.advisor,
        "modality": start.modality,
        "place": start.place.id if start.place else None,
        "day": start.day,
        "zone": start.zone,
        "start": start.times.start,
        "end": start.times.end,
        "busy": asyncpg.Range(start.times.busy_from, start.times.busy_until),
    }


def _new(new: NewBooking, now: datetime) -> dict[str, Any]:
    return {
        "id": new.id,
        "kind": "booking",
        "family": new.family,
        "reference": new.reference,
        "token_hash": new.token_hash,
        "sealed": new.sealed.sealed if new.sealed else None,
        "most": new.most,
        "few": new.few,
        "phone_proved_at": now if new.proved == "sms" else None,
        "email_proved_at": now if new.proved == "email" else None,
        "phone": new.sealed.fingerprints.phone if new.sealed else None,
        "email": new.sealed.fingerprints.email if new.sealed else None,
        "language": new.language,
        "protection": new.protection,
        "protected": is_protected(new.protection),
        "by_staff": new.by_staff,
        "child_age": new.child_age,
        "key": new.key,
        "lock": new.lock,
        "request": new.request,
        "answer": new.answer,
        "event_id": new.event.event_id,
        "subject": new.event.subject,
        "payload": new.event.payload,
        "headers": new.event.headers,
        "now": now,
    }


Outcome = Literal["made", "not made", "twin under way", "key used", "not charged", "too many ahead", "not proved"]


async def insert_booking(
    connection: Connection, start: Start, new: NewBooking, now: datetime, *, charging: bool = True
) -> Outcome:
    """Take the time and keep the booking with its contact, key and event, in one transaction of its own.

    `not charged` where the municipality's share does not cover it by itself: then `sharing.service.charge` decides, and
    if it does so, this comes after it in its transaction, not `charging` again.
    """
    return await _write(connection, BOOK, {**_start(start, charging=charging), **_new(new, now)})


async def confirm_hold(connection: Connection, offering: str, new: NewBooking, now: datetime) -> Outcome:
    """Make a live hold of an offering a booking; the time was taken when it was held."""
    return await _write(connection, CONFIRM, {**_new(new, now), "offering": offering})


# By the constraint that it breaks: a key, or what was proved for another booking.
_USED: dict[str, Outcome] = {"idempotency_pkey": "key used", "family_pkey": "not proved"}


class _NotChargedError(Exception):
    """Undoes the statement: an entitlement that it waited for stays locked though it did not fit, and out of order."""


async def _write(connection: Connection, statement: Statement, values: dict[str, Any]) -> Outcome:
    # Within a transaction a refusal must not end it: what is free instead is still to be read.
    within = connection.transaction() if connection.is_in_transaction() else nullcontext()
    try:
        async with within:
            row = await statement.row(connection, **values)
            assert row is not None, "guard is one row"
            if row["alone"] and not row["charged"]:
                raise _NotChargedError  # noqa: TRY301 - what was locked is let go between here and there
    except _NotChargedError:
        return "not charged"
    except asyncpg.ExclusionViolationError:
        return "not made"
    except asyncpg.UniqueViolationError as error:
        if error.constraint_name in _USED:
            return _USED[error.constraint_name]
        raise
    return _outcome(row)


def _outcome(row: asyncpg.Record) -> Outcome:
    if row["made"]:
        return "made"
    if not row["within"]:
        return "too many ahead"
    if row["pressed"]:
        return "not proved"
    return "not made" if row["alone"] else "twin under way"


async def may_book(connection: Connection, new: NewBooking, offering: str, now: datetime) -> bool:
    """Whether the contact may make one more booking of an offering itself; no other of its requests is decided before
    the transaction ends.
    """
    if new.most is None or new.sealed is None:
        return True
    prints = new.sealed.fingerprints
    query = "select may_book($1, $2, $3, $4, $5)"
    return bool(await connection.fetchval(query, prints.phone, prints.email, offering, now, new.most))


async def insert_hold(
    connection: Connection,
    start: Start,
    *,
    hold: UUID,
    client: bytes,
    now: datetime,
    expires: datetime,
    charging: bool = True,
) -> Outcome:
    """Take the time for a while. The caller rolls back unless it is made: somebody else has it.

    `not charged`, as `insert_booking`.
    """
    values = {**_start(start, charging=charging), "id": hold, "kind": "hold", "client": client}
    return await _write(connection, HOLD, {**values, "now": now, "expires": expires})


async def holds_of_client(connection: Connection, client: bytes, now: datetime) -> int:
    """How many live holds a client has. Waits for the client's other requests."""
    await connection.execute("select pg_advisory_xact_lock($1)", int.from_bytes(client[:8], "big", signed=True))
    return int(await connection.fetchval(HOLDS_OF_CLIENT, client, now))


async def hold(connection: Connection, hold_id: UUID, *, lock: bool = False) -> asyncpg.Record | None:
    """A hold, also one that has expired and is not yet swept away."""
    statement = "select * from booking where id = $1 and status = 'held'"
    return await connection.fetchrow(f"{statement} for update" if lock else statement, hold_id)


async def is_booked(connection: Connection, hold_id: UUID) -> bool:
    """Whether what was a hold is one no longer, and has not expired either. In a transaction that sees that booking."""
    found = await connection.fetchval("select exists(select from booking where id = $1 and status <> 'held')", hold_id)
    return bool(found)


async def extend_hold(connection: Connection, hold_id: UUID, expires: datetime) -> None:
    """Let a hold, whose row the caller has locked, expire later."""
    await connection.execute("update booking set expires_at = $2 where id = $1", hold_id, expires)


async def remove_holds(connection: Connection, holds: Sequence[asyncpg.Record]) -> None:
    """End holds, whose rows the caller has locked, and give their time back; their shares have theirs already."""
    ids = [h["id"] for h in holds]
    days = await connection.fetch("select advisor, day from busy where id = any($1::uuid[])", ids)
    await connection.execute(LOCK_DAYS, [d["advisor"] for d in days], [d["day"] for d in days])
    await connection.execute(GIVE_BACK, ids)
    await connection.execute("delete from booking where id = any($1::uuid[])", ids)


async def expired_holds(connection: Connection, now: datetime, advisor: str | None = None) -> list[asyncpg.Record]:
    """Expired holds (of one advisor), locked.

    Who sweeps for all leaves out those that somebody is working on; who wants one advisor's time waits for their end.
    """
    wanted = "status = 'held' and expires_at <= $1 and ($2::text is null or advisor = $2)"
    locked = "for update skip locked" if advisor is None else "for update"
    query = f"select * from booking where {wanted} order by expires_at, id limit 200 {locked}"  # noqa: S608 - ours
    found: list[asyncpg.Record] = await connection.fetch(query, now, advisor)
    return found


async def is_taken(connection: Connection, advisor: str, instant: datetime, moving: Moving | None) -> bool:
    """Whether a booking, other than one that is `moving`, or a hold, also an expired one, has this instant of the
    advisor's.
    """
    query = (
        "select exists (select from busy where advisor = $1 and during @> $2::timestamptz and id is distinct from $3)"
    )
    return bool(await connection.fetchval(query, advisor, instant, moving and moving.booking))


async def lock_booking(connection: Connection, token_hash: bytes) -> bool:
    """Lock the booking of a token; False where there is none. In a transaction that sees it, as `by_token`."""
    return bool(await connection.fetchval("select true from booking where token_hash = $1 for update", token_hash))


async def by_token(connection: Connection, token_hash: bytes) -> asyncpg.Record | None:
    """A booking with the names that a page or a message needs."""
    return await connection.fetchrow(f"{VIEW} where b.token_hash = $1", token_hash)


async def with_contact(connection: Connection, booking: UUID) -> asyncpg.Record | None:
    """A booking with the family's sealed contact."""
    return await connection.fetchrow(
        VIEW.replace("select b.*,", "select b.*, f.sealed, f.language, f.protection, f.erased_at,").replace(
            "from booking b", "from booking b join family f on f.id = b.family"
        )
        + " where b.id = $1",
        booking,
    )


async def move(connection: Connection, booking: asyncpg.Record, start: Start, sequence: int, now: datetime) -> bool:
    """Give the old time up and take the new one; the caller rolls back on False. The booking's row is locked, and its
    charge has moved already.
    """
    days = {(booking["advisor"], booking["day"]), (start.advisor, start.day)}
    await connection.execute(LOCK_DAYS, [advisor for advisor, _ in days], [day for _, day in days])
    await connection.execute(GIVE_BACK, [booking["id"]])
    taken = await TAKE.row(connection, **_start(start, charging=False), id=booking["id"], kind="booking", now=now)
    if not (taken and taken["made"]):
        return False
    await connection.execute(
        "update booking set advisor = $2, modality = $3, place = $4, start_at = $5, end_at = $6, zone = $7,"
        " sequence = $8, changed_at = $9 where id = $1",
        booking["id"],
        start.advisor,
        start.modality,
        start.place.id if start.place else None,
        start.times.start,
        start.times.end,
        start.zone,
        sequence,
        now,
    )
    return True


async def cancel(connection: Connection, booking: asyncpg.Record, sequence: int, now: datetime, *, late: bool) -> None:
    """Cancel a booking and give its time back. The booking's row is locked, and its charge is given back."""
    day: date = booking["day"]
    await connection.execute(LOCK_DAYS, [booking["advisor"]], [day])
    await connection.execute(GIVE_BACK, [booking["id"]])
    await connection.execute(
        "update booking set status = 'cancelled', sequence = $2, changed_at = $3, late = $4 where id = $1",
        booking["id"],
        sequence,
        now,
        late,
    )


async def decide(connection: Connection, booking: UUID, status: str, sequence: int, now: datetime) -> None:
    """Note what became of a booking, whose row the caller has locked."""
    await connection.execute(
        "update booking set status = $2, sequence = $3, changed_at = $4 where id = $1", booking, status, sequence, now
    )


async def keep_from_address(connection: Connection, booking: UUID) -> None:
    """Let nothing of a booking be told to its family's address."""
    await connection.execute("update booking set by_email = false where id = $1", booking)


async def write_change(connection: Connection, booking: UUID, change: Change) -> None:
    """Add to the history of a booking that the transaction sees."""
    await connection.execute(
        "insert into booking_change (booking, what, at, staff, start_at, reason, modality)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        booking,
        change.what,
        change.at,
        change.staff,
        change.start,
        change.reason,
        change.modality,
    )


async def changes(connection: Connection, booking: UUID) -> list[Change]:
    """The history of a booking, the first first."""
    rows = await connection.fetch(
        "select what, at, staff, start_at as start, reason, modality from booking_change"
        " where booking = $1 order by at, id",
        booking,
    )
    return [Change(**row) for row in rows]


async def earlier_answer(connection: Connection, key: bytes) -> asyncpg.Record | None:
    """What was answered to the first request with this key. In a transaction that sees it."""
    return await connection.fetchrow("select request, booking, answer::text from idempotency where key = $1", key)


async def forget_keys(connection: Connection, before: datetime) -> None:
    """Drop the keys of requests made before an instant. In a transaction that may."""
    await connection.execute("delete from idempotency where created_at < $1", before)

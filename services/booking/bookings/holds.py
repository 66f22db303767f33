"""The use cases of a hold: a slot that is kept while somebody writes. The caller opens and commits the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

import asyncpg

from booking.bookings import starts, tables
from booking.bookings.rules import HoldGone, TooManyHolds
from booking.settings import Settings
from booking.sharing import service as sharing
from booking.slots.rules import Moving
from booking.slots.service import SlotId
from kit import telemetry
from kit.database import Connection


@dataclass(frozen=True)
class Hold:
    """A slot that is kept from `held_at` until `expires_at` (UTC)."""

    id: UUID
    slot: SlotId
    municipality: str
    modality: str
    held_at: datetime
    expires_at: datetime


async def make(
    connection: Connection,
    settings: Settings,
    *,
    slot: SlotId,
    municipality: str,
    modality: str,
    client: bytes,
    now: datetime,
    hold_id: UUID | None = None,
) -> Hold:
    """Keep a slot for `settings.hold_minutes`. Asking again with the same `hold_id` gives the same hold.

    `client` is a keyed hash of who asks. Raises TooManyHolds, SlotTaken (with alternatives), or what the rules raise.
    """
    hold_id = hold_id or uuid4()
    held = await tables.holds_of_client(connection, client, now)
    if (known := await tables.hold(connection, hold_id)) and known["expires_at"] > now:
        return _hold(known)
    if held >= settings.holds_per_client:
        raise TooManyHolds(await starts.help_phone(connection, municipality))
    start = await starts.allowed(connection, slot, municipality, modality, now)
    expires = now + timedelta(minutes=settings.hold_minutes)
    with telemetry.span("booking", "hold"):
        insert = partial(tables.insert_hold, connection, start, hold=hold_id, client=client, now=now, expires=expires)
        outcome = await insert()
        if outcome == "not charged" and start.charge:
            if not await sharing.charge(connection, start.charge, hold_id, now):
                raise await starts.not_yet_open(connection, start, now)
            outcome = await insert(charging=False)
        if outcome != "made":
            raise await starts.taken(connection, slot, municipality, modality, now)
    return Hold(hold_id, slot, municipality, modality, now, expires)


async def find(connection: Connection, hold_id: UUID, now: datetime) -> Hold:
    """A live hold. Raises HoldGone."""
    row = await tables.hold(connection, hold_id)
    if row is None or row["expires_at"] <= now:
        raise HoldGone
    return _hold(row)


async def is_booked(connection: Connection, hold_id: UUID) -> bool:
    """Whether a hold became a booking, be it cancelled since."""
    return await tables.is_booked(connection, hold_id)


async def extend(connection: Connection, settings: Settings, hold_id: UUID, now: datetime) -> Hold:
    """Let a hold last `settings.hold_minutes` from now, within `settings.hold_longest_minutes` of its start."""
    row = await tables.hold(connection, hold_id, lock=True)
    if row is None or row["expires_at"] <= now:
        raise HoldGone
    longest = row["created_at"] + timedelta(minutes=settings.hold_longest_minutes)
    expires = max(row["expires_at"], min(longest, now + timedelta(minutes=settings.hold_minutes)))
    await tables.extend_hold(connection, hold_id, expires)
    return replace(_hold(row), expires_at=expires)


async def release(connection: Connection, hold_id: UUID, now: datetime) -> None:
    """Give a hold's time back. One that is gone already needs nothing."""
    row = await tables.hold(connection, hold_id, lock=True)
    if row is not None:
        await _remove(connection, [row], now)


async def expire(connection: Connection, now: datetime, advisor: str | None = None) -> None:
    """Give back the time of expired holds (of one advisor)."""
    expired = await tables.expired_holds(connection, now, advisor)
    if expired:
        await _remove(connection, expired, now)


async def _remove(connection: Connection, held: Sequence[asyncpg.Record], now: datetime) -> None:
    await sharing.give_back(connection, [row["id"] for row in held], now)
    await tables.remove_holds(connection, held)


async def make_way(connection: Connection, slot: SlotId, now: datetime, moving: Moving | None) -> bool:
    """Give back what expired holds keep of the advisor's time; whether nothing has the slot's start any more, other
    than the booking that is `moving`.

    It may be the sweeper that gave it back, a moment before.
    """
    await expire(connection, now, slot.advisor)
    return not await tables.is_taken(connection, slot.advisor, slot.start, moving)


def _hold(row: asyncpg.Record) -> Hold:
    slot = SlotId(row["offering"], row["advisor"], row["start_at"])
    return Hold(row["id"], slot, row["municipality"], row["modality"], row["created_at"], row["expires_at"])

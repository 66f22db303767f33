"""Whether a start may be booked now, and what is free near one that is taken."""

from datetime import datetime

from booking.bookings import rules, tables
from booking.bookings.rules import NotYetOpen, SlotTaken, Start
from booking.slots import service as slots
from booking.slots import tables as slot_tables
from booking.slots.rules import Moving
from booking.slots.service import SlotId
from kit.database import Connection

ALTERNATIVES = 5


async def help_phone(connection: Connection, municipality: str) -> str | None:
    """The number (E.164) that the municipality's families call, None where there is no such municipality."""
    place = await slots.municipality_of(connection, municipality)
    return place.phone if place else None


async def taken(
    connection: Connection,
    slot: SlotId,
    municipality: str,
    modality: str | None,
    now: datetime,
    *,
    by_staff: bool = False,
    moving: Moving | None = None,
) -> SlotTaken:
    """The refusal for a time that is gone, with the nearest ones that are free: with the same advisor where she is.
    For a booking that is `moving`, as `slots.tables.Search`.
    """
    near = slot_tables.Search(
        now=now,
        offering=slot.offering,
        municipality=municipality,
        modality=modality,
        limit=ALTERNATIVES,
        nearest_to=slot.start,
        prefer=slot.advisor,
        by_staff=by_staff,
        moving=moving,
    )
    return SlotTaken(await slot_tables.free_starts(connection, near), moving)


async def not_yet_open(
    connection: Connection,
    start: Start,
    now: datetime,
    *,
    by_staff: bool = False,
    moving: Moving | None = None,
) -> SlotTaken:
    """The refusal for a time whose municipality has used its share, with the nearest ones that can be booked.

    That it is taken too is what matters more to whoever wants it.
    """
    charge = start.charge
    assert charge is not None, "only what is charged can be too much"
    slot = SlotId(start.offering.id, start.advisor, start.times.start)
    refusal = await taken(connection, slot, start.municipality, start.modality, now, by_staff=by_staff, moving=moving)
    if charge.released or await tables.is_taken(connection, start.advisor, start.times.start, moving):
        return refusal
    return NotYetOpen(charge.opens, refusal.alternatives)


async def allowed(
    connection: Connection,
    slot: SlotId,
    municipality: str,
    modality: str,
    now: datetime,
    *,
    by_staff: bool = False,
    moving: Moving | None = None,
) -> Start:
    """The start of a slot. Raises SlotTaken (with alternatives), or what else the rules raise."""
    facts = await slot_tables.slot_facts(
        connection, offering=slot.offering, municipality=municipality, advisor=slot.advisor, start=slot.start
    )
    try:
        return rules.allow_start(
            facts,
            advisor=slot.advisor,
            municipality=municipality,
            modality=modality,
            start=slot.start,
            now=now,
            by_staff=by_staff,
        )
    except SlotTaken:
        raise await taken(connection, slot, municipality, modality, now, by_staff=by_staff, moving=moving) from None

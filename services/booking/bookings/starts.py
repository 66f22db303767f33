"""Whether a start may be booked now, and what is free near one that is taken."""

from datetime import datetime

from booking.bookings import rules
from booking.bookings.rules import SlotTaken, Start
from booking.slots import tables as slot_tables
from booking.slots.service import SlotId
from kit.database import Connection

ALTERNATIVES = 5


async def taken(
    connection: Connection,
    slot: SlotId,
    municipality: str,
    modality: str | None,
    now: datetime,
    *,
    by_staff: bool = False,
) -> SlotTaken:
    """The refusal for a time that is gone, with the nearest ones that are free."""
    near = slot_tables.Search(
        now=now,
        offering=slot.offering,
        municipality=municipality,
        modality=modality,
        limit=ALTERNATIVES,
        nearest_to=slot.start,
        by_staff=by_staff,
    )
    return SlotTaken(alternatives=await slot_tables.free_starts(connection, near))


async def allowed(
    connection: Connection,
    slot: SlotId,
    municipality: str,
    modality: str,
    now: datetime,
    *,
    by_staff: bool = False,
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
        raise await taken(connection, slot, municipality, modality, now, by_staff=by_staff) from None

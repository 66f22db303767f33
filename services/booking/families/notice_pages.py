"""The page that says how a municipality handles what families write: what article 13 of the GDPR asks for."""

from typing import Annotated

from fastapi import Path, Request, Response

from booking.agenda import tables as agenda
from booking.agenda.phone import unit_of
from booking.families import rules
from booking.families.service import RESTORED
from booking.families.texts import TEXTS
from booking.slots import service as slots
from booking.slots.pages import Running
from booking.slots.reads import PersonalData
from booking.slots.rules import is_bookable
from kit import database
from kit.language import phone_text
from kit.web import pages
from kit.web.pages import Pages

router = pages.router()
PAGES = Pages(TEXTS, "booking.families", "booking.slots")
PAGES.templates.filters["phone"] = phone_text


@router.get("/personuppgifter/{slug}")
async def personal_data(request: Request, running: Running, slug: Annotated[str, Path(max_length=63)]) -> Response:
    """Who is responsible for families' details, why they are kept, for how long, who sees them, and families' rights.

    `slug` may be the SCB code instead, which is what programs know of a municipality. For how long is what
    `families.rules` erases by, for what families can book at the moment.
    """
    language = pages.language_of(request)
    async with database.driver(running.engine) as connection:
        place = await slots.municipality_of(connection, slug) or await slots.municipality(connection, slug)
        booked = [o for o in await slots.offerings(connection, place) if is_bookable(o)]
        answering = [await unit_of(connection, offering, place.id) for offering in booked]
        units = await agenda.names(connection, "unit", answering)
    elsewhere = [o.name.in_language(language) for o in booked if o.documentation == "elsewhere"]
    return PAGES.render(
        request,
        "personal_data.html",
        municipality=place,
        accent=place.accent,
        told=place.personal_data or PersonalData(),
        kept=[(offering, rules.rule_of(offering).days) for offering in booked],
        elsewhere=", ".join(elsewhere),
        backups=RESTORED.days,
        hold_minutes=running.settings.hold_longest_minutes,
        units=", ".join(sorted(units.values(), key=slots.swedish)),
        shared=any(len(offering.municipalities) > 1 for offering in booked),
    )

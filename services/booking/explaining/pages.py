"""The page where staff ask why families are not offered a time."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import Depends, Request, Response

from booking.explaining import service
from booking.explaining.service import ROLES, Asked, Choices
from booking.explaining.texts import TEXTS
from booking.sharing.rules import HOME
from booking.slots.pages import Running
from booking.slots.reads import Offering
from kit import access, database
from kit.access import Person
from kit.days import is_near
from kit.language import Language, clock_text, day_text
from kit.web import pages
from kit.web.pages import Pages

router = pages.staff_router()
PAGES = Pages(TEXTS, "booking.explaining")

Asking = Annotated[Person, Depends(access.signed_in(*ROLES))]
FIELDS = ("insats", "kommun", "radgivare", "dag", "tid")
LABELS = {"insats": "offering", "kommun": "town", "radgivare": "advisor"}


@router.get("/varfor-inte")
async def why(request: Request, running: Running, person: Asking) -> Response:
    """Ask; once a time is sent, answer. Links send what is known already."""
    sent = request.query_params
    typed = {name: sent.get(name, "").strip() for name in FIELDS}
    language = pages.language_of(request)
    async with database.driver(running.engine) as connection:
        choices = await service.choices(connection, person)
        asked, errors = _read(request, typed, choices) if "tid" in sent else (None, {})
        told = None
        if asked:
            told = await service.explain(connection, person, asked, now=running.clock(), language=language)
    options = {
        "insats": _offerings(choices, language),
        "kommun": [(each.id, each.name) for each in choices.municipalities],
        "radgivare": [(each.id, each.name) for each in choices.advisors],
    }
    return PAGES.render(
        request,
        "explanation.html",
        422 if errors else 200,
        private=True,
        typed=typed,
        options=options,
        chosen={name: dict(listed).get(typed[name], "") for name, listed in options.items()},
        told=told,
        when=asked and _when(asked.start, language),
        errors=errors,
    )


def _offerings(choices: Choices, language: Language) -> list[tuple[str, str]]:
    """Ids and names; where several have one name, with the municipalities that tell them apart."""
    towns = {each.id: each.name for each in choices.municipalities}
    names = Counter(each.name.in_language(language) for each in choices.offerings)

    def named(offering: Offering) -> str:
        name = offering.name.in_language(language)
        where = ", ".join(towns[code] for code in offering.municipalities if code in towns)
        return f"{name} ({where})" if names[name] > 1 and where else name

    return [(each.id, named(each)) for each in choices.offerings]


def _when(start: datetime, language: Language) -> str:
    day, clock = day_text(start.astimezone(HOME).date(), language), clock_text(start, HOME, language)
    return f"{day} kl. {clock}" if language == "sv" else f"{day}, {clock}"


def _read(request: Request, typed: Mapping[str, str], choices: Choices) -> tuple[Asked | None, dict[str, str]]:
    """The question that was typed, or what is wrong with it by field."""
    known = {
        "insats": {each.id for each in choices.offerings},
        "kommun": {each.id for each in choices.municipalities},
        "radgivare": {each.id for each in choices.advisors},
    }
    errors = {
        name: PAGES.text(request, f"{LABELS[name]}_choose") for name, ids in known.items() if typed[name] not in ids
    }
    day = wall = None
    try:
        day = date.fromisoformat(typed["dag"])
    except ValueError:
        errors["dag"] = PAGES.text(request, "day_wrong")
    else:
        if not is_near(day):
            errors["dag"] = PAGES.text(request, "day_wrong")
    try:
        wall = time.fromisoformat(typed["tid"].replace(".", ":")).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        errors["tid"] = PAGES.text(request, "time_wrong")
    if errors or day is None or wall is None:
        return None, errors
    start = datetime.combine(day, wall, HOME).astimezone(UTC)
    if start.astimezone(HOME).time() != wall:
        # The hour that the clocks leave out in spring; zoneinfo takes it silently.
        return None, {"tid": PAGES.text(request, "time_skipped")}
    return Asked(typed["insats"], typed["kommun"], typed["radgivare"], start), {}

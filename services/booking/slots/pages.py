"""The pages where a parent finds a time: municipality, offering, way to meet, free times."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Path, Query, Request, Response

from booking.sharing.rules import HOME, today
from booking.slots import service
from booking.slots.reads import Modality, Municipality, Offering
from booking.slots.rules import Free, Moving, NotOffered, NotOfferedThere, Place, is_bookable, opening
from booking.slots.service import SlotId
from booking.slots.tables import Search
from booking.slots.texts import TEXTS
from kit import database
from kit.app import Runtime, runtime
from kit.days import is_near
from kit.language import Language, day_text, hours_text, phone_text, when_text
from kit.refusal import Refusal
from kit.web import pages
from kit.web.pages import Pages

router = pages.router()
PAGES = Pages(TEXTS, "booking.slots")
PAGES.templates.filters["phone"] = phone_text

Running = Annotated[Runtime, Depends(runtime)]
MODALITIES: tuple[Modality, ...] = get_args(Modality)
# How many times a page lists at first, and at most.
FEW = 20
MOST = 500
# How many weeks after a visit staff may ask for at once.
WEEKS = (1, 2, 3, 4)
_INFORMS = ("conversation", "course", "lecture", "drop_in")


@dataclass(frozen=True)
class Offered:
    """What a page's address is about: an offering in a municipality."""

    municipality: Municipality
    offering: Offering

    @property
    def path(self) -> str:
        """The address of its pages, without the language."""
        return f"/boka/{self.municipality.slug}/{self.offering.id}"

    def known(self, modality: str | None) -> Modality | None:
        """A way to meet that the offering has; the only one where there is no choice."""
        if len(self.offering.modalities) == 1:
            return self.offering.modalities[0]
        return next((m for m in self.offering.modalities if m == modality), None)


async def _offered(
    running: Running, slug: Annotated[str, Path(max_length=63)], offering: Annotated[str, Path(max_length=63)]
) -> Offered:
    async with database.driver(running.engine) as connection:
        return Offered(*await service.offered(connection, slug, offering))


OfferedHere = Annotated[Offered, Depends(_offered)]
Shown = Annotated[int, Query(ge=1, le=MOST)]


@router.get("/")
async def start(request: Request, running: Running) -> Response:
    """The municipalities, in the order of the Swedish alphabet."""
    async with database.driver(running.engine) as connection:
        found = await service.municipalities(connection)
    return PAGES.render(request, "start.html", municipalities=found)


@router.get("/orosanmalan")
async def concern(request: Request, running: Running) -> Response:
    """Where a report of concern for a child is made, town by town; none is taken in here."""
    async with database.driver(running.engine) as connection:
        found = await service.municipalities(connection)
    return PAGES.render(request, "concern.html", municipalities=found)


@router.get("/tillganglighet")
async def accessibility(request: Request, running: Running) -> Response:
    """The accessibility statement that the law asks for, with a way to report faults."""
    settings = running.settings
    return PAGES.render(
        request, "accessibility.html", email=settings.accessibility_email, phone=settings.accessibility_phone
    )


@router.get("/boka/{slug}")
async def catalogue(request: Request, running: Running, slug: Annotated[str, Path(max_length=63)]) -> Response:
    """What a municipality offers: what parents book themselves first. Joint visits are booked by staff alone.

    A municipality whose name is written in another way is led to.
    """
    try:
        return await _catalogue(request, running, slug)
    except NotOffered:
        async with database.driver(running.engine) as connection:
            meant = await service.municipality_meant(connection, slug)
        return pages.see_other(request, f"/boka/{meant.slug}")


async def _catalogue(request: Request, running: Runtime, slug: str, refusal: NotOffered | None = None) -> Response:
    """What a municipality offers; after a `refusal` of something that it does not. Raises NotOffered."""
    async with database.driver(running.engine) as connection:
        municipality = await service.municipality(connection, slug)
        offerings = await service.offerings(connection, municipality)
    others = [(kind, [o for o in offerings if o.kind == kind and not is_bookable(o)]) for kind in _INFORMS]
    return PAGES.render(
        request,
        "catalogue.html",
        refusal.status if refusal else 200,
        not_offered=refusal is not None,
        municipality=municipality,
        accent=municipality.accent,
        bookable=[o for o in offerings if is_bookable(o)],
        others=[(kind, listed) for kind, listed in others if listed],
        ages=lambda offering: _ages(request, offering),
    )


def _ages(request: Request, offering: Offering) -> str:
    ages = offering.ages
    return PAGES.text(request, "ages_expecting" if ages.expecting else "ages", first=ages.first, last=ages.last)


def install(app: FastAPI) -> None:
    """Let the page of what a municipality does not offer, or no longer, show what it does. Call it when the refusals of
    pages are installed.
    """

    @app.exception_handler(NotOfferedThere)
    async def there_is_more(request: Request, refusal: NotOfferedThere) -> Response:
        if pages.wants_page(request):
            return await _catalogue(request, await runtime(request), refusal.slug, refusal)
        made: Any = app.exception_handlers[Refusal](request, refusal)
        document: Response = await made
        return document


@router.get("/boka/{slug}/{offering}")
async def modality(request: Request, running: Running, offered: OfferedHere) -> Response:
    """How to meet; passed over where there is one way only."""
    if offered.known(None):
        return pages.see_other(request, f"{offered.path}/tider")
    return await _modality_page(request, running, offered)


async def _modality_page(
    request: Request, running: Runtime, offered: Offered, errors: Mapping[str, str] | None = None
) -> Response:
    async with database.driver(running.engine) as connection:
        firsts = await service.first_times(connection, offered.municipality, offered.offering, running.clock())
    language = pages.language_of(request)
    return PAGES.render(
        request,
        "modality.html",
        422 if errors else 200,
        municipality=offered.municipality,
        accent=offered.municipality.accent,
        offering=offered.offering,
        firsts=[(m, *_first(free, m, language)) for m, free in firsts.items()],
        errors=errors or {},
    )


def _first(free: Free | None, modality: Modality, language: Language) -> tuple[str | None, str | None]:
    """When a first free time is, and the name of the place where it is visited."""
    if free is None:
        return None, None
    place = _place(free, modality)
    return when(free, language), place.name if place else None


@router.get("/boka/{slug}/{offering}/tider")
async def times(
    request: Request,
    running: Running,
    offered: OfferedHere,
    satt: Annotated[str | None, Query(max_length=20)] = None,
    visa: Shown = FEW,
    tid: Annotated[str | None, Query(max_length=200)] = None,
    hos: Annotated[str | None, Query(max_length=63)] = None,
) -> Response:
    """Free times for one way to meet (`satt`): the first `visa` of them, with `tid` chosen if it is free.

    Each with the advisor `hos` where that one is free: the family has met her before.
    """
    known = offered.known(satt)
    if known is None:
        return await _modality_page(request, running, offered, {"satt": PAGES.text(request, "modality_missing")})
    asking = to_book(request, offered, known, prefer=hos)
    return await times_page(request, running, offered, known, asking, shown=visa, chosen=tid)


def number_shown(sent: str) -> int:
    """How many times a form asks for, within what a page lists; the few of the beginning where it says no number."""
    shown = int(sent) if len(sent) <= len(str(MOST)) and sent.isdecimal() else FEW
    return min(max(shown, 1), MOST)


@dataclass(frozen=True)
class Also:
    """A choice beside that of a time: the name of its field, what it says, and whether it is made."""

    name: str
    text: str
    detail: str
    made: bool


@dataclass(frozen=True)
class Asking:
    """What differs between pages that ask for a time: where they lead and what they say.

    Staff may book without lead time (`by_staff`), and choose from which day on times are listed. None is listed before
    the instant `after`, in UTC, where it is given, and so many weeks later can be asked for at once. They look among
    the times of one `advisor`; where there is none, each start is listed once, a visit once for each place, with the
    advisor to `prefer` if free.
    What is `moving` is a booking whose own time is free for it. `also` is asked beside the time.
    `beside` is the address and the text of a link to others. `none` is said where nothing is free, instead of what
    parents are told.
    """

    action: str
    back: str
    caption: str
    title: str
    button: str
    by_staff: bool = False
    after: datetime | None = None
    advisor: str | None = None
    prefer: str | None = None
    moving: Moving | None = None
    beside: tuple[str, str] | None = None
    none: str | None = None
    also: Also | None = None


@dataclass(frozen=True)
class Trouble:
    """Why a page of times is shown anew: a refusal with the nearest free times, or a field that needs correcting."""

    status: int
    refusal: tuple[str, str] | None = None
    nearest: Sequence[Free] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    # Whether the way to bookings that were made before is shown, be there any or none.
    may_have_booked: bool = False


def to_book(request: Request, offered: Offered, modality: Modality, prefer: str | None = None) -> Asking:
    """The page of times on the way to a booking."""
    language = pages.language_of(request)
    several = len(offered.offering.modalities) > 1
    back = offered.path if several else f"/boka/{offered.municipality.slug}"
    return Asking(
        action=pages.address(language, f"{offered.path}/tider"),
        back=pages.address(language, back),
        caption=PAGES.text(
            request,
            "step_what",
            step=1,
            what=offered.offering.name.in_language(language),
            how=PAGES.text(request, modality),
        ),
        title=PAGES.text(request, "times_title"),
        button=PAGES.text(request, "times_go_on"),
        prefer=prefer,
    )


async def times_page(
    request: Request,
    running: Runtime,
    offered: Offered,
    modality: Modality,
    asking: Asking,
    *,
    shown: int = FEW,
    chosen: str | None = None,
    carried: Mapping[str, str] | None = None,
    trouble: Trouble | None = None,
    private: bool = False,
    look: Pages = PAGES,
) -> Response:
    """The first free times, grouped by day: those elsewhere under a heading of their own. `carried` is what was typed
    before, which the form brings along.
    """
    trouble = trouble or Trouble(200)
    asked, day = _asked_day(request) if asking.by_staff else ("", None)
    if asked and day is None:
        trouble = replace(trouble, status=422, errors={**trouble.errors, "fran": PAGES.text(request, "from_day_wrong")})
    # What is over is not listed anyway.
    bounds = (asking.after, opening(day, time.min, HOME) if day else None)
    first = max((bound for bound in bounds if bound), default=None)
    wanted = Search(
        now=running.clock(),
        first=first,
        offering=offered.offering.id,
        municipality=offered.municipality.id,
        modality=modality,
        advisor=asking.advisor,
        by_staff=asking.by_staff,
        any_advisor=asking.advisor is None,
        prefer=asking.prefer,
        moving=asking.moving,
    )
    async with database.driver(running.engine) as connection:
        listed = await service.listing(connection, wanted, shown)
    if request.method == "GET" and not private and shown == FEW:
        request.app.state.searches.note(running, offered.municipality.id, offered.offering.id, len(listed))
    how = PAGES.text(request, modality)
    language = pages.language_of(request)
    near = [free for free in trouble.nearest if not first or free.start >= first]
    # Among everybody's times one stands for all that begin then at its place, whoever it is with.
    told = {_told(free, modality, asking) for free in near}
    rest = [
        [free for free in part if _told(free, modality, asking) not in told] for part in (listed.near, listed.elsewhere)
    ]
    nearest = _by_day(near, modality, how, language, 1)
    days = _by_day(rest[0], modality, how, language, len(near) + 1)
    elsewhere = _by_day(rest[1], modality, how, language, len(near) + len(rest[0]) + 1)
    return look.render(
        request,
        "times.html",
        trouble.status,
        private=private or request.method == "POST",
        municipality=offered.municipality,
        offering=offered.offering,
        accent=offered.municipality.accent,
        asking=asking,
        modality=modality,
        days=days,
        nearest=nearest,
        elsewhere=elsewhere,
        # Others may have some where one advisor has none, and those that are there may all be among the nearest.
        none_near=not listed.near and not asking.advisor,
        places=list(dict.fromkeys(place for free in (*near, *rest[0], *rest[1]) if (place := _place(free, modality)))),
        chosen=chosen,
        carried=carried or {},
        nonce=secrets.token_urlsafe(16),
        refusal=trouble.refusal,
        may_have_booked=trouble.may_have_booked,
        errors=trouble.errors,
        few=FEW,
        opens=listed.opens and day_text(listed.opens, language),
        since=asked if asked or not asking.after else max(today(asking.after), today(wanted.now)).isoformat(),
        asked_day=day,
        weeks=_weeks(request, asking.after, wanted.now),
        nothing=asking.none
        and (PAGES.text(request, "no_times_from", day=day_text(day, language)) if day else asking.none),
        more=min(shown * 2, MOST) if listed.more_from else None,
        # To the first one that was not there before.
        more_from=f"#nr{listed.more_from}",
        other_ways=[m for m in offered.offering.modalities if m != modality],
    )


def _asked_day(request: Request) -> tuple[str, date | None]:
    """From which local day on times are asked for, as it was typed and as a day; None where it is none."""
    sent: Mapping[str, str] = getattr(request.state, "sent", {})
    typed = (sent.get("fran") or request.query_params.get("fran") or "").strip()
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return typed, None
    return typed, day if is_near(day) else None


def _weeks(request: Request, after: datetime | None, now: datetime) -> list[tuple[str, date]]:
    """The days so many weeks after an instant that are not over, each in words."""
    found = [(n, today(after) + timedelta(weeks=n)) for n in WEEKS] if after else []
    return [
        (PAGES.text(request, "in_one_week" if n == 1 else "in_weeks", weeks=n), day)
        for n, day in found
        if day >= today(now)
    ]


@dataclass(frozen=True)
class Choice:
    """A time in a list: what is seen of it below its day, and the words around that which name it in full."""

    number: int
    slot: str
    before: str
    hours: str
    how: str
    advisor: str
    place: Place | None


def _place(free: Free, modality: Modality) -> Place | None:
    """Where it is visited, if it is."""
    return free.place if modality == "visit" else None


def _told(free: Free, modality: Modality, asking: Asking) -> tuple[datetime, Place | None, str | None]:
    """What tells a time from others of a list."""
    return free.start, _place(free, modality), free.advisor if asking.advisor else None


def _by_day(
    found: Iterable[Free], modality: Modality, how: str, language: Language, number: int
) -> list[tuple[str, list[Choice]]]:
    """The times grouped by local day, numbered from `number`."""
    days = groupby(enumerate(found, number), key=lambda each: _day(each[1], language))
    return [(day, [_choice(n, free, modality, how, language) for n, free in each]) for day, each in days]


def _day(free: Free, language: Language) -> str:
    return day_text(free.start.astimezone(ZoneInfo(free.zone)).date(), language)


def _choice(number: int, free: Free, modality: Modality, how: str, language: Language) -> Choice:
    hours = hours_text(free.start, free.end, ZoneInfo(free.zone), language)
    return Choice(
        number=number,
        slot=str(SlotId(free.offering, free.advisor, free.start)),
        before=when(free, language).removesuffix(hours),
        hours=hours,
        how=how,
        advisor=free.advisor_name,
        place=_place(free, modality),
    )


def when(free: Free, language: Language) -> str:
    """Weekday, date and local times of a start."""
    return when_text(free.start, free.end, ZoneInfo(free.zone), language)

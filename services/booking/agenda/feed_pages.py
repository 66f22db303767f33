"""The page of an advisor's calendar feeds, and the feeds themselves."""

import hashlib
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request, Response

from booking.agenda import entry, feeds, service
from booking.agenda.pages import PAGES, Advising
from booking.bookings.api import GUESSES, client_of
from booking.sharing.rules import HOME
from booking.slots.pages import Running
from kit import calendar, names
from kit.access import Person
from kit.app import Runtime, staff_runtime
from kit.language import day_text
from kit.refusal import NotFound
from kit.web import pages

router = pages.staff_router()
feed_router = pages.router()
LONGEST_NAME = 60


@router.get("/arbetsdag/kalender")
async def ask(request: Request, running: Running, person: Advising) -> Response:
    """The person's addresses, and a form for a new one."""
    return await _page(request, running, person)


@router.post("/arbetsdag/kalender")
async def make(request: Request, running: Running, person: Advising) -> Response:
    """A new address, shown once; or, with `aterkalla`, one less."""
    sent = await pages.form(request)
    if "aterkalla" in sent:
        async with entry.seeing(running, person) as connection:
            await feeds.revoke(connection, _id(sent["aterkalla"]))
        return pages.see_other(request, "/arbetsdag/kalender")
    service.own(person)
    name = sent.get("namn", "").strip()
    if not name or len(name) > LONGEST_NAME or not names.is_line(name):
        errors = {"namn": PAGES.text(request, "feeds_name_missing")}
        return await _page(request, running, person, typed=sent.get("namn", ""), errors=errors)
    async with entry.seeing(running, person) as connection:
        secret = await feeds.make(connection, person, name, running.clock())
    if secret is None:
        errors = {"namn": PAGES.text(request, "feeds_many")}
        return await _page(request, running, person, typed=name, errors=errors)
    address = running.settings.public_url + pages.address(pages.language_of(request), f"/kalender/{secret}.ics")
    # Not led on to another page: this is the only answer that ever holds the address.
    return await _page(request, running, person, made=address)


@feed_router.get("/kalender/{secret}.ics")
async def read(
    request: Request,
    running: Annotated[Runtime, Depends(staff_runtime)],
    secret: Annotated[str, Path(min_length=20, max_length=100, pattern="^[A-Za-z0-9_-]+$")],
) -> Response:
    """The feed of an address. Whoever tries many that do not exist is held off, as with manage links."""
    assert running.limits is not None, "the public reaches this service"
    assert running.people is not None, "staff sign in to this service"
    now, client = running.clock(), client_of(request)
    running.limits.check(GUESSES, client, now)
    try:
        person = await feeds.reader(running.engine, running.people, secret)
    except NotFound:
        running.limits.take(GUESSES, client, now)
        raise
    found = await feeds.appointments(
        running.engine,
        person,
        booked=PAGES.text(request, "feed_booked"),
        taken=PAGES.text(request, "feed_taken"),
        now=now,
        language=pages.language_of(request),
    )
    content = calendar.feed(
        PAGES.text(request, "feed_calendar"),
        found,
        organizer=running.settings.public_url,
        zone=HOME.key,
        now=now,
    )
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**pages.HEADERS, "Cache-Control": "private, no-cache", "ETag": tag}
    known = [given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=calendar.MEDIA_TYPE, headers=headers)


async def _page(
    request: Request,
    running: Runtime,
    person: Person,
    *,
    made: str | None = None,
    typed: str = "",
    errors: Mapping[str, str] | None = None,
) -> Response:
    async with entry.seeing(running, person) as connection:
        found = await feeds.own(connection)
    language = pages.language_of(request)
    days = [day_text(service.today(feed.created_at), language) for feed in found]
    return PAGES.render(
        request,
        "feeds.html",
        422 if errors else 200,
        private=True,
        feeds=[
            (feed.id, PAGES.text(request, "feeds_since", name=feed.name, day=day))
            for feed, day in zip(found, days, strict=True)
        ],
        made=made,
        # The link to the other language must not make another address.
        **({"sent": None} if made else {}),
        typed=typed,
        errors=errors or {},
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None

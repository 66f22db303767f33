"""The pages of an advisor's days: lists of a day and of a week, and each booking with what can be done to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Query, Request, Response

from booking.agenda import entry, service
from booking.agenda.rules import Outcome
from booking.agenda.texts import TEXTS
from booking.bookings import other_times
from booking.bookings.pages import child_age
from booking.bookings.rules import Reason
from booking.bookings.service import View
from booking.history import words as histories
from booking.messages import words
from booking.messages.service import resendable
from booking.slots import pages as slot_pages
from booking.slots.pages import Asking, Running
from booking.slots.reads import ScheduleException
from booking.slots.service import SlotId
from kit import access
from kit.access import Person
from kit.app import Runtime
from kit.days import Day, is_near
from kit.language import Language, day_text, phone_text
from kit.language import hours_text as local_hours
from kit.refusal import Invalid, NotFound
from kit.web import pages
from kit.web.pages import Pages

router = pages.staff_router()
PAGES = Pages(TEXTS, "booking.agenda", "booking.bookings", "booking.slots")
PAGES.templates.filters["phone"] = phone_text

Advising = Annotated[Person, Depends(access.signed_in("advisor"))]
Chosen = Annotated[Day | None, Query()]
News = Annotated[str | None, Query(max_length=20)]
NEWS = ("fulfilled", "no_show", "reopen", "moved", "moved_away", "cancelled", "follow_up", "again")
OUTCOMES: Mapping[str, Outcome | None] = {"fulfilled": "fulfilled", "no_show": "no_show", "reopen": None}
REASONS: tuple[Reason, ...] = get_args(Reason)


@router.get("/arbetsdag")
async def day(request: Request, running: Running, person: Advising, dag: Chosen = None, nytt: News = None) -> Response:
    """One day as a list, with the families that are met in it; `nytt` says what has just happened."""
    now = service.today(running.clock())
    wanted = dag or now
    found = await entry.day(running, person, wanted, pages.language_of(request))
    return PAGES.render(
        request,
        "day.html",
        private=True,
        title=day_title(wanted, now, pages.language_of(request)),
        day=found,
        is_today=wanted == now,
        before=wanted - timedelta(days=1),
        next=wanted + timedelta(days=1),
        week=_week(wanted),
        news=nytt if nytt in NEWS else None,
        **said(request),
    )


@router.get("/arbetsvecka")
async def week(
    request: Request,
    running: Running,
    person: Advising,
    vecka: Annotated[str | None, Query(pattern="^[0-9]{4}-W[0-9]{2}$")] = None,
    sparat: Annotated[str | None, Query(max_length=1)] = None,
) -> Response:
    """Seven days as lists, without who the families are; `sparat` says that a change of hours was saved."""
    now = service.today(running.clock())
    monday = _monday(vecka) if vecka else now - timedelta(days=now.weekday())
    language = pages.language_of(request)
    found = await entry.days(running, person, monday, monday + timedelta(days=6), language)
    year, number, _ = monday.isocalendar()
    return PAGES.render(
        request,
        "week.html",
        private=True,
        title=PAGES.text(request, "week_title", week=number, year=year),
        days=[(day_title(each.day, now, language), each) for each in found],
        is_now=monday <= now < monday + timedelta(days=7),
        before=_week(monday - timedelta(days=7)),
        next=_week(monday + timedelta(days=7)),
        news="saved" if sparat else None,
        **said(request),
    )


@router.get("/arbetsdag/bokning/{booking}")
async def show(request: Request, running: Running, person: Advising, booking: UUID, nytt: News = None) -> Response:
    """One booking with its family, and what can be done to it now."""
    language = pages.language_of(request)
    opened = await entry.open_booking(running, person, booking, language)
    zone = ZoneInfo(opened.view.zone)

    def text(key: str, **values: object) -> str:
        return PAGES.text(request, key, **values)

    def at(instant: datetime) -> str:
        return words.moment(instant, zone, language)

    past, coming = histories.lines(opened.story, opened.names, text, at, running.clock())
    return PAGES.render(
        request,
        "opened.html",
        private=True,
        opened=opened,
        when=opened.view.text(language),
        day=service.today(opened.view.start, zone),
        child=child_text(request, opened.child_age),
        past=past,
        coming=coming,
        at=at,
        again=bool(resendable(opened.story.messages)),
        planning=histories.is_being_planned(opened.story, running.clock()),
        reviews=opened.unit in person.units("reviewer"),
        news=nytt if nytt in NEWS else None,
    )


@router.post("/arbetsdag/bokning/{booking}/utfall")
async def decide(request: Request, running: Running, person: Advising, booking: UUID) -> Response:
    """Note what became of a visit, or take back what was noted."""
    chosen = (await pages.form(request)).get("utfall", "")
    if chosen not in OUTCOMES:
        raise Invalid(fields=[("utfall", *TEXTS["outcome_missing"])])
    await entry.decide(running, person, booking, OUTCOMES[chosen])
    return pages.see_other(request, f"/arbetsdag/bokning/{booking}", nytt=chosen)


@router.post("/arbetsdag/bokning/{booking}/meddelanden")
async def send_again(request: Request, running: Running, person: Advising, booking: UUID) -> Response:
    """Send the messages again that reached nobody. The same form sent twice sends them once."""
    asked = await entry.send_again(running, person, booking)
    return pages.see_other(request, f"/arbetsdag/bokning/{booking}", nytt="again" if asked else None)


@router.get("/arbetsdag/bokning/{booking}/flytta")
@router.get("/arbetsdag/bokning/{booking}/flytta-till-annan")
async def new_times(
    request: Request,
    running: Running,
    person: Advising,
    booking: UUID,
    satt: Annotated[str | None, Query(max_length=20)] = None,
    visa: slot_pages.Shown = slot_pages.FEW,
) -> Response:
    """Free times to move the booking to: the person's own, or everybody's."""
    view = await entry.find(running, person, booking, pages.language_of(request), to="move")
    asking = asking_for(request, person, view, MOVE)
    return await other_times.times(request, running, view, asking, satt, shown=visa, look=PAGES)


@router.post("/arbetsdag/bokning/{booking}/flytta")
@router.post("/arbetsdag/bokning/{booking}/flytta-till-annan")
async def move(request: Request, running: Running, person: Advising, booking: UUID) -> Response:
    """Move the booking to the chosen time. Sent twice, it is moved once."""
    view = await entry.find(running, person, booking, pages.language_of(request))

    async def take(slot: SlotId, modality: str | None, phone: str | None, _: object) -> Response:
        await entry.move(running, person, booking, slot, modality, phone)
        if slot.advisor == person.advisor:
            return pages.see_other(request, f"/arbetsdag/bokning/{booking}", nytt="moved")
        day = service.today(view.start, ZoneInfo(view.zone))
        return pages.see_other(request, "/arbetsdag", dag=day, nytt="moved_away")

    asking = asking_for(request, person, view, MOVE)
    return await other_times.chosen(request, running, view, asking, take, PAGES)


@router.get("/arbetsdag/bokning/{booking}/avboka")
async def ask_why(request: Request, running: Running, person: Advising, booking: UUID) -> Response:
    """Ask for the reason."""
    view = await entry.find(running, person, booking, pages.language_of(request), to="cancel")
    return await _why_page(request, running, person, view)


@router.post("/arbetsdag/bokning/{booking}/avboka")
async def cancel(request: Request, running: Running, person: Advising, booking: UUID) -> Response:
    """Cancel the booking for the chosen reason."""
    given = (await pages.form(request)).get("skal")
    reason = next((r for r in REASONS if r == given), None)
    if reason is None:
        view = await entry.find(running, person, booking, pages.language_of(request))
        return await _why_page(request, running, person, view, {"skal": PAGES.text(request, "reason_missing")})
    await entry.cancel(running, person, booking, reason)
    return pages.see_other(request, f"/arbetsdag/bokning/{booking}", nytt="cancelled")


async def _why_page(
    request: Request, running: Runtime, person: Person, view: View, errors: Mapping[str, str] | None = None
) -> Response:
    return PAGES.render(
        request,
        "why.html",
        422 if errors else 200,
        private=True,
        view=view,
        when=view.text(pages.language_of(request)),
        reasons=REASONS,
        gets_messages=await entry.gets_messages(running, person, view.id),
        errors=errors or {},
    )


@dataclass(frozen=True)
class Errand:
    """What a time is looked for: the last part of its address among own times and among everybody's, and its texts;
    and whether it must come `afterwards`, unless the meeting was cancelled.
    """

    own: str
    others: str
    text: str
    afterwards: bool = False


MOVE = Errand("flytta", "flytta-till-annan", "move")


def asking_for(request: Request, person: Person, view: View, errand: Errand) -> Asking:
    """The page of times for a booking: the person's own, or everybody's where the address says so, and a way across."""
    language = pages.language_of(request)
    here = f"/arbetsdag/bokning/{view.id}"
    own, others = (pages.address(language, f"{here}/{part}") for part in (errand.own, errand.others))
    among_others = request.url.path.endswith(f"/{errand.others}")
    # A meeting that was cancelled is none to come after.
    instead = errand.afterwards and view.status == "cancelled"
    return Asking(
        action=others if among_others else own,
        back=pages.address(language, here),
        caption=PAGES.text(
            request, "instead_of" if instead else f"{errand.text}_from", when=view.text_and_place(language)
        ),
        title=PAGES.text(request, f"{errand.text}_title"),
        button=PAGES.text(request, f"{errand.text}_button"),
        by_staff=True,
        after=view.end if errand.afterwards and not instead else None,
        none=PAGES.text(request, "staff_no_times"),
        advisor=None if among_others else person.advisor,
        moving=view.moving if errand is MOVE else None,
        beside=(own, PAGES.text(request, "own_times"))
        if among_others
        else (others, PAGES.text(request, "others_times")),
    )


def day_title(day: date, now: date, language: Language) -> str:
    """`Måndag 2 mars`, with the year where it is not the present one."""
    text = day_text(day, language)
    return text[0].upper() + text[1:] + (f" {day.year}" if day.year != now.year else "")


def hours_text(start: datetime, end: datetime, zone: ZoneInfo, language: Language) -> str:
    """`kl. 09.00–09.45`: local times of two aware instants."""
    hours = local_hours(start, end, zone, language)
    return f"kl. {hours}" if language == "sv" else hours


def exception_text(request: Request, exception: ScheduleException, day: date | None = None) -> str:
    """`Frånvaro kl. 09.00–12.00`: what a schedule's exception is, without its days; or what it is on one of them."""
    start, end = exception.start, exception.end
    if exception.through and day:
        start, end = (start if day == exception.first else None), (end if day == exception.last else None)
    if start is None and end is None:
        return PAGES.text(request, "leave_all_day")
    if end is None:
        return PAGES.text(request, "leave_from_then", start=wall_text(request, start))
    if start is None:
        return PAGES.text(request, "leave_until_then", end=end_text(request, end))
    key = "leave_hours" if exception.kind == "leave" else "extra_hours"
    return PAGES.text(request, key, hours=hours_of(request, start, end))


def hours_of(request: Request, start: time | None, end: time | None) -> str:
    """`kl. 09.00–12.00`: wall times."""
    hours = f"{wall_text(request, start)}–{end_text(request, end)}"
    return f"kl. {hours}" if pages.language_of(request) == "sv" else hours


def wall_text(request: Request, wall: time | None) -> str:
    """`09.00`; nothing where there is no time."""
    return f"{wall or time.min:{'%H.%M' if pages.language_of(request) == 'sv' else '%H:%M'}}"


def end_text(request: Request, end: time | None) -> str:
    """The same of when something ends: `24.00` is midnight at the end of the day."""
    text = wall_text(request, end)
    return f"24{text[2:]}" if end == time.min else text


def said(request: Request) -> dict[str, Any]:
    language = pages.language_of(request)
    return {
        "hours": lambda start, end, zone: hours_text(start, end, zone, language),
        "local_day": lambda at, zone: day_text(at.astimezone(zone).date(), language),
        "said": lambda exception, day: exception_text(request, exception, day),
    }


def child_text(request: Request, age: int | None) -> str:
    """The child's age in whole years; None for one that is expected."""
    return PAGES.text(request, "expecting") if age is None else child_age(request, age)


def _week(day: date) -> str:
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"


def _monday(week: str) -> date:
    """The first day of an ISO week. Raises NotFound for one that there is not, or is far away."""
    try:
        found = date.fromisocalendar(int(week[:4]), int(week[-2:]), 1)
    except ValueError:
        raise NotFound from None
    if not is_near(found):
        raise NotFound
    return found

"""The pages where an advisor adds leave or extra hours, sees first whom it hits, and takes such things away again."""

from collections.abc import Mapping
from datetime import date

from fastapi import Request, Response

from booking.agenda import entry, leave, service
from booking.agenda.leave import Hours
from booking.agenda.pages import PAGES, Advising, end_text, exception_text, hours_of, said, wall_text
from booking.slots.pages import Running
from booking.slots.reads import ScheduleException
from kit.language import day_text
from kit.web import pages

router = pages.staff_router()

TYPED = ("typ", "forsta", "sista", "fran", "till", "varje", *leave.MODALITIES, "plats")


@router.get("/arbetsdag/franvaro")
async def ask(request: Request, running: Running, person: Advising) -> Response:
    """The form, and what is entered ahead."""
    return _form(request, await entry.own_hours(running, person), service.today(running.clock()))


@router.post("/arbetsdag/franvaro")
async def check(request: Request, running: Running, person: Advising) -> Response:
    """Show which bookings the change hits; it is saved from there. With `andra` show the form again."""
    sent = await pages.form(request)
    typed = {name: sent.get(name, "").strip() for name in TYPED}
    own = await entry.own_hours(running, person)
    today = service.today(running.clock())
    if "andra" in sent:
        return _form(request, own, today, typed)
    change, errors = leave.read({**typed, "gor": sent.get("gor", "")}, own, today)
    if change is None:
        told = {name: PAGES.text(request, key) for name, key in errors.items()}
        return _form(request, own, today, typed, told)
    found = await entry.hits(running, person, change, pages.language_of(request))
    return PAGES.render(
        request,
        "leave_check.html",
        private=True,
        title=PAGES.text(request, "leave_remove_title" if change.remove else "leave_preview_title"),
        what=described(request, change.exception),
        day=found,
        unseen=any(item.view is None for item in found.items),
        remove=change.remove,
        fields=leave.typed_of(change.exception) | ({"gor": leave.REMOVE} if change.remove else {}),
        **said(request),
    )


def described(request: Request, exception: ScheduleException) -> str:
    """`Frånvaro varje dag kl. 09.00–12.00: måndag 2 mars 2026 till fredag 6 mars 2026`; one that goes through as
    `Frånvaro utan avbrott från måndag 2 mars 2026 kl. 13.00 till onsdag 4 mars 2026 kl. 17.00`.
    """
    language = pages.language_of(request)
    first, last = (f"{day_text(day, language)} {day.year}" for day in (exception.first, exception.last))
    if exception.through and first != last and exception.start is not None and exception.end is not None:
        start, end = wall_text(request, exception.start), end_text(request, exception.end)
        return PAGES.text(request, "leave_through", first=first, start=start, last=last, end=end)
    if leave.is_daily(exception):
        hours = hours_of(request, exception.start, exception.end)
        days = PAGES.text(request, "leave_days", first=first, last=last)
        return f"{PAGES.text(request, 'leave_daily', hours=hours)}: {days}"
    days = first if first == last else PAGES.text(request, "leave_days", first=first, last=last)
    return f"{exception_text(request, exception)}: {days}"


def _form(
    request: Request,
    own: Hours,
    today: date,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    coming = own.coming(today)
    return PAGES.render(
        request,
        "leave.html",
        422 if errors else 200,
        private=True,
        own=own,
        typed={**dict.fromkeys(TYPED, ""), **(typed or {})},
        modalities=[m for m in leave.MODALITIES if m in own.modalities],
        coming=[(described(request, e), leave.typed_of(e)) for e in coming],
        errors=errors or {},
    )

"""Leave and extra hours that advisors give themselves: the form is booking's, which shows first whom it hits; the hours
are of the register, and saved here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from directory import editing
from directory.events import Modality, Schedule, ScheduleException
from directory.rules import agreement, breaches
from directory.rules.agreement import Remit
from directory.rules.common import near
from directory.rules.register import Breach, Period, Place, Register, period
from directory.texts import TEXTS
from kit import access, telemetry
from kit.access import Person
from kit.app import Runtime, runtime
from kit.refusal import Refusal
from kit.web import pages
from kit.web.pages import Pages

router = pages.staff_router()
PAGES = Pages(TEXTS, "directory")

Running = Annotated[Runtime, Depends(runtime)]
Advising = Annotated[Person, Depends(access.signed_in("advisor"))]

MODALITIES: tuple[Modality, ...] = ("video", "phone", "visit")
REMOVE = "ta-bort"
# The fields of booking's form, which are given back to it where something is wrong.
TYPED = ("typ", "forsta", "sista", "fran", "till", "varje", *MODALITIES, "plats")


class NotUnderstood(Refusal):
    """For a form that booking would not have let through."""

    status = 422
    code = "not-understood"
    sv = ("Formuläret gick inte att förstå", "Gå tillbaka till frånvaro och extra tid och börja om därifrån.")
    en = ("The form could not be understood", "Go back to leave and extra hours and begin again from there.")


@dataclass(frozen=True)
class Wrong:
    """Why nothing was saved, in both languages."""

    messages: Sequence[tuple[str, str]]


@router.post("/katalog/egen-tid")
async def save(request: Request, running: Running, person: Advising) -> Response:
    """Save the exception of the form in the person's own schedules, or take it away; then show its week."""
    sent = await pages.form(request)
    exception = read(sent)
    with telemetry.span("directory", "own time"):
        async with running.engine.begin() as connection:
            wrong = await change(connection, person, exception, remove=sent.get("gor") == REMOVE, now=running.clock())
    if wrong is None:
        running.relay.wake()
        return pages.see_other(request, "/arbetsvecka", vecka=week_of(exception.first), sparat=1)
    language = pages.language_of(request)
    return PAGES.render(
        request,
        "own_time.html",
        422,
        private=True,
        messages=[sv if language == "sv" else en for sv, en in wrong.messages],
        typed={name: sent[name] for name in TYPED if name in sent},
    )


def read(sent: Mapping[str, str]) -> ScheduleException:
    """The exception of a form. Raises NotUnderstood."""
    several = sent.get("typ") == "leave" and sent.get("forsta") != sent.get("sista")
    fields = {
        "kind": sent.get("typ"),
        "first": sent.get("forsta"),
        "last": sent.get("sista"),
        "start": sent.get("fran") or None,
        "end": sent.get("till") or None,
        "through": several and bool(sent.get("fran")) and not sent.get("varje"),
        "modalities": [modality for modality in MODALITIES if sent.get(modality)],
        "place": sent.get("plats") or None,
    }
    try:
        return ScheduleException.model_validate(fields)
    except ValidationError:
        raise NotUnderstood from None


async def change(
    connection: AsyncConnection, person: Person, exception: ScheduleException, *, remove: bool, now: datetime
) -> Wrong | None:
    """Add an exception to a person's own schedules, or take it away; what is so already needs nothing.

    Leave is written into every schedule that holds then, because each opens hours of its own; extra hours into one.
    """
    known = await editing.register(connection)
    own = [s for s in known.live("schedule") if person.advisor and s.advisor == person.advisor]
    chosen = [s for s in own if exception in s.exceptions] if remove else _holding(own, exception)
    if not remove and not chosen:
        return Wrong([("Du har inget schema de dagarna.", "You have no schedule on those days.")])
    changed = [_changed(schedule, exception, remove=remove) for schedule in chosen]
    wanted = editing.changed(known, changed)
    wrong = [*_wrong(wanted, changed), *_elsewhere(known, wanted, changed, now)]
    wrong += [breach for before, after in zip(chosen, changed, strict=True) for breach in near(after, before)]
    if wrong:
        return Wrong([(breach.sv, breach.en) for breach in wrong])
    await editing.write(connection, known, changed, person.id, now)
    return None


def _holding(own: Sequence[Schedule], exception: ScheduleException) -> Sequence[Schedule]:
    if exception.last < exception.first:
        return own[:1]  # The rules say what is wrong with it.
    days = Period(exception.first, exception.last)
    holding = [schedule for schedule in own if period(schedule).shared(days)]
    return holding if exception.kind == "leave" else [s for s in holding if period(s).shared(days) == days][:1]


def _changed(schedule: Schedule, exception: ScheduleException, *, remove: bool) -> Schedule:
    others = [e for e in schedule.exceptions if e != exception]
    exceptions = others if remove else [*others, exception]
    if not remove and exception in schedule.exceptions:
        exceptions = schedule.exceptions
    return schedule.model_copy(update={"exceptions": exceptions})


def _wrong(wanted: Register, changed: Sequence[Schedule]) -> list[Breach]:
    """What the change breaches; what others' entities breached before is not the person's to put right."""
    ids = {schedule.id for schedule in changed}
    return [b for b in breaches(wanted) if any(p.kind == "schedule" and p.id in ids for p in b.places[:1])]


def _elsewhere(known: Register, wanted: Register, changed: Sequence[Schedule], now: datetime) -> Iterator[Breach]:
    """A place of others, where the advisor is not by agreement."""
    for schedule in changed:
        advisor = known.advisor[schedule.advisor]
        employer = Remit(False, frozenset({advisor.unit}), frozenset({known.unit[advisor.unit].municipality}))
        before = known.schedule[schedule.id]
        if agreement.needs(known, wanted, before, schedule, employer, editing.day_of(now)):
            yield Breach(
                "platsen hör till en annan kommun, som inte har sagt ja till att du är där: be din samordnare "
                "föreslå det",
                "the place belongs to another municipality, which has not agreed that you are there: ask your "
                "coordinator to propose it",
                (Place("schedule", schedule.id),),
            )


def week_of(day: date) -> str:
    """`2026-W10`: the ISO week of a day."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02}"

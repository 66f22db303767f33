"""The reviewer's pages: the log of reads, a sample of it to sign off, and what was signed off."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import asyncpg
from fastapi import Depends, Query, Request, Response

from booking import secrecy
from booking.reviews import rules, service
from booking.reviews.rules import LOCAL, Filter
from booking.reviews.texts import TEXTS
from kit import access
from kit.access import Person
from kit.app import Runtime, runtime
from kit.days import is_near
from kit.language import Language, clock_text, day_text, instant
from kit.web import pages
from kit.web.pages import Pages

router = pages.staff_router()
PAGES = Pages(TEXTS, "booking.reviews", "booking.slots")

Running = Annotated[Runtime, Depends(runtime)]
Reviewer = Annotated[Person, Depends(access.signed_in("reviewer"))]
Shown = Annotated[int, Query(alias="sida", ge=1, le=10_000)]

PER_PAGE = 50
SIZES = ("10", "20", "50", "100")
USUAL_SIZE = "20"
REMARKS = ("fine", "explained", "follow_up", "reported")
NOTE_LENGTH = 300
# How many days are shown where none are asked for.
DAYS = 7


@dataclass(frozen=True)
class Asked:
    """The filter of a page: what was typed, what of it is wrong (field → key of a text), and what it means."""

    typed: Mapping[str, str]
    errors: Mapping[str, str]
    filter: Filter

    @property
    def query(self) -> dict[str, str]:
        """What asks for the same again."""
        return {name: value for name, value in self.typed.items() if value}


def asked(sent: Mapping[str, str], person: Person, today: date) -> Asked:
    """Read a filter: the last days of everybody where nothing is said. `today` is a local day."""
    typed = {name: sent.get(name, "").strip() for name in ("fran", "till", "vem", "vad", "verksamhet")}
    typed["till"] = typed["till"] or today.isoformat()
    errors: dict[str, str] = {}
    last = _day(typed, "till", errors) or today
    typed["fran"] = typed["fran"] or (last - timedelta(days=DAYS - 1)).isoformat()
    first = _day(typed, "fran", errors) or last
    if not errors and last < first:
        errors["till"] = "last_wrong"
    elif not errors and last - first >= timedelta(days=rules.LONGEST_DAYS):
        errors["fran"] = "too_long"
    what = next((known for known in rules.WHATS if known == typed["vad"]), None)
    if typed["vad"] and not what:
        errors["vad"] = "choice_wrong"
    if typed["verksamhet"] and typed["verksamhet"] not in person.units("reviewer"):
        errors["verksamhet"] = "choice_wrong"
    return Asked(typed, errors, Filter(first, last, typed["vem"] or None, what, typed["verksamhet"] or None))


def _day(typed: Mapping[str, str], name: str, errors: dict[str, str]) -> date | None:
    try:
        day = date.fromisoformat(typed[name])
    except ValueError:
        errors[name] = "day_wrong"
        return None
    if not is_near(day):
        errors[name] = "day_wrong"
        return None
    return day


@router.get("/granskning")
async def log(request: Request, running: Running, person: Reviewer, number: Shown = 1) -> Response:
    """What was read in the reviewer's units, the newest first."""
    now = running.clock()
    wanted = asked(request.query_params, person, _today(now))
    seen = service.Seen((), 0)
    async with secrecy.of_review(running.engine, person.id, person.units("reviewer")) as connection:
        names = await service.names(connection, wanted.filter)
        if not wanted.errors:
            seen = await service.look(connection, person, wanted.filter, limit=PER_PAGE, offset=(number - 1) * PER_PAGE)
    return _page(
        request,
        "log.html",
        person,
        wanted,
        names,
        status=422 if wanted.errors else 200,
        seen=seen,
        rows=_rows(request, seen.rows, names[0], person),
        sizes=SIZES,
        usual=USUAL_SIZE,
        newer=_again("/granskning", request, wanted, sida=number - 1) if number > 1 else None,
        older=_again("/granskning", request, wanted, sida=number + 1) if seen.total > number * PER_PAGE else None,
        export=_again("/granskning/export.csv", request, wanted),
    )


@router.get("/granskning/export.csv")
async def export(request: Request, running: Running, person: Reviewer) -> Response:
    """The same rows as a file, the oldest first. Nothing in it says who a family is."""
    now = running.clock()
    wanted = asked(request.query_params, person, _today(now))
    if wanted.errors:
        return pages.see_other(request, "/granskning", **wanted.query)
    async with secrecy.of_review(running.engine, person.id, person.units("reviewer")) as connection:
        units, _ = await service.names(connection, wanted.filter)
        found = await service.everything(connection, person, wanted.filter)
    columns = ("row", "utc", "when", "staff", "who", "role", "unit", "what", "why", "reference", "reviewed", "hash")
    rows: list[list[object]] = [[PAGES.text(request, f"col_{name}") for name in columns]]
    for row, told in zip(found, _rows(request, found, units, person), strict=True):
        told |= {"row": row["id"], "utc": instant(row["at"]), "staff": row["staff"], "hash": row["hash"].hex()}
        told["reviewed"] = PAGES.text(request, "yes" if row["reviewed"] else "no")
        rows.append([told[name] for name in columns])
    return pages.spreadsheet(request, f"samtid-{wanted.filter.first}-{wanted.filter.last}.csv", rows)


@router.get("/granskning/urval")
async def sample(request: Request, running: Running, person: Reviewer) -> Response:
    """A sample to look at and sign off. Without a name it is given one, so that the same can be drawn again."""
    sent = request.query_params
    now = running.clock()
    wanted = asked(sent, person, _today(now))
    if wanted.errors:
        return pages.see_other(request, "/granskning", **wanted.query)
    drawing = _drawing(sent)
    if drawing is None:
        async with secrecy.of_review(running.engine, person.id, person.units("reviewer")) as connection:
            upto = await service.latest(connection)
        size = sent.get("antal", "")
        size = size if size in SIZES else USUAL_SIZE
        more = {"antal": size, "urval": secrets.token_hex(4), "rad": str(upto)}
        return pages.see_other(request, "/granskning/urval", **wanted.query, **more)
    return await _sample_page(request, running, person, wanted, drawing)


@router.post("/granskning/urval")
async def sign_off(request: Request, running: Running, person: Reviewer) -> Response:
    """Sign the sample off, and show what was signed off."""
    sent = await pages.form(request)
    now = running.clock()
    wanted = asked(sent, person, _today(now))
    drawing = _drawing(sent)
    if wanted.errors or drawing is None:
        return pages.see_other(request, "/granskning", **wanted.query)
    remark, note = sent.get("anmarkning", ""), sent.get("kommentar", "").strip()
    errors = {}
    if remark not in REMARKS:
        errors["anmarkning"] = "remark_missing"
    if len(note) > NOTE_LENGTH:
        errors["kommentar"] = "note_long"
    if errors:
        return await _sample_page(request, running, person, wanted, drawing, errors)
    async with secrecy.of_review(running.engine, person.id, person.units("reviewer")) as connection:
        count = await service.sign_off(
            connection,
            person,
            wanted.filter,
            **drawing,
            seen=sent.get("rader", "").split(),
            remark=remark,
            note=note,
            now=now,
        )
    if count is None:
        return await _sample_page(request, running, person, wanted, drawing, {"anmarkning": "sample_changed"})
    return pages.see_other(request, "/granskning/gjorda", signerade=count)


@router.get("/granskning/gjorda")
async def done(
    request: Request, running: Running, person: Reviewer, signed: Annotated[int, Query(alias="signerade", ge=0)] = 0
) -> Response:
    """What was signed off, the newest first."""
    now = running.clock()
    wanted = asked({}, person, _today(now))
    async with secrecy.of_review(running.engine, person.id, person.units("reviewer")) as connection:
        units, _ = await service.names(connection, wanted.filter)
        found = await service.reviews(connection)
    told = [{**row, "when": _when(row["at"], pages.language_of(request))} for row in found]
    return PAGES.render(request, "done.html", private=True, reviews=told, units=units, signed=signed)


def _drawing(sent: Mapping[str, str]) -> dict[str, Any] | None:
    """Which sample: its size, its seed, and the newest row that it may have."""
    size, seed, upto = (sent.get(name, "") for name in ("antal", "urval", "rad"))
    known = size in SIZES and seed.isalnum() and seed.isascii() and len(seed) <= 32 and upto.isascii()  # noqa: PLR2004
    if not (known and upto.isdecimal() and len(upto) <= 18):  # noqa: PLR2004 - more is no bigint
        return None
    return {"size": int(size), "seed": seed, "upto": int(upto)}


async def _sample_page(
    request: Request,
    running: Runtime,
    person: Person,
    wanted: Asked,
    drawing: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> Response:
    async with secrecy.of_review(running.engine, person.id, person.units("reviewer")) as connection:
        names = await service.names(connection, wanted.filter)
        drawn = await service.draw(connection, person, wanted.filter, **drawing)
    rows = _rows(request, drawn.rows, names[0], person)
    for row, told in zip(drawn.rows, rows, strict=True):
        told["unusual"] = ", ".join(PAGES.text(request, f"trait_{trait}") for trait in drawn.traits[row["id"]])
    return _page(
        request,
        "sample.html",
        person,
        wanted,
        names,
        status=422 if errors else 200,
        wrong=errors or {},
        drawn=drawn,
        rows=rows,
        seen=" ".join(str(row["id"]) for row in drawn.rows),
        again={**wanted.query, "antal": str(drawn.size), "urval": drawn.seed, "rad": str(drawn.upto)},
        back=_again("/granskning", request, wanted),
        remarks=[(remark, PAGES.text(request, f"remark_{remark}")) for remark in REMARKS],
        sent_remark=getattr(request.state, "sent", {}).get("anmarkning", ""),
        sent_note=getattr(request.state, "sent", {}).get("kommentar", ""),
    )


def _page(
    request: Request,
    template: str,
    person: Person,
    wanted: Asked,
    names: tuple[dict[str, str], dict[str, str]],
    *,
    status: int,
    wrong: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    units, readers = names
    own = person.units("reviewer")
    if wanted.filter.staff:
        readers.setdefault(wanted.filter.staff, wanted.filter.staff)
    return PAGES.render(
        request,
        template,
        status,
        private=True,
        typed=wanted.typed,
        errors={name: PAGES.text(request, key) for name, key in {**wanted.errors, **(wrong or {})}.items()},
        units=[(unit, units.get(unit, unit)) for unit in own],
        readers=list(readers.items()),
        whats=[(what, PAGES.text(request, f"what_{what}")) for what in rules.WHATS],
        **values,
    )


def _rows(
    request: Request, rows: Sequence[asyncpg.Record], units: Mapping[str, str], person: Person
) -> list[dict[str, Any]]:
    """The rows in words: local times, names of staff and units."""
    language = pages.language_of(request)
    return [
        {
            "when": _when(row["at"], language),
            "who": row["name"],
            "own": row["staff"] == person.id,
            "role": PAGES.text(request, f"role_{row['role']}"),
            "unit": units.get(row["unit"], row["unit"]),
            "what": PAGES.text(request, f"what_{row['what']}"),
            "why": " → ".join(_step(request, step) for step in row["why"].split(" > ")),
            "reference": row["reference"] or "",
            "reviewed": row["reviewed"],
        }
        for row in rows
    ]


def _step(request: Request, step: str) -> str:
    return PAGES.text(request, f"step_{step}") if f"step_{step}" in TEXTS else step


def _when(at: datetime, language: Language) -> str:
    day = at.astimezone(LOCAL).date()
    clock = clock_text(at, LOCAL, language)
    said = f"{day_text(day, language)} {day.year}"
    return f"{said} kl. {clock}" if language == "sv" else f"{said}, {clock}"


def _again(path: str, request: Request, wanted: Asked, **more: object) -> str:
    return pages.address(pages.language_of(request), path, **wanted.query, **more)


def _today(now: datetime) -> date:
    return now.astimezone(LOCAL).date()

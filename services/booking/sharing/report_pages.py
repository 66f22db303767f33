"""The coordinator's pages of the agreements: what each municipality had, used, borrowed and lent, year by year."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Response

from booking import charts
from booking.charts import Chart, Series
from booking.sharing import report
from booking.sharing.report import Line, Report
from booking.sharing.rules import Terms, today
from booking.sharing.texts import TEXTS
from booking.slots.pages import Running
from kit import access, database
from kit.access import Person
from kit.app import Runtime
from kit.days import FIRST_YEAR, LAST_YEAR
from kit.language import Language, day_text, minutes_text
from kit.refusal import NotFound
from kit.web import pages
from kit.web.pages import Pages

router = pages.staff_router()
PAGES = Pages(TEXTS, "booking.sharing")

Coordinating = Annotated[Person, Depends(access.signed_in("coordinator"))]
PoolId = Annotated[str, Path(max_length=63)]
Year = Annotated[int, Path(ge=FIRST_YEAR, le=LAST_YEAR)]
COLUMNS = ("entitled", "credit", "used", "borrowed", "lent", "unused", "balance")


@router.get("/samverkan")
async def agreements(request: Request, running: Running, person: Coordinating) -> Response:
    """The agreements of the person's municipalities, with a report for each year."""
    async with database.driver(running.engine) as connection:
        found = await report.agreements(connection, person, today(running.clock()).year)
    return PAGES.render(request, "agreements.html", private=True, agreements=found)


# Both files before the page, whose path would take their ending for a part of the year.
@router.get("/samverkan/{pool}/{year}.csv")
async def export(request: Request, running: Running, person: Coordinating, pool: PoolId, year: Year) -> Response:
    """The report as a file: a row for each period and municipality, in minutes."""
    found = await _read(running, person, pool, year)
    return pages.spreadsheet(request, f"samtid-{found.agreement.pool.id}-{year}.csv", _table(request, found))


@router.get("/samverkan/{pool}/{year}.svg")
async def picture(request: Request, running: Running, person: Coordinating, pool: PoolId, year: Year) -> Response:
    """What each municipality was entitled to beside what it used, as the page's table says it, in hours."""
    found = await _read(running, person, pool, year)
    if not found.total:
        raise NotFound
    series = [
        Series(PAGES.text(request, f"col_{column}"), [_numbers(line)[column] / 60 for line in found.total.values()])
        for column in ("entitled", "used")
    ]
    names = [found.agreement.members.get(code, code) for code in found.total]
    sign = PAGES.text(request, "decimal_sign")
    title, unit = (PAGES.text(request, f"chart_{part}") for part in ("title", "unit"))
    return await charts.draw(Chart(title, unit, names, series, decimals=1, decimal_sign=sign))


@router.get("/samverkan/{pool}/{year}")
async def show(request: Request, running: Running, person: Coordinating, pool: PoolId, year: Year) -> Response:
    """The report of an agreement and a year."""
    found = await _read(running, person, pool, year)
    language = pages.language_of(request)
    members = found.agreement.members
    return PAGES.render(
        request,
        "report.html",
        private=True,
        report=found,
        running=year >= today(running.clock()).year,
        columns=COLUMNS,
        cells=lambda line: _cells(request, line, members),
        total=[(members.get(code, code), line) for code, line in found.total.items()],
        periods=[
            (_days(request, each.first, each.last), [(members.get(c, c), line) for c, line in each.lines.items()])
            for each in found.periods
        ],
        terms=[_terms(request, terms, members) for terms in found.terms],
        years=[other for other in found.agreement.years if other != year],
        day=lambda day: _day(day, language),
    )


async def _read(running: Runtime, person: Person, pool: str, year: int) -> Report:
    async with database.transaction(running.engine, seconds=database.JOB_SECONDS) as connection:
        return await report.read(connection, person, pool, year, today(running.clock()).year)


def _cells(request: Request, line: Line, members: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    """A line's numbers in the order of the columns, each with who it was borrowed from or lent to."""
    details = {
        "borrowed": [_of(request, members, code, minutes) for code, minutes in line.borrowed_from.items()],
        "lent": [_of(request, members, code, minutes) for code, minutes in line.lent_to.items()],
    }
    return [(minutes_text(minutes), details.get(column, [])) for column, minutes in _numbers(line).items()]


def _numbers(line: Line) -> dict[str, int]:
    stands = line.position
    return {
        "entitled": stands.entitled,
        "credit": stands.credit,
        "used": stands.used,
        "borrowed": stands.borrowed,
        "lent": stands.lent,
        "unused": line.unused,
        "balance": line.balance,
    }


def _of(request: Request, members: Mapping[str, str], code: str, minutes: int) -> str:
    return PAGES.text(request, "of", name=members.get(code, code), time=minutes_text(minutes))


def _terms(request: Request, terms: Terms, members: Mapping[str, str]) -> tuple[str, list[str]]:
    language = pages.language_of(request)
    first = _day(terms.first, language)
    if terms.last == date.max:
        days = PAGES.text(request, "terms_from", first=first)
    else:
        days = PAGES.text(request, "terms_days", first=first, last=_day(terms.last, language))
    shares = ", ".join(
        f"{members[code]} {share}\N{NO-BREAK SPACE}%" for code in members if (share := terms.shares.get(code))
    )
    carry = PAGES.text(request, "terms_carry", percent=terms.carry_over)
    return days[0].upper() + days[1:], [
        PAGES.text(request, "terms_shares", shares=shares),
        PAGES.text(request, f"terms_{terms.period}"),
        PAGES.text(request, "terms_release", days=terms.release_days),
        carry if terms.carry_over else PAGES.text(request, "terms_carry_none"),
    ]


def _days(request: Request, first: date, last: date | None) -> str:
    language = pages.language_of(request)
    if last is None or last == first:
        return day_text(first, language)
    return PAGES.text(request, "days", first=day_text(first, language), last=day_text(last, language))


def _day(day: date, language: Language) -> str:
    return f"{day_text(day, language)} {day.year}"


def _table(request: Request, found: Report) -> list[list[Any]]:
    """Rows of the file, its head first."""
    members = found.agreement.members

    def minutes(key: str, **values: str) -> str:
        return PAGES.text(request, "csv_minutes", what=PAGES.text(request, key, **values))

    head = [PAGES.text(request, f"col_{name}") for name in ("agreement", "first", "last", "code", "town")]
    head += [minutes(f"col_{name}") for name in COLUMNS]
    head += [minutes("col_borrowed_from", name=name) for name in members.values()]
    head += [minutes("col_lent_to", name=name) for name in members.values()]
    rows: list[list[Any]] = [head]
    for each in found.periods:
        for code, line in each.lines.items():
            rows.append([found.agreement.pool.id, each.first, each.last or "", code, members.get(code, code)])
            rows[-1] += _numbers(line).values()
            rows[-1] += [of.get(member, 0) for of in (line.borrowed_from, line.lent_to) for member in members]
    return rows

"""The coordinator's page of figures: tables first, a picture below each, and all of it as a file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from babel.dates import format_date
from fastapi import Depends, Request, Response

from booking import charts, secrecy
from booking.charts import Chart, Series
from booking.figures import report
from booking.figures.report import Report
from booking.figures.rules import Missing, Row, Value, is_settled
from booking.figures.texts import TEXTS
from booking.sharing.rules import today
from kit import access, database
from kit.access import Person
from kit.app import Runtime, runtime
from kit.days import is_near
from kit.language import Language
from kit.refusal import NotFound
from kit.web import pages
from kit.web.pages import Pages

router = pages.staff_router()
PAGES = Pages(TEXTS, "booking.figures")

Running = Annotated[Runtime, Depends(runtime)]
Coordinator = Annotated[Person, Depends(access.signed_in("coordinator"))]

DAY = timedelta(days=1)
# In shorter periods, or by taking one from another that is a little longer, single families could be made out.
SHORTEST_DAYS = 28
LONGEST_DAYS = 3 * 366
MONTHS = 13
QUARTERS = 5
OWN = "egen"

Unit = Literal["count", "days", "percent", "rate", "hours"]


@dataclass(frozen=True)
class Layout:
    """The columns of a table, each with its unit, and those that its picture shows."""

    columns: Mapping[str, Unit]
    drawn: tuple[str, ...]


LAYOUTS: Mapping[str, Layout] = {
    "wait": Layout(
        {"third": "days", "first": "days", "first_90": "days", "met": "days", "met_90": "days"}, ("third", "met_90")
    ),
    "reach": Layout(
        {"made": "count", "children": "count", "per_1000": "rate", "searched": "count", "in_vain": "percent"},
        ("per_1000",),
    ),
    "ways": Layout(
        {
            "visit": "count",
            "visit_share": "percent",
            "video": "count",
            "video_share": "percent",
            "phone": "count",
            "phone_share": "percent",
        },
        ("visit_share", "video_share", "phone_share"),
    ),
    "kept": Layout(
        {
            "fulfilled": "count",
            "no_show": "count",
            "late": "count",
            "no_show_share": "percent",
            "late_share": "percent",
        },
        ("no_show_share", "late_share"),
    ),
    "balance": Layout(
        {"entitled": "hours", "used": "hours", "used_share": "percent", "borrowed": "hours", "lent": "hours"},
        ("entitled", "used"),
    ),
    "centres": Layout(
        {
            "visit": "count",
            "per_1000": "rate",
            "met": "days",
            "fulfilled": "count",
            "no_show": "count",
            "late": "count",
            "no_show_share": "percent",
            "late_share": "percent",
        },
        ("per_1000",),
    ),
}


@dataclass(frozen=True)
class Asked:
    """The period of a page: what was typed, what of it is wrong (field → key of a text), and its local days."""

    typed: Mapping[str, str]
    errors: Mapping[str, str]
    first: date
    last: date

    @property
    def query(self) -> dict[str, str]:
        """What asks for the same again."""
        return {name: value for name, value in self.typed.items() if value}


def asked(sent: Mapping[str, str], now: date) -> Asked:
    """Read a period; the present year where nothing is said. `now` is a local day."""
    typed = {name: sent.get(name, "").strip() for name in ("period", "fran", "till")}
    typed["period"] = typed["period"] or str(now.year)
    known = {key: (first, last) for key, first, last in periods(now)}
    if typed["period"] in known:
        return Asked({"period": typed["period"]}, {}, *known[typed["period"]])
    if typed["period"] != OWN:
        return Asked(typed, {"period": "period_wrong"}, now, now)
    errors: dict[str, str] = {}
    days = {}
    for name in ("fran", "till"):
        try:
            days[name] = date.fromisoformat(typed[name])
        except ValueError:
            days[name] = date.max
        if not is_near(days[name]):
            errors[name] = "day_wrong"
            # With the days of the calendar's ends nothing can be reckoned.
            days[name] = now
    first, last = days["fran"], days["till"]
    if not errors and last < first:
        errors["till"] = "last_wrong"
    elif not errors and last - first < DAY * (SHORTEST_DAYS - 1):
        errors["till"] = "too_short"
    elif not errors and last - first >= DAY * LONGEST_DAYS:
        errors["fran"] = "too_long"
    return Asked(typed, errors, first, last)


def periods(now: date) -> Iterator[tuple[str, date, date]]:
    """The years, quarters and months that can be chosen, the newest of each first: `2026`, `2026-K1`, `2026-03`."""
    for year in (now.year, now.year - 1):
        yield str(year), date(year, 1, 1), date(year, 12, 31)
    month = now.year * 12 + now.month - 1
    for number in range(month // 3, month // 3 - QUARTERS, -1):
        yield f"{number // 4}-K{number % 4 + 1}", _first(number * 3), _first(number * 3 + 3) - DAY
    for number in range(month, month - MONTHS, -1):
        yield f"{number // 12}-{number % 12 + 1:02}", _first(number), _first(number + 1) - DAY


def _first(month: int) -> date:
    """The first day of a month, counted from the year 0."""
    return date(month // 12, month % 12 + 1, 1)


@router.get("/siffror")
async def figures(request: Request, running: Running, person: Coordinator) -> Response:
    """All figures of a period."""
    now = today(running.clock())
    wanted = asked(request.query_params, now)
    found = None if wanted.errors else await _report(running, person, wanted)
    language = pages.language_of(request)
    settled = next(each for each in periods(now) if is_settled(each[1], each[2], now))
    return PAGES.render(
        request,
        "figures.html",
        422 if wanted.errors else 200,
        private=True,
        typed=wanted.typed,
        errors={name: PAGES.text(request, key) for name, key in wanted.errors.items()},
        periods=_choices(request, now),
        settled=None
        if is_settled(wanted.first, wanted.last, now)
        else (pages.address(language, "/siffror", period=settled[0]), _period_text(request, *settled[:2], language)),
        own=OWN,
        span=[_day(day, language) for day in (wanted.first, wanted.last)],
        tables=[_told(request, name, found, wanted) for name in LAYOUTS] if found and found.tables["wait"] else [],
        export=pages.address(language, "/siffror/siffror.csv", **wanted.query),
    )


@router.get("/siffror/diagram/{name}.svg")
async def chart(request: Request, running: Running, person: Coordinator, name: str) -> Response:
    """The picture of one table. Raises NotFound."""
    wanted = asked(request.query_params, today(running.clock()))
    if name not in LAYOUTS or wanted.errors:
        raise NotFound
    drawn = _chart(request, name, await _report(running, person, wanted))
    if drawn is None:
        raise NotFound
    return await charts.draw(drawn)


@router.get("/siffror/siffror.csv")
async def export(request: Request, running: Running, person: Coordinator) -> Response:
    """The same figures as a file, one a row; what the page hides is hidden here."""
    wanted = asked(request.query_params, today(running.clock()))
    if wanted.errors:
        return pages.see_other(request, "/siffror", **wanted.query)
    found = await _report(running, person, wanted)
    columns = ("table", "within", "place", "figure", "value", "unit", "first", "last")
    rows: list[tuple[object, ...]] = [tuple(PAGES.text(request, f"csv_{name}") for name in columns)]
    for name, layout in LAYOUTS.items():
        for row in found.tables[name]:
            place = (PAGES.text(request, f"{name}_title"), _within(row, found) or "", row.place.name)
            for column, unit in layout.columns.items():
                value = row.values[column]
                said = PAGES.text(request, value.value) if isinstance(value, Missing) else round(float(value), 1)
                figure = (PAGES.text(request, _heading(column)), said, PAGES.text(request, f"unit_{unit}"))
                rows.append((*place, *figure, wanted.first, wanted.last))
    return pages.spreadsheet(request, f"samtid-siffror-{wanted.first}-{wanted.last}.csv", rows)


async def _report(running: Runtime, person: Person, wanted: Asked) -> Report:
    async with secrecy.of(
        running.engine, person.id, person.units("coordinator"), seconds=database.JOB_SECONDS
    ) as connection:
        return await report.report(connection, person, wanted.first, wanted.last, today(running.clock()))


def _told(request: Request, name: str, found: Report, wanted: Asked) -> dict[str, Any]:
    """A table in words."""
    language = pages.language_of(request)
    layout = LAYOUTS[name]
    drawn = _chart(request, name, found)
    rows = found.tables[name]
    return {
        "name": name,
        "title": PAGES.text(request, f"{name}_title"),
        "note": PAGES.text(request, f"{name}_note"),
        "within": {"balance": "agreement", "centres": "town"}.get(name),
        "place": "centre" if name == "centres" else "town",
        "headings": [PAGES.text(request, _heading(column)) for column in layout.columns],
        "rows": [
            {
                "within": _within(row, found),
                "place": row.place.name,
                "cells": [_written(request, row, column, unit) for column, unit in layout.columns.items()],
            }
            for row in rows
        ],
        "lacking": ", ".join(row.place.name for row in rows if row.values.get("per_1000") is Missing.UNKNOWN),
        "picture": drawn and pages.address(language, f"/siffror/diagram/{name}.svg", **wanted.query),
        "size": drawn and drawn.size,
    }


def _chart(request: Request, name: str, found: Report) -> Chart | None:
    """The picture of a table; None where it has no number to draw."""
    layout, rows = LAYOUTS[name], found.tables[name]
    if not any(not isinstance(row.values[column], Missing) for row in rows for column in layout.drawn):
        return None
    return Chart(
        title=PAGES.text(request, f"{name}_title"),
        unit=PAGES.text(request, f"{name}_unit"),
        groups=[row.place.name for row in rows],
        series=[
            Series(PAGES.text(request, _name(column)), [_bar(request, row.values[column]) for row in rows])
            for column in layout.drawn
        ],
        decimals=1 if layout.columns[layout.drawn[0]] == "rate" else 0,
        decimal_sign="," if pages.language_of(request) == "sv" else ".",
    )


def _bar(request: Request, value: Value) -> float | str:
    return PAGES.text(request, value.value) if isinstance(value, Missing) else value


def _within(row: Row, found: Report) -> str | None:
    return found.pools.get(row.within, row.within) if row.within else None


def _heading(column: str) -> str:
    """The text of a column; "first" is taken by the first day of a period."""
    return "first_col" if column == "first" else column


def _name(column: str) -> str:
    """The text of a series, which is shorter than its column's where that would not fit."""
    return f"{column}_drawn" if f"{column}_drawn" in TEXTS else _heading(column)


def _written(request: Request, row: Row, column: str, unit: Unit) -> tuple[str, str | None]:
    """A figure as people read it, and what is said beside it."""
    value, language = row.values[column], pages.language_of(request)
    if isinstance(value, Missing):
        return PAGES.text(request, value.value), None
    number = f"{value:,.1f}" if unit == "rate" else f"{value:,.0f}"
    if language == "sv":
        number = number.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
    if unit == "percent":
        number += "\N{NO-BREAK SPACE}%" if language == "sv" else "%"
    if column != "children" or row.place.children is None:
        return number, None
    counted = row.place.children
    return number, PAGES.text(request, "children_of", source=counted.source, day=_day(counted.as_of, language))


def _choices(request: Request, now: date) -> list[tuple[str, str]]:
    """The periods in words."""
    language = pages.language_of(request)
    return [(key, _period_text(request, key, first, language)) for key, first, _ in periods(now)]


def _period_text(request: Request, key: str, first: date, language: Language) -> str:
    if len(key) == len("2026"):
        return PAGES.text(request, "whole_year", year=key)
    if "K" in key:
        return PAGES.text(request, "quarter", number=key[-1], year=first.year)
    return format_date(first, "MMMM y", locale=language)


def _day(day: date, language: Language) -> str:
    return format_date(day, "d MMMM y", locale=language)

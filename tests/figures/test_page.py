"""The page of figures, its pictures and its file: who sees what, of which period, and what is hidden in all of them."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from booking.figures import pages
from kit import database
from tests.agenda.conftest import Work, person
from tests.figures import filling

# Åsa coordinates Höör's unit; Siv one that belongs to no town that booking knows.
STAFF = (person("siv", "elsewhere", role="coordinator"), person("eva", "horby-stod", role="coordinator"))
QUARTER = {"period": "2026-K1"}


@pytest.fixture
async def filled(work: Work) -> Work:
    await work.learn(*filling.entities(), *STAFF)
    await filling.fill(work.booking.admin)
    # The quarter is over, and so is the time in which its outcomes are noted.
    work.clock.now = datetime(2026, 4, 14, 9, tzinfo=UTC)
    return work


def rows(page: httpx.Response, table: str) -> dict[str, list[str]]:
    """The cells of a table's rows by their place."""
    assert page.status_code == 200, page.text
    part = page.text.split(f'id="{table}"')[1].split("</section>")[0]
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", part.split("<tbody>")[1], re.DOTALL):
        (place,) = re.findall(r'<th scope="row">(.*?)</th>', row)
        cells = re.findall(r'<td class="number">(.*?)</td>', row, re.DOTALL)
        found[place] = [re.sub(r"<span.*?</span>", "", cell).replace("\xa0", " ") for cell in cells]
    return found


async def test_waits_are_those_of_free_time_and_of_families_met(filled: Work) -> None:
    page = await filled.get("/siffror", who="asa", **QUARTER)
    assert rows(page, "wait") == {
        "Eslöv": ["ingen ledig", "ingen ledig", "ingen ledig", "döljs", "döljs"],
        # Of 20 waits of 0 to 19 days, 14 of 0 to 13 and three of 0 to 2.
        "Höör": ["4", "2", "3", "7", "16"],
        "Hörby": ["14", "9", "ingen ledig", "4", "8"],
    }


async def test_reach_is_of_children_who_are_entered(filled: Work) -> None:
    page = await filled.get("/siffror", who="asa", **QUARTER)
    assert rows(page, "reach") == {
        "Eslöv": ["döljs", "inte ifyllt", "inte ifyllt", "0", "–"],
        "Höör": ["56", "1 200", "46,7", "40", "25 %"],
        # Three searches in vain of 30 are few.
        "Hörby": ["30", "1 200", "25,0", "30", "döljs"],
    }
    assert "SCB, 31 december 2025" in page.text
    assert "Inget antal barn är ifyllt för Eslöv." in page.text
    english = await filled.get("/en/siffror", who="asa", **QUARTER)
    assert rows(english, "reach")["Höör"] == ["56", "1,200", "46.7", "40", "25%"]


async def test_few_are_hidden_and_so_is_what_would_tell_them(filled: Work) -> None:
    page = await filled.get("/siffror", who="asa", **QUARTER)
    assert rows(page, "kept") == {
        "Eslöv": ["döljs", "döljs", "döljs", "döljs", "döljs"],
        "Höör": ["37", "6", "7", "14 %", "14 %"],
        # Two missed: their number could be told by the late ones.
        "Hörby": ["20", "döljs", "döljs", "döljs", "döljs"],
    }
    assert rows(page, "centres") == {
        # Of the 37 that took place 14 were here, three in Hörby, and how many by video nobody is told.
        "BVC Höör": ["27", "inte ifyllt", "6", "14", "6", "7", "30 %", "26 %"],
        "BVC Hörby": ["9", "–", "döljs", "döljs", "0", "0", "döljs", "döljs"],
    }


async def test_the_balance_is_told_in_steps_of_five_hours(filled: Work) -> None:
    page = await filled.get("/siffror", who="asa", **QUARTER)
    assert "Använt är det som är bokat, eller just nu reserverat av någon som bokar." in page.text
    assert rows(page, "balance") == {
        # Three meetings of an hour: the share would count them.
        "Eslöv": ["200", "5", "döljs", "0", "15"],
        "Höör": ["100", "115", "115 %", "15", "0"],
        "Hörby": ["110", "50", "45 %", "0", "0"],
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"period": "2026"},
        {"period": "2026-03"},
        {"period": "egen", "fran": "2026-01-01", "till": "2026-03-30"},
        {"period": "egen", "fran": "2026-01-02", "till": "2026-03-31"},
        {"period": "egen", "fran": "2025-10-01", "till": "2026-03-31"},
    ],
)
async def test_others_are_told_of_in_whole_quarters_alone(filled: Work, asked: dict[str, str]) -> None:
    page = await filled.get("/siffror", who="asa", **asked)
    # Of the agreement there is no period that begins in March.
    tables = ("wait", "reach", "ways", "kept", *(["balance"] if asked != {"period": "2026-03"} else []))
    assert all(rows(page, table).keys() == {"Höör"} for table in tables)
    assert "Här visas bara dina egna kommuner." in page.text
    assert '<a href="/siffror?period=2026-K1">Jämför kvartal 1 2026</a>' in page.text
    english = await filled.get("/en/siffror", who="asa", **asked)
    assert '<a href="/en/siffror?period=2026-K1">Compare quarter 1 of 2026</a>' in english.text
    file = await filled.get("/siffror/siffror.csv", who="asa", **asked)
    assert {row[2] for row in csv.reader(io.StringIO(file.text), delimiter=";") if "Möten" in row[0]} == {"Höör"}


async def test_a_quarter_is_told_of_others_two_weeks_after_it_ended(filled: Work) -> None:
    quarter = {"period": "egen", "fran": "2026-01-01", "till": "2026-03-31"}
    assert rows(await filled.get("/siffror", who="asa", **quarter), "kept").keys() == {"Eslöv", "Höör", "Hörby"}
    filled.clock.move(days=-1)
    for asked in (quarter, QUARTER):
        assert rows(await filled.get("/siffror", who="asa", **asked), "kept").keys() == {"Höör"}


async def test_what_others_were_told_of_a_quarter_does_not_change(filled: Work) -> None:
    """What is noted later would be one family's: who looked before and looks again would see it. Its own town does."""
    before = await filled.get("/siffror", who="asa", **QUARTER)
    async with database.driver(filled.booking.admin) as connection:
        await connection.execute(
            "insert into figure_booking values (gen_random_uuid(), 1, '1266', 'video', null, $1, 'fulfilled', false,"
            " $1, true)",
            filling.FIRST + timedelta(days=20),
        )
        await connection.execute("update figure_search set searches = searches + 1, found_nothing = 9")
        await connection.execute("update figure_availability set third_days = 1, next_days = 0")
    after = await filled.get("/siffror", who="asa", **QUARTER)
    for table in ("wait", "reach", "ways", "kept"):
        old, new = rows(before, table), rows(after, table)
        assert {town: new[town] for town in ("Hörby", "Eslöv")} == {town: old[town] for town in ("Hörby", "Eslöv")}
    assert rows(await filled.get("/siffror", who="eva", **QUARTER), "kept")["Hörby"][0] == "21"


async def test_whoever_sees_a_balance_may_read_the_agreement_to_the_minute(filled: Work) -> None:
    """So that an exact share beside rounded hours tells its reader nothing new."""
    page = await filled.get("/siffror", who="asa", **QUARTER)
    assert rows(page, "balance")["Hörby"][1] == "50"
    report = await filled.get("/samverkan/hoor-horby-eslov/2026", who="asa")
    assert report.status_code == 200
    assert "50\xa0h" in report.text
    assert (await filled.get("/samverkan/hoor-horby-eslov/2026", who="siv")).status_code == 404


async def test_a_period_without_anything_says_so(filled: Work) -> None:
    page = await filled.get("/siffror", who="asa", period="2025")
    assert rows(page, "kept")["Höör"] == ["0", "0", "0", "–", "–"]
    assert "Inget att visa för perioden." in page.text


async def test_centres_are_shown_in_the_own_municipalities_alone(filled: Work) -> None:
    page = await filled.get("/siffror", who="eva", **QUARTER)
    assert rows(page, "kept").keys() == {"Eslöv", "Höör", "Hörby"}
    # Nothing is said here of what is hidden of the town.
    assert rows(page, "centres") == {"BVC Hörby": ["13", "inte ifyllt", "5", "11", "döljs", "döljs", "döljs", "döljs"]}
    # Nor does anybody else see another town's figures in another light, while nothing more is noted.
    other = await filled.get("/siffror", who="asa", **QUARTER)
    assert all(rows(page, table) == rows(other, table) for table in ("wait", "reach", "ways", "kept", "balance"))


async def test_who_coordinates_nothing_here_sees_nothing(filled: Work) -> None:
    page = await filled.get("/siffror", who="siv", **QUARTER)
    assert page.status_code == 200
    assert "Här finns inget att visa än" in page.text
    assert "<table>" not in page.text
    assert (await filled.get("/siffror", who="maria-ek")).status_code == 403


async def test_the_file_hides_what_the_page_hides(filled: Work) -> None:
    answer = await filled.get("/siffror/siffror.csv", who="asa", **QUARTER)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")), delimiter=";"))
    assert table[0] == ["tabell", "inom", "plats", "mått", "värde", "enhet", "från och med", "till och med"]
    found = {(row[0], row[2], row[3]): row[4] for row in table[1:]}
    assert found["Möten som blev av", "Hörby", "Uteblev"] == "döljs"
    assert found["Möten som blev av", "Höör", "Uteblev"] == "6"
    assert found["Besök per mottagning", "BVC Hörby", "Blev av"] == "döljs"
    assert {(row[6], row[7]) for row in table[1:]} == {("2026-01-01", "2026-03-31")}


async def test_pictures_hide_it_too_and_need_the_same_right(filled: Work) -> None:
    answer = await filled.get("/siffror/diagram/kept.svg", who="asa", **QUARTER)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert (await filled.get("/siffror/diagram/kept.svg", who="maria-ek", **QUARTER)).status_code == 403
    for path, query in (("nothing.svg", QUARTER), ("kept.svg", {"period": "1066"}), ("kept.svg", {"period": "2025"})):
        assert (await filled.get(f"/siffror/diagram/{path}", who="asa", **query)).status_code == 404


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"period": "2026-13"}, "period"),
        ({"period": "egen"}, "fran"),
        ({"period": "egen", "fran": "2026-01-01", "till": "x"}, "till"),
        ({"period": "egen", "fran": "2026-01-01", "till": "2026-01-27"}, "till"),
        ({"period": "egen", "fran": "2026-03-01", "till": "2026-01-01"}, "till"),
        ({"period": "egen", "fran": "2020-01-01", "till": "2026-01-01"}, "fran"),
        ({"period": "egen", "fran": "0001-01-01", "till": "2026-01-01"}, "fran"),
    ],
)
async def test_a_wrong_period_is_told_at_its_field(work: Work, sent: dict[str, str], field: str) -> None:
    page = await work.get("/siffror", who="asa", **sent)
    assert page.status_code == 422
    assert f'id="{field}-message"' in page.text
    assert (await work.get("/siffror/siffror.csv", who="asa", **sent)).status_code == 303


def test_periods_are_whole_and_the_newest_come_first() -> None:
    found = list(pages.periods(date(2026, 2, 11)))
    assert [key for key, _, _ in found][:7] == ["2026", "2025", "2026-K1", "2025-K4", "2025-K3", "2025-K2", "2025-K1"]
    assert found[7] == ("2026-02", date(2026, 2, 1), date(2026, 2, 28))
    assert found[-1][0] == "2025-02"
    assert found[3] == ("2025-K4", date(2025, 10, 1), date(2025, 12, 31))

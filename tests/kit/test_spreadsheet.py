"""A CSV file opens in a spreadsheet as what it is: numbers as numbers, and no text as a formula or a date."""

import csv
import io
from datetime import date

import pytest
from fastapi import Request

from kit.language import Language
from kit.web import pages


def read(language: Language, *row: object) -> list[str]:
    request = Request({"type": "http", "headers": [], "samtid.language": language})
    answer = pages.spreadsheet(request, "a.csv", [["first"], row])
    text = bytes(answer.body).decode()
    assert text.startswith("\ufeff")
    assert answer.headers["content-disposition"] == 'attachment; filename="a.csv"'
    assert answer.headers["cache-control"] == "no-store"
    head, cells = csv.reader(io.StringIO(text[1:], newline=""), delimiter=";" if language == "sv" else ",")
    assert head == ["first"]
    return cells


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("Hörby", "Hörby"),
        (-45, "-45"),
        (date(2026, 3, 2), "2026-03-02"),
        ("1266", "1266"),
        ("2026-03-02T07:00:00Z", "2026-03-02T07:00:00Z"),
        ("-4.5", "'-4.5"),
        ("=1+1", "'=1+1"),
        ("-1+cmd", "'-1+cmd"),
        ("-1\n=2", "'-1\n=2"),
        ("@sum", "'@sum"),
        ("+46", "'+46"),
        ("\t=1", "'\t=1"),
        ("3.5", "'3.5"),
        ("1-2", "'1-2"),
        ("3/11/26", "'3/11/26"),
        ("23456E78", "'23456E78"),
        ('a "b", c; d', 'a "b", c; d'),
    ],
)
def test_no_cell_but_a_number_can_be_a_formula_or_a_date(value: object, cell: str, language: Language) -> None:
    assert read(language, value) == [cell]


def test_numbers_are_written_as_the_language_writes_them() -> None:
    row = (33.3, 4.0, -0.5, 1e9, 10.25)
    assert read("sv", *row) == ["33,3", "4", "-0,5", "1000000000", "10,25"]
    assert read("en", *row) == ["33.3", "4", "-0.5", "1000000000", "10.25"]


def test_a_file_is_parted_as_spreadsheets_of_its_language_part_it() -> None:
    assert read("sv", "a", "b") == read("en", "a", "b") == ["a", "b"]

"""A CSV file opens in a spreadsheet as what it is: numbers as numbers, and no text as a formula."""

import csv
import io

import pytest

from kit.web import pages


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("Hörby", "Hörby"),
        (-45, "-45"),
        ("-4.5", "-4.5"),
        ("-4,5", "-4,5"),
        ("=1+1", "'=1+1"),
        ("-1+cmd", "'-1+cmd"),
        ("-1\n=2", "'-1\n=2"),
        ("@sum", "'@sum"),
        ("+46", "'+46"),
        ("\t=1", "'\t=1"),
        ('a "b", c', 'a "b", c'),
    ],
)
def test_no_cell_but_a_number_can_be_a_formula(value: object, cell: str) -> None:
    answer = pages.spreadsheet("a.csv", [["first"], [value]])
    text = bytes(answer.body).decode()
    assert text.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(text[1:], newline=""))) == [["first"], [cell]]
    assert answer.headers["content-disposition"] == 'attachment; filename="a.csv"'
    assert answer.headers["cache-control"] == "no-store"

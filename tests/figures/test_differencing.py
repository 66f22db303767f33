"""Whoever takes one answer from another is left with nothing of another municipality's families."""

from datetime import date, timedelta
from itertools import combinations, product

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from booking.figures.pages import asked, periods
from booking.figures.rules import FEW, MODALITIES, Counted, Missing, Town, is_settled, tables

DAY = timedelta(days=1)
# A quarter, its neighbours, and the days about its ends: where one answer may be a little more than another.
FIRSTS = [date(2025, month, 1) + DAY * n for month in (4, 7) for n in (-1, 0, 1)]
LASTS = [day - DAY for day in FIRSTS]
days = st.sampled_from([*FIRSTS, *LASTS, date(2025, 5, 15)])
# When families booked, and how they wanted to meet.
families = st.lists(st.tuples(days, st.sampled_from(MODALITIES)), min_size=20, max_size=60)


def questions() -> set[tuple[date, date]]:
    """Days that a coordinator may ask for, by the list or by dates of her own, and is told of others."""
    found = set()
    for now in (date(2025, 7, 1), date(2025, 7, 15), date(2026, 6, 30)):
        own = [
            {"period": "egen", "fran": first.isoformat(), "till": last.isoformat()}
            for first, last in product(FIRSTS, LASTS)
        ]
        offered = [{"period": key} for key, _, _ in periods(now)]
        each = [wanted for sent in own + offered if not (wanted := asked(sent, now)).errors]
        found |= {(wanted.first, wanted.last) for wanted in each if is_settled(wanted.first, wanted.last, now)}
    return found


def told(those: set[tuple[int, str]]) -> dict[str, float | Missing]:
    """What is shown of a town whose families, each with its way to meet, these are."""
    made = {("1266", way, None): sum(w == way for _, w in those) for way in MODALITIES}
    found = tables([Town("1266", "Hörby", None)], Counted(made=made))
    return {"made": found["reach"][0].values["made"]} | {way: found["ways"][0].values[way] for way in MODALITIES}


# What it finds is not made smaller: there is enough to try with each.
@settings(max_examples=50, deadline=None, phases=[Phase.generate])
@given(families)
def test_no_two_answers_differ_by_a_few_families(booked: list[tuple[date, str]]) -> None:
    asked_for = questions()
    assert (date(2025, 4, 1), date(2025, 6, 30)) in asked_for
    counted = [
        {(n, way) for n, (day, way) in enumerate(booked) if first <= day <= last} for first, last in sorted(asked_for)
    ]
    answers = [(those, told(those)) for those in counted]
    for (those, first), (others, second) in combinations(answers, 2):
        for name in ("made", *MODALITIES):
            if not isinstance(first[name], Missing) and not isinstance(second[name], Missing):
                between = {n for n, way in those ^ others if name in ("made", way)}
                assert len(between) == 0 or len(between) >= FEW, (name, first, second)


@given(st.integers(2000, 2100), st.integers(0, 3), st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 40))
def test_a_quarter_is_settled_and_what_is_a_day_off_is_not(
    year: int, quarter: int, early: int, late: int, after: int
) -> None:
    first = date(year, quarter * 3 + 1, 1)
    last = date(year + quarter // 3, (quarter * 3 + 3) % 12 + 1, 1) - DAY
    exact = early == late == 0
    assert is_settled(first + DAY * early, last + DAY * late, last + DAY * after) == (exact and after >= 14)


def test_neither_a_year_nor_a_month_nor_nine_months_is_a_quarter() -> None:
    now = date(2027, 1, 1)
    for first, last in (
        (date(2025, 1, 1), date(2025, 12, 31)),
        (date(2025, 1, 1), date(2025, 1, 31)),
        (date(2025, 1, 1), date(2025, 9, 30)),
        (date(2025, 2, 1), date(2025, 4, 30)),
    ):
        assert not is_settled(first, last, now)

"""Figures from what was counted: pure, and hidden wherever a count that is hidden could be told by them."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.figures import rules
from booking.figures.rules import FEW, Counted, Missing, Place, Town, children_on, quantile, tables
from booking.slots.reads import Denominator

CHILDREN = Denominator(children=700, source="SCB", as_of=date(2025, 12, 31))
CENTRES = ("bvc-1", "bvc-2", "bvc-3")
TOWN = Town("1267", "Höör", CHILDREN, centres=[Place(c, c, CHILDREN) for c in CENTRES])


def test_a_quantile_is_a_value_that_was_there() -> None:
    assert quantile([5, 1, 3], 0.5, 1) == 3
    assert quantile([5, 1, 3, 9], 0.5, 1) == 3
    assert quantile(list(range(1, 11)), 0.9, 1) == 9
    assert quantile([7], 0.9, 1) == 7


def test_what_was_not_free_at_all_is_longer_than_anything() -> None:
    assert quantile([1, None, 2], 0.5, 1) == 2
    assert quantile([1, None, None], 0.5, 1) is Missing.FULL


def test_waits_of_few_are_hidden_and_of_none_there_is_nothing() -> None:
    assert quantile([1, 2, 3, 4], 0.5, FEW) is Missing.HIDDEN
    assert quantile([], 0.5, FEW) is Missing.NOTHING


@given(st.lists(st.integers(0, 400), min_size=1), st.sampled_from([0.5, 0.9]))
def test_that_share_of_all_is_at_or_below_a_quantile_and_no_smaller_value_has_it(
    waits: list[int], share: float
) -> None:
    found = quantile(waits, share, 1)
    assert isinstance(found, int)
    assert sum(wait <= found for wait in waits) >= share * len(waits)
    assert sum(wait < found for wait in waits) < share * len(waits)


def test_children_are_those_of_the_newest_count_that_the_period_knows() -> None:
    counts = [
        Denominator(children=n, source="SCB", as_of=date(year, 12, 31)) for n, year in ((3, 2025), (1, 2023), (2, 2024))
    ]
    assert children_on(counts, date(2025, 12, 31)) == counts[0]
    assert children_on(counts, date(2025, 12, 30)) == counts[2]
    assert children_on(counts, date(2023, 12, 30)) is None


few = st.integers(0, 12)


@st.composite
def counts(draw: st.DrawFn) -> Counted:
    """What one town did: any numbers, small ones above all."""
    return Counted(
        made={
            ("1267", way, place): n
            for way, place in (("phone", None), ("video", None), *(("visit", c) for c in CENTRES))
            if (n := draw(few))
        },
        outcomes={
            ("1267", place, outcome): n for place in (None, *CENTRES) for outcome in rules.OUTCOMES if (n := draw(few))
        },
        searched={"1267": (draw(few) + (vain := draw(few)), vain)},
    )


def numbers(counted: Counted) -> dict[str, dict[str, Any]]:
    """The figures that are told, by table and place."""
    found = tables([TOWN], counted)
    return {f"{name} {row.place.id}": dict(row.values) for name, rows in found.items() for row in rows}


@settings(max_examples=400, deadline=None)
@given(counts())
def test_no_count_of_one_to_four_is_told_and_no_share_of_one(counted: Counted) -> None:
    told = numbers(counted)
    parts = {"no_show_share": "no_show", "late_share": "late", "per_1000": "made", "in_vain": "searched"}
    parts |= {f"{way}_share": way for way in rules.MODALITIES}
    for place, values in told.items():
        if place.startswith("balance"):
            continue
        for name in ("made", "searched", "visit", "video", "phone", *rules.OUTCOMES):
            value = values.get(name)
            assert value is None or isinstance(value, Missing) or value == 0 or value >= FEW, (place, name)
        for share, part in parts.items():
            if isinstance(values.get(share), int | float) and part in values:
                assert not isinstance(values[part], Missing), (place, share)
    if isinstance(told["reach 1267"]["in_vain"], float):
        searches, in_vain = counted.searched["1267"]
        assert in_vain == 0 or in_vain >= FEW
        assert searches - in_vain == 0 or searches - in_vain >= FEW


@settings(max_examples=400, deadline=None)
@given(counts())
def test_totals_less_what_is_told_of_their_parts_leave_no_single_hidden_part(counted: Counted) -> None:
    """A town against its ways to meet, its visits against its centres: whoever subtracts is left with two or more."""
    told = numbers(counted)
    ways = [told["ways 1267"][way] for way in rules.MODALITIES]
    visits = [told[f"centres {centre}"]["visit"] for centre in CENTRES]
    for total, parts in ((told["reach 1267"]["made"], ways), (told["ways 1267"]["visit"], visits)):
        unknown = [part for part in parts if part is Missing.HIDDEN]
        if total is Missing.HIDDEN:
            assert len(unknown) == len(parts)
        else:
            assert len(unknown) != 1
    for outcome in rules.OUTCOMES:
        if told["kept 1267"][outcome] is Missing.HIDDEN:
            assert all(told[f"centres {centre}"][outcome] is Missing.HIDDEN for centre in CENTRES)


def test_a_town_counts_for_itself_alone() -> None:
    elsewhere = Counted(
        made={("1266", "video", None): 50}, outcomes={("1266", None, "late"): 9}, searched={"1266": (70, 7)}
    )
    assert numbers(elsewhere)["reach 1267"]["made"] == 0
    assert numbers(elsewhere)["kept 1267"]["late"] == 0
    assert numbers(elsewhere)["reach 1267"]["searched"] == 0


@pytest.mark.parametrize(("minutes", "hours"), [(0, 0), (149, 0), (151, 5), (449, 5), (451, 10)])
def test_accounts_are_told_in_steps(minutes: int, hours: int) -> None:
    account = rules.Account("pool", "1267", minutes, 0, 0, 0)
    (row,) = tables([TOWN], Counted(accounts=[account]))["balance"]
    assert row.values["entitled"] == hours


@pytest.mark.parametrize(
    ("entitled", "used", "share"),
    [
        # 28 h of 42 h 16 min, 44 h of 45 h 44 min, 101 h of 88 h: 30 of 40, 45 of 45 and 100 of 90 in steps of five.
        (2536, 1680, 66),
        (2744, 2640, 96),
        (5280, 6060, 115),
        (2536, 0, 0),
        (100, 300, 300),
        (2536, 299, Missing.HIDDEN),
        (0, 0, Missing.NOTHING),
        (0, 600, Missing.NOTHING),
    ],
)
def test_the_share_of_an_account_is_of_exact_minutes(entitled: int, used: int, share: float | Missing) -> None:
    account = rules.Account("pool", "1267", entitled, used, 0, 0)
    (row,) = tables([TOWN], Counted(accounts=[account]))["balance"]
    assert row.values["used_share"] == share


def test_a_wait_is_of_the_town_and_of_the_centre() -> None:
    waits = {("1267", None): list(range(10)), ("1267", "bvc-1"): [30] * 10, ("1266", "bvc-1"): [99] * 10}
    told = numbers(Counted(waits=waits))
    assert (told["wait 1267"]["met"], told["wait 1267"]["met_90"]) == (9, 30)
    assert told["centres bvc-1"]["met"] == 30
    assert told["centres bvc-2"]["met"] is Missing.NOTHING


def test_a_day_of_each_offering_is_one_measurement() -> None:
    measured = {"1267": [(day, day + 3) for day in (1, 2, 3)] + [(None, None)]}
    told = numbers(Counted(measured=measured))["wait 1267"]
    assert (told["first"], told["first_90"], told["third"]) == (2, Missing.FULL, 5)


def test_the_longest_waits_of_few_are_hidden_for_longer() -> None:
    nine = numbers(Counted(waits={("1267", None): list(range(9))}))["wait 1267"]
    assert (nine["met"], nine["met_90"]) == (4, Missing.HIDDEN)
    ten = numbers(Counted(waits={("1267", None): list(range(10))}))["wait 1267"]
    assert ten["met_90"] == 8


def test_a_place_without_anything_tells_no_more_than_what_it_is_part_of() -> None:
    told = numbers(Counted(made={("1267", "visit", "bvc-1"): 3}))
    assert told["ways 1267"]["visit"] is Missing.HIDDEN
    assert told["centres bvc-2"]["visit"] is Missing.HIDDEN

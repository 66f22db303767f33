"""No count that is hidden can be computed from what is shown."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.figures.rules import FEW, STEP_MINUTES, Account, Counted, Town, hidden, tables

Table = dict[str, int]


def upto(most: int, number: int) -> Iterator[tuple[int, ...]]:
    """So many counts whose sum is `most` at most."""
    if not number:
        yield ()
        return
    for first in range(most + 1):
        for rest in upto(most - first, number - 1):
            yield (first, *rest)


ALL: Mapping[str, tuple[dict[str, list[str]], int]] = {
    "two parts": ({"all": ["a", "b"]}, 30),
    "three parts": ({"all": ["a", "b", "c"]}, 30),
    "four parts": ({"all": ["a", "b", "c", "d"]}, 24),
    "five parts": ({"all": ["a", "b", "c", "d", "e"]}, 21),
    "six parts": ({"all": ["a", "b", "c", "d", "e", "f"]}, 12),
    "one centre": ({"all": ["video", "visit"], "visit": ["x"]}, 30),
    "two centres": ({"all": ["video", "phone", "visit"], "visit": ["x", "y"]}, 24),
    "three centres": ({"all": ["video", "visit"], "visit": ["x", "y", "z"]}, 24),
}


@pytest.mark.parametrize(("sums", "most"), ALL.values(), ids=ALL)
def test_who_knows_the_rule_cannot_turn_it_round(sums: Mapping[str, Sequence[str]], most: int) -> None:
    """Of all tables that look the same once hidden, each hidden count has more than one value: every table is tried."""
    leaves = [part for parts in sums.values() for part in parts if part not in sums]
    looks: dict[Any, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for values in upto(most, len(leaves)):
        counts = dict(zip(leaves, values, strict=True))
        for total in reversed(sums):
            counts[total] = sum(counts[part] for part in sums[total])
        gone = hidden(counts, sums)
        look = tuple((key, None if key in gone else counts[key]) for key in sorted(counts))
        for key in gone:
            looks[look][key].add(counts[key])
    exposed = [(look, key, values) for look, each in looks.items() for key, values in each.items() if len(values) == 1]
    assert not exposed, exposed[:5]


@pytest.mark.parametrize("entitled", [45, 100, 180, 600, 2536, 12_000])
def test_no_few_meetings_can_be_counted_from_a_share(entitled: int) -> None:
    """Who knows what a town was entitled to, and sees its row, does not learn how little it used: so many minutes as
    one to four meetings take look alike.
    """
    looks: dict[Any, set[int]] = defaultdict(set)
    for used in range(1, STEP_MINUTES):
        (row,) = tables([Town("1267", "Höör", None)], Counted(accounts=[Account("p", "1267", entitled, used, 0, 0)]))[
            "balance"
        ]
        looks[tuple(row.values.items())].add(used)
    assert min(max(alike) - min(alike) for alike in looks.values()) >= STEP_MINUTES // 2 - 2, looks.keys()


@st.composite
def towns(draw: st.DrawFn) -> tuple[Table, dict[str, list[str]]]:
    """A town's bookings by way to meet, and its visits by centre."""
    few = st.integers(0, 12)
    centres = [f"centre {n}" for n in range(draw(st.integers(1, 5)))]
    sums = {"all": ["video", "phone", "visit"], "visit": centres}
    counts = {key: draw(few) for key in ("video", "phone", *centres)}
    counts["visit"] = sum(counts[c] for c in centres)
    counts["all"] = counts["video"] + counts["phone"] + counts["visit"]
    return counts, sums


@settings(max_examples=300, deadline=None)
@given(towns())
def test_every_small_count_is_hidden_and_has_another_value_it_could_be(
    town: tuple[Table, dict[str, list[str]]],
) -> None:
    counts, sums = town
    gone = hidden(counts, sums)
    assert {key for key, n in counts.items() if 0 < n < FEW} <= gone
    for key in gone:
        assert any(moved(counts, sums, gone, key, by) for by in (1, -1)), (key, counts, gone)


def moved(counts: Table, sums: dict[str, list[str]], gone: set[str], key: str, by: int, *, up: bool = True) -> bool:
    """Whether a hidden count can be one more or less while others that are hidden make up for it, none below zero."""
    if key not in gone or counts[key] + by < 0:
        return False
    parts = sums.get(key, [])
    below = not parts or any(moved(counts, sums, gone, part, by, up=False) for part in parts)
    total = next((total for total, parts in sums.items() if key in parts), None)
    if not up or total is None:
        return below
    beside = any(moved(counts, sums, gone, other, -by, up=False) for other in sums[total] if other != key)
    if beside:
        return below
    return below and _total_moves(counts, sums, gone, total, by)


def _total_moves(counts: Table, sums: dict[str, list[str]], gone: set[str], total: str, by: int) -> bool:
    if total not in gone or counts[total] + by < 0:
        return False
    above = next((above for above, parts in sums.items() if total in parts), None)
    if above is None:
        return True
    beside = any(moved(counts, sums, gone, other, -by, up=False) for other in sums[above] if other != total)
    return beside or _total_moves(counts, sums, gone, above, by)


def test_a_town_that_is_large_enough_is_shown_whole() -> None:
    counts = {"all": 30, "video": 10, "phone": 20}
    assert hidden(counts, {"all": ["video", "phone"]}) == set()


def test_zero_is_shown() -> None:
    counts = {"all": 30, "video": 0, "phone": 30}
    assert hidden(counts, {"all": ["video", "phone"]}) == set()


def test_a_single_small_part_takes_another_with_it() -> None:
    counts = {"all": 30, "video": 3, "phone": 7, "visit": 20}
    assert hidden(counts, {"all": ["video", "phone", "visit"]}) == {"video", "phone"}

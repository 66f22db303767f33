"""Which reads a reviewer is shown: chance that can be repeated, and that prefers what is unusual. Bare rules."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.reviews import rules
from booking.reviews.rules import MANY_FAMILIES, WEIGHTS, Filter, Read, Trait
from booking.reviews.texts import TEXTS

# A Wednesday, ten o'clock in Sweden.
AT = datetime(2026, 3, 4, 9, tzinfo=UTC)


def test_all_that_is_ever_written_to_the_log_is_said_in_both_languages() -> None:
    """By the page, the sample and the file, which say it with the same texts."""
    steps = {step for why in rules.WHYS for step in why.split(" > ")}
    written = [f"step_{step}" for step in steps] + [f"what_{what}" for what in rules.WHATS]
    written += [f"role_{role}" for role in ("advisor", "coordinator", "reviewer")]
    written += [f"trait_{trait}" for trait in WEIGHTS]
    # Nothing is shown as it is written, which is English.
    assert [key for key in written if not all(TEXTS.get(key, ("",))) or TEXTS[key][0] in steps] == []


def never(_day: date) -> bool:
    return False


def a_read(number: int = 1, **changes: object) -> Read:
    values = {"at": AT, "staff": "maria", "family": uuid4(), "booked": "maria-ek", "own": "maria-ek"}
    return Read(**{"id": number, "protected": False, **values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ()),
        ({"protected": True}, ("protected",)),
        ({"booked": "somebody-else"}, ("outside",)),
        ({"own": None}, ("outside",)),
        ({"booked": None}, ()),
        ({"at": datetime(2026, 3, 4, 4, 59, tzinfo=UTC)}, ("odd",)),
        ({"at": datetime(2026, 3, 4, 5, tzinfo=UTC)}, ()),
        ({"at": datetime(2026, 3, 4, 19, 59, tzinfo=UTC)}, ()),
        ({"at": datetime(2026, 3, 4, 20, tzinfo=UTC)}, ("odd",)),
        # In summer the clocks show an hour more.
        ({"at": datetime(2026, 6, 3, 4, tzinfo=UTC)}, ()),
        ({"at": datetime(2026, 6, 3, 19, tzinfo=UTC)}, ("odd",)),
        ({"at": datetime(2026, 3, 7, 9, tzinfo=UTC)}, ("odd",)),
        ({"at": datetime(2026, 1, 6, 9, tzinfo=UTC)}, ("odd",)),
        ({"protected": True, "own": None, "at": datetime(2026, 3, 8, 9, tzinfo=UTC)}, ("protected", "outside", "odd")),
    ],
)
def test_what_is_unusual_about_a_read(changes: dict[str, object], found: tuple[Trait, ...]) -> None:
    assert rules.traits([a_read(**changes)], {date(2026, 1, 6)}.__contains__) == {1: found}


def test_many_families_are_those_of_one_person_in_one_local_day() -> None:
    day = [a_read(n) for n in range(1, MANY_FAMILIES + 2)]
    assert set(rules.traits(day, never).values()) == {("many",)}
    assert set(rules.traits(day[1:], never).values()) == {()}
    same = [a_read(n, family=day[0].family) for n in range(100, 200)]
    assert set(rules.traits(day[1:] + same, never).values()) == {("many",)}
    assert set(rules.traits(day[2:] + same, never).values()) == {()}
    # A colleague, and the next day by the clocks in Sweden.
    other = a_read(500, staff="dariush")
    next_day = a_read(501, at=datetime(2026, 3, 4, 23, 30, tzinfo=UTC))
    found = rules.traits([*day[1:], other, next_day], never)
    assert {found[number] for number in range(2, MANY_FAMILIES + 2)} == {()}
    assert (found[500], found[501]) == ((), ("odd",))


populations = st.dictionaries(
    st.integers(1, 10**9), st.lists(st.sampled_from(list(WEIGHTS)), unique=True).map(tuple), max_size=30
)


@given(populations, st.integers(0, 40), st.text(max_size=8), st.randoms())
def test_the_same_seed_draws_the_same_whatever_the_order(
    found: dict[int, tuple[Trait, ...]], size: int, seed: str, random: object
) -> None:
    drawn = rules.sample(found, size, seed)
    assert len(drawn) == min(size, len(found))
    assert set(drawn) <= set(found)
    shuffled = list(found.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rules.sample(dict(shuffled), size, seed) == drawn
    assert rules.sample(found, size + 1, seed)[: len(drawn)] == drawn


@given(populations, st.integers(1, 40), st.text(max_size=8), st.data())
def test_whoever_becomes_more_unusual_is_not_drawn_less(
    found: dict[int, tuple[Trait, ...]], size: int, seed: str, data: st.DataObject
) -> None:
    for read in rules.sample(found, size, seed):
        more = data.draw(st.sampled_from(list(WEIGHTS)))
        changed = {**found, read: tuple({*found[read], more})}
        assert read in rules.sample(changed, size, seed)


def test_what_is_unusual_is_drawn_as_many_times_as_often_as_its_weight_says() -> None:
    found: dict[int, tuple[Trait, ...]] = dict.fromkeys(range(100), ())
    found |= {1: ("odd",), 2: ("protected", "outside")}
    drawn = Counter(read for seed in range(20_000) for read in rules.sample(found, 1, str(seed)))
    usual = sum(drawn[number] for number in range(3, 100)) / 97
    assert drawn[1] / usual == pytest.approx(3, rel=0.15)
    assert drawn[2] / usual == pytest.approx(32, rel=0.1)


def test_a_period_is_local_days_both_of_them_whole() -> None:
    march = Filter(date(2026, 3, 28), date(2026, 3, 29))
    first, end = march.instants()
    assert (first, end) == (datetime(2026, 3, 27, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC))
    # The night on which the clocks go forward.
    assert end - first == timedelta(hours=47)

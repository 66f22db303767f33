"""The simulator: it shows what is known of sharing, and whatever it is given, nothing is booked that rules forbid."""

import time as clock
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.sharing import rules, simulation
from booking.sharing.comparison import (
    ALWAYS,
    FIRST_COME,
    HARD_QUOTA,
    Outcome,
    Policy,
    added,
    costs,
    frontier,
    percentile,
    whole,
)
from booking.sharing.rules import HOME, Terms
from booking.sharing.simulation import Poisson, Replay, Run, Scenario, Surge, requests, simulate
from booking.slots.service import closed
from tests.sharing import agreements

SEEDS = (1, 2, 3)
SURGING, NEIGHBOURS = "1285", ("1266", "1267")
RELEASE = Policy(7)


@cache
def year(policy: Policy, surge: float = 2.2) -> dict[str, Outcome]:
    """Three years of an agreement that is used by nine tenths, one town with `surge` times its families for 40 days."""
    scenario = agreements.of_three(surge=surge)
    return added([simulate(scenario, policy, seed) for seed in SEEDS])


def p90(result: dict[str, Outcome], *municipalities: str) -> int:
    return percentile(sum((result[code].waits for code in municipalities), Counter()), 0.9) or 0


def test_a_hard_quota_wastes_time_that_release_uses() -> None:
    hard, released, free = (whole(year(policy)).utilisation for policy in (HARD_QUOTA, RELEASE, FIRST_COME))
    assert hard is not None
    assert released is not None
    assert free is not None
    assert hard < released - 0.005
    assert abs(released - free) < 0.001


def test_neighbours_wait_longer_the_freer_the_time() -> None:
    hard, released, free = (p90(year(policy), *NEIGHBOURS) for policy in (HARD_QUOTA, RELEASE, FIRST_COME))
    assert hard < released < free


def test_a_surge_moves_the_neighbours_less_with_release_than_with_first_come() -> None:
    moved = {
        policy: p90(year(policy), *NEIGHBOURS) - p90(year(policy, 1.0), *NEIGHBOURS) for policy in (RELEASE, FIRST_COME)
    }
    assert 0 < moved[RELEASE] < moved[FIRST_COME]


def test_the_town_that_needs_more_gets_it_by_borrowing() -> None:
    result = year(RELEASE)
    assert result[SURGING].borrowed > result[SURGING].lent
    assert sum(result[code].lent for code in NEIGHBOURS) > 0
    assert whole(year(HARD_QUOTA)).borrowed == 0


def test_the_same_families_are_counted_under_each_policy() -> None:
    asked = [{code: one.asked for code, one in year(policy).items()} for policy in (HARD_QUOTA, RELEASE, FIRST_COME)]
    assert asked[0] == asked[1] == asked[2]


def test_the_same_seed_gives_the_same_year_and_another_one_another() -> None:
    scenario = agreements.of_three()
    assert simulate(scenario, RELEASE, 1) == simulate(scenario, RELEASE, 1)
    assert simulate(scenario, RELEASE, 1) != simulate(scenario, RELEASE, 2)


def test_a_surge_changes_nothing_of_who_asks_elsewhere() -> None:
    calm, surging = (requests(agreements.of_three(surge=factor), 1) for factor in (1.0, 2.2))
    assert [r for r in calm if r.municipality != SURGING] == [r for r in surging if r.municipality != SURGING]
    assert len(surging) > len(calm)


def test_as_many_ask_as_said_on_working_days_alone() -> None:
    scenario = agreements.of_three(surge=1.0)
    asked = [r.asked.astimezone(HOME) for seed in range(5) for r in requests(scenario, seed)]
    assert not [at for at in asked if closed(at.date()) or at.isoweekday() > 5]
    days = (scenario.last - scenario.first).days + 1 + scenario.offering.horizon_days + scenario.patience
    weeks = days / 7
    # Holidays take some: twelve of the year's working days.
    assert 0.92 < len(asked) / (5 * weeks * 36) < 1.0


@pytest.mark.parametrize("mean", [0.3, 4.0, 75.0])
def test_numbers_by_poisson_have_their_mean_and_their_spread(mean: float) -> None:
    chance = Random(1)
    drawn = [simulation.poisson(mean, chance) for _ in range(4000)]
    average = sum(drawn) / len(drawn)
    assert average == pytest.approx(mean, rel=0.06)
    assert sum((n - average) ** 2 for n in drawn) / len(drawn) == pytest.approx(mean, rel=0.1)


def test_seasons_and_surges_multiply() -> None:
    months = (0.0,) * 6 + (1.0,) * 6
    scenario = agreements.of_three()
    surge = Surge(SURGING, date(2026, 8, 3), date(2026, 8, 9), 40.0)
    asked = requests(replace(scenario, demand=Poisson({SURGING: 5.0}, months=months, surges=(surge,))), 1)
    days = Counter(r.asked.astimezone(HOME).date() for r in asked)
    assert min(days) >= date(2026, 7, 1)
    week = sum(many for day, many in days.items() if surge.first <= day <= surge.last)
    assert 150 < week < 250


def test_past_families_ask_again_on_their_days() -> None:
    past = [
        (date(2026, 4, 8), "1266"),
        (date(2026, 4, 8), "1266"),
        (date(2026, 4, 9), "1285"),
        (date(2031, 1, 1), "1285"),
    ]
    asked = requests(replace(agreements.of_three(), demand=Replay(past)), 1)
    assert [(r.asked.astimezone(HOME).date(), r.municipality) for r in asked] == past[:3]


def test_a_family_gets_the_first_time_that_is_free() -> None:
    scenario = replace(agreements.of_three(), demand=Replay([(date(2026, 4, 8), "1266")]), cancelled=0.0)
    run = Run(scenario, FIRST_COME)
    run.through(requests(scenario, 1), simulation.silent)
    (booked,) = run.bookings
    assert (booked.day - booked.made.astimezone(HOME).date()).days <= 1
    assert run.outcomes["1266"].used == 60


def test_whoever_finds_nothing_looks_again_until_patience_ends() -> None:
    crowd = [(date(2026, 4, 7), "1285")] * 300
    scenario = replace(agreements.of_three(), demand=Replay(crowd), cancelled=0.0, last=date(2026, 8, 30), patience=5)
    result = simulate(scenario, FIRST_COME, 1)["1285"]
    # Eight a day for the 28 working days within the horizon, and some more as it moves on.
    assert 28 * 8 < result.asked - result.unserved < 34 * 8
    assert result.waits[5 + 42] == result.unserved > 20
    assert result.asked == 300


def test_what_was_not_used_is_carried_over() -> None:
    crowd = [(date(2026, 4, 27), "1267")] * 40
    scenario = replace(agreements.of_three(), demand=Replay(crowd), cancelled=0.0, last=date(2026, 8, 30))
    without, carried = (p90(simulate(scenario, Policy(None, carry), 1), "1267") for carry in (0, 100))
    assert carried < without


@pytest.mark.parametrize(
    ("name", "release", "carry"),
    [
        ("first-come", ALWAYS, 0),
        ("hard-quota", None, 0),
        ("release-0", 0, 0),
        ("release-28-carry-50", 28, 50),
    ],
)
def test_policies_have_names(name: str, release: int | None, carry: int) -> None:
    assert Policy.parse(name) == Policy(release, carry)
    assert str(Policy.parse(name)) == name


@pytest.mark.parametrize("name", ["release", "release-29", "release-7-carry-101", "Release-7", "first-come-7", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no such policy"):
        Policy.parse(name)


def outcome(days: int) -> Outcome:
    return Outcome(waits=Counter({days: 10}))


def test_the_frontier_leaves_out_what_is_worse_for_all() -> None:
    a, b, c, d = Policy(1), Policy(2), Policy(3), Policy(4)
    results = {
        a: {"x": outcome(5), "y": outcome(9)},
        b: {"x": outcome(9), "y": outcome(5)},
        c: {"x": outcome(9), "y": outcome(9)},
        d: {"x": outcome(5), "y": outcome(9)},
    }
    assert frontier(results) == [a, b, d]
    first = costs(results, a)[0]
    assert (first.other, first.days) == (b, {"x": -4, "y": 4})


def test_percentiles_are_nearest_ranks() -> None:
    assert percentile(Counter({1: 9, 5: 1}), 0.9) == 1
    assert percentile(Counter({1: 8, 5: 2}), 0.9) == 5
    assert percentile(Counter(), 0.9) is None
    assert percentile(Counter({3: 1}), 0.0) == 3


@pytest.mark.alone
def test_a_year_of_seven_municipalities_takes_less_than_ten_seconds() -> None:
    scenario = agreements.of_seven()
    told: list[tuple[int, int]] = []
    began = clock.process_time()
    result = simulate(scenario, RELEASE, 1, lambda done, of: told.append((done, of)))
    assert clock.process_time() - began < 10
    assert whole(result).asked > 6000
    assert [done for done, _ in told] == list(range(1, 61))
    assert {of for _, of in told} == {60}


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Small agreements, some weeks long, with terms that change and more families than there is time for."""
    codes = draw(st.lists(st.sampled_from(["1266", "1267", "1285", "1281"]), min_size=1, max_size=4, unique=True))
    shares = {code: draw(st.integers(1, 60)) for code in codes}
    terms = [Terms(date(2026, 1, 1), date.max, shares, period=draw(st.sampled_from(["iso_week", "four_weeks"])))]
    if draw(st.booleans()):
        change = date(2026, 5, 4) + timedelta(days=draw(st.integers(0, 13)))
        later = {code: draw(st.integers(1, 60)) for code in codes}
        terms = [replace(terms[0], last=change - timedelta(days=1)), Terms(change, date.max, later)]
    hours = st.lists(
        st.tuples(st.integers(1, 5), st.integers(8, 11), st.integers(12, 17)), min_size=1, max_size=4, unique=True
    )
    schedules = {name: (agreements.schedule(name, draw(hours)),) for name in ("a", "b", "c")[: draw(st.integers(1, 3))]}
    minutes = draw(st.sampled_from([(30, 0, 0, 15), (45, 0, 15, 30), (60, 10, 20, 45)]))
    names = ("duration", "buffer_before", "buffer_after", "starts_every")
    return Scenario(
        terms,
        schedules,
        agreements.offering(horizon_days=draw(st.integers(5, 20)), **dict(zip(names, minutes, strict=True))),
        Poisson({code: draw(st.floats(0, 15)) for code in codes}),
        date(2026, 5, 4),
        date(2026, 6, 7),
        closed,
        patience=draw(st.integers(0, 10)),
        cancelled=draw(st.sampled_from([0.0, 0.3, 0.9])),
    )


policies = st.builds(Policy, st.sampled_from([None, 0, 2, 7, ALWAYS]), st.sampled_from([0, 50, 100]))


@given(scenario=scenarios(), policy=policies, seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_minutes_add_up_and_no_rule_is_broken(scenario: Scenario, policy: Policy, seed: int) -> None:
    run = Run(scenario, policy)
    left = []
    give_back = run.shares.give_back
    # A wrapper that only watches: which charges were given back, and when.
    run.shares.give_back = lambda *args: (left.append(args), give_back(*args))  # type: ignore[method-assign] # seen, then done
    run.through(requests(scenario, seed), simulation.silent)
    standing = run.shares.standing

    for period in run.shares.periods:
        days = [period.first + timedelta(days=n) for n in range((period.last - period.first).days + 1)]
        positions = standing[period.first].values()
        assert sum(p.entitled for p in positions) == sum(run.calendar.minutes[day] for day in days)
        assert sum(p.lent for p in positions) == sum(p.borrowed for p in positions)
        assert all(p.used >= 0 and p.lent >= 0 and p.borrowed >= 0 for p in positions)
        busy = sum(len(run.calendar.busy[day, name]) for day in days for name in scenario.schedules)
        assert sum(p.used for p in positions) == busy * scenario.charge

    assert len(run.bookings) - len(left) == sum(map(len, run.calendar.busy.values()))
    for booked in run.calendar.busy.values():
        spans = sorted((times.busy_from, times.busy_until) for times in booked)
        assert all(before[1] <= after[0] for before, after in pairwise(spans))
    for (day, name), booked in run.calendar.busy.items():
        blocks = run.calendar.blocks[day, name]
        assert all(any(b.start <= t.busy_from and t.busy_until <= b.end for b in blocks) for t in booked)


@given(scenario=scenarios(), policy=policies, seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_ahead_of_release_nobody_passes_its_limit(scenario: Scenario, policy: Policy, seed: int) -> None:
    scenario = replace(scenario, cancelled=0.0)
    run = Run(scenario, policy)
    run.through(requests(scenario, seed), simulation.silent)
    used: dict[tuple[date, str], int] = defaultdict(int)
    for booked in run.bookings:
        period = run.shares.of[booked.day]
        key = period.first, booked.municipality
        used[key] += scenario.charge
        # Without cancellations credit only grows before a period's first day, and is there when it is used.
        limit = run.shares.standing[period.first][booked.municipality].limit
        today = booked.made.astimezone(HOME).date()
        if not rules.is_released(booked.day, today, policy.release_days):
            assert used[key] <= limit

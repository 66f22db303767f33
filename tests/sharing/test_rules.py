"""How time is divided: for any agreement and any order of events, minutes add up and nobody owes what it has left."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.sharing import rules
from booking.sharing.rules import Period, Position, Terms

MONDAY = date(2026, 3, 2)
CODES = ("1266", "1267", "1285", "1281")

shares = st.dictionaries(st.sampled_from(CODES), st.integers(1, 100), min_size=1)
kinds = st.sampled_from(["iso_week", "four_weeks"])


@st.composite
def agreements(draw: st.DrawFn) -> list[Terms]:
    """Terms one after the other, without a gap."""
    first = MONDAY + timedelta(days=draw(st.integers(-40, 40)))
    lengths = draw(st.lists(st.integers(1, 80), min_size=1, max_size=4))
    made = []
    for length in lengths:
        last = first + timedelta(days=length - 1)
        made.append(Terms(first, last, draw(shares), draw(st.integers(0, 28)), draw(kinds), draw(st.integers(0, 100))))
        first = last + timedelta(days=1)
    return made


@given(minutes=st.integers(0, 100_000), shares=shares)
def test_minutes_add_up_exactly_and_no_part_is_a_minute_off(minutes: int, shares: dict[str, int]) -> None:
    parts = rules.split(minutes, shares)
    assert sum(parts.values()) == minutes
    for code, part in parts.items():
        assert abs(part - minutes * shares[code] / sum(shares.values())) < 1


def test_the_largest_remainder_gets_the_minute_that_is_over() -> None:
    assert rules.split(100, {"a": 1, "b": 1, "c": 1}) == {"a": 34, "b": 33, "c": 33}
    assert rules.split(10, {"a": 26, "b": 24, "c": 50}) == {"a": 3, "b": 2, "c": 5}


def test_where_remainders_are_the_same_the_larger_share_gets_it() -> None:
    assert rules.split(2, {"a": 1, "b": 3}) == {"a": 0, "b": 2}


@given(terms=agreements(), first=st.integers(-60, 60), length=st.integers(0, 200))
def test_each_day_of_an_agreement_is_in_one_period(terms: list[Terms], first: int, length: int) -> None:
    start = MONDAY + timedelta(days=first)
    end = start + timedelta(days=length)
    found = list(rules.periods(terms, start, end))
    days = [p.first + timedelta(days=n) for p in found for n in range((p.last - p.first).days + 1)]
    assert len(days) == len(set(days))
    wanted = {start + timedelta(days=n) for n in range(length + 1)}
    assert wanted & set(days) == {d for d in wanted if terms[0].first <= d <= terms[-1].last}
    for period in found:
        assert period.terms.first <= period.first <= period.last <= period.terms.last
        assert (period.last - period.first).days < (28 if period.terms.period == "four_weeks" else 7)
        assert period.first == period.terms.first or period.first.isoweekday() == 1


def test_weeks_begin_on_mondays_and_new_terms_begin_a_period() -> None:
    wednesday = MONDAY + timedelta(days=9)
    terms = [
        Terms(MONDAY, wednesday - timedelta(days=1), {"1266": 1}),
        Terms(wednesday, date.max, {"1266": 1}, period="four_weeks"),
    ]
    found = [(p.first, p.last) for p in rules.periods(terms, MONDAY, MONDAY + timedelta(days=40))]
    day = timedelta(days=1)
    assert found == [
        (MONDAY, MONDAY + 6 * day),
        (MONDAY + 7 * day, wednesday - day),
        (wednesday, MONDAY + 34 * day),
        (MONDAY + 35 * day, MONDAY + 62 * day),
    ]


@given(shares=shares, worked=st.lists(st.integers(0, 600), min_size=7, max_size=7), away=st.sets(st.integers(0, 6)))
def test_leave_takes_from_all_by_their_shares(shares: dict[str, int], worked: list[int], away: set[int]) -> None:
    period = Period(MONDAY, MONDAY + timedelta(days=6), Terms(MONDAY, date.max, shares))

    def entitled(absent: set[int]) -> dict[str, int]:
        return rules.entitle(period, lambda day: 0 if (day - MONDAY).days in absent else worked[(day - MONDAY).days])

    whole, less = entitled(set()), entitled(away)
    assert sum(whole.values()) == sum(worked)
    assert sum(less.values()) == sum(m for n, m in enumerate(worked) if n not in away)
    for code, share in shares.items():
        assert less[code] <= whole[code] + 1
        lost = sum(worked[n] for n in away) * share / sum(shares.values())
        assert abs(whole[code] - less[code] - lost) < 2


def test_a_time_is_anybodys_so_many_days_before_its_day_whatever_the_hour() -> None:
    day = MONDAY + timedelta(days=14)
    assert rules.is_released(day, day - timedelta(days=7), 7)
    assert not rules.is_released(day, day - timedelta(days=8), 7)
    assert not rules.is_released(day, day, None)
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    assert rules.today(late) == MONDAY


operations = st.lists(
    st.tuples(st.sampled_from(["use", "give back"]), st.sampled_from(CODES[:3]), st.integers(1, 12)), max_size=40
)


@given(minutes=st.integers(0, 60), shares=shares.filter(lambda s: len(s) > 1), operations=operations)
def test_nobody_owes_while_it_has_time_left(
    minutes: int, shares: dict[str, int], operations: list[tuple[str, str, int]]
) -> None:
    """Any order of uses and returns that fits into the time that there is."""
    entitled = rules.split(minutes, shares)
    standing = {code: Position(part) for code, part in entitled.items()}
    owed: dict[tuple[str, str], int] = {}
    for what, code, wanted in operations:
        if code not in standing:
            continue
        if what == "use":
            if sum(p.used for p in standing.values()) + wanted > minutes:
                continue
            standing, loans = rules.use(standing, code, wanted)
        else:
            part = min(wanted, standing[code].used)
            standing, loans = rules.give_back(standing, owed, code, part)
        for loan in loans:
            key = (loan.lender, loan.borrower)
            owed[key] = owed.get(key, 0) + loan.minutes
            assert loan.minutes
            assert loan.lender != loan.borrower
        assert all(due >= 0 for due in owed.values())
        assert sum(p.left for p in standing.values()) == minutes - sum(p.used for p in standing.values())
        for each, position in standing.items():
            assert position.left >= 0
            assert not (position.left and position.borrowed)
            assert position.borrowed == sum(due for (_, borrower), due in owed.items() if borrower == each)
            assert position.lent == sum(due for (lender, _), due in owed.items() if lender == each)
    for code in standing:
        standing, loans = rules.give_back(standing, owed, code, standing[code].used)
        for loan in loans:
            owed[loan.lender, loan.borrower] += loan.minutes
    assert all(position == Position(entitled[code]) for code, position in standing.items())


def test_whoever_has_most_left_lends_first() -> None:
    standing = {"a": Position(60, used=60), "b": Position(50), "c": Position(90)}
    after, loans = rules.use(standing, "a", 100)
    assert [(loan.lender, loan.minutes) for loan in loans] == [("c", 90), ("b", 10)]
    assert (after["a"].used, after["a"].borrowed, after["b"].left, after["c"].left) == (160, 100, 40, 0)


def test_what_leave_took_away_is_nobodys_loan() -> None:
    standing = {"a": Position(30, used=60), "b": Position(10)}
    after, loans = rules.use(standing, "a", 60)
    assert [(loan.lender, loan.minutes) for loan in loans] == [("b", 10)]
    assert after["a"] == Position(30, used=120, borrowed=10)
    # Nor does it make anybody lend more than is used now.
    _, loans = rules.use({**standing, "b": Position(100)}, "a", 60)
    assert [(loan.lender, loan.minutes) for loan in loans] == [("b", 60)]


@pytest.mark.parametrize(
    ("used", "released", "allowed"), [(0, False, True), (40, False, True), (41, False, False), (41, True, True)]
)
def test_beyond_the_release_only_ones_own(used: int, released: bool, allowed: bool) -> None:
    assert rules.may_take(Position(80, credit=20, used=used), 60, released=released) is allowed


@given(
    used=st.integers(0, 200),
    entitled=st.integers(0, 100),
    later=st.integers(0, 100),
    had=st.integers(0, 100),
    percent=st.integers(0, 100),
)
def test_credit_is_what_was_not_used_up_to_the_cap(
    used: int, entitled: int, later: int, had: int, percent: int
) -> None:
    into = Position(later, credit=min(had, later * percent // 100))
    given = rules.credit(Position(entitled, used=used), into, percent)
    assert 0 <= given <= max(0, entitled - used)
    assert into.credit + given <= later * percent // 100
    if percent == 0:
        assert given == 0


def test_the_last_advisor_then_the_least_used_then_by_id() -> None:
    free = [("b", 60, 300), ("a", 60, 300), ("c", 30, 300), ("d", 0, 0)]

    def order(last: str | None) -> list[str]:
        return [each[0] for each in sorted(free, key=lambda f: rules.preference(*f, last))]

    assert order(None) == ["c", "a", "b", "d"]
    assert order("b") == ["b", "c", "a", "d"]

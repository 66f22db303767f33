"""The pure rules of proofs: what a code is, and how many may be asked for."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from booking.proofs import rules

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ago = st.integers(0, 48 * 3600).map(lambda seconds: NOW - timedelta(seconds=seconds))


@given(st.binary(min_size=32, max_size=32))
def test_a_code_has_six_digits_and_is_read_however_it_is_typed(keyed: bytes) -> None:
    code = rules.code(keyed)
    assert len(code) == 6
    assert rules.digits(f" {code[:3]} {code[3:]}\u00a0") == code
    assert rules.digits(f"{code[:3]}-{code[3:]}") == code
    arabic = code.translate({ord(str(n)): chr(0x0660 + n) for n in range(10)})
    assert rules.digits(arabic) == code


@given(st.lists(ago, max_size=12))
def test_one_more_is_asked_exactly_when_no_limit_is_reached(asked: list[datetime]) -> None:
    wait = rules.wait(asked, NOW)
    full = any(sum(at > NOW - within for at in asked) >= most for most, within in rules.MOST)
    assert (wait is not None) == full
    if wait is not None:
        assert timedelta(0) < wait <= timedelta(days=1)
        # Then, and not before, one more may be.
        assert rules.wait(asked, NOW + wait) is None
        assert rules.wait(asked, NOW + wait - timedelta(seconds=1)) is not None


@given(st.integers(0, 400 * 86400).map(lambda seconds: NOW + timedelta(seconds=seconds)))
def test_what_is_left_of_an_hour_and_of_a_day_ends_when_they_end(now: datetime) -> None:
    hour, day = now + rules.until_next_hour(now), now + rules.until_tomorrow(now)
    assert now < hour <= day
    assert (hour.minute, hour.second, hour.microsecond) == (0, 0, 0)
    assert day.date() == now.date() + timedelta(days=1)
    assert (day.hour, day.minute) == (0, 0)

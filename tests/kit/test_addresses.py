"""What forms accept and what can be sent to: the corpus lies beside this file, typed as people type and paste."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import addresses

MAIL: dict[str, Any] = json.loads((Path(__file__).parent / "addresses.json").read_text())
NUMBERS: dict[str, Any] = json.loads((Path(__file__).parent / "numbers.json").read_text())


@pytest.mark.parametrize(("typed", "kept"), MAIL["mailable"].items(), ids=ascii)
def test_what_can_be_mailed_is_kept_without_what_nobody_sees(typed: str, kept: str) -> None:
    for utf8 in (False, True):
        assert addresses.email(typed, utf8=utf8) == kept
        assert addresses.email(kept, utf8=utf8) == kept
        assert addresses.header(kept, utf8=utf8).addr_spec.isascii()


@pytest.mark.parametrize(("typed", "kept"), MAIL["needs_utf8"].items(), ids=ascii)
def test_letters_before_the_at_sign_need_a_server_that_takes_them(typed: str, kept: str) -> None:
    with pytest.raises(addresses.NeedsUtf8):
        addresses.email(typed, utf8=False)
    with pytest.raises(ValueError, match="ASCII"):
        addresses.header(kept, utf8=False)
    assert addresses.email(typed, utf8=True) == kept
    assert addresses.header(kept, utf8=True).domain.isascii()


@pytest.mark.parametrize("typed", MAIL["unmailable"], ids=ascii)
def test_what_can_never_be_mailed_is_refused(typed: str) -> None:
    for utf8 in (False, True):
        with pytest.raises(ValueError, match=r"^(?!.*@)") as refused:
            addresses.email(typed, utf8=utf8)
        assert not isinstance(refused.value, addresses.NeedsUtf8)
        with pytest.raises(ValueError, match=r"^(?!.*@)"):
            addresses.header(typed, utf8=utf8)


@given(st.text(max_size=80) | st.emails(), st.booleans())
def test_what_is_kept_stays_as_it_is_and_has_a_header(typed: str, utf8: bool) -> None:
    try:
        kept = addresses.email(typed, utf8=utf8)
    except ValueError:
        return
    assert addresses.email(kept, utf8=utf8) == kept
    made = addresses.header(kept, utf8=utf8)
    assert made.username == kept.rpartition("@")[0]
    assert utf8 or made.addr_spec.isascii()


@pytest.mark.parametrize(("typed", "said"), NUMBERS["called"].items(), ids=ascii)
def test_numbers_as_people_write_them(typed: str, said: tuple[str, bool]) -> None:
    kept, texted = said
    assert addresses.phone(typed) == addresses.number(typed) == addresses.phone(kept) == kept
    assert addresses.takes_sms(kept) is texted


@pytest.mark.parametrize("typed", NUMBERS["costly"], ids=ascii)
def test_a_number_that_costs_the_caller_is_not_a_familys(typed: str) -> None:
    with pytest.raises(addresses.CostsTheCaller):
        addresses.phone(typed)
    assert not addresses.takes_sms(addresses.number(typed))


@pytest.mark.parametrize("typed", NUMBERS["none"], ids=ascii)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"^[^0-9]*$") as refused:
        addresses.phone(typed)
    assert not isinstance(refused.value, addresses.CostsTheCaller)


def test_a_number_that_was_kept_before_can_be_looked_for_and_is_tried() -> None:
    """Before numbers were looked at, seven digits after the country's code were enough."""
    old = "+46111111111"
    assert addresses.number(old) == old
    assert addresses.takes_sms("+46719123456789")
    assert not addresses.takes_sms("not a number")


@given(st.text(max_size=40))
def test_whatever_is_typed_is_a_number_or_is_not(typed: str) -> None:
    try:
        kept = addresses.phone(typed)
    except ValueError:
        return
    assert kept == addresses.phone(kept)

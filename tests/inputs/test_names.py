"""Names as people write and paste them, and what is no name: through the API and the parents' pages."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.bookings import rules
from booking.bookings.api import ContactIn
from kit import names
from tests.booking.test_journey import request_for, slots
from tests.conftest import Running
from tests.inputs.corpus import corpus

NAMES = corpus("names")
TAKEN: list[str] = NAMES["taken"]
REFUSED: dict[str, list[str]] = NAMES["refused"]


def kept(typed: str) -> str:
    return ContactIn(name=typed, phone="070-123 45 67").name


@pytest.mark.parametrize("typed", TAKEN, ids=ascii)
def test_a_name_is_kept_as_it_was_typed(typed: str) -> None:
    assert (
        unicodedata.normalize("NFC", typed).strip().strip("\u2068\u2069\ufeff\u200b")
        == kept(typed)
        == kept(kept(typed))
    )


@pytest.mark.parametrize("typed", REFUSED["not_a_line"], ids=ascii)
def test_what_breaks_the_line_or_turns_its_order_is_no_name(typed: str) -> None:
    with pytest.raises(ValueError, match="one line") as refused:
        names.name(typed)
    assert not isinstance(refused.value, names.HoldsLink)


@pytest.mark.parametrize("typed", REFUSED["link"], ids=ascii)
def test_a_link_is_no_name(typed: str) -> None:
    with pytest.raises(names.HoldsLink):
        names.name(typed)


@pytest.mark.parametrize("typed", REFUSED["personal"], ids=ascii)
def test_a_personal_number_is_known_in_any_writing(typed: str) -> None:
    assert rules.holds_personal_number(typed)


@given(st.text(max_size=100))
def test_a_name_that_is_kept_is_on_one_line_and_kept_again(typed: str) -> None:
    try:
        made = names.name(typed)
    except ValueError:
        return
    assert names.name(made) == made == unicodedata.normalize("NFC", made)
    assert len(made.splitlines()) == 1


@given(
    st.dates(),
    st.integers(0, 9999),
    st.sampled_from(["", "-", "+", " ", "\u2013", "\u2212", " - ", "\u200b"]),
    st.sampled_from(["", " ", ".", "-", "\u2060"]),
    st.sampled_from(["0", "\u0660", "\u06f0", "\u0966", "\uff10"]),
    st.booleans(),
    st.booleans(),
)
def test_so_is_every_writing_of_every_number(
    born: object, last: int, dash: str, between: str, zero: str, century: bool, coordination: bool
) -> None:
    year, month, day = str(born).split("-")
    if not "1800" <= year < "2100":
        year = f"19{year[2:]}"
    parts = [year if century else year[2:], month, f"{int(day) + 60 * coordination:02}"]
    written = between.join(parts) + dash + f"{last:04}"
    assert rules.holds_personal_number(
        f"Kim {written.translate({ord('0') + n: chr(ord(zero) + n) for n in range(10)})}"
    )


async def test_the_api_says_what_is_wrong_and_takes_the_rest(
    booking: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    (slot,) = await slots(booking, limit=1)
    counted: Counter[str] = Counter()
    said = set()
    for kind, typed in [("taken", each) for each in TAKEN] + [
        (k, each) for k, some in REFUSED.items() for each in some
    ]:
        contact = {"name": typed, "phone": "070-123 45 67"}
        for language in ("sv", "en"):
            if kind == "taken" and language == "en":
                continue
            answer = await booking.http.post(
                "/booking/v1/bookings",
                json=request_for(slot, contact=contact),
                headers={"accept-language": language},
            )
            counted[str(answer.status_code)] += 1
            if kind == "taken":
                assert answer.status_code == 201, (ascii(typed), answer.text)
                await booking.http.post(f"/booking/v1/bookings/{answer.json()['manage_token']}/cancel")
                continue
            assert answer.status_code == 422, (ascii(typed), answer.text)
            (error,) = answer.json()["errors"]
            assert error["field"] == "contact.name"
            said.add((language, error["message"]))
            assert typed not in answer.text or len(typed.strip()) < 3
    with capsys.disabled():
        print(
            f"\nnames through the API: {dict(counted)}, {len(TAKEN)} to take and {sum(map(len, REFUSED.values()))} not"
        )
    assert len(said) <= 10, "five sentences, in two languages"

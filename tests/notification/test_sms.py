"""A short text is at most two parts of a plain SMS, whatever anybody and anything is called."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.language import Language, when_text
from notification import gsm, render
from notification.contact import Contact
from notification.rules import Kind
from tests.notification.conftest import START, answer

KINDS: tuple[Kind, ...] = ("confirmation", "change", "cancellation", "reminder_5d", "reminder_24h")
NAMES = st.one_of(
    st.sampled_from(
        ["Marek Zieliński", "Đorđe Šćepanović", "Þórður Ægisson", "Ana O\u2019Brien \u2013 Łęcka", "فاطمة", "W" * 120]
    ),
    st.lists(st.text("abcdåäöéń€[]~ç", min_size=1, max_size=40), min_size=1, max_size=8).map(" ".join),
    st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=200).filter(
        lambda text: bool(text.strip())
    ),
)


def text(kind: Kind = "confirmation", public_url: str = "https://foraldrastod.mellanskane.se", **changed: Any) -> str:
    language: Language = changed.get("language", "sv")
    link = f"{public_url}{'/en' if language == 'en' else ''}/bokning/{'x' * 43}"
    contact = Contact.model_validate(answer(**{"manage_url": link, **changed}))
    return render.sms(kind, contact, public_url=public_url)


@settings(deadline=None, max_examples=300)
@given(
    kind=st.sampled_from(KINDS),
    language=st.sampled_from(["sv", "en"]),
    modality=st.sampled_from(["video", "phone", "visit"]),
    municipality=NAMES,
    advisor=NAMES,
    offering=NAMES,
    place=st.none() | st.tuples(NAMES, NAMES).map(", ".join),
    host=st.integers(8, 60),
    start=st.integers(0, 365 * 24).map(lambda hours: START + timedelta(hours=hours)),
    zone=st.sampled_from(["Europe/Stockholm", "Africa/Addis_Ababa"]),
)
def test_no_name_makes_it_longer_than_two_parts(kind: Kind, host: int, **changed: Any) -> None:
    public_url = "https://" + "a" * host
    said = text(kind, public_url, **changed)
    assert gsm.parts(said) <= 2
    assert set(said) <= gsm.BASIC | gsm.EXTENDED
    language: Language = changed["language"]
    link = f"{public_url}{'/en' if language == 'en' else ''}"
    assert (link if kind == "cancellation" else f"{link}/bokning/{'x' * 43}") in said
    start: datetime = changed["start"]
    when = when_text(start, start + timedelta(minutes=45), ZoneInfo(changed["zone"]), language)
    assert gsm.plain(when) in said
    assert "Ref K7QX3MPD." in said


def test_it_begins_with_the_municipality_and_says_all_where_there_is_room() -> None:
    assert text(advisor="Marek Zieliński") == (
        "Hörby kommun: Din tid är bokad: måndag 30 mars kl. 09.00-09.45, Marek Zielinski, besök, BVC Hörby, "
        f"Vårdvägen 1, Hörby. Flytta eller avboka: https://foraldrastod.mellanskane.se/bokning/{'x' * 43} Ref K7QX3MPD."
        " Frågor? Ring 0415-37 80 00"
    )
    assert text(language="en").startswith(
        "Hörby municipality: Your time is booked: Monday 30 March, 09:00-09:45, Maria"
    )
    starts = [text(municipality=name).split(":")[0] for name in ("Eslöv", "Höör", "Nacka", "Borås")]
    assert starts == ["Eslövs kommun", "Höörs kommun", "Nacka kommun", "Borås kommun"]


def test_what_happens_next_gives_way_to_names_and_to_who_is_to_be_called() -> None:
    next_step = "Rådgivaren ringer dig på det nummer du lämnade."
    assert next_step in text(modality="phone", place=None)
    advisor = "Anna-Karin Wahlgren-Stjernström af Ugglas"
    said = text("reminder_24h", modality="phone", place=None, municipality="Malung-Sälen", advisor=advisor)
    assert next_step not in said
    assert advisor in said
    assert said.endswith("Frågor? Ring 0415-37 80 00")


def test_what_is_too_long_is_shortened_at_a_word() -> None:
    said = text("reminder_24h", place="Familjecentralen Storkställets öppna förskola, Kungsgatan 12 B, Hörby")
    assert "besök, Familjecentralen Storkställets öppna förskola" in said
    assert "Passar tiden inte" not in said
    assert gsm.parts(said) == 2


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Zieliński", "Zielinski"),
        ("Šćepanović Đorđe", "Scepanovic Dorde"),
        ("Łęcka", "Lecka"),
        ("Åsa Öström é ü", "Åsa Öström é ü"),
        ("Ása Ōta", "Asa Ota"),
        ("\u201ca\u201d \u2013 \u2018b\u2019\u2026", "\"a\" - 'b'..."),
        ("a\N{NO-BREAK SPACE}b\u200bc", "a bc"),
        ("e\u0301", "é"),
        ("ﬁ", "fi"),
        ("فا", "??"),
    ],
)
def test_what_a_plain_sms_lacks_is_replaced_by_what_is_nearest(written: str, read: str) -> None:
    assert gsm.plain(written) == read


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        # The 153rd septet is not the first half of one that takes two.
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
    ],
)
def test_parts_are_counted_as_they_are_sent(text: str, parts: int) -> None:
    assert gsm.parts(text) == parts

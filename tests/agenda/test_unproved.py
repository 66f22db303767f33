"""A contact that nobody proved opens nothing: who books with another's number learns of no other booking."""

import re
from typing import Any
from uuid import UUID

import pytest

from booking.bookings.answers import Contact, ContactQuestion
from booking.bookings.jobs import answer_contact
from booking.families.rules import mails_known
from booking.proofs import entry
from booking.proofs.service import Way
from booking.slots.service import SlotId
from tests.agenda.conftest import Work, at
from tests.agenda.test_days import TEN, plain
from tests.agenda.test_phone import PATH, booked, first_time
from tests.proofs.asking import ask, code_of

# Who is called is not who wrote this.
VICTIM, STORED = "070-174 06 36", "+46701740636"
STALKER = "stalker@example.org"
WEB = {"name": "Robin", "phone": VICTIM, "email": STALKER, "language": "sv"}
PHONE, MAIL = Way("sms", STORED), Way("email", STALKER)
MARKED = re.compile(r"\(obekräftad\)")


async def told(work: Work, booking: str) -> tuple[str | None, str | None]:
    """The address and the number that notification is told for a booking."""
    answer = await answer_contact(work.booking.runtime, ContactQuestion(booking=UUID(booking)))
    assert isinstance(answer, Contact)
    return answer.email, answer.phone


async def family_of(work: Work, booking: str) -> str:
    (row,) = await work.stored("select family from booking where id = :id", id=booking)
    return str(row.family)


def ticked(page: str) -> bool | None:
    """Whether a form would have the address told; None where it does not ask."""
    found = re.search(r'<input type="checkbox" name="mejla" value="ja"( checked)?>', page)
    return bool(found[1]) if found else None


@pytest.mark.parametrize(
    ("unproved", "called", "mails"),
    [(True, True, False), (True, False, True), (False, True, True), (False, False, True)],
)
def test_an_address_of_the_web_is_not_told_where_there_is_a_number(unproved: bool, called: bool, mails: bool) -> None:
    assert mails_known(unproved=unproved, called=called) is mails


async def test_staff_see_all_that_was_written_and_that_nobody_proved_it(work: Work) -> None:
    own = await work.id_of(await work.family_books(TEN, contact=WEB))
    family = await family_of(work, own)
    for language, mark, note in (("", "(obekräftad)", "har inte visat"), ("/en", "(unproved)", "has not shown")):
        chosen = {**await first_time(work, familj=family), "familj": family}
        for page in (
            await work.post(f"{language}/telefonbokning", telefon=VICTIM),
            await work.post(f"{language}{PATH}", **chosen),
            await work.get(f"{language}/arbetsdag/bokning/{own}"),
        ):
            text = plain(page.text)
            assert f'href="tel:{STORED}"' in page.text
            for shown in ("Robin", STALKER, note):
                assert shown in text
            assert text.count(mark) == 2, "of the number and of the address"


async def test_what_a_code_has_proved_is_said_of_it_alone_and_changes_no_default(work: Work) -> None:
    """Who books with another's number and an address of their own can prove the address: mail stays as it was."""
    own = await work.id_of(await work.family_books(TEN, contact=WEB))
    family = await family_of(work, own)
    chosen = await for_known(work, family)

    async def shown() -> list[str]:
        return [
            plain(page.text)
            for page in (
                await work.post("/telefonbokning", telefon=VICTIM),
                await work.post(PATH, **chosen),
                await work.get(f"/arbetsdag/bokning/{own}"),
            )
        ]

    for way, marks in ((MAIL, (1, 1)), (PHONE, (0, 2))):
        proof = await ask(work.booking, way)
        await entry.confirm(work.booking.runtime.public, proof, await code_of(work.booking, proof))
        for text in await shown():
            assert (text.count("(obekräftad)"), text.count("(bekräftad med kod)")) == marks
            assert "kan vara olika personers" in text
        assert ticked((await work.post(PATH, **chosen)).text) is False


async def for_known(work: Work, family: str) -> dict[str, str]:
    """What the form sends for a time of Maria's, whose booking she can open."""
    slot = SlotId("foraldrasamtal", "maria-ek", at("2026-03-04T10:00:00Z"))
    return {**await first_time(work, familj=family), "tid": str(slot), "familj": family}


async def test_a_new_family_is_what_staff_book_for_unless_they_choose(work: Work) -> None:
    await work.family_books(TEN, contact=WEB)
    page = (await work.post("/telefonbokning", telefon=VICTIM)).text
    assert re.search(r'<a class="button" href="#vad">Boka åt en ny familj</a>', page)
    assert 'id="vad"' in page
    (known,) = re.findall(r'<a class="button second" href="([^"]+)">Boka åt Robin</a>', page)
    assert "familj=" in known
    onward = re.findall(r'href="(/telefonbokning/[^"]+)"', page)
    assert onward
    assert not [link for link in onward if "familj" in link]


async def test_a_booking_for_a_known_family_is_told_to_the_number_that_was_called_from(work: Work) -> None:
    own = await work.id_of(await work.family_books(TEN, contact=WEB))
    link, family = work.manage_token, await family_of(work, own)
    assert await told(work, own) == (STALKER, STORED)
    chosen = await for_known(work, family)
    form = (await work.post(PATH, **chosen)).text
    assert ticked(form) is False
    # A form that comes back keeps what was chosen.
    assert ticked((await work.post(f"{PATH}/boka", **chosen)).text) is False
    assert ticked((await work.post(f"{PATH}/boka", **chosen, mejla="ja")).text) is True
    answer = await work.post(f"{PATH}/boka", **chosen, barn="2")
    assert answer.status_code == 303, answer.text
    made = answer.headers["location"].rsplit("/", 1)[1]
    assert await told(work, made) == (None, STORED)
    assert await told(work, own) == (STALKER, STORED), "of its own booking it is told as before"
    shown = plain((await work.get(f"/arbetsdag/bokning/{made}")).text)
    assert "Meddelanden om den här tiden går inte till e-postadressen." in shown
    # Nor does the link of before tell of it.
    (row,) = await work.stored("select reference from booking where id = :id", id=made)
    for address in (f"/booking/v1/bookings/{link}/export", f"/bokning/{link}/uppgifter", f"/bokning/{link}"):
        assert row.reference not in (await work.booking.http.get(address)).text
    # It is moved, and still told to the number alone.
    moving = f"/arbetsdag/bokning/{made}/flytta"
    assert (await work.post(moving, tid=(await first_time(work, path=moving))["tid"], satt="video")).status_code == 303
    assert await told(work, made) == (None, STORED)


async def test_staff_who_ask_may_have_the_address_told(work: Work) -> None:
    family = await family_of(work, await work.id_of(await work.family_books(TEN, contact=WEB)))
    chosen = await for_known(work, family)
    answer = await work.post(f"{PATH}/boka", **chosen, barn="2", mejla="ja")
    made = answer.headers["location"].rsplit("/", 1)[1]
    assert await told(work, made) == (STALKER, STORED)
    assert "går inte till e-postadressen" not in (await work.get(f"/arbetsdag/bokning/{made}")).text


async def test_what_was_said_to_staff_is_not_doubted(work: Work) -> None:
    assert (await booked(work, telefon=VICTIM, epost="kim@example.org")).status_code == 303
    (row,) = await work.stored("select id, family from booking")
    assert await told(work, str(row.id)) == ("kim@example.org", STORED)
    page = (await work.post("/telefonbokning", telefon=VICTIM)).text
    assert "kim@example.org" in page
    assert not MARKED.search(page)
    chosen = {**await first_time(work, familj=str(row.family)), "familj": str(row.family)}
    form = (await work.post(PATH, **chosen)).text
    assert (ticked(form), bool(MARKED.search(form))) == (True, False)
    answer = await work.post(f"{PATH}/boka", **chosen, barn="2")
    assert await told(work, answer.headers["location"].rsplit("/", 1)[1]) == (None, STORED), "it was unticked"


@pytest.mark.parametrize(
    ("contact", "default"), [(WEB, False), ({"name": "Robin", "email": STALKER, "language": "sv"}, True)]
)
async def test_a_follow_up_asks_whether_an_address_is_told(work: Work, contact: dict[str, Any], default: bool) -> None:
    own = await work.id_of(await work.family_books(TEN, contact=contact))
    path = f"/arbetsdag/bokning/{own}/uppfoljning"
    assert ticked((await work.get(path)).text) is default
    number = STORED if "phone" in contact else None
    for sent, email in (({}, None), ({"mejla": "ja"}, STALKER)):
        chosen = await first_time(work, path=path)
        nothing = (await work.post(path, satt="video", **sent)).text
        assert ticked(nothing) is bool(sent), "what was chosen is kept"
        answer = await work.post(path, **chosen, **sent)
        made = answer.headers["location"].partition("?")[0].rsplit("/", 1)[1]
        assert await told(work, made) == (email, number)


async def test_the_number_that_a_follow_up_asks_for_comes_with_what_was_chosen(work: Work) -> None:
    own = await work.id_of(await work.family_books(TEN, contact={"name": "Robin", "email": STALKER, "language": "sv"}))
    path = f"/arbetsdag/bokning/{own}/uppfoljning"
    chosen = await first_time(work, path=path, satt="phone")
    assert 'name="mejla" value="ja"' in (await work.post(path, **chosen, mejla="ja")).text
    assert 'name="mejla"' not in (await work.post(path, **chosen)).text

"""A contact takes the place of another once both are proved, and the former is told."""

from uuid import UUID

import asyncpg
import pytest

from booking import secrecy
from booking.bookings.links import token_hash
from booking.families import contacts as family_contacts
from booking.families import service as families
from booking.families import tables as family_tables
from booking.families.contacts import Contact
from booking.proofs import entry
from booking.proofs.answers import Changed, CodeQuestion
from booking.proofs.rules import CodeGone, NotProved, OtherKind, SameContact, WrongCode
from booking.proofs.service import Way
from kit import database
from kit.vault.store import KeysUnavailable
from tests.booking.test_pages import hidden
from tests.conftest import Clock, Running
from tests.proofs.asking import ADDRESS, MAIL, NUMBER, PHONE, ask, books, code_of, other_than, proves, rows, sent
from tests.proofs.test_pages import HERE, code_on, confirms, sends

NEW = Way("sms", "+46701740699")


async def contacts(booking: Running) -> list[Contact]:
    """The contacts of all families, in the order in which they booked."""
    async with database.driver(booking.admin) as connection:
        ids = [row["id"] for row in await connection.fetch("select id from family order by created_at, id")]
        sealed = await family_tables.all_sealed(connection, ids)
    found = await families.unsealed(booking.runtime.vault, sealed)
    return [contact for contact in found.values() if contact]


async def asks_change(booking: Running, token: str, way: Way = NEW) -> UUID:
    return await entry.ask_change(booking.runtime.public, token, way, client="192.0.2.1", language="sv")


async def told(booking: Running) -> list[Changed]:
    """What notification is told of all that it is asked to tell."""
    asked = await rows(booking, "select id from proof where tells")
    answers = [await entry.answer_code(booking.runtime, CodeQuestion(proof=row["id"])) for row in asked]
    return [answer for answer in answers if isinstance(answer, Changed)]


async def test_a_new_number_is_all_bookings_and_the_old_one_is_told(booking: Running, clock: Clock) -> None:
    mine = [await books(booking, email=email) for email in (ADDRESS, None)]
    stays = await books(booking, phone="+46701740637", email=ADDRESS)
    token = await proves(booking)
    proof = await asks_change(booking, token)
    answer = await sent(booking, proof)
    assert answer is not None
    assert answer.to == NEW.to
    assert {contact.phone for contact in await contacts(booking)} == {NUMBER, "+46701740637"}, "nothing is changed yet"
    proved = await entry.change(booking.runtime.public, token, proof, answer.code)
    known = await contacts(booking)
    assert sorted(contact.phone or "" for contact in known) == ["+46701740637", NEW.to, NEW.to]
    assert sorted(contact.email or "" for contact in known) == ["", ADDRESS, ADDRESS]
    shown = await entry.mine(booking.runtime.public, proved.token, "sv")
    assert set(shown.bookings) == set(mine)
    assert stays not in shown.bookings
    with pytest.raises(NotProved):
        await entry.mine(booking.runtime.public, token, "sv")
    [former] = await told(booking)
    assert (former.to, former.municipality, former.help_phone) == (NUMBER, "Hörby", "+46415378000")
    assert NEW.to not in former.model_dump_json()
    facts = await rows(booking, "select 1 from outbox where subject = 'events.booking.contact-changed'")
    assert len(facts) == 1
    proved_at = await rows(booking, "select phone_proved_at from family where phone_proved_at is not null")
    assert len(proved_at) == 2
    # Whoever has the old number sees nothing any more, and is sent nothing.
    assert await sent(booking, await ask(booking, PHONE)) is None
    assert len(await told(booking)) == 1, "asking for a code does not keep it from being told"


async def test_an_address_is_changed_for_an_address_alone(booking: Running) -> None:
    await books(booking, email=ADDRESS)
    token = await proves(booking, MAIL)
    with pytest.raises(OtherKind):
        await asks_change(booking, token, NEW)
    proof = await asks_change(booking, token, Way("email", "new@example.org"))
    await entry.change(booking.runtime.public, token, proof, await code_of(booking, proof))
    assert [(contact.phone, contact.email) for contact in await contacts(booking)] == [(NUMBER, "new@example.org")]
    assert [former.to for former in await told(booking)] == [ADDRESS]


@pytest.mark.parametrize(("way", "same"), [(PHONE, PHONE), (MAIL, Way("email", ADDRESS.upper()))])
async def test_a_contact_does_not_take_its_own_place(booking: Running, way: Way, same: Way) -> None:
    """Nobody is told that another took it, and no code is sent for it."""
    await books(booking, email=ADDRESS)
    token = await proves(booking, way)
    with pytest.raises(SameContact):
        await asks_change(booking, token, same)
    assert len(await rows(booking, "select 1 from proof")) == 1


async def test_a_code_is_not_used_up_where_the_key_store_does_not_answer(
    booking: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await books(booking)
    token = await proves(booking)
    proof = await asks_change(booking, token)
    code = await code_of(booking, proof)

    async def away(*_: object) -> None:
        raise KeysUnavailable

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(family_contacts, "seal", away)
        with pytest.raises(KeysUnavailable):
            await entry.change(booking.runtime.public, token, proof, code)
    await entry.change(booking.runtime.public, token, proof, code)
    assert [contact.phone for contact in await contacts(booking)] == [NEW.to]


async def test_without_either_code_nothing_is_changed(booking: Running, clock: Clock) -> None:
    await books(booking)
    with pytest.raises(NotProved):
        await asks_change(booking, "guessed")
    token = await proves(booking)
    proof = await asks_change(booking, token)
    code = await code_of(booking, proof)
    with pytest.raises(WrongCode):
        await entry.change(booking.runtime.public, token, proof, other_than(code))
    with pytest.raises(NotProved):
        await entry.change(booking.runtime.public, "guessed", proof, code)
    clock.move(minutes=9)
    await entry.end(booking.runtime.public, token)
    with pytest.raises(NotProved):
        await entry.change(booking.runtime.public, token, proof, code)
    assert [contact.phone for contact in await contacts(booking)] == [NUMBER]
    assert await told(booking) == []


async def test_the_code_of_another_proof_changes_nothing(booking: Running) -> None:
    """Nor does that of a proof that was asked for by somebody else, for a family of theirs."""
    await books(booking)
    await books(booking, phone="+46701740637")
    token, theirs = await proves(booking), await proves(booking, Way("sms", "+46701740637"))
    for proof in (await ask(booking), await asks_change(booking, theirs, NEW)):
        with pytest.raises(CodeGone):
            await entry.change(booking.runtime.public, token, proof, await code_of(booking, proof))
    assert sorted(contact.phone or "" for contact in await contacts(booking)) == [NUMBER, "+46701740637"]


async def test_the_database_puts_nothing_in_place_that_was_not_proved(booking: Running, clock: Clock) -> None:
    await books(booking)
    token, other = await proves(booking), await proves(booking, PHONE)
    query = "update family set phone_fingerprint = sha256('x')"
    for hashes in ((token, other), (token, "guessed"), ("guessed", token)):
        async with secrecy.of_renewed(booking.runtime.public.engine, *map(token_hash, hashes), clock.now) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(query)
            await connection.execute("rollback; begin")


async def test_what_was_changed_meanwhile_is_not_overwritten(booking: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from booking.families.rules import ContactChanged

    await books(booking)
    token = await proves(booking)
    proof = await asks_change(booking, token)
    confirm = entry._prove

    async def slowly(*given: object) -> object:
        await rows(booking, "update family set sealed = '\\x01' returning id")
        return await confirm(*given)  # type: ignore[arg-type]

    code = await code_of(booking, proof)
    monkeypatch.setattr(entry, "_prove", slowly)
    with pytest.raises(ContactChanged):
        await entry.change(booking.runtime.public, token, proof, code)
    assert await rows(booking, "select 1 from proof where tells") == []


async def test_the_page_changes_it(booking: Running) -> None:
    token = await books(booking)
    assert (await booking.http.get(f"{HERE}/byt")).headers["location"] == HERE
    page = await sends(booking, NUMBER, kommun="horby")
    await confirms(booking, page, await code_on(booking, page))
    mine = await booking.http.get(HERE, params={"kommun": "horby"})
    assert f'href="{HERE}/byt?kommun=horby"' in mine.text
    form = await booking.http.get(f"{HERE}/byt", params={"kommun": "horby"})
    carried = {name: hidden(form.text, name) for name in ("engang", "kommun", "slag")}
    for typed, said in (
        ("070", "Skriv ett telefonnummer"),
        ("kim@example.org", "Ett nummer byts mot ett nummer"),
        ("070-174 06 36", "Det här är redan ditt"),
    ):
        wrong = await booking.http.post(f"{HERE}/byt", data={**carried, "kontakt": typed})
        assert wrong.status_code == 422
        assert said in wrong.text
        assert f'value="{typed}"' in wrong.text
    asked = await booking.http.post(f"{HERE}/byt", data={**carried, "kontakt": "070-174 06 99"})
    assert asked.status_code == 200, asked.text
    code = await code_on(booking, asked)
    carried = {name: hidden(asked.text, name) for name in ("bevis", "kontakt", "kommun", "slag")}
    wrong = await booking.http.post(f"{HERE}/byt/kod", data={**carried, "kod": other_than(code)})
    assert (wrong.status_code, "Koden stämmer inte" in wrong.text) == (422, True)
    done = await booking.http.post(f"{HERE}/byt/kod", data={**carried, "kod": code})
    assert (done.status_code, done.headers["location"]) == (303, f"{HERE}?kommun=horby&nytt=bytt")
    shown = await booking.http.get(done.headers["location"])
    assert "Det är bytt" in shown.text
    assert f"/bokning/{token}" in shown.text
    again = await booking.http.post(f"{HERE}/byt/kod", data={**carried, "kod": code})
    assert again.status_code == 409
    await booking.http.post(f"{HERE}/avsluta")
    for path in ("byt", "byt/kod"):
        gone = await booking.http.post(f"{HERE}/{path}", data={**carried, "kod": code})
        assert (gone.status_code, "Det har gått för lång tid" in gone.text) == (404, True)

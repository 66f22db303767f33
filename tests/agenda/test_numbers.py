"""Staff too book and move no telephone talk without a number to call; what lacks is asked for and kept."""

from typing import Any

import pytest

from booking import secrecy
from booking.bookings import entry
from booking.families import service as families
from booking.families import tables as family_tables
from booking.families.rules import ContactChanged
from booking.families.service import Known
from kit import database
from tests.agenda.conftest import Work
from tests.agenda.test_days import ELEVEN, TEN, plain
from tests.agenda.test_phone import PATH, booked, first_time, times

MAIL_ONLY = {"name": "Robin", "email": "robin@example.org", "language": "sv"}
NUMBER, STORED = "070-174 06 36", "+46701740636"


async def numbers(work: Work) -> list[tuple[str, bool]]:
    """Of each booking, how it is met, and whether its family is found by the number that was given."""
    rows = await work.stored("select b.modality, f.phone_fingerprint from booking b join family f on f.id = b.family")
    its = await entry.vault(work.booking.runtime).fingerprint("phone", STORED, work.clock())
    return sorted((row.modality, row.phone_fingerprint == its) for row in rows)


@pytest.mark.parametrize("way", ["flytta", "flytta-till-annan", "uppfoljning", "uppfoljning-hos-annan"])
async def test_a_move_and_a_follow_up_by_telephone_ask_for_the_number(work: Work, way: str) -> None:
    booking = await work.id_of(await work.family_books(ELEVEN, contact=MAIL_ONLY))
    path = f"/arbetsdag/bokning/{booking}/{way}"
    slot = times((await work.get(path, satt="phone")).text)[-1]
    asked = await work.post(path, tid=slot, satt="phone", engang="once")
    assert (asked.status_code, "Vilket nummer ska rådgivaren ringa?" in asked.text) == (200, True)
    assert 'href="/arbetsvecka' in asked.text, "it is a page of staff"
    assert "Läs upp för familjen" in asked.text
    wrong = await work.post(path, tid=slot, satt="phone", engang="once", telefon="12")
    assert (wrong.status_code, 'id="telefon-message"' in wrong.text) == (422, True)
    assert await numbers(work) == [("video", False)]
    for _ in range(2):
        done = await work.post(path, tid=slot, satt="phone", engang="once", telefon=NUMBER)
        assert done.status_code in (303, 404), "a booking that went to a colleague is hers"
    made = [("phone", True)] if way.startswith("flytta") else [("phone", True), ("video", True)]
    assert await numbers(work) == made
    assert "Boka åt Robin" in (await work.post("/telefonbokning", telefon=NUMBER)).text


async def test_a_follow_up_drops_no_number_in_silence(work: Work) -> None:
    contact = {**MAIL_ONLY, "phone": NUMBER}
    booking = await work.id_of(await work.family_books(ELEVEN, contact=contact))
    path = f"/arbetsdag/bokning/{booking}/uppfoljning"
    sent = {"tid": times((await work.get(path, satt="phone")).text)[-1], "satt": "phone", "engang": "once"}
    refused = await work.post(path, **sent, telefon="070-174 06 37")
    assert (refused.status_code, "Numret sparades inte." in refused.text) == (422, True)
    for _ in range(2):
        assert (await work.post(path, **sent, telefon=NUMBER)).status_code == 303


async def test_a_new_family_that_is_to_be_called_gives_a_number(work: Work) -> None:
    for protection in ("none", "skyddad_folkbokforing"):
        wrong = await booked(work, satt="phone", telefon="", epost="kim@example.org", skydd=protection)
        assert wrong.status_code == 422
        assert "Skriv numret som rådgivaren ska ringa" in wrong.text
        assert 'value="kim@example.org"' in wrong.text
    assert await work.facts() == []
    for protection in ("none", "skyddad_folkbokforing"):
        assert (await booked(work, satt="phone", telefon=NUMBER, skydd=protection)).status_code == 303
    assert await numbers(work) == [("phone", True)] * 2


async def test_a_known_family_without_a_number_gives_it_when_it_is_to_be_called(work: Work) -> None:
    named: dict[str, Any] = {"skydd": "sekretessmarkering"}
    assert (await booked(work, telefon="", epost="kim@example.org", **named)).status_code == 303
    (family,) = [str(row.id) for row in await work.stored("select id from family")]
    sent = {**await first_time(work, familj=family, satt="phone"), "familj": family, "barn": "2"}
    form = (await work.post(PATH, **sent)).text
    assert 'name="telefon"' in form
    assert "Familjen har inte lämnat något nummer än." in plain(form)
    assert "Läs upp för familjen" in form
    wrong = await work.post(f"{PATH}/boka", **sent)
    assert (wrong.status_code, 'id="telefon-message"' in wrong.text) == (422, True)
    answers = [await work.post(f"{PATH}/boka", **sent, telefon=NUMBER) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert await numbers(work) == [("phone", True), ("video", True)]
    # From then on it is known, and not typed over.
    sent |= await first_time(work, familj=family, satt="phone")
    again = await work.post(f"{PATH}/boka", **sent, telefon="070-174 06 99")
    assert again.status_code == 303
    assert await numbers(work) == [("phone", True), ("phone", True), ("video", True)]


async def test_whoever_has_no_right_to_a_family_gives_it_no_number(work: Work) -> None:
    """The database lets a transaction change the contact only of a family that it shows to it."""
    await work.family_books(TEN, contact=MAIL_ONLY)
    change = "update family set phone_fingerprint = null"
    for told in ({}, {"staff": "asa", "units": "familjestod"}, {"token": "00" * 32}):
        async with database.transaction(work.booking.runtime.engine, **told) as connection:
            assert await connection.execute(change) == "UPDATE 0", told
    async with database.transaction(work.booking.runtime.engine, staff="maria-ek", units="horby-stod") as connection:
        assert await connection.execute(change) == "UPDATE 1"


async def test_of_two_numbers_that_are_given_at_once_the_second_is_not_dropped_in_silence(work: Work) -> None:
    await work.family_books(ELEVEN, contact=MAIL_ONLY)
    (row,) = await work.stored("select id, unit from family")
    runtime = work.booking.runtime

    def seeing() -> secrecy.Seeing:
        return secrecy.of(runtime.engine, "maria-ek", [row.unit])

    async def giving(number: str) -> Known:
        return await entry.known_family(runtime, seeing, lambda c: family_tables.all_sealed(c, [row.id]), number)

    first, second, same = await giving(STORED), await giving("+46701740637"), await giving(STORED)
    async with seeing() as connection:
        sealed = await families.number_to_call(connection, row.id, first)
        assert sealed is not None
        await family_tables.change_contact(connection, row.id, sealed)
    async with seeing() as connection:
        with pytest.raises(ContactChanged):
            await families.number_to_call(connection, row.id, second)
        assert await families.number_to_call(connection, row.id, same) is None

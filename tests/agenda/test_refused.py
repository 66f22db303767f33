"""What staff are told where a page is refused: as staff, and with a way back."""

import re

import pytest

from directory import events as directory
from kit.vault.store import KeysUnavailable, Vault
from tests.agenda.conftest import Work, entities
from tests.agenda.test_days import TEN, booked, plain
from tests.agenda.test_phone import booked as by_phone
from tests.forms import typed
from tests.signing import session_of

NOBODYS = "/arbetsdag/bokning/8c1d2c4e-0000-4000-8000-000000000000"


def button(html: str) -> str | None:
    """Where the button of a refusal leads."""
    found = re.search(r'<a class="button" href="([^"]+)"', html)
    return found and found[1]


REFUSED: list[tuple[str, str, int, str, str | None]] = [
    (NOBODYS, "maria-ek", 404, "Bokningen finns inte bland dina", "/arbetsdag"),
    (f"{NOBODYS}/flytta", "maria-ek", 404, "Bokningen finns inte bland dina", "/arbetsdag"),
    (NOBODYS.replace("bokning/8c1d2c4e", "bokning/x"), "maria-ek", 404, "Sidan finns inte", "/arbetsdag"),
    ("/arbetsdag?dag=foo", "maria-ek", 422, "Det gick inte att läsa", "/arbetsdag"),
    ("/arbetsvecka?vecka=foo", "maria-ek", 422, "Det gick inte att läsa", "/arbetsvecka"),
    ("/arbetsvecka?vecka=2026-W99", "maria-ek", 404, "Sidan finns inte", "/arbetsvecka"),
    ("/telefonbokning/klar/8c1d2c4e-0000-4000-8000-000000000000", "maria-ek", 404, "finns inte", "/telefonbokning"),
    ("/siffror", "maria-ek", 403, "Du har inte behörighet", "/arbetsdag"),
    ("/arbetsdag", "asa", 403, "Du har inte behörighet", "/katalog"),
    ("/arbetsdag", "ny", 409, "Du har ingen egen kalender", None),
    ("/arbetsdag/utan/mening", "maria-ek", 404, "Sidan finns inte", "/arbetsdag"),
    (f"{NOBODYS}/utfall", "maria-ek", 405, "Sidan finns inte", f"{NOBODYS}"),
    ("/samverkan/ingen/2026", "asa", 404, "Sidan finns inte", "/samverkan"),
    ("/siffror/diagram/intet.svg", "asa", 404, "Sidan finns inte", "/siffror"),
]


async def test_staff_are_refused_as_staff_with_a_way_back(work: Work) -> None:
    for path, who, status, title, back in REFUSED:
        headers = session_of(work.booking, who, Accept="text/html")
        answer = await work.booking.http.get(path, headers=headers)
        assert answer.status_code == status, path
        assert title in plain(answer.text), path
        assert "Samtid för personal" in answer.text, path
        assert 'aria-label="Sidor för personal"' in answer.text, path
        assert "112" not in plain(answer.text), path
        assert "bekräftelse" not in answer.text, path
        assert button(answer.text) == back, path
        english = await work.booking.http.get(f"/en{path}", headers=headers)
        assert "Samtid for staff" in english.text, path
        assert button(english.text) == (back and f"/en{back}"), path


async def test_a_family_that_cancels_while_its_time_is_moved_is_seen_at_the_booking(work: Work) -> None:
    booking = await booked(work)
    path = f"/arbetsdag/bokning/{booking}"
    times = (await work.get(f"{path}/flytta")).text
    (slot, *_) = re.findall(r'name="tid" value="([^"]+)"', times)
    assert (await work.booking.http.post(f"/bokning/{work.manage_token}/avboka")).status_code == 303
    moved = await work.post(f"{path}/flytta", tid=slot, satt="video")
    # Who opens the page only now is told at once, and not after choosing.
    for answer in (moved, await work.get(f"{path}/flytta"), await work.get(f"{path}/avboka")):
        assert answer.status_code == 409
        assert "Det går inte längre" in plain(answer.text)
        assert button(answer.text) == path
    assert "Avbokad av familjen" in plain((await work.get(path)).text)


async def test_a_booking_whose_offering_has_ended_is_led_back_to(work: Work) -> None:
    booking = await booked(work)
    offering = next(one for one in entities() if isinstance(one, directory.Offering))
    await work.learn(offering.model_copy(update={"version": 2, "ended": True}))
    for way in ("flytta", "uppfoljning"):
        answer = await work.get(f"/arbetsdag/bokning/{booking}/{way}")
        assert (answer.status_code, "Insatsen erbjuds inte längre" in answer.text) == (409, True)
        assert button(answer.text) == f"/arbetsdag/bokning/{booking}"
    family = await work.booking.http.get(f"/en/bokning/{work.manage_token}/flytta")
    assert (family.status_code, "This is no longer offered" in family.text) == (409, True)
    assert button(family.text) == f"/en/bokning/{work.manage_token}"


async def test_what_is_wrong_with_a_form_is_told(work: Work) -> None:
    booking = await booked(work)
    answer = await work.post(f"/arbetsdag/bokning/{booking}/utfall", utfall="perhaps")
    assert answer.status_code == 422
    assert "Välj hur det blev." in plain(answer.text)
    assert button(answer.text) == f"/arbetsdag/bokning/{booking}"


async def test_staff_whom_the_database_cannot_name_stay_on_their_side(work: Work) -> None:
    async with work.booking.admin.begin() as connection:
        await connection.exec_driver_sql("alter table directory_copy rename to away")
    answer = await work.get("/arbetsdag", dag="2026-03-02")
    assert answer.status_code >= 500
    assert "Samtid för personal" in answer.text
    assert button(answer.text) == "/logga-in"


async def test_families_are_told_as_before_though_their_browser_has_a_session(work: Work) -> None:
    await work.family_books(TEN)
    for headers in ({}, session_of(work.booking, "maria-ek")):
        leads = {f"/bokning/{'x' * 43}": "/mina-bokningar", "/boka/atlantis": "/", "/boka/horby/nothing": None}
        for path, back in leads.items():
            answer = await work.booking.http.get(path, headers={"Accept": "text/html", **headers})
            assert answer.status_code == 404
            assert "Samtid för personal" not in answer.text
            assert button(answer.text) == back
    stranger = await work.booking.http.get("/utan/mening", headers={"Accept": "text/html"})
    assert "Samtid för personal" not in stranger.text


async def test_what_was_typed_is_sent_again_when_the_key_store_is_back(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise KeysUnavailable

    with monkeypatch.context() as without:
        without.setattr(Vault, "take", away)
        refused = await by_phone(work)
    assert refused.status_code == 503
    assert "Samtid för personal" in refused.text
    sent = typed(refused.text, "again")
    assert sent["namn"] == "Kim"
    cookie = {"Cookie": refused.request.headers["cookie"]}
    again = await work.booking.http.post(refused.url.path, data=sent, headers=cookie)
    assert again.status_code == 303, again.text
    assert len(await work.stored("select id from booking")) == 1

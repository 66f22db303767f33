"""The pages of one's bookings over plain HTTP, and the same over the API."""

import re
from uuid import UUID, uuid4

import httpx
import pytest

from tests.booking.test_pages import hidden
from tests.conftest import Clock, Running
from tests.proofs.asking import ADDRESS, NUMBER, books, code_of, other_than, proves, rows
from tests.proofs.conftest import Start

HERE = "/mina-bokningar"
API = "/booking/v1/proofs"


async def sends(booking: Running, contact: str, prefix: str = "", **more: str) -> httpx.Response:
    """Write a number or an address on the page."""
    page = await booking.http.get(f"{prefix}{HERE}", params=more)
    assert page.status_code == 200
    sent = {"kontakt": contact, "engang": hidden(page.text, "engang"), **more}
    return await booking.http.post(f"{prefix}{HERE}", data=sent)


async def confirms(booking: Running, page: httpx.Response, code: str, prefix: str = "") -> httpx.Response:
    sent = {name: hidden(page.text, name) for name in ("bevis", "kontakt", "kommun")}
    return await booking.http.post(f"{prefix}{HERE}/kod", data={**sent, "kod": code})


async def code_on(booking: Running, page: httpx.Response) -> str:
    """The code that was sent for the proof of a page."""
    return await code_of(booking, UUID(hidden(page.text, "bevis")))


@pytest.mark.parametrize(("prefix", "contact"), [("", "070-174 06 36"), ("/en", "Kim@example.org")])
async def test_whoever_has_the_contact_comes_to_the_bookings(booking: Running, prefix: str, contact: str) -> None:
    token = await books(booking, email=ADDRESS)
    page = await sends(booking, contact, prefix, kommun="horby")
    assert page.status_code == 200, page.text
    assert contact in page.text
    code = await code_on(booking, page)
    wrong = await confirms(booking, page, other_than(code), prefix)
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text
    right = await confirms(booking, wrong, code, prefix)
    assert (right.status_code, right.headers["location"]) == (303, f"{prefix}{HERE}?kommun=horby")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "Max-Age=1800" in cookie
    mine = await booking.http.get(right.headers["location"])
    assert f'href="{prefix}/bokning/{token}"' in mine.text
    assert "Kim" not in mine.text
    assert mine.headers["cache-control"] == "no-store"
    manage = await booking.http.get(f"{prefix}/bokning/{token}")
    assert f'href="{prefix}{HERE}?kommun=horby"' in manage.text
    ended = await booking.http.post(f"{prefix}{HERE}/avsluta", follow_redirects=True)
    assert token not in ended.text
    assert "Max-Age=0" in ended.history[0].headers["set-cookie"]
    # Nor for whoever kept the cookie.
    kept = {"cookie": cookie.split(";")[0]}
    assert token not in (await booking.http.get(f"{prefix}{HERE}", headers=kept)).text
    [row] = await rows(booking, "select token_hash, ends_at from proof")
    assert tuple(row) == (None, None)


@pytest.mark.parametrize(("prefix", "said"), [("", "Skriv ett mobilnummer eller en e-postadress"), ("/en", "Write a")])
async def test_what_is_neither_a_number_nor_an_address_is_asked_for_as_either(
    booking: Running, prefix: str, said: str
) -> None:
    for typed in ("hej", "kim.example.org", " "):
        page = await sends(booking, typed, prefix)
        assert page.status_code == 422
        assert said in page.text, typed
    assert "bara siffror" not in page.text


@pytest.mark.parametrize(("kind", "said"), [("email", "en e-postadress"), ("sms", "ett telefonnummer")])
async def test_in_the_place_of_an_address_an_address_is_asked_for(booking: Running, kind: str, said: str) -> None:
    for typed in ("hej", ""):
        page = await booking.http.post(f"{HERE}/byt", data={"kontakt": typed, "slag": kind})
        assert page.status_code == 422
        [told] = re.findall(r'class="message"[^>]*>([^<]*)<', page.text)
        assert said in told


@pytest.mark.parametrize(("prefix", "spam"), [("", "skräppost"), ("/en", "spam folder")])
async def test_the_spam_folder_is_for_addresses(booking: Running, prefix: str, spam: str) -> None:
    assert spam in (await sends(booking, ADDRESS, prefix)).text
    assert spam not in (await sends(booking, NUMBER, prefix)).text


async def test_with_https_no_other_host_can_set_the_cookie(start: Start) -> None:
    booking = await start(public_url="https://samtid.example")
    await books(booking)
    page = await sends(booking, NUMBER)
    cookie = (await confirms(booking, page, await code_on(booking, page))).headers["set-cookie"]
    assert cookie.startswith("__Host-samtid-mina=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


async def test_a_stranger_with_somebodys_number_sees_nothing_and_sends_at_most_the_limit(
    booking: Running, clock: Clock
) -> None:
    """On the page a number that nobody booked with looks the same, word for word."""
    token = await books(booking)
    told: dict[str, list[tuple[int, str]]] = {}
    for number in ("070-174 06 36", "070-174 06 37"):
        seen = []
        for _ in range(4):
            answer = await sends(booking, number, kommun="horby")
            seen.append(answer)
            while answer.status_code in (200, 422) and 'name="bevis"' in answer.text:
                answer = await confirms(booking, answer, "000000")
                seen.append(answer)
        text = [re.sub(r'name="(bevis|engang)" value="[^"]*"', "", each.text).replace(number, "") for each in seen]
        told[number] = list(zip([each.status_code for each in seen], text, strict=True))
        assert [each.status_code for each in seen] == [200, 422, 422, 422, 422, 409] * 3 + [429]
        assert seen[-1].headers["retry-after"] == "3600"
        assert "Ring 0415-37 80 00." in seen[-1].text
        assert number in seen[-1].text, "what was typed is kept"
        assert all(token not in each.text for each in seen)
    assert told["070-174 06 36"] == told["070-174 06 37"]
    asked = await rows(booking, "select 1 from outbox where subject = 'events.booking.proof-asked'")
    assert len(asked) == 3


async def test_a_form_sent_twice_and_a_page_in_the_other_language_send_one_code(booking: Running) -> None:
    await books(booking)
    page = await booking.http.get(HERE)
    sent = {"kontakt": NUMBER, "engang": hidden(page.text, "engang")}
    ids = [hidden((await booking.http.post(f"{p}{HERE}", data=sent)).text, "bevis") for p in ("", "", "/en")]
    assert len(set(ids)) == 1
    assert len(await rows(booking, "select 1 from proof")) == 1


@pytest.mark.parametrize(
    ("contact", "said"),
    [
        ("", "Skriv ett mobilnummer eller en e-postadress"),
        ("070", "Skriv ett telefonnummer, till exempel 070-123 45 67."),
        ("kim@", "Skriv en e-postadress, till exempel namn@exempel.se."),
        ("0415-37 80 00", "Numret kan inte ta emot sms"),
    ],
)
async def test_what_cannot_be_is_said_and_kept(booking: Running, contact: str, said: str) -> None:
    page = await sends(booking, contact)
    assert page.status_code == 422
    assert said in page.text
    assert f'value="{contact}"' in page.text
    assert await rows(booking, "select 1 from proof") == []


async def test_a_proof_that_is_none_leads_back(booking: Running) -> None:
    for sent in ({}, {"bevis": "x"}, {"bevis": str(uuid4()), "kod": "123456"}):
        answer = await booking.http.post(f"{HERE}/kod", data=sent)
        assert answer.status_code == 409
        assert "Koden gäller inte längre" in answer.text
    for path in ("kod", "avsluta"):
        assert (await booking.http.get(f"{HERE}/{path}")).headers["location"] == HERE
    assert (await booking.http.get(HERE, params={"kommun": "nowhere"})).status_code == 200


async def test_what_was_is_apart_and_after_half_an_hour_nothing_is_shown(booking: Running, clock: Clock) -> None:
    first = await books(booking)
    second = await books(booking)
    assert (await booking.http.post(f"/booking/v1/bookings/{second}/cancel")).status_code == 200
    page = await sends(booking, NUMBER)
    await confirms(booking, page, await code_on(booking, page))
    mine = (await booking.http.get(HERE)).text
    assert mine.index(first) < mine.index("Tidigare och avbokat") < mine.index(second) < mine.index("Avbokad")
    clock.move(minutes=30)
    assert first not in (await booking.http.get(HERE)).text


async def test_the_api_does_the_same(booking: Running) -> None:
    token = await books(booking, email=ADDRESS)
    for contact in ({"phone": "070-174 06 36"}, {"email": ADDRESS}):
        asked = await booking.http.post(API, json={**contact, "municipality": "1266", "language": "en"})
        assert asked.status_code == 201, asked.text
        proof = asked.json()["id"]
        code = await code_of(booking, UUID(proof))
        wrong = await booking.http.post(f"{API}/{proof}/confirm", json={"code": other_than(code)})
        assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:samtid:problem:wrong-code")
        proved = await booking.http.post(f"{API}/{proof}/confirm", json={"code": code})
        assert proved.status_code == 200, proved.text
        again = await booking.http.post(f"{API}/{proof}/confirm", json={"code": code})
        assert (again.status_code, again.json()["type"]) == (409, "urn:samtid:problem:code-gone")
        mine = f"{API}/{proved.json()['token']}"
        [found] = (await booking.http.get(f"{mine}/bookings")).json()["items"]
        assert found["manage_token"] == token
        assert found["manage_url"].endswith(f"/bokning/{token}")
        assert "name" not in found
        assert (await booking.http.delete(mine)).status_code == 204
        gone = await booking.http.get(f"{mine}/bookings")
        assert (gone.status_code, gone.json()["type"]) == (404, "urn:samtid:problem:not-proved")


async def test_the_api_says_what_is_wrong_and_whom_to_call(booking: Running) -> None:
    for body in ({}, {"phone": NUMBER, "email": ADDRESS}, {"phone": "1"}, {"phone": "0415-37 80 00"}):
        assert (await booking.http.post(API, json=body)).status_code == 422, body
    answers = [await booking.http.post(API, json={"phone": NUMBER, "municipality": "1266"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert answers[3].json()["type"] == "urn:samtid:problem:too-many-codes"
    assert answers[3].json()["detail"].endswith("Ring 0415-37 80 00.")
    assert answers[3].headers["retry-after"] == "3600"


async def test_a_protected_family_is_not_on_the_page(booking: Running) -> None:
    token = await books(booking)
    proved = await proves(booking)
    await rows(booking, "update family set protection = 'sekretessmarkering' returning id")
    mine = await booking.http.get(f"{API}/{proved}/bookings")
    assert mine.json()["items"] == []
    assert token not in mine.text

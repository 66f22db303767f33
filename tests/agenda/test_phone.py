"""Follow-ups, and booking for a family that calls."""

import re
from typing import Any

import httpx
import pytest

from tests.agenda.conftest import Work, at, person
from tests.agenda.test_days import TEN, plain

PATH = "/telefonbokning/horby/foraldrasamtal"
KIM = {"namn": "Kim", "telefon": "070-123 45 67", "barn": "2", "sprak": "sv"}


def times(page: str) -> list[str]:
    return re.findall(r'name="tid" value="([^"]+)"', page)


async def first_time(work: Work, who: str = "maria-ek", path: str = PATH, **query: str) -> dict[str, str]:
    """The first free time, with all that the page's form sends along."""
    page = (await work.get(path, who, **query)).text
    once = re.search(r'name="engang" value="([^"]+)"', page)
    assert once
    return {"tid": times(page)[0], "engang": once[1], "satt": query.get("satt", "video")}


async def booked(work: Work, who: str = "maria-ek", **sent: str) -> httpx.Response:
    chosen = await first_time(work, who)
    return await work.post(f"{PATH}/boka", who, **{**chosen, **KIM, **sent})


async def test_a_follow_up_is_for_the_same_family_at_ones_own_times(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN))
    path = f"/arbetsdag/bokning/{booking}/uppfoljning"
    assert "Boka en uppföljning" in (await work.get(f"/arbetsdag/bokning/{booking}")).text
    assert "Rådgivare 1" not in (await work.get(path)).text
    assert "Rådgivare 1" in (await work.get(f"{path}-hos-annan")).text
    chosen = await first_time(work, path=path)
    answers = [await work.post(path, **chosen) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    page = plain((await work.get(answers[0].headers["location"])).text)
    assert "Uppföljningen är bokad." in page
    assert "Bokad av Maria Ek" in page
    rows = await work.stored("select family, start_at, unit, child_age from booking order by start_at")
    assert len(rows) == 2
    assert len({(row.family, row.unit, row.child_age) for row in rows}) == 1
    assert rows[0].start_at == at("2026-03-02T07:00:00Z"), "staff need no lead time"
    assert [fact["type"] for fact in await work.facts()] == ["confirmed.v1", "confirmed.v1"]


async def test_a_follow_up_with_a_colleague_is_told_aloud(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN))
    path = f"/arbetsdag/bokning/{booking}/uppfoljning-hos-annan"
    page = (await work.get(path)).text
    theirs = next(
        slot
        for slot, words in re.findall(r'name="tid" value="([^"]+)".*?class="detail">([^<]+)<', page, re.DOTALL)
        if "Rådgivare 1" in words
    )
    answer = await work.post(path, tid=theirs, satt="phone", engang="once")
    assert answer.headers["location"].startswith("/telefonbokning/klar/")
    assert "Rådgivare 1 ringer upp dig." in (await work.get(answer.headers["location"])).text
    missing = await work.post(path, satt="phone")
    assert (missing.status_code, "Välj en av tiderna" in missing.text) == (422, True)


async def test_a_time_that_is_gone_is_told_with_the_nearest(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN))
    chosen = await first_time(work, path=f"/arbetsdag/bokning/{booking}/uppfoljning")
    assert (await work.post(f"{PATH}/boka", **{**chosen, **KIM})).status_code == 303
    answer = await work.post(f"/arbetsdag/bokning/{booking}/uppfoljning", **{**chosen, "engang": "another"})
    assert (answer.status_code, "Tiden är inte längre ledig" in answer.text) == (409, True)


async def test_nobody_books_a_follow_up_for_anothers_family(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN))
    path = f"/arbetsdag/bokning/{booking}/uppfoljning"
    chosen = await first_time(work, path=path)
    assert (await work.post(path, "dariush-rahimi", **chosen)).status_code == 404
    assert len(await work.facts()) == 1


@pytest.mark.parametrize("who", ["maria-ek", "asa-horby"])
async def test_a_family_that_calls_is_booked_for(work: Work, who: str) -> None:
    await work.learn(person("asa-horby", "horby-stod", role="coordinator"))
    begin = plain((await work.get("/telefonbokning", who)).text)
    assert "Föräldrasamtal (Hörby)" in begin
    chosen = await first_time(work, who, satt="phone")
    form = await work.post(PATH, who, **chosen)
    assert form.status_code == 200
    assert "Vem är familjen?" in form.text
    answer = await work.post(f"{PATH}/boka", who, **chosen, **KIM)
    again = await work.post(f"{PATH}/boka", who, **chosen, **KIM)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == again.headers["location"]
    said = plain((await work.get(answer.headers["location"], who)).text)
    (row,) = await work.stored("select * from booking")
    assert "”Välkommen måndag 2 mars kl. 08.00–08.45.”" in said
    assert f"”Bokningsnumret är {' '.join(row.reference)}.”" in said
    assert "länk där du kan flytta eller avboka" in said
    assert (row.status, row.unit, row.modality) == ("confirmed", "horby-stod", "phone")
    (change,) = await work.stored("select what, staff from booking_change")
    assert tuple(change) == ("confirmed", who)
    assert [(read.what, read.why) for read in await work.reads()] == [("booking", "phone > done")]


async def test_nobody_books_for_a_unit_without_a_role_there(work: Work) -> None:
    assert "Hörby" not in plain((await work.get("/telefonbokning", "asa")).text)
    assert (await work.get(PATH, "asa")).status_code == 404
    chosen = await first_time(work)
    assert (await work.post(f"{PATH}/boka", "asa", **chosen, **KIM)).status_code == 404
    assert await work.facts() == []


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_is_kept(work: Work) -> None:
    answer = await booked(work, namn="", telefon="12", epost="kim@", barn="")
    assert answer.status_code == 422
    for field in ("namn", "telefon", "epost", "barn"):
        assert f'id="{field}-message"' in answer.text
    assert 'value="kim@"' in answer.text
    nothing = await work.post(PATH, satt="video")
    assert (nothing.status_code, "Välj en av tiderna" in nothing.text) == (422, True)
    assert await work.facts() == []


async def test_a_family_is_found_by_its_number_among_own_units_and_booked_for_again(work: Work) -> None:
    assert (await booked(work)).status_code == 303
    (before,) = await work.stored("select family from booking")
    strange = await work.post("/telefonbokning", telefon="070-999 99 99")
    assert "Ingen familj hittades." in strange.text
    assert (await work.post("/telefonbokning", telefon="nothing")).status_code == 422
    assert "Ingen familj hittades." in (await work.post("/telefonbokning", "asa", telefon="0701234567")).text
    found = (await work.post("/telefonbokning", telefon="+46 70 123 45 67")).text
    assert "Boka åt Kim" in found
    assert f"familj={before.family}" in found
    chosen = await first_time(work, familj=str(before.family))
    sent = {**chosen, "familj": str(before.family)}
    form = plain((await work.post(PATH, **sent)).text)
    assert "070-123 45 67" in form
    answer = await work.post(f"{PATH}/boka", **sent, barn="3", namn="Somebody else")
    assert answer.status_code == 303, answer.text
    assert {row.family for row in await work.stored("select family from booking")} == {before.family}
    assert [(read.what, read.why) for read in await work.reads()] == [
        ("search", "phone > search"),
        ("contact", "phone > contact"),
    ]


async def test_a_family_of_another_unit_cannot_be_booked_for_by_its_id(work: Work) -> None:
    await booked(work)
    (row,) = await work.stored("select family from booking")
    chosen = await first_time(work, "asa", "/telefonbokning/hoor/foraldrasamtal")
    path = "/telefonbokning/hoor/foraldrasamtal/boka"
    answer = await work.post(path, "asa", **chosen, **KIM, familj=str(row.family))
    assert answer.status_code == 404
    # Nor by whoever knows the family, for a unit to which it is not known.
    chosen = await first_time(work, path="/telefonbokning/hoor/foraldrasamtal")
    assert (await work.post(path, **chosen, barn="2", familj=str(row.family))).status_code == 404
    assert len(await work.facts()) == 1


async def test_a_family_of_protected_identity_is_seen_by_whoever_was_named(work: Work) -> None:
    await work.learn(person("nils", "horby-stod", role="coordinator"), person("eva", "horby-stod", role="coordinator"))
    named: dict[str, Any] = {"far-se-nils": "ja"}
    chosen = await first_time(work)
    form = (await work.post(PATH, **chosen)).text
    assert 'name="far-se-dariush-rahimi" value="ja" checked' in form, "it is Dariush who meets the family"
    assert 'name="far-se-nils" value="ja">' in form
    answer = await booked(work, namn="Alias", skydd="skyddad_folkbokforing", **named)
    assert answer.status_code == 303, answer.text
    done = answer.headers["location"]
    for who in ("maria-ek", "nils"):
        said = plain((await work.get(done, who)).text)
        assert "Du får inget meddelande om tid eller plats." in said
    assert (await work.get(done, "eva")).status_code == 404
    assert "Boka åt Alias" in (await work.post("/telefonbokning", "nils", telefon="0701234567")).text
    assert "Ingen familj hittades." in (await work.post("/telefonbokning", "eva", telefon="0701234567")).text
    (row,) = await work.stored("select reference, advisor from booking")
    assert row.advisor == "advisor-1"
    day = (await work.get("/arbetsdag", "dariush-rahimi")).text
    assert "kl. 08.00–09.00 Upptagen" in plain(day), "he was not named"
    assert row.reference not in day


async def test_a_lost_time_keeps_what_was_typed(work: Work) -> None:
    chosen = await first_time(work)
    assert (await work.post(f"{PATH}/boka", **chosen, **KIM)).status_code == 303
    answer = await work.post(f"{PATH}/boka", **{**chosen, "engang": "another"}, **KIM)
    assert answer.status_code == 409
    assert 'name="namn" value="Kim"' in answer.text
    assert 'name="_csrf"' in answer.text

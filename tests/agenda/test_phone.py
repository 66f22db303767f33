"""Follow-ups, and booking for a family that calls."""

import re
from datetime import datetime, time
from typing import Any

import httpx
import pytest

from booking.slots.service import SlotId
from directory import events as directory
from kit import addresses, database
from kit.language import instant
from kit.vault.store import Vault
from tests.agenda.conftest import Work, at, entities, person
from tests.agenda.test_days import TEN, plain
from tests.booking import register
from tests.conftest import Clock

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
    assert rows[1].start_at == at("2026-03-02T10:00:00Z"), "the first time after the visit"
    assert [fact["type"] for fact in await work.facts()] == ["confirmed.v1", "confirmed.v1"]


async def starts(work: Work, path: str, **query: str) -> list[str]:
    """The starts that a page lists, in UTC, in order."""
    page = (await work.get(path, **query)).text
    return [instant(SlotId.parse(slot).start) for slot in times(page)]


@pytest.mark.parametrize("errand", ["uppfoljning", "uppfoljning-hos-annan"])
async def test_a_follow_up_comes_after_the_visit_and_weeks_later_where_asked(work: Work, errand: str) -> None:
    booking = await work.id_of(await work.family_books("2026-03-04T09:00:00Z"))
    path = f"/arbetsdag/bokning/{booking}/{errand}"
    page = (await work.get(path)).text
    assert "Efter onsdag 4 mars" in page
    assert (await starts(work, path))[0] == "2026-03-04T10:00:00Z", "the visit is over at 9.45"
    assert 'name="fran" type="date" value="2026-03-04"' in page
    weeks = re.findall(r'name="fran" value="([^"]+)" form="from-day">([^<]+)<', page)
    assert weeks == [
        ("2026-03-11", "Om 1 vecka"),
        ("2026-03-18", "Om 2 veckor"),
        ("2026-03-25", "Om 3 veckor"),
        ("2026-04-01", "Om 4 veckor"),
    ]
    assert (await starts(work, path, fran="2026-03-18"))[0] == "2026-03-18T07:00:00Z"
    # A day before the visit changes nothing.
    assert (await starts(work, path, fran="2026-03-02"))[0] == "2026-03-04T10:00:00Z"
    later = (await work.get(path, fran="2026-03-18")).text
    assert re.search(r'href="[^"]*visa=40&amp;fran=2026-03-18', later) or "visa=40&fran=2026-03-18" in later
    work.clock.move(days=20)
    weeks = re.findall(r'name="fran" value="([^"]+)" form="from-day">', (await work.get(path)).text)
    assert weeks == ["2026-03-25", "2026-04-01"], "days that are over are not offered"


async def test_no_follow_up_is_booked_before_the_visit(work: Work) -> None:
    booking = await work.id_of(await work.family_books("2026-03-04T09:00:00Z"))
    path = f"/arbetsdag/bokning/{booking}/uppfoljning"
    before = SlotId("foraldrasamtal", "maria-ek", at("2026-03-03T09:00:00Z"))
    answer = await work.post(path, tid=str(before), satt="video", engang="once")
    assert answer.status_code == 409
    assert "Tiden är före mötet" in answer.text
    assert len(await work.facts()) == 1
    # Nor are earlier ones named as nearest to one that was lost.
    taken = SlotId("foraldrasamtal", "maria-ek", at("2026-03-04T10:00:00Z"))
    await work.family_books("2026-03-04T10:00:00Z", "1267")
    answer = await work.post(path, tid=str(taken), satt="video", engang="twice")
    assert answer.status_code == 409
    assert min(SlotId.parse(slot).start for slot in times(answer.text)) >= taken.start


@pytest.mark.parametrize("errand", ["uppfoljning", "uppfoljning-hos-annan"])
async def test_what_is_booked_after_a_cancelled_meeting_may_come_before_it(work: Work, errand: str) -> None:
    booking = await work.id_of(await work.family_books("2026-03-04T09:00:00Z"))
    assert (await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="advisor_away")).status_code == 303
    path = f"/arbetsdag/bokning/{booking}/{errand}"
    page = (await work.get(path)).text
    assert "I stället för onsdag 4 mars" in page
    assert (await starts(work, path))[0] == "2026-03-02T07:00:00Z"
    answer = await work.post(path, tid=times(page)[0], satt="video", engang="once")
    assert answer.status_code == 303


async def test_staff_choose_from_which_day_on_times_are_listed(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN))
    for path in (f"/arbetsdag/bokning/{booking}/flytta", PATH):
        assert (await starts(work, path, fran="2026-03-09"))[0] == "2026-03-09T07:00:00Z"
        assert (await starts(work, path, fran="2026-02-01"))[0] == "2026-03-02T07:00:00Z", "never what is over"
        wrong = await work.get(path, fran="snart")
        assert (wrong.status_code, "Skriv en dag" in wrong.text) == (422, True)
        none = await work.get(path, fran="2026-12-24")
        assert "Från torsdag 24 december och framåt finns inga lediga tider" in plain(none.text)
        assert 'value="2026-12-24"' in none.text
    family = "/boka/horby/foraldrasamtal/tider"
    assert 'name="fran"' not in (await work.get(family, satt="video")).text
    # What was typed of a family stays out of the address.
    (row,) = await work.stored("select family from booking")
    page = (await work.get(PATH, familj=str(row.family))).text
    assert 'id="from-day" method="post"' in page
    listed = await work.post(PATH, satt="video", familj=str(row.family), visa="20", fran="2026-03-09")
    assert instant(SlotId.parse(times(listed.text)[0]).start) == "2026-03-09T07:00:00Z"
    assert "fran=2026-03-09" in listed.text


async def test_visits_in_the_familys_own_municipality_come_first_however_late(work: Work) -> None:
    fridays = [directory.WeeklyBlock(weekday=5, start=time(9), end=time(12), modalities=["visit"], place="bvc-hoor")]
    await work.learn(
        register.CENTRE.model_copy(update={"id": "bvc-hoor", "municipality": "1267", "name": "BVC Höör"}),
        register.schedule("advisor-1", version=2, weekly=fridays),
    )
    booking = await work.id_of(await work.family_books(TEN, "1267"))
    mine = f"/arbetsdag/bokning/{booking}"
    for path in (
        "/telefonbokning/hoor/foraldrasamtal",
        f"{mine}/flytta-till-annan",
        f"{mine}/uppfoljning-hos-annan",
    ):
        page = (await work.get(path, satt="visit")).text
        assert re.findall("<h2>(I [^<]+)</h2>", page) == ["I Höör", "I andra kommuner"], path
        listed = await starts(work, path, satt="visit")
        assert listed[0] == "2026-03-06T08:00:00Z", path
        assert listed[10] < "2026-03-03", "nor is what comes sooner elsewhere hidden"
        assert len(listed) == 20
        later = await starts(work, path, satt="visit", fran="2026-03-07")
        assert (later[0], later[10]) == ("2026-03-13T08:00:00Z", "2026-03-09T07:00:00Z")
    # Of one advisor's times it is not said that a town has none.
    hers = (await work.get(f"{mine}/flytta", satt="visit")).text
    assert re.findall("<h2>(I [^<]+)</h2>", hers) == ["I andra kommuner"]


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


@pytest.mark.parametrize(("number", "told"), [("08-465 004 01", False), ("070-123 45 67", True)])
async def test_messages_are_promised_only_to_who_can_get_them(work: Work, number: str, told: bool) -> None:
    contact = {"name": "Robin", "phone": number, "language": "sv"}
    booking = await work.id_of(await work.family_books(TEN, contact=contact))
    path = f"/arbetsdag/bokning/{booking}"
    promise, none = "Familjen får ett meddelande", "Familjen kan inte få sms eller e-post."

    def says(page: httpx.Response) -> tuple[bool, bool]:
        return promise in plain(page.text), none in plain(page.text)

    assert says(await work.get(path)) == (False, not told)
    assert says(await work.get(f"{path}/avboka")) == (told, not told)
    own = await work.post(f"{path}/uppfoljning", **await first_time(work, path=f"{path}/uppfoljning"))
    assert says(await work.get(own.headers["location"])) == (told, not told)
    other = f"{path}/uppfoljning-hos-annan"
    page = (await work.get(other)).text
    theirs = next(slot for slot in times(page) if SlotId.parse(slot).advisor == "advisor-1")
    done = (await work.post(other, tid=theirs, satt="video", engang="once")).headers["location"]
    for query in ("", "?nytt=utan_meddelande"):
        aloud = (await work.get(f"{done}{query}")).text
        assert ("Du får ett meddelande" in aloud, "Vi kan inte skicka sms" in aloud) == (told, not told)
    moved = await work.post(f"{path}/flytta", tid=times((await work.get(f"{path}/flytta")).text)[-1], satt="video")
    assert says(await work.get(moved.headers["location"])) == (told, not told)
    assert (await work.post(f"{path}/avboka", skal="advisor_away")).status_code == 303
    assert says(await work.get(f"{path}?nytt=cancelled")) == (told, not told)


async def test_a_time_that_is_gone_is_told_with_the_nearest(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN))
    chosen = await first_time(work, path=f"/arbetsdag/bokning/{booking}/uppfoljning")
    assert (await work.post(f"{PATH}/boka", **{**chosen, **KIM})).status_code == 303
    answer = await work.post(f"/arbetsdag/bokning/{booking}/uppfoljning", **{**chosen, "engang": "another"})
    assert (answer.status_code, "Tiden är inte längre ledig" in answer.text) == (409, True)


async def test_a_child_that_the_offering_is_no_longer_for_is_told_of(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN))
    path = f"/arbetsdag/bokning/{booking}/uppfoljning"
    sent = await first_time(work, path=path)
    offering = next(one for one in entities() if isinstance(one, directory.Offering))
    await work.learn(
        offering.model_copy(update={"version": 2, "ages": directory.Ages(first=6, last=12, expecting=False)})
    )
    refused = await work.post(path, **sent)
    assert (refused.status_code, "Insatsen är för barn 6–12 år." in refused.text) == (422, True)
    assert "inte längre ledig" not in refused.text


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
    too_old = await booked(work, namn="", telefon="12", epost="kim@", barn="20")
    assert "Insatsen är för barn 0–6 år." in too_old.text
    assert 'id="namn-message"' in too_old.text
    nothing = await work.post(PATH, satt="video")
    assert (nothing.status_code, "Välj en av tiderna" in nothing.text) == (422, True)
    assert await work.facts() == []


async def another_number_with(vault: Vault, byte: bytes, now: datetime) -> str:
    """A telephone number whose fingerprint begins with a byte."""
    for n in range(5000):
        number = f"+4670{n:07}"
        if (await vault.fingerprint("phone", number, now)).startswith(byte):
            return number
    raise AssertionError("no number has such a fingerprint")


async def test_a_number_finds_its_families_also_those_of_which_one_byte_is_kept(work: Work, clock: Clock) -> None:
    vault: Vault = work.booking.runtime.vault
    whole = await vault.fingerprint("phone", "+46701234567", clock.now)
    twin = await another_number_with(vault, whole[:1], clock.now)
    assert (await booked(work, namn="Kim igen", epost="kim@example.org")).status_code == 303
    (erased,) = await work.stored("select family from booking")
    for name, number in (("Kim", KIM["telefon"]), ("Robin", twin)):
        assert (await booked(work, namn=name, telefon=number)).status_code == 303

    async def found(number: str) -> list[str]:
        page = (await work.post("/telefonbokning", telefon=number)).text
        return sorted(re.findall(r"Boka åt (Kim igen|Kim|Robin)\b", page))

    async def kept() -> list[int]:
        rows = await work.stored("select length(phone_fingerprint) phone, length(email_fingerprint) email from family")
        return sorted(length or 0 for row in rows for length in (row.phone, row.email))

    assert await found(KIM["telefon"]) == ["Kim", "Kim igen"]
    assert await found(twin) == ["Robin"]
    async with database.driver(work.booking.admin) as connection:
        # As they were known before.
        await connection.execute(
            "update family set phone_fingerprint = substr(phone_fingerprint, 1, 1),"
            " email_fingerprint = substr(email_fingerprint, 1, 1)"
        )
    assert await kept() == [0, 0, 1, 1, 1, 1]
    for _ in range(2):
        assert await found(KIM["telefon"]) == ["Kim", "Kim igen"]
        assert await kept() == [0, 0, 1, 32, 32, 32], "who is found is completed, and nobody else"
    assert await found(twin) == ["Robin"]
    assert {bytes(row.phone_fingerprint) for row in await work.stored("select phone_fingerprint from family")} == {
        whole,
        await vault.fingerprint("phone", twin, clock.now),
    }
    await vault.destroy([erased.family])
    assert await found(KIM["telefon"]) == ["Kim"]


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


async def test_staff_say_it_where_nothing_can_be_sent(work: Work) -> None:
    answer = await booked(work, telefon="08-465 004 01", epost="")
    said = plain((await work.get(answer.headers["location"])).text)
    assert "Vi kan inte skicka sms till ditt nummer" in said
    assert "länk där du kan flytta" not in said


async def test_a_known_family_is_booked_for_though_its_number_would_not_be_taken_today(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = "+46111111111"
    with monkeypatch.context() as before:
        before.setattr(addresses, "phone", addresses.number)
        assert (await booked(work, telefon=old)).status_code == 303
    (family,) = await work.stored("select family from booking")
    assert "Boka åt Kim" in (await work.post("/telefonbokning", telefon=old)).text
    chosen = await first_time(work, familj=str(family.family))
    answer = await work.post(f"{PATH}/boka", **chosen, familj=str(family.family), barn="3")
    assert answer.status_code == 303, answer.text


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("", "Läs upp för familjen Den nämnd i Hörby som ger stödet ansvarar"),
        ("/en", "Read this aloud to the family The board in Hörby that gives the support is responsible"),
    ],
)
async def test_staff_read_it_aloud_to_a_family_that_calls(work: Work, prefix: str, words: str) -> None:
    sent = await first_time(work)
    page = (await work.post(f"{prefix}{PATH}", **sent)).text
    assert words in plain(page)
    assert "30 d" in plain(page)
    assert f'href="{prefix}/personuppgifter/horby"' in page

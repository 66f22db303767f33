"""The calendar feed, read by two libraries that know nothing of each other.

`icalendar` also writes the feed, so that it alone could be wrong both times. `ical` is maintained by others, has a
parser of its own and holds a calendar against the RFC's rules for each property.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import icalendar
from ical.calendar_stream import IcsCalendarStream

from tests.agenda.conftest import MARIA, Work, at, person
from tests.agenda.test_days import ELEVEN, TEN

Events = dict[str, tuple[datetime, datetime, str, int]]


async def address(work: Work, who: str = "maria-ek", name: str = "Min telefon") -> str:
    page = await work.post("/arbetsdag/kalender", who, namn=name)
    assert page.status_code == 200, page.text
    found = re.search(r"http://samtid.test(/kalender/[\w-]+\.ics)", page.text)
    assert found
    return found[1]


async def read(work: Work, path: str, **headers: str) -> httpx.Response:
    return await work.booking.http.get(path, headers=headers)


def by_icalendar(text: str) -> Events:
    calendar = icalendar.Calendar.from_ical(text)
    assert calendar.subcomponents, "without a component it is no calendar"
    for each in calendar.events:
        assert (calendar["METHOD"], each["ORGANIZER"]) == ("PUBLISH", "http://samtid.test")
    return {
        str(e["uid"]): (e.start.astimezone(UTC), e.end.astimezone(UTC), str(e["summary"]), int(e["sequence"]))
        for e in calendar.events
    }


def by_ical(text: str) -> Events:
    calendar = IcsCalendarStream.calendar_from_ics(text)

    def instant(value: Any) -> datetime:
        assert value.tzinfo is not None
        return datetime.fromtimestamp(value.timestamp(), UTC)

    return {e.uid: (instant(e.dtstart), instant(e.dtend), e.summary or "", e.sequence or 0) for e in calendar.events}


async def events(work: Work, path: str) -> Events:
    answer = await read(work, path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    found = by_icalendar(answer.text)
    assert by_ical(answer.text) == found
    return found


async def test_two_libraries_read_the_same_times_on_both_sides_of_a_change_of_clocks(work: Work) -> None:
    path = await address(work)
    winter = await work.id_of(await work.family_books(TEN, modality="visit"))
    summer = await work.id_of(await work.family_books("2026-03-30T07:00:00Z", "1267"))
    assert await events(work, path) == {
        f"{winter}@samtid": (at(TEN), at(TEN) + timedelta(minutes=45), "Bokad", 0),
        f"{summer}@samtid": (
            at("2026-03-30T07:00:00Z"),
            at("2026-03-30T07:45:00Z"),
            "Bokad",
            0,
        ),
    }
    text = (await read(work, path)).text
    assert "DTSTART;TZID=Europe/Stockholm:20260302T100000" in text
    assert "DTSTART;TZID=Europe/Stockholm:20260330T090000" in text
    for word in ("Kim", "Föräldrasamtal", "BVC", "1266", "horby"):
        assert word not in text
    english = (await read(work, f"/en{path}")).text
    assert "SUMMARY:Booked" in english


async def test_a_moved_time_keeps_its_uid_and_a_cancelled_one_goes(work: Work) -> None:
    path = await address(work)
    booking = await work.id_of(await work.family_books(TEN))
    page = (await work.get(f"/arbetsdag/bokning/{booking}/flytta")).text
    slots = re.findall(r'name="tid" value="([^"]+)"', page)
    await work.post(f"/arbetsdag/bokning/{booking}/flytta", tid=slots[0], satt="video")
    start = at("2026-03-02T07:00:00Z")
    assert await events(work, path) == {f"{booking}@samtid": (start, start + timedelta(minutes=45), "Bokad", 1)}
    await work.post(f"/arbetsdag/bokning/{booking}/avboka", skal="double")
    assert await events(work, path) == {}


async def test_time_whose_family_is_not_for_this_person_is_taken_without_its_id(work: Work) -> None:
    path = await address(work)
    booking = await work.id_of(await work.family_books(ELEVEN))
    await work.learn(person("maria-ek", "familjestod", version=2, advisor="maria-ek"))
    ((uid, what),) = (await events(work, path)).items()
    assert what == (at(ELEVEN), at(ELEVEN) + timedelta(hours=1), "Upptagen", 0)
    assert booking not in uid
    assert list(await events(work, path)) == [uid]


async def test_what_has_not_changed_is_not_sent_again(work: Work) -> None:
    path = await address(work)
    await work.family_books(TEN)
    tag = (await read(work, path)).headers["etag"]
    work.clock.move(minutes=5)
    again = await read(work, path, **{"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    await work.family_books(ELEVEN)
    assert (await read(work, path, **{"If-None-Match": tag})).status_code == 200


async def test_the_past_goes_after_thirty_days(work: Work) -> None:
    path = await address(work)
    await work.family_books(TEN)
    work.clock.move(days=30)
    assert len(await events(work, path)) == 1
    work.clock.move(days=1)
    assert await events(work, path) == {}


async def test_an_address_is_shown_once_kept_as_a_hash_and_can_be_revoked(work: Work) -> None:
    first, second = await address(work), await address(work, name="Datorn")
    secret = first.removeprefix("/kalender/").removesuffix(".ics")
    page = (await work.get("/arbetsdag/kalender")).text
    assert "Min telefon, gjord måndag 2 mars" in page
    assert secret not in page
    assert secret not in str(await work.stored("select * from calendar_feed"))
    (feed,) = re.findall(r'name="aterkalla" value="([^"]+)"[^>]*>[^<]*<[^>]*>: Min telefon', page)
    assert (await work.post("/arbetsdag/kalender", "dariush-rahimi", aterkalla=feed)).status_code == 303
    assert (await read(work, first)).status_code == 200, "it was not the other one's to revoke"
    assert (await work.post("/arbetsdag/kalender", aterkalla=feed)).status_code == 303
    assert (await read(work, first)).status_code == 404
    assert (await read(work, second)).status_code == 200


async def test_a_feed_ends_with_the_role(work: Work) -> None:
    path = await address(work)
    await work.learn(MARIA.model_copy(update={"version": 2, "grants": []}))
    assert (await read(work, path)).status_code == 404


async def test_a_feed_without_a_name_or_one_too_many_is_refused(work: Work) -> None:
    assert (await work.post("/arbetsdag/kalender", namn=" ")).status_code == 422
    for number in range(10):
        await address(work, name=f"Program {number}")
    refused = await work.post("/arbetsdag/kalender", namn="Elva")
    assert (refused.status_code, "Du har redan tio adresser" in refused.text) == (422, True)
    assert 'value="Elva"' in refused.text


async def test_whoever_guesses_addresses_is_held_off(work: Work) -> None:
    work.booking.runtime.limits.most["guesses"] = 3
    answers = [(await read(work, f"/kalender/{'x' * 42}{n}.ics")).status_code for n in range(6)]
    assert (answers[0], answers[-1]) == (404, 429)

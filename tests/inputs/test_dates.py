"""Days and instants at the ends of the calendar and beyond: wherever one is taken, and never a fault of ours."""

import base64
import html
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text as sql

from kit.web.pages import PAGE, STAFF_PAGE
from tests.access.test_routes import every, filled
from tests.access.who import COMMON, WHO, Staff
from tests.agenda.conftest import Work
from tests.booking.test_journey import CONTACT, QUERY
from tests.conftest import Running
from tests.directory.desk import OPERATOR, Desk, everything, led_to, stored
from tests.inputs.corpus import corpus
from tests.signing import form_token, session_of

DATES = corpus("dates")
FAR: list[str] = [text for text in DATES["far"] if "T" not in text]
# Some of each kind, for what is asked of every page.
SOME: list[str] = [*DATES["far"][::3], *DATES["near"][::5], *DATES["none"][::4]]
EVERY: list[str] = [text for texts in DATES.values() for text in texts]
# What a page reads of its address or form by hand, beside what a route declares.
BY_HAND = ("fran", "till", "dag", "tid", "vecka", "period", "forsta", "sista")
# So that what is wrong is the day and nothing else.
BESIDE = {
    "offering": "foraldrasamtal",
    "municipality": "1266",
    "advisor": "maria-ek",
    "start": "2026-03-03T09:00:00Z",
    "insats": "foraldrasamtal",
    "kommun": "1266",
    "radgivare": "maria-ek",
    "satt": "video",
    "dag": "2026-03-03",
    "tid": "09:00",
    "period": "egen",
    "typ": "leave",
    "forsta": "2026-03-09",
    "sista": "2026-03-10",
}
# Minutes since 1970, which the id of a slot holds: beyond what datetime, PostgreSQL and a bigint can have.
MINUTES = (
    "-1",
    "0",
    "-1035593281",
    "4223371680",
    "99999999999",
    str(2**63),
    str(-(2**63)),
    "1e3",
    "",
    "NaN",
    "9" * 100,
)


def declared_by(dependant: Any) -> dict[str, str]:
    """The parameters of a query that a route and what it depends on declare, with what each is."""
    own = {parameter.alias: str(parameter.field_info.annotation) for parameter in dependant.query_params}
    return own | {alias: kind for inner in dependant.dependencies for alias, kind in declared_by(inner).items()}


def queries(route: APIRoute, text: str) -> Iterator[dict[str, str]]:
    """What asks a route for a day: each parameter that is declared as one, and what a page reads by hand."""
    declared = declared_by(route.dependant)
    beside = {key: value for key, value in BESIDE.items() if key in declared or PAGE in route.tags}
    for alias, kind in declared.items():
        if "date" in kind or alias in BY_HAND:
            yield {**beside, alias: text}
    if PAGE in route.tags:
        yield {**beside, **dict.fromkeys(BY_HAND, text)}
    if STAFF_PAGE in route.tags:
        yield {**beside, "fran": text, "till": "2026-03-10"}
        yield {**beside, "fran": "2026-03-02", "till": text}


@dataclass
class Asking:
    """Sends requests to one service, and keeps what comes of them."""

    running: Running
    counted: Counter[int] = field(default_factory=Counter)
    faults: list[Any] = field(default_factory=list)

    async def send(self, method: str, path: str, headers: dict[str, str], **more: Any) -> None:
        answer = await self.running.http.request(method, path, headers=headers, **more)
        self.counted[answer.status_code] += 1
        if answer.status_code >= 500:
            self.faults.append((method, path, more, answer.status_code))

    async def route(self, route: APIRoute, method: str, headers: dict[str, str]) -> None:
        path = filled(route.path)
        if method == "GET":
            for query in [query for text in SOME for query in queries(route, text)]:
                await self.send(method, path, headers, params=query)
        else:
            token = {"_csrf": form_token(self.running, headers)} if headers else {}
            for text in SOME:
                await self.send(method, path, headers, data={**BESIDE, **dict.fromkeys(BY_HAND, text), **token})
        if "{year}" in route.path:
            for year in ("0000", "0001", "1999", "2101", "9999", "10000", "-1", "2026.5"):
                await self.send(method, route.path.format(pool="hoor-horby-eslov", year=year), headers)


def slot(minutes: str) -> str:
    return base64.urlsafe_b64encode(f"foraldrasamtal|maria-ek|{minutes}".encode()).decode().rstrip("=")


async def test_no_day_in_an_address_or_a_form_is_a_fault(
    service: tuple[str, Running], capsys: pytest.CaptureFixture[str]
) -> None:
    name, running = service
    listed = {**COMMON, **WHO[name]}
    asking = Asking(running)
    for route in every(running.app.routes):
        for method in (route.methods - {"HEAD", "DELETE"}) if isinstance(route, APIRoute) else ():
            who = listed.get(f"{method} {route.path}") or listed[f"{method} {route.path.removeprefix(f'/{name}')}"]
            headers = session_of(running, who.roles[0]) if isinstance(who, Staff) else {}
            await asking.route(route, method, headers)
    told = dict(sorted(asking.counted.items()))
    with capsys.disabled():
        print(f"\n{name}: {sum(told.values())} requests with {len(SOME)} days, by status {told}")
    assert asking.faults == []


async def test_a_day_that_is_far_away_is_refused_with_the_bound(work: Work) -> None:
    staff = session_of(work.booking, "maria-ek")
    for path, parameters, texts in (
        ("/booking/v1/slots", ("from", "to"), DATES["far"]),
        ("/booking/v1/agenda", ("from", "to"), FAR),
        ("/booking/v1/explanations", ("start",), [text for text in DATES["far"] if "T" in text]),
    ):
        for parameter in parameters:
            for text in texts:
                query = {**QUERY, "advisor": "maria-ek", parameter: text}
                for language, said in (
                    ("sv", "Välj en dag från 2000 till 2100."),
                    ("en", "Choose a day from 2000 to 2100."),
                ):
                    answer = await work.booking.http.get(
                        path, params=query, headers={**staff, "accept-language": language}
                    )
                    assert answer.status_code == 422, (path, text, answer.text)
                    assert said in [e["message"] for e in answer.json()["errors"]], (text, answer.text)


async def test_no_instant_in_a_slot_is_a_fault(work: Work, capsys: pytest.CaptureFixture[str]) -> None:
    await work.family_books("2026-03-03T09:00:00Z")
    counted: Counter[int] = Counter()
    base = "/boka/horby/foraldrasamtal"
    for text in [*(slot(minutes) for minutes in MINUTES), *SOME]:
        body = {"slot": text, "municipality": "1266", "modality": "video"}
        for path, sent in (
            ("/booking/v1/holds", body),
            ("/booking/v1/bookings", {**body, "contact": CONTACT, "child": {"age": 2}}),
            (f"/booking/v1/bookings/{work.manage_token}/reschedule", {"slot": text}),
        ):
            answer = await work.booking.http.post(path, json=sent)
            assert answer.status_code == 422, (path, text, answer.text)
            counted[answer.status_code] += 1
        for path in (f"{base}/tider", f"/bokning/{work.manage_token}/flytta"):
            answer = await work.booking.http.get(path, params={"satt": "video", "tid": text})
            counted[answer.status_code] += 1
            answer = await work.booking.http.post(path, data={"satt": "video", "tid": text})
            assert answer.status_code < 500, (path, text)
            counted[answer.status_code] += 1
        answer = await work.post("/telefonbokning/horby/foraldrasamtal/boka", satt="video", tid=text)
        assert answer.status_code < 500, text
        counted[answer.status_code] += 1
    with capsys.disabled():
        print(f"\ninstants of slots: {sum(counted.values())} requests, by status {dict(sorted(counted.items()))}")


DAYS_OF_FORMS = [
    ("arbetstider", "maria-ek-vecka", ("valid_from", "valid_until", "exceptions.0.first", "exceptions.0.last")),
    ("samverkan", "hoor-horby-eslov", ("valid_from", "valid_until")),
    ("kommuner", "1267", ("denominators.0.as_of",)),
    ("mottagningar", "bvc-hoor", ("denominators.0.as_of",)),
]


@pytest.mark.parametrize(("slug", "entity", "fields"), DAYS_OF_FORMS, ids=[one[0] for one in DAYS_OF_FORMS])
async def test_the_register_takes_no_day_that_is_far_away(
    directory: Running, slug: str, entity: str, fields: tuple[str, ...]
) -> None:
    before = await everything(directory)
    for language, bound in (("sv", "välj en dag från 2000 till 2100"), ("en", "choose a day from 2000 to 2100")):
        desk = Desk(directory, OPERATOR, language)
        form = await desk.form(f"/{slug}/{entity}")
        for control in fields:
            leave = {"kind": "leave", "first": "2026-12-01", "last": "2026-12-02"}
            beside = {f"exceptions.0.{n}": v for n, v in leave.items()} if control.startswith("exceptions") else {}
            if control.startswith("denominators"):
                beside = {"denominators.0.children": "100", "denominators.0.source": "SCB"}
            for text in FAR[::3]:
                answer = await desk.post(f"/{slug}/{entity}", {**form, **beside, control: text})
                assert (answer.status_code, bound in html.unescape(answer.text)) == (422, True), (control, text)
            for text in DATES["none"][::8]:
                answer = await desk.post(
                    f"/{slug}/{entity}", {**form, **beside, "name": "", "zone": "x", control: text}
                )
                assert answer.status_code == 422, (control, text)
    assert await everything(directory) == before


IMPORTED = """
schedules:
  - id: far
    advisor: maria-ek
    valid_from: "{0}"
    valid_until: "{1}"
    weekly: []
    exceptions: [{{kind: leave, first: "{0}", last: "{1}"}}]
pools:
  - {{id: far, name: X, advisors: [maria-ek], posts: 1, shares: {{1267: 100}}, valid_from: "{0}", valid_until: "{1}"}}
"""


async def test_nor_does_an_import(directory: Running) -> None:
    headers = {**session_of(directory, OPERATOR), "content-type": "application/yaml", "accept-language": "en"}
    for text in EVERY:
        for days in ((text, text), ("2026-01-01", text), (text, "2026-12-31")):
            content = IMPORTED.format(*days)
            answer = await directory.http.post("/directory/v1/import?dry_run=true", content=content, headers=headers)
            assert answer.status_code == 422 or text in DATES["near"], (text, answer.text)
            if text in FAR:
                assert "choose a day from 2000 to 2100" in answer.text, (text, answer.text)


async def test_a_day_that_is_in_force_stays_readable_and_what_it_stands_in_can_be_changed(directory: Running) -> None:
    """Of before there were bounds."""
    async with directory.admin.begin() as connection:
        far = "jsonb_set(data, '{valid_until}', '\"9999-12-31\"')"
        await connection.execute(sql(f"update entity set data = {far} where id = 'maria-ek-vecka'"))
    desk = Desk(directory, OPERATOR)
    assert "9999" in await desk.page("/arbetstider/maria-ek-vecka")
    led_to(await desk.save("/arbetstider/maria-ek-vecka", works_on_holidays="on"))
    assert (await stored(directory, "schedules", "maria-ek-vecka"))["valid_until"] == "9999-12-31"
    headers = {**session_of(directory, OPERATOR), "content-type": "application/yaml"}
    exported = await directory.http.get("/directory/v1/export", headers=headers)
    again = await directory.http.post("/directory/v1/import", content=exported.content, headers=headers)
    assert again.status_code == 200, again.text
    advisor = {**session_of(directory, "maria-ek")}
    leave = {"typ": "leave", "forsta": "2026-12-07", "sista": "2026-12-08", "_csrf": form_token(directory, advisor)}
    saved = await directory.http.post("/katalog/egen-tid", data=leave, headers=advisor)
    assert saved.status_code == 303, saved.text
    beyond = await directory.http.post("/katalog/egen-tid", data={**leave, "sista": "9999-12-30"}, headers=advisor)
    assert (beyond.status_code, "välj en dag från 2000 till 2100" in beyond.text) == (422, True)

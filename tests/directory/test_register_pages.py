"""The register's pages over HTTP: what coordinators and operators see, change, and are told."""

import asyncio
import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from nats.aio.client import Client

from directory.register_pages import SLUGS
from tests.conftest import Running, until
from tests.directory.desk import COORDINATOR, ELSEWHERE, OPERATOR, Desk, everything, led_to, stored
from tests.forms import typed


async def test_every_form_that_is_sent_as_it_is_changes_nothing(directory: Running) -> None:
    before = await everything(directory)
    desk = Desk(directory, OPERATOR)
    for slug, plural in SLUGS.items():
        for entity in before[plural]:
            path = f"/{slug}/{entity['id']}"
            assert led_to(await desk.save(path)) == f"/katalog{path}?sparat=lika"
    assert await everything(directory) == before


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_every_page_opens(directory: Running, language: str) -> None:
    for person in (OPERATOR, COORDINATOR):
        desk = Desk(directory, person, language)
        for slug, plural in SLUGS.items():
            assert (await desk.get(f"/{slug}?alla=ja&avslutade=ja")).status_code == 200
            for entity in (await everything(directory))[plural]:
                assert (await desk.get(f"/{slug}/{entity['id']}")).status_code == 200
        assert (await desk.get("")).status_code == 200
        assert (await desk.get("/historik")).status_code == 200


async def test_a_change_is_saved_told_and_remembered(directory: Running, streams: Client) -> None:
    desk = Desk(directory, COORDINATOR)
    path = "/arbetstider/maria-ek-vecka"
    old = (await stored(directory, "schedules", "maria-ek-vecka"))["weekly"][0]
    answer = await desk.save(path, weekly__0__end="11:15")
    assert led_to(answer) == f"/katalog{path}?sparat=ja"
    now = await stored(directory, "schedules", "maria-ek-vecka")
    assert (now["version"], now["weekly"][0]) == (2, {**old, "end": "11:15:00"})
    assert "Sparat." in await desk.page(f"{path}?sparat=ja")

    async def told() -> bool:
        message = await streams.jetstream().get_last_msg("STATE", "state.directory.schedule.maria-ek-vecka")
        return b'"end":"11:15:00"' in message.data

    await until(told)
    history = await desk.page(f"{path}/historik")
    assert "Åsa Wikström" in history
    assert "2026-11-23 09:00" in history
    assert "–11.15" in history
    assert "Import från kommandoraden" in history
    assert "Åsa Wikström" in await desk.page("/historik")
    assert "Åsa Wikström" not in await Desk(directory, ELSEWHERE).page("/historik")


async def test_what_was_typed_is_kept_and_each_fault_stands_at_its_field(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    answer = await desk.save(
        "/arbetstider/maria-ek-vecka", weekly__0__end="07:00", valid_until="2020-01-01", zone="Europe/Nowhere"
    )
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert typed(answer.text)["weekly.0.end"] == "07:00"
    for name, said in (
        ("weekly.0.end", "Pass varje vecka, rad 1, slutar: passet slutar (07.00) innan det börjar"),
        ("valid_until", "Sista dagen: sista dagen (2020-01-01) ligger före den första"),
        ("zone", "Tidszon: tidszonen Europe/Nowhere finns inte"),
    ):
        assert f'<a href="#{name}">{said}' in page
        assert f'id="{name}-message">{said}' in page
        assert f'id="{name}"' in page
    english = await Desk(directory, COORDINATOR, "en").save("/arbetstider/maria-ek-vecka", zone="Europe/Nowhere")
    assert "Time zone: there is no time zone Europe/Nowhere" in english.text
    assert (await stored(directory, "schedules", "maria-ek-vecka"))["version"] == 1


async def test_what_cannot_be_read_is_told_at_its_field(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    path = "/insatser/foraldrasamtal-hoor-horby-eslov"
    changes = {"duration": "lång", "name.sv": "", "buffer_after": "7", "ages.last": "30"}
    sent = {**await desk.form(path), **changes}
    answer = await desk.post(path, sent)
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert "Längd i minuter: måste vara ett heltal." in page
    assert "Namn på svenska: fyll i det här." in page
    assert "Till och med ålder: måste vara högst 20." in page
    assert {name: typed(answer.text)[name] for name in changes} == changes


# Of each form: what is typed, faults of one field and of what several fields say together; and where they are told.
AT_ONCE: dict[str, tuple[str, dict[str, str], set[str]]] = {
    "municipality": (
        "/kommuner/1267",
        {
            "slug": "Höör",
            "accent": "#eeeeee",
            "concern_url": "http://hoor.se",
            "phone": "12",
            "personal_data.email": "hoor",
            "personal_data.organisation_number": "1",
            "personal_data.ground.en": "Only in English",
            "denominators.0.children": "0",
            "denominators.0.source": "SCB",
            "denominators.0.as_of": "2025-12-31",
            "denominators.1.children": "5",
            "denominators.1.source": "SCB",
            "denominators.1.as_of": "2025-12-31",
        },
        {
            "slug",
            "accent",
            "concern_url",
            "phone",
            "personal_data.email",
            "personal_data.organisation_number",
            "personal_data.ground.sv",
            "denominators.0.children",
            "denominators.1.as_of",
        },
    ),
    "unit": (
        "/verksamheter/ny",
        {"name": "", "board": "A\nB", "municipality": "9999"},
        {"name", "board", "municipality"},
    ),
    "centre": (
        "/mottagningar/ny",
        {"name": "", "address": "A\tB", "municipality": "9999"},
        {"name", "address", "municipality"},
    ),
    "advisor": (
        "/radgivare/maria-ek",
        {"name": "", "profession": "none", "ended": "on"},
        {"name", "profession", "ended"},
    ),
    "pool": (
        "/samverkan/hoor-horby-eslov",
        {
            "posts": "many",
            "release_days": "29",
            "shares.1267": "50",
            "valid_until": "2020-01-01",
            "amendments.0.valid_from": "2019-01-01",
            "amendments.0.posts": "",
            "amendments.0.shares.1267": "10",
            "amendments.0.release_days": "7",
            "amendments.0.period": "iso_week",
            "amendments.0.carry_over": "0",
        },
        {
            "posts",
            "release_days",
            "shares",
            "valid_until",
            "amendments.0.valid_from",
            "amendments.0.posts",
            "amendments.0.shares",
        },
    ),
    "schedule": (
        "/arbetstider/maria-ek-vecka",
        {
            "valid_until": "2020-01-01",
            "zone": "Europe/Nowhere",
            "weekly.0.start": "nine",
            "weekly.1.end": "07:00",
            "weekly.2.place": "none",
            "exceptions.0.kind": "extra",
            "exceptions.0.first": "",
            "exceptions.0.last": "2026-12-24",
            "exceptions.1.kind": "leave",
            "exceptions.1.first": "2026-12-24",
            "exceptions.1.last": "2026-12-23",
            "exceptions.1.start": "09:00",
        },
        {
            "valid_until",
            "zone",
            "weekly.0.start",
            "weekly.1.end",
            "weekly.2.place",
            "exceptions.0.first",
            "exceptions.0",
            "exceptions.1.last",
            "exceptions.1",
        },
    ),
    "offering": (
        "/insatser/foraldrasamtal-hoor-horby-eslov",
        {
            "name.sv": "",
            "duration": "lång",
            "buffer_after": "7",
            "ages.first": "6",
            "ages.last": "3",
            "horizon_days": "2",
            "lead_time_hours": "48",
            "retention_days": "31",
            "units.1285": "hoor-familjestod",
            "languages.fr": "on",
        },
        {
            "name.sv",
            "duration",
            "buffer_after",
            "ages.first",
            "lead_time_hours",
            "retention_days",
            "units.1285",
            "languages",
        },
    ),
    "staff": (
        "/personal/ny",
        {"name": "", "identity": "x", "advisor": "none", "grants.0.role": "operator", "grants.0.scope": "unit:none"},
        {"name", "advisor", "grants.0", "grants.0.scope"},
    ),
}


@pytest.mark.parametrize("kind", AT_ONCE)
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_all_that_is_wrong_is_told_at_once(directory: Running, kind: str, language: str) -> None:
    path, wrong, told = AT_ONCE[kind]
    desk = Desk(directory, OPERATOR, language)
    answer = await desk.post(path, {**await desk.form(path), **wrong})
    assert answer.status_code == 422
    found = re.findall('<a href="#([^"]*)">', answer.text)
    assert told <= set(found), html.unescape(answer.text)
    assert len(found) == len(set(found))


# As pydantic speaks to programmers.
ENGLISH = re.compile(r"Input should|String should|should have|Value error|Field required|unable to|must be|Unable")


@pytest.mark.parametrize("kind", AT_ONCE)
async def test_a_form_that_was_made_by_hand_is_told_of_in_the_readers_language(directory: Running, kind: str) -> None:
    path, _, _ = AT_ONCE[kind]
    desk = Desk(directory, OPERATOR)
    form = await desk.form(path)
    for wrong in ("\u2603", "9" * 300):
        for name in form.keys() - {"_csrf", "_version"}:
            answer = await desk.post(path, {**form, name: wrong, "_version": "99"})
            assert answer.status_code in (303, 422), (name, wrong)
            assert not ENGLISH.search(answer.text), (name, wrong)
        every = await desk.post(path, {**dict.fromkeys(form, wrong), "_csrf": form["_csrf"], "_version": "99"})
        assert (every.status_code, ENGLISH.search(every.text)) == (422, None), wrong


async def test_a_fault_of_another_entity_is_told_where_it_can_be_put_right(directory: Running) -> None:
    answer = await Desk(directory, COORDINATOR).save("/radgivare/maria-ek", ended="on")
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert (
        "Avslutad: insatsen foraldrasamtal-hoor-horby-eslov hänvisar till rådgivaren maria-ek, som är avslutad" in page
    )
    assert typed(answer.text)["ended"] == "on"


async def test_rows_are_added_without_saving_and_taken_away_by_saving(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    path = "/arbetstider/maria-ek-vecka"
    sent = await desk.form(path)
    count = len((await stored(directory, "schedules", "maria-ek-vecka"))["weekly"])
    rows = len([name for name in sent if name.startswith("weekly.") and name.endswith(".weekday")])
    assert rows == count + 2
    more = await desk.post(path, {**sent, "weekly.0.start": "08:15", "_more": "weekly"})
    assert more.status_code == 200
    again = typed(more.text)
    assert again["weekly.0.start"] == "08:15"
    assert f"weekly.{rows + 2}.weekday" in again
    assert (await stored(directory, "schedules", "maria-ek-vecka"))["version"] == 1
    new = {"weekday": "sunday", "start": "10:00", "end": "11:00", "modalities.video": "on"}
    answer = await desk.post(
        path, {**again, "weekly.1._drop": "on", **{f"weekly.{rows + 2}.{name}": v for name, v in new.items()}}
    )
    assert led_to(answer).endswith("sparat=ja")
    weekly = (await stored(directory, "schedules", "maria-ek-vecka"))["weekly"]
    assert len(weekly) == count
    assert weekly[0]["start"] == "08:15:00"
    assert weekly[-1] == {
        "weekday": 7, "start": "10:00:00", "end": "11:00:00", "modalities": ["video"], "place": None,
    }  # fmt: skip


async def test_a_form_made_from_an_older_state_shows_what_changed_and_keeps_what_was_typed(directory: Running) -> None:
    path = "/mottagningar/bvc-hoor"
    desk, other = Desk(directory, COORDINATOR), Desk(directory, OPERATOR)
    sent = {**await desk.form(path), "name": "BVC Höör centrum"}
    led_to(await other.save(path, address="Nygatan 1, Höör"))
    answer = await desk.post(path, sent)
    assert answer.status_code == 409
    page = html.unescape(answer.text)
    assert "Någon annan har ändrat under tiden" in page
    assert "<ins>Nygatan 1, Höör</ins>" in page
    assert "Ola Berg" in page
    assert (await stored(directory, "centres", "bvc-hoor"))["version"] == 2
    # Whoever has seen it may save; nobody did so in between.
    again = typed(answer.text)
    assert (again["name"], again["_version"]) == ("BVC Höör centrum", "2")
    led_to(await desk.post(path, {**again, "address": "Nygatan 1, Höör"}))
    now = await stored(directory, "centres", "bvc-hoor")
    assert (now["name"], now["address"], now["version"]) == ("BVC Höör centrum", "Nygatan 1, Höör", 3)


@pytest.mark.parametrize("version", ["", "ett", "0", "-1"])
async def test_a_form_that_does_not_say_what_it_was_made_from_has_seen_nothing(
    directory: Running, version: str
) -> None:
    desk = Desk(directory, COORDINATOR)
    sent = {**await desk.form("/mottagningar/bvc-hoor"), "name": "Annat", "_version": version}
    assert (await desk.post("/mottagningar/bvc-hoor", sent)).status_code == 409
    assert (await stored(directory, "centres", "bvc-hoor"))["version"] == 1


@pytest.mark.parametrize("version", ["9" * 20, "9" * 5000])
async def test_a_version_that_none_can_be_is_no_fault(directory: Running, version: str) -> None:
    desk = Desk(directory, COORDINATOR)
    sent = {**await desk.form("/mottagningar/bvc-hoor"), "_version": version}
    assert (await desk.post("/mottagningar/bvc-hoor", sent)).status_code == 409


async def test_the_history_begins_where_a_change_can_be(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    assert (await desk.get(f"/historik?fore={2**63 - 1}")).status_code == 200
    assert (await desk.get(f"/historik?fore={2**63}")).status_code == 422


async def test_of_two_who_save_at_once_one_is_told(directory: Running) -> None:
    path = "/mottagningar/bvc-hoor"
    sent = await Desk(directory, COORDINATOR).form(path)
    desks = [Desk(directory, COORDINATOR), Desk(directory, OPERATOR)]
    forms = [{**sent, "name": f"BVC {n}", "_csrf": (await desk.form(path))["_csrf"]} for n, desk in enumerate(desks)]
    answers = await asyncio.gather(*(desk.post(path, form) for desk, form in zip(desks, forms, strict=True)))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert (await stored(directory, "centres", "bvc-hoor"))["version"] == 2


async def test_adding_makes_an_id_of_the_name(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    centre = {"name": "Öppna förskolan i Höör", "municipality": "1267", "kind": "other", "address": "Ågatan 2, Höör"}
    for entity_id in ("oppna-forskolan-i-hoor", "oppna-forskolan-i-hoor-2"):
        answer = await desk.save("/mottagningar/ny", **centre)
        assert led_to(answer) == f"/katalog/mottagningar/{entity_id}?sparat=ny"
        assert (await stored(directory, "centres", entity_id))["address"] == "Ågatan 2, Höör"
    taken = await desk.save("/mottagningar/ny", **centre, id="bvc-hoor")
    assert (taken.status_code, "det finns redan" in taken.text) == (422, True)
    assert (await stored(directory, "centres", "bvc-hoor"))["name"] == "BVC Höör"


async def test_shares_are_added_up(directory: Running) -> None:
    desk = Desk(directory, OPERATOR)
    path = "/samverkan/hoor-horby-eslov"
    assert "Tillsammans 100 %" in await desk.page(path)
    sent = {**await desk.form(path), "shares.1267": "30"}
    old = (await stored(directory, "pools", "hoor-horby-eslov"))["shares"]
    total = 100 - old["1267"] + 30
    summed = await desk.post(path, {**sent, "_more": "-"})
    assert (summed.status_code, f"Tillsammans {total} %" in summed.text) == (200, True)
    refused = await desk.post(path, sent)
    assert refused.status_code == 422
    assert f"Andelar i procent: andelarna blir tillsammans {total} procent, inte 100." in html.unescape(refused.text)


POOL = "/samverkan/hoor-horby-eslov"
AMENDMENT = {
    "valid_from": "2027-01-01", "posts": "1,5", "shares.1267": "30", "shares.1266": "30", "shares.1285": "40 %",
    "release_days": "14", "period": "four_weeks", "carry_over": "25",
}  # fmt: skip
AMENDED = {
    "valid_from": "2027-01-01", "posts": 1.5, "shares": {"1267": 30, "1266": 30, "1285": 40},
    "release_days": 14, "period": "four_weeks", "carry_over": 25,
}  # fmt: skip


def row(list_name: str, n: int, values: dict[str, str]) -> dict[str, str]:
    """What is typed in a row of a list."""
    return {f"{list_name}.{n}.{name}": value for name, value in values.items()}


async def test_an_agreement_is_amended_from_a_day_on(directory: Running) -> None:
    desk = Desk(directory, OPERATOR)
    sent = await desk.form(POOL)
    assert not [name for name in sent if name.startswith("amendments.")]
    page = await desk.page(POOL)
    assert "Tider som redan är bokade rörs aldrig" in page
    with_row = await desk.post(POOL, {**sent, "_more": "amendments"})
    offered = {name.split(".")[1] for name in typed(with_row.text) if name.startswith("amendments.")}
    assert offered == {"0"}
    before = await stored(directory, "pools", "hoor-horby-eslov")
    led_to(await desk.post(POOL, {**typed(with_row.text), **row("amendments", 0, AMENDMENT)}))
    now = await stored(directory, "pools", "hoor-horby-eslov")
    assert now == {**before, "version": 2, "amendments": [AMENDED]}
    assert led_to(await desk.save(POOL)).endswith("sparat=lika")
    history = await desk.page(f"{POOL}/historik")
    assert (
        "<ins>första dagen: 2027-01-01; heltidstjänster: 1,5; andelar i procent: Hörby: 30 %, Höör: 30 %, Eslöv: 40 %; "
        "släpps så många dagar i förväg: 14; andelarna räknas per: fyra veckor; oanvänd tid som sparas (procent): 25"
        "</ins>"
    ) in history
    in_list = await desk.page("/samverkan")
    assert "Höör: 24 %" in in_list, "the terms of today"
    # One that holds earlier may be written below: they are put in order.
    early = {**AMENDMENT, "valid_from": "2026-12-01", "shares.1285": "", "shares.1266": "70"}
    led_to(await desk.post(POOL, {**await desk.form(POOL), **row("amendments", 7, early)}))
    directory.runtime.clock.now = datetime(2026, 12, 1, tzinfo=UTC)
    in_list = await Desk(directory, OPERATOR).page("/samverkan")
    assert "Hörby: 70 %" in in_list
    assert "Höör: 24 %" not in in_list
    amendments = (await stored(directory, "pools", "hoor-horby-eslov"))["amendments"]
    assert amendments == [{**AMENDED, "valid_from": "2026-12-01", "shares": {"1267": 30, "1266": 70}}, AMENDED]


async def test_what_is_wrong_with_an_amendment_stands_at_its_field(directory: Running) -> None:
    desk = Desk(directory, OPERATOR)
    wrong = {
        **AMENDMENT, "valid_from": "2026-01-01", "shares.1266": "20", "shares.1267": "x", "release_days": "",
        "period": "",
    }  # fmt: skip
    answer = await desk.post(POOL, {**await desk.form(POOL), **row("amendments", 3, wrong)})
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    for name, said in (
        ("shares.1267", "Tilläggsavtal, rad 4, andelar i procent, Höör: måste vara ett heltal."),
        ("release_days", "Tilläggsavtal, rad 4, släpps så många dagar i förväg: fyll i det här."),
        ("period", "Tilläggsavtal, rad 4, andelarna räknas per: fyll i det här."),
    ):
        assert f'id="amendments.3.{name}-message">{said}' in page
        assert f'id="amendments.3.{name}"' in page
    assert page.count("fyll i det här") == 2 * 2, "in the summary and at the field"
    assert "Tillsammans 60 %" in page
    late = {**AMENDMENT, "valid_from": "2025-01-01", "shares.1266": "20"}
    answer = await desk.post(POOL, {**await desk.form(POOL), **row("amendments", 3, late)})
    page = html.unescape(answer.text)
    assert 'id="amendments.3.valid_from-message">Tilläggsavtal, rad 4, första dagen: avtalet börjar gälla' in page
    assert 'id="amendments.3.shares-message">Tilläggsavtal, rad 4, andelar i procent: andelarna blir till' in page
    assert (await stored(directory, "pools", "hoor-horby-eslov"))["version"] == 1


async def test_an_amendment_that_another_made_meanwhile_is_shown(directory: Running) -> None:
    desk, other = Desk(directory, OPERATOR), Desk(directory, OPERATOR)
    sent = {**await desk.form(POOL), "posts": "2"}
    led_to(await other.post(POOL, {**await other.form(POOL), **row("amendments", 0, AMENDMENT)}))
    answer = await desk.post(POOL, sent)
    assert answer.status_code == 409
    assert "<ins>första dagen: 2027-01-01; heltidstjänster: 1,5; " in html.unescape(answer.text)
    assert (await stored(directory, "pools", "hoor-horby-eslov"))["amendments"] == [AMENDED]


async def test_no_default_takes_the_place_of_what_was_cleared(directory: Running) -> None:
    answer = await Desk(directory, OPERATOR).save(POOL, release_days="")
    assert answer.status_code == 422
    assert "Släpps så många dagar i förväg: fyll i det här." in html.unescape(answer.text)


async def test_children_are_counted_again_and_the_old_count_stays(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    path = "/mottagningar/bvc-hoor"
    old = (await stored(directory, "centres", "bvc-hoor"))["denominators"]
    assert len(old) == 1
    count = {"children": "1150", "source": "Regionen", "as_of": "2026-06-30"}
    led_to(await desk.post(path, {**await desk.form(path), **row("denominators", 1, count)}))
    now = (await stored(directory, "centres", "bvc-hoor"))["denominators"]
    assert now == [*old, {**count, "children": 1150}]
    assert "<ins>barn: 1150; källa: Regionen; räknat den: 2026-06-30</ins>" in await desk.page(f"{path}/historik")
    twice = await desk.post(path, {**await desk.form(path), **row("denominators", 2, count)})
    assert twice.status_code == 422
    assert "Antal barn, rad 3, räknat den: barnen är räknade två gånger den 2026-06-30" in html.unescape(twice.text)


async def test_a_role_is_given_and_taken_in_own_units_only(directory: Running) -> None:
    """Elin works in Nacka; Höör's coordinator lets her work there too, and cannot touch what she is in Nacka."""
    desk = Desk(directory, COORDINATOR)
    path = "/personal/elin-ostergren"
    page = await desk.page(path)
    assert "rådgivare, Föräldrastöd Nacka" in page
    assert 'name="identity"' not in page
    sent = await desk.form(path)
    answer = await desk.post(path, {**sent, "grants.0.role": "advisor", "grants.0.scope": "unit:hoor-familjestod"})
    assert led_to(answer).endswith("sparat=ja")
    elin = await stored(directory, "staff", "elin-ostergren")
    nacka, hoor = (
        {"role": "advisor", "unit": unit, "centre": None} for unit in ("nacka-foraldrastod", "hoor-familjestod")
    )
    assert elin["grants"] == [nacka, hoor]
    answer = await desk.save(path, **{"grants.0._drop": "on"})
    assert led_to(answer).endswith("sparat=ja")
    assert (await stored(directory, "staff", "elin-ostergren"))["grants"] == [nacka]


ROLE = {"grants.9.role": "advisor"}
FORBIDDEN: dict[str, tuple[str, dict[str, str]]] = {
    "a schedule elsewhere": ("/arbetstider/elin-ostergren-vecka", {"valid_until": "2030-01-01"}),
    "a pool elsewhere": ("/samverkan/lund", {"name": "Vårt"}),
    "a unit": ("/verksamheter/hoor-familjestod", {"name": "Annat"}),
    "a municipality": ("/kommuner/1267", {"name": "Annat"}),
    "a role elsewhere": ("/personal/maria-ek", {**ROLE, "grants.9.scope": "unit:nacka-foraldrastod"}),
    "an operator": ("/personal/maria-ek", {"grants.9.role": "operator", "grants.9.scope": ""}),
    "a nurse elsewhere": ("/personal/maria-ek", {"grants.9.role": "nurse", "grants.9.scope": "centre:bvc-norra-lund"}),
    "a centre handed over": ("/mottagningar/bvc-hoor", {"municipality": "1266"}),
    "an advisor handed over": ("/radgivare/maria-ek", {"unit": "nacka-foraldrastod"}),
    "another's days": ("/personal/gunilla-ahl", {"advisor": "fatou-njie"}),
}  # fmt: skip


PROPOSED = ("a role elsewhere", "a nurse elsewhere", "a centre handed over", "an advisor handed over", "another's days")


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_what_is_anothers_cannot_be_changed_whatever_is_sent(directory: Running, what: str) -> None:
    path, changes = FORBIDDEN[what]
    before = await everything(directory)
    operator, desk = Desk(directory, OPERATOR), Desk(directory, COORDINATOR)
    csrf = (await desk.form("/insatser/ny"))["_csrf"]
    sent = {**await operator.form(path), "_csrf": csrf, **changes}
    answer = await desk.post(path, sent)
    # What others can agree to waits for them.
    assert answer.status_code == 403 or "/katalog/forslag/" in led_to(answer)
    assert ("/katalog/forslag/" in answer.headers.get("location", "")) == (what in PROPOSED)
    assert await everything(directory) == before


async def test_the_last_own_role_is_not_given_away_by_mistake(directory: Running) -> None:
    for person, role in ((COORDINATOR, "samordnare"), (OPERATOR, "driftansvarig")):
        desk = Desk(directory, person)
        for changes in ({"grants.0._drop": "on"}, {"ended": "on"}):
            answer = await desk.save(f"/personal/{person}", **changes)
            assert answer.status_code == 403
            assert f"det är din egen sista roll som {role}" in html.unescape(answer.text)
        assert (await stored(directory, "staff", person))["version"] == 1


async def test_a_role_that_is_taken_away_meanwhile_saves_nothing(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    sent = await desk.form("/mottagningar/bvc-hoor")
    led_to(await Desk(directory, OPERATOR).save(f"/personal/{COORDINATOR}", **{"grants.0._drop": "on"}))
    assert (await desk.post("/mottagningar/bvc-hoor", {**sent, "name": "Annat"})).status_code == 403


async def test_the_overview_says_what_to_attend_to(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    assert "Familjestöd, Höör" in await desk.page("")
    assert "Inget just nu." in await desk.page("")
    led_to(await Desk(directory, OPERATOR).save("/samverkan/hoor-horby-eslov", valid_until="2026-12-31"))
    led_to(await desk.save("/arbetstider/maria-ek-vecka", valid_until="2026-12-01"))
    led_to(await desk.save("/arbetstider/dariush-rahimi-vecka", valid_until="2026-11-01"))
    page = await desk.page("")
    assert "Avtalet om Höör, Hörby och Eslöv tar slut 2026-12-31." in page
    assert "Arbetstiden för Maria Ek tar slut 2026-12-01, och ingen ny är inlagd." in page
    assert "Dariush Rahimi har ingen arbetstid, varken nu eller längre fram." in page
    led_to(await desk.save("/arbetstider/dariush-rahimi-vecka", valid_from="2026-11-30", valid_until="2027-11-01"))
    page = await desk.page("")
    assert "Dariush Rahimi har arbetstid först från och med 2026-11-30." in page
    assert "varken nu" not in page
    led_to(await desk.save("/arbetstider/dariush-rahimi-vecka", valid_from="2026-01-01", valid_until="2026-11-01"))
    led_to(await desk.save("/arbetstider/maria-ek-vecka", valid_until="2026-11-20"))
    assert "ingen rådgivare har arbetstid de närmaste 42 dagarna" in await desk.page("")
    assert "Maria Ek" not in await Desk(directory, ELSEWHERE).page("")


async def test_a_new_advisor_leads_on_to_hours_and_offerings(directory: Running) -> None:
    desk = Desk(directory, COORDINATOR)
    sent = {**await desk.form("/radgivare/ny"), "name": "Sofia Lind", "profession": "kurator", "languages.sv": "on"}
    sent |= {"unit": "hoor-familjestod", "modalities.video": "on"}
    added = led_to(await desk.post("/radgivare/ny", sent))
    page = await desk.page(added.removeprefix("/katalog"))
    assert 'href="/katalog/arbetstider/ny"' in page
    assert 'href="/katalog/insatser"' in page
    said = await desk.page("")
    assert "Sofia Lind hör inte till någon insats, så ingen familj kan boka." in said
    assert "Sofia Lind har ingen arbetstid, varken nu eller längre fram." in said


async def test_what_does_not_exist_is_not_found(directory: Running) -> None:
    desk = Desk(directory, OPERATOR)
    for path in ("/inget", "/insatser/inget", "/insatser/inget/historik", "/inget/ny"):
        assert (await desk.get(path)).status_code == 404
    csrf = (await desk.form("/insatser/ny"))["_csrf"]
    assert (await desk.post("/insatser/inget", {"_csrf": csrf})).status_code == 404


# Whom each coordinator answers for, in the plainest words: the unit, its municipality.
PLACES = {COORDINATOR: ("hoor-familjestod", "1267"), ELSEWHERE: ("nacka-foraldrastod", "0182")}


def theirs(plural: str, entity: dict[str, Any], unit: str, code: str, advisors: dict[str, str]) -> bool:
    """Whether every field of an entity is for the coordinator of the unit to change."""
    if plural == "staff":
        return {grant["unit"] for grant in entity["grants"]} <= {unit} and not any(
            g["centre"] for g in entity["grants"]
        )
    return {
        "centres": entity.get("municipality") == code,
        "advisors": entity.get("unit") == unit,
        "offerings": entity.get("unit") == unit,
        "pools": code in entity.get("shares", ()),
        "schedules": advisors.get(entity.get("advisor", "")) == unit,
    }.get(plural, False)


@pytest.mark.parametrize("person", sorted(PLACES))
async def test_no_form_of_anothers_entity_saves_anything(directory: Running, person: str) -> None:
    before = await everything(directory)
    advisors = {advisor["id"]: advisor["unit"] for advisor in before["advisors"]}
    operator, desk = Desk(directory, OPERATOR), Desk(directory, person)
    csrf = (await desk.form("/insatser/ny"))["_csrf"]
    tried = 0
    for slug, plural in SLUGS.items():
        for entity in before[plural]:
            if not theirs(plural, entity, *PLACES[person], advisors):
                sent = await operator.form(f"/{slug}/{entity['id']}")
                field = "zone" if plural == "schedules" else "name.sv" if plural == "offerings" else "name"
                answer = await desk.post(f"/{slug}/{entity['id']}", {**sent, "_csrf": csrf, field: "Europe/Helsinki"})
                # Of a colleague nothing is changed but roles: what else was sent is passed over.
                assert answer.status_code == 403 or answer.headers["location"].endswith("lika")
                tried += 1
    assert tried > 60
    assert await everything(directory) == before

"""What reaches into what others answer for waits for their yes: on pages, in files and for programs alike."""

import html
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from directory import importing
from directory.importing import import_files
from tests.conftest import Running
from tests.directory.desk import COORDINATOR, ELSEWHERE, NOW, OPERATOR, Desk, everything, led_to, stored
from tests.signing import session_of

HORBY = "linnea-borg"
SHARED, POOL = "foraldrasamtal-hoor-horby-eslov", "hoor-horby-eslov"
TAKEN = """\
offerings:
  - id: nytt
    name: {sv: Samtal}
    summary: {sv: "Skriv ditt personnummer och ring 0900-123456."}
    kind: conversation
    regime: universal
    documentation: minimal
    unit: hoor-familjestod
    units: {0182: nacka-foraldrastod}
    municipalities: [0182]
    advisors: [elin-ostergren]
    duration: 45
    starts_every: 60
    modalities: [video]
    ages: {first: 0, last: 6, expecting: true}
    languages: [sv]
    self_booking: true
"""
OWN = """\
centres:
  - id: bvc-hoor
    municipality: 1267
    name: BVC i Höör
    kind: bvc
    address: Friskgatan 6, Höör
    attached_to_family_centre: false
"""


async def take(directory: Running, person: str, text: str) -> httpx.Response:
    headers = session_of(directory, person)
    return await directory.http.post("/directory/v1/import", headers=headers, content=text.encode())


async def there(directory: Running, plural: str, entity_id: str) -> bool:
    return entity_id in {entity["id"] for entity in (await everything(directory))[plural]}


async def proposed(desk: Desk, name: str = "") -> str:
    """The path of the one proposal that waits for whoever looks, as the first page leads there."""
    page = await desk.page("")
    cards = re.findall(r'<a href="(?:/en)?/katalog(/forslag/[^"]+)">([^<]+)</a>', page)
    (found,) = {path for path, text in cards if name in text}
    return found


async def answer(desk: Desk, path: str, what: str, **more: str) -> httpx.Response:
    sent = await desk.form(path)
    return await desk.post(path, {**sent, "svar": what, **more})


async def test_nobody_takes_over_another_municipalitys_families(directory: Running) -> None:
    before = await everything(directory)
    asa, per = Desk(directory, COORDINATOR), Desk(directory, ELSEWHERE)
    taken = await take(directory, COORDINATOR, TAKEN + OWN)
    assert taken.json() == {
        "added": 0, "changed": 1, "unchanged": 0, "proposed": 1, "waiting": [{"kind": "offering", "id": "nytt"}],
    }  # fmt: skip
    # The rest of the file is in force.
    assert (await stored(directory, "centres", "bvc-hoor"))["name"] == "BVC i Höör"
    assert (await everything(directory))["offerings"] == before["offerings"]
    assert "Ditt förslag väntar på andras svar: Insats Samtal." in await asa.page("")
    path = await proposed(per, "Åsa Wikström föreslår en ändring som behöver ditt svar: Insats Samtal.")
    page = await per.page(path)
    assert "<ins>Skriv ditt personnummer och ring 0900-123456.</ins>" in page
    assert "Åsa Wikström, 2026-11-23 09:00" in page
    assert "Du svarar för Föräldrastöd Nacka, Nacka." in page
    assert "Familjestöd, Höör" not in await per.page("/insatser/videosamtal-nacka")
    led_to(await answer(per, path, "nej"))
    assert (await everything(directory))["offerings"] == before["offerings"]
    assert "Ditt förslag avböjdes: Insats Samtal." in await asa.page("")
    assert "Per Lindahl sade nej (Föräldrastöd Nacka, Nacka)" in await asa.page(path)
    assert (await answer_to(per, path, "ja")).status_code == 409
    assert not await there(directory, "offerings", "nytt")


async def answer_to(desk: Desk, path: str, what: str, **more: str) -> httpx.Response:
    """An answer that the page does not offer."""
    csrf = (await desk.form("/insatser/ny"))["_csrf"]
    return await desk.post(path, {"_csrf": csrf, "svar": what, **more})


async def test_what_all_agree_to_is_in_force_and_in_the_history(directory: Running) -> None:
    await take(directory, COORDINATOR, TAKEN)
    per = Desk(directory, ELSEWHERE)
    led_to(await answer(per, await proposed(per), "ja"))
    assert (await stored(directory, "offerings", "nytt"))["municipalities"] == ["0182"]
    history = await per.page("/insatser/nytt/historik")
    assert "Åsa Wikström" in history
    assert "Alla som det rör har sagt ja" in history
    (link,) = set(re.findall(r'href="/katalog(/forslag/[^"]+)"', history))
    for person in (COORDINATOR, ELSEWHERE, OPERATOR):
        assert "Per Lindahl sade ja" in await Desk(directory, person).page(link)
    assert (await Desk(directory, HORBY).get(link)).status_code == 404


async def test_the_same_file_again_is_the_same_proposal(directory: Running) -> None:
    for _ in range(2):
        assert (await take(directory, COORDINATOR, TAKEN)).json()["proposed"] == 1
    per = Desk(directory, ELSEWHERE)
    first = await proposed(per)
    await take(directory, COORDINATOR, TAKEN.replace("duration: 45", "duration: 60"))
    assert await proposed(per) != first
    assert "taget tillbaka" in await per.page(first)


async def test_a_dry_run_says_what_would_wait_and_proposes_nothing(directory: Running) -> None:
    headers = session_of(directory, COORDINATOR)
    tried = await directory.http.post(
        "/directory/v1/import", params={"dry_run": "true"}, headers=headers, content=TAKEN.encode()
    )
    assert tried.json()["proposed"] == 1
    assert "föreslår" not in await Desk(directory, ELSEWHERE).page("")
    desk = Desk(directory, COORDINATOR)
    page = html.unescape((await desk.post("/fil", {**await desk.form("/fil"), "text": TAKEN})).text)
    assert "0 nya, 0 ändrade, 0 som förut, 1 föreslagna" in page
    assert "Föreslås, och gäller när andra har sagt ja: Insats Samtal" in page


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_an_agreement_is_changed_by_all_its_parties(directory: Running, language: str) -> None:
    """Höör proposes, Hörby agrees, and for Eslöv, where nobody coordinates, an operator, who says why."""
    before = await stored(directory, "pools", POOL)
    asa, linnea, ola = (Desk(directory, person, language) for person in (COORDINATOR, HORBY, OPERATOR))
    led = led_to(await asa.save(f"/samverkan/{POOL}", release_days="14"))
    assert led.startswith(f"{asa.prefix}/katalog/forslag/")
    path = led.removeprefix(f"{asa.prefix}/katalog").partition("?")[0]
    sent, waits = (
        ("Förslaget är skickat", "Väntar på ja från")
        if language == "sv"
        else ("The proposal has been sent", "Waits for the yes of")
    )
    assert sent in await asa.page(f"{path}?sparat=ny")
    assert await proposed(linnea) == path
    assert f"/katalog{path}" in await linnea.page(f"/samverkan/{POOL}")
    page = await linnea.page(path)
    assert "<del>7</del>" in page
    assert "<ins>14</ins>" in page
    assert waits in page
    assert "Eslöv; Hörby" in page
    led_to(await answer(linnea, path, "ja"))
    assert await stored(directory, "pools", POOL) == before
    # Who has answered is not asked again.
    assert (await answer_to(linnea, path, "ja")).status_code == 403
    assert await proposed(ola) == path
    missing = await answer(ola, path, "ja")
    assert missing.status_code == 422
    assert ("Skriv varför" if language == "sv" else "Say why") in html.unescape(missing.text)
    for reason, said in (("x" * 501, ("Texten är för lång", "too long")), ("a\0b", ("Ett tecken går", "A character"))):
        refused = await answer(ola, path, "ja", skal=reason)
        assert refused.status_code == 422
        assert said[0 if language == "sv" else 1] in refused.text
        assert f'value="{reason}"' in refused.text
        assert 'class="field wrong"' in refused.text
    led_to(await answer(ola, path, "ja", skal="Nämnden i Eslöv har beslutat, dnr 12."))
    assert await stored(directory, "pools", POOL) == {**before, "version": 2, "release_days": 14}
    for where in (path, f"/samverkan/{POOL}/historik"):
        assert "Nämnden i Eslöv har beslutat, dnr 12." in await linnea.page(where)


async def test_whom_it_does_not_concern_sees_nothing_and_answers_nothing(directory: Running) -> None:
    led = led_to(await Desk(directory, COORDINATOR).save(f"/samverkan/{POOL}", release_days="14"))
    path = led.removeprefix("/katalog").partition("?")[0]
    per = Desk(directory, ELSEWHERE)
    assert (await per.get(path)).status_code == 404
    for what in ("ja", "nej", "ta-tillbaka"):
        assert (await answer_to(per, path, what)).status_code == 404
    assert "forslag/" not in await per.page("")
    assert path not in await per.page("/forslag")
    linnea = Desk(directory, HORBY)
    assert (await answer_to(linnea, path, "ta-tillbaka")).status_code == 404
    asa = Desk(directory, COORDINATOR)
    assert (await answer_to(asa, path, "ja")).status_code == 403
    # An operator answers only for whom nobody coordinates.
    led_to(await answer(Desk(directory, OPERATOR), path, "ja", skal="Eslöv"))
    assert (await answer_to(Desk(directory, OPERATOR), path, "ja", skal="Hörby")).status_code == 403
    assert (await stored(directory, "pools", POOL))["version"] == 1
    led_to(await answer(asa, path, "ta-tillbaka"))
    assert (await answer_to(linnea, path, "ja")).status_code == 409
    assert (await stored(directory, "pools", POOL))["version"] == 1


async def test_what_was_changed_meanwhile_is_not_overwritten(directory: Running) -> None:
    asa, linnea = Desk(directory, COORDINATOR), Desk(directory, HORBY)
    led = led_to(await asa.save(f"/samverkan/{POOL}", release_days="14"))
    path = led.removeprefix("/katalog").partition("?")[0]
    led_to(await Desk(directory, OPERATOR).save(f"/samverkan/{POOL}", posts="2"))
    assert (await answer_to(linnea, path, "ja")).status_code == 409
    pool = await stored(directory, "pools", POOL)
    assert (pool["posts"], pool["release_days"]) == (2, 7)
    assert "någon ändrade samma sak medan det väntade: Samverkan Höör, Hörby och Eslöv" in await asa.page("")


async def test_a_proposal_falls_with_the_role_of_who_made_it(directory: Running) -> None:
    asa, ola = Desk(directory, COORDINATOR), Desk(directory, OPERATOR)
    led = led_to(await asa.save(f"/samverkan/{POOL}", release_days="14"))
    path = led.removeprefix("/katalog").partition("?")[0]
    led_to(await ola.save(f"/personal/{COORDINATOR}", **{"grants.0._drop": "on"}))
    linnea = Desk(directory, HORBY)
    assert "inte längre samordnare där" in await linnea.page(path)
    assert (await answer_to(linnea, path, "ja")).status_code == 409


async def test_a_proposal_that_no_longer_fits_is_not_in_force(directory: Running) -> None:
    await take(directory, COORDINATOR, TAKEN)
    led_to(await Desk(directory, OPERATOR).save("/radgivare/elin-ostergren", **{"languages.sv": None}))
    per = Desk(directory, ELSEWHERE)
    path = await proposed(per, "föreslår")
    assert "Det går inte att införa så som registret är nu" in await per.page(path)
    refused = await answer(per, path, "ja")
    assert refused.status_code == 409
    assert "talar sv" in html.unescape(refused.text)
    assert not await there(directory, "offerings", "nytt")


async def test_ones_own_families_are_taken_out_at_once_and_the_others_are_told(directory: Running) -> None:
    asa, linnea = Desk(directory, COORDINATOR), Desk(directory, HORBY)
    answered = await linnea.save(f"/insatser/{SHARED}", **{"municipalities.1266": None, "units.1266": ""})
    assert led_to(answered) == f"/katalog/insatser/{SHARED}?sparat=ja"
    assert (await stored(directory, "offerings", SHARED))["municipalities"] == ["1267", "1285"]
    text = "Linnéa Borg har ändrat något som rör er: Insats Föräldrasamtal. Det behövde inte ert ja."
    assert text in await asa.page("")
    assert text not in await linnea.page("")
    assert text not in await Desk(directory, ELSEWHERE).page("")
    # She has no part in it any longer: how it ended she may see.
    history = await linnea.page(f"/insatser/{SHARED}/historik")
    assert "<del>Hörby</del>" in history
    assert (await linnea.save(f"/insatser/{SHARED}", **{"municipalities.1266": "on"})).status_code == 403


async def test_an_own_place_is_taken_back(directory: Running) -> None:
    linnea = Desk(directory, HORBY)
    sent = await linnea.form("/arbetstider/maria-ek-vecka")
    own = [name for name, value in sent.items() if name.endswith(".place") and value == "bvc-horby"]
    assert len(own) == 3
    led_to(await linnea.save("/arbetstider/maria-ek-vecka", **dict.fromkeys(own, "")))
    assert "Linnéa Borg har ändrat något som rör er" in await Desk(directory, COORDINATOR).page("")
    again = await Desk(directory, COORDINATOR).save("/arbetstider/maria-ek-vecka", **dict.fromkeys(own, "bvc-horby"))
    assert "/forslag/" in led_to(again)


async def test_a_command_changes_all_for_a_reason_that_stands_in_the_history(
    directory: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(TAKEN, encoding="utf-8")
    report = await import_files(directory.runtime.engine, [path], NOW, "Beslut dnr 7")
    assert (report.added, report.proposed) == (1, 0)
    assert "Beslut dnr 7" in await Desk(directory, ELSEWHERE).page("/insatser/nytt/historik")


def test_the_command_takes_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the command line is given reaches the import."""
    from deploy import cli

    taken: list[Any] = []

    async def main(*given: Any, only_empty: bool) -> int:
        taken.extend([*given, only_empty])
        return 0

    monkeypatch.setattr(importing, "main", main)
    monkeypatch.setenv("DATABASE_URL", "postgresql://x")
    path = tmp_path / "file.yaml"
    path.write_text("", encoding="utf-8")
    assert cli.main(["import", str(path), "--reason", "dnr 7"]) == 0
    assert taken == [[path], "postgresql://x", "dnr 7", False]

"""An advisor's days as JSON."""

import pytest

from tests.agenda.conftest import Work, person
from tests.agenda.test_days import ELEVEN, TEN
from tests.signing import session_of


async def test_own_days_are_told_without_who_the_families_are(work: Work) -> None:
    reference = await work.family_books(TEN, modality="visit")
    await work.family_books(ELEVEN, "1267")
    answer = await work.get("/booking/v1/agenda", **{"from": "2026-03-02", "to": "2026-03-08"})
    assert answer.status_code == 200
    first, second = answer.json()["items"]
    assert (first["text"], first["kind"]) == ("måndag 2 mars kl. 10.00–10.45", "booking")
    assert first["booking"]["reference"] == reference
    assert first["booking"]["place"]["name"] == "BVC Hörby"
    assert second["start"] == ELEVEN
    assert "Kim" not in answer.text
    await work.learn(person("maria-ek", "familjestod", version=2, advisor="maria-ek"))
    again = (await work.get("/booking/v1/agenda")).json()["items"]
    assert [(item["kind"], item["booking"] is None) for item in again] == [("taken", True), ("booking", False)]
    assert await work.reads() == []


async def test_an_outcome_is_noted_and_taken_back(work: Work) -> None:
    booking = await work.id_of(await work.family_books(TEN))
    path = f"/booking/v1/agenda/{booking}/outcome"
    headers = session_of(work.booking, "maria-ek")
    early = await work.booking.http.post(path, json={"outcome": "fulfilled"}, headers=headers)
    assert (early.status_code, early.json()["type"]) == (409, "urn:samtid:problem:not-begun")
    work.clock.move(hours=2)
    headers = session_of(work.booking, "maria-ek")
    for given, status, sequence in (("no_show", "no_show", 1), (None, "confirmed", 2), ("fulfilled", "fulfilled", 3)):
        answer = await work.booking.http.post(path, json={"outcome": given}, headers=headers)
        assert (answer.json()["status"], answer.json()["sequence"]) == (status, sequence)


@pytest.mark.parametrize(("first", "last"), [("2026-03-02", "2026-03-01"), ("2026-03-02", "2026-07-01")])
async def test_days_that_cannot_be_listed_are_refused(work: Work, first: str, last: str) -> None:
    answer = await work.get("/booking/v1/agenda", **{"from": first, "to": last})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["to"]

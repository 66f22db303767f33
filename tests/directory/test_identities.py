"""Who a colleague is at the identity provider is told to those alone who may change it."""

from typing import Any

import pytest

from tests.conftest import Running
from tests.directory.desk import COORDINATOR, ELSEWHERE, OPERATOR, Desk, everything, led_to, stored
from tests.signing import session_of

API = "/directory/v1"


def are_theirs(units: set[str], person: dict[str, Any]) -> bool:
    return bool(person["grants"]) and all(grant["unit"] in units for grant in person["grants"])


async def told(directory: Running, who: str, staff: list[str]) -> str:
    """All that tells somebody of staff: lists, pages, histories, the file, and the API."""
    desk = Desk(directory, who)
    paths = ["/personal", "/personal?alla=ja", "/historik", "/fil/katalog.yaml"]
    paths += [f"/personal/{person}{part}" for person in staff for part in ("", "/historik")]
    answers = [await desk.get(path) for path in paths]
    api = [f"{API}/staff?limit=500", f"{API}/export", *(f"{API}/staff/{person}" for person in staff)]
    answers += [await directory.http.get(path, headers=desk.headers) for path in api]
    assert {answer.status_code for answer in answers} <= {200, 403}
    return "\n".join(answer.text for answer in answers)


@pytest.mark.parametrize("who", [COORDINATOR, ELSEWHERE])
async def test_identities_are_told_where_one_may_change_them(directory: Running, who: str) -> None:
    everybody = (await everything(directory))["staff"]
    mine = {g["unit"] for p in everybody if p["id"] == who for g in p["grants"] if g["role"] == "coordinator"}
    operator = Desk(directory, OPERATOR)
    for person in everybody:
        # So that histories tell of them, too.
        led_to(await operator.save(f"/personal/{person['id']}", identity=f"{person['identity']}-new"))
    found = await told(directory, who, [person["id"] for person in everybody])
    theirs = {person["id"] for person in everybody if are_theirs(mine, person)}
    assert theirs
    assert theirs < {person["id"] for person in everybody}
    for person in everybody:
        assert (person["identity"] in found) == (person["id"] in theirs), person["id"]
    every = await told(directory, OPERATOR, [person["id"] for person in everybody])
    assert all(person["identity"] in every for person in everybody)


async def test_a_form_without_the_identity_keeps_it(directory: Running) -> None:
    before = await stored(directory, "staff", "maria-ek")
    desk = Desk(directory, COORDINATOR)
    assert "identity" not in await desk.form("/personal/maria-ek")
    changed = {"grants.1.role": "reviewer", "grants.1.scope": "unit:hoor-familjestod"}
    led_to(await desk.post("/personal/maria-ek", {**await desk.form("/personal/maria-ek"), **changed}))
    after = await stored(directory, "staff", "maria-ek")
    assert len(after["grants"]) == len(before["grants"]) + 1
    assert after["identity"] == before["identity"]


async def test_whoever_holds_no_role_is_an_operators(directory: Running) -> None:
    """A coordinator who could say who signs in would do so with the role that another one gives."""
    headers = session_of(directory, COORDINATOR)
    new = "staff:\n- id: nytt-namn\n  name: Nytt Namn\n  identity: SE-{}\n  grants: {}\n"
    refused = await directory.http.post(f"{API}/import", headers=headers, content=new.format("hers", "[]"))
    assert refused.status_code == 422
    assert [fault["line"] for fault in refused.json()["faults"]] == [5]
    operator = session_of(directory, OPERATOR)
    made = await directory.http.post(f"{API}/import", headers=operator, content=new.format("theirs", "[]"))
    assert made.json()["added"] == 1
    for change in ("hers", "[]"), ("hers", "[{role: advisor, unit: hoor-familjestod}]"):
        answer = await directory.http.post(f"{API}/import", headers=headers, content=new.format(*change))
        assert answer.status_code == 422
    page = await Desk(directory, COORDINATOR).page("/personal/nytt-namn")
    assert "SE-theirs" not in page
    role = {"grants.0.role": "advisor", "grants.0.scope": "unit:hoor-familjestod"}
    desk = Desk(directory, COORDINATOR)
    led_to(await desk.post("/personal/nytt-namn", {**await desk.form("/personal/nytt-namn"), **role}))
    assert (await stored(directory, "staff", "nytt-namn"))["identity"] == "SE-theirs"

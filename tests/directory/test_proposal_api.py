"""Proposals over HTTP for programs: what waits for whom, and the same answers as on pages."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import Running
from tests.directory.desk import COORDINATOR, ELSEWHERE, OPERATOR, Desk, everything, led_to, stored
from tests.directory.test_proposals import HORBY, POOL, TAKEN, take
from tests.signing import session_of

PROPOSALS = "/directory/v1/proposals"


async def listed(directory: Running, person: str, **query: Any) -> Any:
    answer = await directory.http.get(PROPOSALS, params=query, headers=session_of(directory, person))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def send(directory: Running, person: str, proposal: str, what: str, **body: Any) -> httpx.Response:
    headers = {**session_of(directory, person), "accept-language": "en"}
    sent: dict[str, Any] = {"json": body} if body else {}
    return await directory.http.post(f"{PROPOSALS}/{proposal}/{what}", headers=headers, **sent)


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("urn:samtid:problem:")


async def proposed(directory: Running) -> str:
    """Höör wants to meet families of Nacka."""
    assert (await take(directory, COORDINATOR, TAKEN)).status_code == 200
    (one,) = (await listed(directory, ELSEWHERE))["items"]
    return str(one["id"])


async def test_what_waits_is_listed_for_those_whom_it_concerns(directory: Running) -> None:
    proposal = await proposed(directory)
    (theirs,) = (await listed(directory, ELSEWHERE))["items"]
    assert theirs["yours"] == theirs["missing"] == theirs["needed"] == [{"kind": "unit", "id": "nacka-foraldrastod"}]
    assert (theirs["kind"], theirs["entity"], theirs["version"], theirs["by"]) == ("offering", "nytt", 0, COORDINATOR)
    assert theirs["document"]["municipalities"] == ["0182"]
    assert {"version", "sessions_after"}.isdisjoint(theirs["document"])
    (own,) = (await listed(directory, COORDINATOR))["items"]
    assert own == {**theirs, "yours": []}
    assert (await listed(directory, HORBY))["items"] == []
    for person, status in ((HORBY, 404), (ELSEWHERE, 200), (OPERATOR, 200)):
        answer = await directory.http.get(f"{PROPOSALS}/{proposal}", headers=session_of(directory, person))
        assert answer.status_code == status
    for n in range(2):
        page = await listed(directory, ELSEWHERE, limit=1, offset=n)
        assert (len(page["items"]), page["next"]) == (1 - n, None)
    await take(directory, COORDINATOR, TAKEN.replace("id: nytt", "id: nytt-2"))
    first = await listed(directory, ELSEWHERE, limit=1)
    assert first["next"] == f"{PROPOSALS}?limit=1&offset=1"
    following = await directory.http.get(first["next"], headers=session_of(directory, ELSEWHERE))
    assert {one["entity"] for one in (*first["items"], *following.json()["items"])} == {"nytt", "nytt-2"}


@pytest.mark.parametrize("what", ["confirm", "refuse", "withdraw"])
async def test_a_proposal_is_answered_once(directory: Running, what: str) -> None:
    proposal = await proposed(directory)
    before = (await everything(directory))["offerings"]
    who, state = {
        "confirm": (ELSEWHERE, "in_force"),
        "refuse": (ELSEWHERE, "refused"),
        "withdraw": (COORDINATOR, "withdrawn"),
    }[what]
    answered = await send(directory, who, proposal, what)
    assert answered.status_code == 200, answered.text
    made = answered.json()
    assert (made["state"], made["needed"], made["missing"], made["yours"]) == (state, [], [], [])
    assert [(a["who"], a["yes"]) for a in made["answers"]] == (
        [] if what == "withdraw" else [(ELSEWHERE, what == "confirm")]
    )
    after = (await everything(directory))["offerings"]
    assert [one["id"] for one in after if one not in before] == (["nytt"] if what == "confirm" else [])
    assert problem(await send(directory, who, proposal, what)) == (409, "proposal-not-waiting")
    assert (await listed(directory, who))["items"] == []
    assert "nytt" in str(made["document"])


async def test_nobody_answers_what_is_not_theirs(directory: Running) -> None:
    proposal = await proposed(directory)
    for what in ("confirm", "refuse", "withdraw"):
        assert problem(await send(directory, HORBY, proposal, what)) == (404, "not-found")
        assert problem(await send(directory, ELSEWHERE, str(uuid4()), what)) == (404, "not-found")
        assert problem(await send(directory, ELSEWHERE, "abc", what)) == (422, "invalid")
        nobody = await directory.http.post(f"{PROPOSALS}/{proposal}/{what}")
        assert problem(nobody) == (401, "not-signed-in")
        other = {**session_of(directory, ELSEWHERE), "sec-fetch-site": "cross-site"}
        elsewhere = await directory.http.post(f"{PROPOSALS}/{proposal}/{what}", headers=other)
        assert problem(elsewhere) == (403, "from-elsewhere")
    assert problem(await send(directory, ELSEWHERE, proposal, "withdraw")) == (404, "not-found")
    for what in ("confirm", "refuse"):
        assert problem(await send(directory, COORDINATOR, proposal, what)) == (403, "not-yours-to-answer")
    assert (await listed(directory, ELSEWHERE))["items"] != []


async def test_an_operator_says_why(directory: Running) -> None:
    led_to(await Desk(directory, COORDINATOR).save(f"/samverkan/{POOL}", release_days="14"))
    (waits,) = (await listed(directory, OPERATOR))["items"]
    assert waits["yours"] == [{"kind": "municipality", "id": "1285"}]
    assert (await send(directory, HORBY, waits["id"], "confirm")).json()["missing"] == waits["yours"]
    assert problem(await send(directory, OPERATOR, waits["id"], "confirm")) == (422, "reason-needed")
    assert problem(await send(directory, OPERATOR, waits["id"], "confirm", reason=" ")) == (422, "reason-needed")
    for reason, said in (("x" * 501, "The text is too long: 500 at most."), ("a\0b", "A character cannot be used.")):
        refused = await send(directory, OPERATOR, waits["id"], "confirm", reason=reason)
        assert problem(refused) == (422, "invalid")
        assert refused.json()["errors"] == [{"field": "reason", "message": said}]
    assert problem(await send(directory, OPERATOR, waits["id"], "confirm", more="x")) == (422, "invalid")
    answered = await send(directory, OPERATOR, waits["id"], "confirm", reason="Eslöv har ringt")
    assert (answered.json()["state"], answered.json()["answers"][-1]["reason"]) == ("in_force", "Eslöv har ringt")
    assert (await stored(directory, "pools", POOL))["release_days"] == 14


async def test_what_no_longer_fits_is_told_in_the_readers_language(directory: Running) -> None:
    proposal = await proposed(directory)
    led_to(await Desk(directory, OPERATOR).save("/radgivare/elin-ostergren", **{"languages.sv": None}))
    for language, told in (("en", "speaks sv"), ("sv", "talar sv")):
        headers = {**session_of(directory, ELSEWHERE), "accept-language": language}
        answer = await directory.http.post(f"{PROPOSALS}/{proposal}/confirm", headers=headers)
        assert problem(answer) == (409, "proposal-unfit")
        assert told in answer.json()["faults"][0]
    assert (await listed(directory, ELSEWHERE))["items"][0]["answers"] == []
    assert (await send(directory, ELSEWHERE, proposal, "refuse")).json()["state"] == "refused"

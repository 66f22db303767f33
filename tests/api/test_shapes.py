"""What every answer has in common: lists, instants, and problems in the reader's language that repeat nothing."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.api.conftest import Serve
from tests.booking.test_journey import QUERY, request_for, slots
from tests.contracts.test_contracts import objects

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")


def instants(value: Any) -> Iterator[str]:
    """Every text within a JSON value that looks like an instant."""
    for each in objects(value):
        yield from (v for v in each.values() if isinstance(v, str) and INSTANT.fullmatch(v))


@pytest.mark.parametrize(("service", "lists"), [("directory", 7), ("booking", 1)])
async def test_every_list_has_the_same_shape(serve: Serve, service: str, lists: int) -> None:
    seen = []
    async with serve(service) as (running, _):
        document = (await running.http.get(f"/{service}/openapi.json")).json()
        for path, operations in document["paths"].items():
            parameters = operations.get("get", {}).get("parameters", [])
            # Lists for staff, and of a booking, have the same shape by the same code; strangers, as here, see none.
            known = "{" not in path and "401" not in operations.get("get", {}).get("responses", {})
            if "limit" not in {p["name"] for p in parameters} or not known:
                continue
            query: dict[str, Any] = {**(QUERY if service == "booking" else {}), "limit": 1}
            whole = (await running.http.get(path, params={**query, "limit": 500})).json()
            found, following = [], f"{path}?{httpx.QueryParams(query)}"
            while following and len(found) < 5:
                part = (await running.http.get(following)).json()
                # Free times also say when more of them open.
                assert [name for name in part if name != "more_opens"] == ["items", "limit", "offset", "next"], path
                assert (part["limit"], part["offset"]) == (1, len(found))
                found += part["items"]
                following = part["next"]
            assert found, path
            assert found == whole["items"][:5], path
            seen.append(path)
    assert len(seen) == lists


async def test_every_instant_is_utc_and_says_so(serve: Serve) -> None:
    async with serve("booking") as (booking, _):
        first, second = (await slots(booking))[:2]
        body = {"slot": first["id"], "municipality": "1266", "modality": "video"}
        hold = (await booking.http.post("/booking/v1/holds", json=body)).json()
        made = (await booking.http.post("/booking/v1/bookings", json=request_for(second))).json()
        shown = (await booking.http.get(f"/booking/v1/bookings/{made['manage_token']}")).json()
        taken = (await booking.http.post("/booking/v1/bookings", json=request_for(second))).json()
    assert len(taken["alternatives"]) == 5
    for answer, count in ((first, 2), (hold, 1), (made, 2), (shown, 2), (taken, 10)):
        found = list(instants(answer))
        assert len(found) == count, answer
        assert all(text.endswith("Z") for text in found), answer


CANARY = "kanariefågel"
PROBLEMS: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", f"slots?offering={CANARY}&municipality=1266", {}, 404),
    ("GET", f"slots?offering=foraldrasamtal&municipality={CANARY}", {}, 422),
    ("GET", f"slots?offering=foraldrasamtal&municipality=1266&from={CANARY}", {}, 422),
    ("GET", f"slots?offering=foraldrasamtal&municipality=1266&modality={CANARY}", {}, 422),
    ("GET", f"bookings/{CANARY}", {}, 422),
    ("GET", "bookings/kanariefagelkanariefagel", {}, 404),
    ("POST", f"holds/{CANARY}/extend", {}, 422),
    ("GET", CANARY, {}, 404),
    ("PUT", "bookings", {}, 405),
    ("POST", "bookings", {"content": f'{{"contact": {CANARY}'}, 400),
    ("POST", "bookings", {"json": CANARY}, 422),
    (
        "POST",
        "bookings",
        {"json": {"slot": CANARY, "municipality": CANARY, "modality": CANARY, "expecting": CANARY}},
        422,
    ),
    (
        "POST",
        "bookings",
        {"json": {"hold": CANARY, "contact": {"name": [CANARY], "phone": CANARY, "email": CANARY}}},
        422,
    ),
    ("POST", "bookings", {"json": {"contact": {"name": f"{CANARY} 20101010-1234", "language": CANARY}}}, 422),
    ("POST", "bookings", {"json": {"contact": {"name": CANARY * 20, "email": f"{CANARY}@{CANARY}"}}}, 422),
    ("POST", "bookings", {"json": {"contact": {"name": CANARY}, "child": {"age": CANARY}}}, 422),
]


async def test_problems_come_in_the_readers_language_and_repeat_nothing(serve: Serve) -> None:
    async with serve("booking") as (booking, _):
        for method, path, request, status in PROBLEMS:
            headers = {"content-type": "application/json", "idempotency-key": CANARY.encode().hex()}
            told = {}
            for language in ("sv", "en"):
                answer = await booking.http.request(
                    method, f"/booking/v1/{path}", **request, headers={**headers, "accept-language": language}
                )
                assert answer.status_code == status, (method, path, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
                problem = answer.json()
                assert problem["status"] == status
                assert problem["type"].startswith("urn:samtid:problem:")
                whole = str(answer.headers) + answer.text
                for repeated in (CANARY, "kanariefagel", "20101010", CANARY.encode().hex()):
                    assert repeated not in whole.lower(), (method, path, answer.text)
                told[language] = problem
            assert told["sv"]["type"] == told["en"]["type"]
            assert told["sv"]["title"] != told["en"]["title"]
            assert told["sv"]["detail"] != told["en"]["detail"]


@pytest.mark.parametrize(
    ("service", "table", "path"),
    [("directory", "entity", "units"), ("booking", "reach", f"slots?{httpx.QueryParams(QUERY)}")],
)
async def test_an_unforeseen_fault_is_a_problem_document_too(serve: Serve, service: str, table: str, path: str) -> None:
    async with serve(service) as (running, _):
        async with running.admin.begin() as connection:
            await connection.execute(text(f"alter table {table} rename to gone"))
        answer = await running.http.get(f"/{service}/v1/{path}", headers={"accept-language": "en"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:samtid:problem:internal-error",
        "title": "Something went wrong on our side",
        "status": 500,
        "detail": "It is not your fault. Try again in a moment.",
    }


@pytest.mark.parametrize("language", ["sv", "en"])
async def test_a_manage_link_leads_to_the_familys_language(serve: Serve, language: str) -> None:
    async with serve("booking") as (booking, _):
        contact = {"name": "Kim", "email": "kim@example.org", "language": language}
        body = request_for((await slots(booking))[0], contact=contact)
        made = (await booking.http.post("/booking/v1/bookings", json=body)).json()
        page = await booking.http.get(made["manage_url"])
    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text

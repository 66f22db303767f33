"""The read API over HTTP, on what the small file holds."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from directory.importing import import_files
from tests.conftest import Run, Running

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL = Path(__file__).parent / "small.yaml"


@pytest.fixture
async def directory(run: Run) -> AsyncIterator[Running]:
    async with run("directory") as running:
        await import_files(running.runtime.engine, [SMALL], NOW)
        yield running


async def ids(directory: Running, address: str) -> list[str]:
    answer = await directory.http.get(f"/directory/v1/{address}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_lists_and_their_filters(directory: Running) -> None:
    expected = {
        "municipalities": ["0182", "1267"],
        "units": ["hoor-familjestod"],
        "units?municipality=0182": [],
        "centres?municipality=1267": ["bvc-hoor"],
        "centres?municipality=0182": [],
        "advisors": ["ali-noori", "maria-ek"],
        "advisors?municipality=1267": ["ali-noori", "maria-ek"],
        "advisors?municipality=0182": ["maria-ek"],
        "pools?municipality=0182": ["hoor-nacka"],
        "pools?municipality=1266": [],
        "schedules?advisor=maria-ek": ["maria-ek-vecka"],
        "schedules?advisor=ali-noori": [],
        "offerings?municipality=0182": [],
        "offerings?municipality=1266": [],
    }
    assert {address: await ids(directory, address) for address in expected} == expected


async def test_a_municipality_that_joins_by_an_amendment_has_pool_and_advisor(
    directory: Running, tmp_path: Path
) -> None:
    text = SMALL.read_text(encoding="utf-8")
    late = "    valid_until: 2026-12-31\nschedules"
    amended = (
        "    valid_until: 2026-12-31\n    amendments:\n"
        "      - {valid_from: 2026-09-01, posts: 1, shares: {1267: 30, 0182: 30, 1266: 40}}\nschedules"
    )
    horby = """\
municipalities:
  - id: 1266
    slug: horby
    name: Hörby
    accent: "#1f5f3f"
    concern_url: https://www.horby.se/orosanmalan
    phone: "+46406280405"
"""
    assert text.count(late) == 1
    path = tmp_path / "amended.yaml"
    text = text.replace(late, amended).replace("municipalities:\n", horby, 1)
    # And can be offered what the advisor gives before its day has come.
    path.write_text(
        text.replace("municipalities: [1267]", "units: {1266: horby}\n    municipalities: [1267, 1266]").replace(
            "units:\n", "units:\n  - {id: horby, municipality: 1266, name: Hörby, board: Socialnämnden}\n", 1
        ),
        encoding="utf-8",
    )
    await import_files(directory.runtime.engine, [path], NOW)
    assert await ids(directory, "offerings?municipality=1266") == ["samtal"]
    assert await ids(directory, "pools?municipality=1266") == ["hoor-nacka"]
    assert await ids(directory, "advisors?municipality=1266") == ["maria-ek"]
    assert await ids(directory, "pools?municipality=1285") == []


async def test_a_long_list_comes_in_parts(directory: Running) -> None:
    first = (await directory.http.get("/directory/v1/advisors?municipality=1267&limit=1")).json()
    assert (first["limit"], first["offset"]) == (1, 0)
    assert first["next"] == "/directory/v1/advisors?municipality=1267&limit=1&offset=1"
    second = (await directory.http.get(first["next"])).json()
    assert [item["id"] for item in first["items"] + second["items"]] == ["ali-noori", "maria-ek"]
    assert second["next"] is None


async def test_what_has_ended_is_read_by_id_and_not_listed(directory: Running, tmp_path: Path) -> None:
    path = tmp_path / "ended.yaml"
    text = SMALL.read_text(encoding="utf-8")
    path.write_text(text.replace("  - id: samtal\n", "  - id: samtal\n    ended: true\n"), encoding="utf-8")
    await import_files(directory.runtime.engine, [path], NOW)
    assert await ids(directory, "offerings") == []
    answer = await directory.http.get("/directory/v1/offerings/samtal")
    assert (answer.json()["ended"], answer.json()["version"]) == (True, 2)


async def test_one_entity_is_the_state_that_is_published(directory: Running) -> None:
    answer = await directory.http.get("/directory/v1/pools/hoor-nacka")
    assert answer.json() == {
        "id": "hoor-nacka",
        "version": 1,
        "ended": False,
        "name": "Höör och Nacka",
        "advisors": ["maria-ek"],
        "posts": 1.0,
        "shares": {"1267": 60, "0182": 40},
        "release_days": 7,
        "period": "iso_week",
        "carry_over": 0,
        "valid_from": "2026-01-01",
        "valid_until": "2026-12-31",
        "notice_days": None,
        "amendments": [],
    }


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("advisors/nobody", 404, "not-found"),
        ("advisors/%00", 422, "invalid"),
        ("advisors?limit=0", 422, "invalid"),
        ("advisors?limit=501", 422, "invalid"),
        ("advisors?offset=9999999999999999999", 422, "invalid"),
        ("advisors?municipality=H%C3%B6%C3%B6r", 422, "invalid"),
        ("people", 404, "not-found"),
    ],
)
async def test_refusals_are_problem_documents(directory: Running, address: str, status: int, code: str) -> None:
    answer = await directory.http.get(f"/directory/v1/{address}", headers={"accept-language": "en"})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:samtid:problem:{code}"


async def test_api_info_says_what_the_profile_asks_for(directory: Running) -> None:
    answer = await directory.http.get("/directory/v1/api-info")
    assert set(answer.json()) == {"apiName", "apiVersion", "apiReleased", "apiDocumentation", "apiStatus"}
    assert answer.json()["apiDocumentation"] == "http://samtid.test/directory/openapi.json"
    assert (await directory.http.get("/directory/openapi.json")).status_code == 200


async def test_every_operation_names_its_refusals(directory: Running) -> None:
    paths = (await directory.http.get("/directory/openapi.json")).json()["paths"]
    assert len(paths) == 24
    # What takes no parameters can find none of them wrong.
    special = {"/api-info": set(), "/export": {"401", "403"}, "/import": {"400", "401", "403", "413", "422"}}
    for path, operations in paths.items():
        expected = special.get(path.removeprefix("/directory/v1"), {"400", "422"}) | {"200", "429"}
        answered = path.endswith(("/confirm", "/refuse", "/withdraw"))
        expected |= {"404"} if path.endswith("}") or answered else set()
        expected |= {"401", "403"} if "/staff" in path or "/proposals" in path else set()
        expected |= {"409"} if answered else set()
        # With a reason.
        expected |= {"413"} if answered and not path.endswith("/withdraw") else set()
        (operation,) = operations.values()
        assert set(operation["responses"]) == expected, path

"""Each OpenAPI document is held against the running service: nothing undocumented, no fault, whatever is sent."""

import asyncio
import os
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from tests.api.conftest import Serve
from tests.booking.test_journey import QUERY, request_for

CONFIG = Path(__file__).with_name("schemathesis.toml")
ROOT = Path(__file__).parents[2]
SECONDS = 120


async def check(document: str, folder: Path, **environment: str) -> None:
    """Run schemathesis as a program of its own, so that its threads and warnings stay out of this process."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *("--config-file", CONFIG, "run", document),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert process.returncode == 0, said.decode()
    assert "No issues found" in said.decode()


@pytest.mark.parametrize("service", ["directory", "consent", "notification"])
async def test_a_service_keeps_to_its_document(service: str, serve: Serve, tmp_path: Path) -> None:
    async with serve(service) as (_, url):
        await check(f"{url}/{service}/openapi.json", tmp_path)


async def test_booking_keeps_to_its_document(serve: Serve, tmp_path: Path) -> None:
    async with serve("booking") as (booking, url), httpx.AsyncClient(base_url=url, trust_env=False) as http:
        found = (await http.get("/booking/v1/slots", params={**QUERY, "limit": 500})).json()["items"]
        tokens = []
        for slot in found[-40:]:
            made = await http.post("/booking/v1/bookings", json=request_for(slot))
            tokens.append(made.json()["manage_token"])
        slots = [slot["id"] for slot in found[:-20]]
        await check(
            f"{url}/booking/openapi.json",
            tmp_path,
            SAMTID_API_SLOTS=" ".join(slots),
            SAMTID_API_TOKENS=" ".join(tokens),
        )
        async with booking.admin.connect() as connection:
            counts = await connection.execute(
                text("select status, sequence > 0 as changed, count(*) as n from booking group by 1, 2")
            )
            reached = {(row.status, row.changed): row.n for row in counts}
    # The run was worth its time only if it got past validation: it booked, moved, cancelled and held.
    assert sum(n for (status, _), n in reached.items() if status != "held") > len(tokens) + 5, reached
    assert {("confirmed", False), ("confirmed", True), ("cancelled", True), ("held", False)} <= set(reached), reached

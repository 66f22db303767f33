"""`docker compose up --build`, for real: the journey through the proxy, and each service kept to what is its own.

Asked for by SAMTID_TEST_COMPOSE=1, because it builds images and takes minutes.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from deploy import embedded
from deploy.services import SERVICES

pytestmark = pytest.mark.compose

ROOT = Path(__file__).parents[2]

# Run inside a service's container, with nothing but what that container holds.
ENTER = """
import asyncio, asyncpg, json, sys
service = sys.argv[1]
secret = open("/run/samtid/pgpass").read().strip().rsplit(":", 1)[1]
async def main():
    entered = []
    for database in ("directory", "booking", "consent", "notification", "postgres", "template1"):
        try:
            await (await asyncpg.connect(host="postgres", user=service, database=database, password=secret)).close()
            entered.append(database)
        except asyncpg.InsufficientPrivilegeError:
            pass
    print(json.dumps(entered))
asyncio.run(main())
"""
FORGE = """
import asyncio, json, nats, sys
service, forged = sys.argv[1:]
async def main():
    said = []
    async def note(error): said.append(str(error))
    client = await nats.connect("nats://nats:4222", nkeys_seed_str=open("/run/samtid/nats.seed").read(),
                                inbox_prefix=f"_INBOX_{service}".encode(), error_cb=note)
    ack = await client.jetstream().publish(f"events.{service}.tried", b"{}", timeout=5)
    await client.publish(f"events.{forged}.tried", b"{}")
    await client.publish("query.booking.contact", b"{}")
    await client.flush()
    await asyncio.sleep(0.5)
    print(json.dumps({"own": ack.stream, "refused": said}))
    await client.close()
asyncio.run(main())
"""


class System:
    """The composed system, under a project name and a port of its own."""

    def __init__(self) -> None:
        self.project = f"samtid-test-{uuid4().hex[:8]}"
        self.port = embedded.free_port()
        self.environment = {
            **os.environ,
            "SAMTID_PORT": str(self.port),
            "SAMTID_TRACES_PORT": str(embedded.free_port()),
            "SAMTID_METRICS_PORT": str(embedded.free_port()),
        }

    def compose(self, *arguments: str, timeout: float = 60) -> str:
        command = ["docker", "compose", "--project-name", self.project, "--progress", "plain", *arguments]
        made = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )
        assert made.returncode == 0, f"{' '.join(command)}\n{made.stdout[-4000:]}\n{made.stderr[-4000:]}"
        return made.stdout

    def until_answers(self) -> None:
        """Wait until the proxy, which starts last, has opened its port."""
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/booking/healthz", trust_env=False).raise_for_status()
            except httpx.HTTPError:
                assert time.monotonic() < deadline, self.compose("logs", "proxy")
                time.sleep(0.1)
            else:
                return

    def inside(self, service: str, program: str, *arguments: str) -> Any:
        return json.loads(self.compose("exec", "-T", service, "python", "-c", program, service, *arguments))


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    if not os.environ.get("SAMTID_TEST_COMPOSE"):
        pytest.skip("lane compose: set SAMTID_TEST_COMPOSE=1 to build and run the containers")
    made = System()
    try:
        made.compose("up", "--build", "--detach", timeout=900)
        made.until_answers()
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "15", timeout=180)


@pytest.fixture
def http(system: System) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{system.port}", timeout=20, trust_env=False) as client:
        yield client


def free_slot(http: httpx.Client) -> dict[str, Any]:
    """The first free time of a talk in Hörby, as soon as booking has heard of it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        query = {"offering": "foraldrasamtal-hoor-horby-eslov", "municipality": "1266", "limit": "1"}
        answer = http.get("/booking/v1/slots", params=query)
        if answer.is_success and answer.json()["items"]:
            slot: dict[str, Any] = answer.json()["items"][0]
            return slot
        time.sleep(0.2)
    raise AssertionError("no free time within a minute")


def test_a_parent_books_through_the_proxy_and_is_told(http: httpx.Client) -> None:
    for service in SERVICES:
        assert http.get(f"/{service}/readyz").json() == {"status": "ready"}
    slot = free_slot(http)
    wish = {
        "slot": slot["id"],
        "municipality": "1266",
        "modality": slot["modalities"][0],
        "contact": {"name": "Kim", "email": "kim@example.se", "language": "sv"},
        "child": {"age": 2},
    }
    booked = http.post("/booking/v1/bookings", json=wish, headers={"Idempotency-Key": uuid4().hex})
    assert booked.status_code == 201, booked.text
    taken = http.post("/booking/v1/bookings", json=wish, headers={"Idempotency-Key": uuid4().hex})
    assert taken.status_code == 409
    reference = booked.json()["reference"]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        sent = [m for m in http.get("/demo/messages.json").json()["items"] if m["reference"] == reference]
        if sent:
            break
        time.sleep(0.2)
    assert [message["to"] for message in sent] == ["kim@example.se"]
    assert sent[0]["attachments"], "the calendar file"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_holds_itself_and_enters_its_own(system: System, service: str) -> None:
    assert sorted(system.compose("exec", "-T", service, "ls", "/app").split()) == sorted(["kit", service])
    assert system.compose("exec", "-T", service, "id", "-u").strip() == "10001"
    assert system.inside(service, ENTER) == [service]
    assert "_owner" not in system.compose("exec", "-T", service, "cat", "/run/samtid/pgpass")
    forged = next(other for other in SERVICES if other != service)
    tried = system.inside(service, FORGE, forged)
    assert tried["own"] == "EVENTS"
    refused = " ".join(tried["refused"])
    assert f'"events.{forged}.tried"' in refused
    assert ('"query.booking.contact"' in refused) == (service != "notification")


def test_what_is_told_is_taken(system: System) -> None:
    # Each 15 seconds; at the end of a process whatever is left.
    system.compose("restart", "booking", "notification", timeout=120)
    said = system.compose("logs", "--no-log-prefix", *SERVICES)
    assert '"logger": "kit' in said or '"logger": "uvicorn' in said, "there is a log to look at"
    assert "Failed to export" not in said
    assert "Transient error" not in said


def test_only_the_proxy_and_what_watches_are_published_and_on_loopback(system: System) -> None:
    rows = [json.loads(line) for line in system.compose("ps", "--format", "json").splitlines()]
    published = {
        (row["Service"], port["URL"]) for row in rows for port in row["Publishers"] or [] if port["PublishedPort"]
    }
    assert published == {(name, "127.0.0.1") for name in ("proxy", "traces", "prometheus")}

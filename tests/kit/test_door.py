"""Limits, body sizes and headers: what every request and every answer passes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn

from deploy import embedded, installation
from kit import roles
from kit.door import BODY_BYTES
from kit.limits import Limits, client_of, hashed
from kit.refusal import TooManyRequests
from tests import infra
from tests.booking.conftest import booking
from tests.booking.test_journey import QUERY
from tests.conftest import AsRole, Clock, Databases, Run, Running, until

__all__ = ["booking"]

NOW = datetime(2026, 3, 2, 9, 0, 15, tzinfo=UTC)
LIMITS = roles.limits("directory")
UNITS = "/directory/v1/units"
UNKNOWN = "/booking/v1/bookings/unknown-unknown-unknown"
PAGE = {"accept": "text/html,*/*"}


def test_a_client_has_so_many_a_minute_of_each_kind() -> None:
    limits = Limits("booking", {"reads": 2, "writes": 1})
    for _ in range(2):
        limits.take("reads", "192.0.2.1", NOW)
    with pytest.raises(TooManyRequests) as refused:
        limits.check("reads", "192.0.2.1", NOW)
    assert refused.value.headers == {"Retry-After": "45"}
    limits.check("writes", "192.0.2.1", NOW)
    limits.check("reads", "192.0.2.2", NOW)
    limits.check("reads", "192.0.2.1", NOW + timedelta(seconds=45))


def test_of_other_kinds_a_client_has_so_many_an_hour() -> None:
    limits = Limits("booking", {"reads": 2}, {"bookings": 2})
    assert [limits.admits("bookings", "192.0.2.1", NOW + timedelta(minutes=n)) for n in (0, 30, 59)] == [
        True,
        True,
        False,
    ]
    with pytest.raises(TooManyRequests) as refused:
        limits.take("bookings", "192.0.2.1", NOW + timedelta(minutes=59))
    assert refused.value.headers == {"Retry-After": "45"}
    assert limits.admits("bookings", "192.0.2.1", NOW + timedelta(hours=1))


async def test_what_is_counted_by_the_hour_is_kept_for_an_hour(run: Run, secret_file: Path) -> None:
    clock = Clock(NOW)
    async with run("booking", clock=clock, manage_secret_file=secret_file) as booking:
        limits = booking.runtime.limits

        async def kept() -> list[tuple[str, datetime]]:
            # It is in the minute of a read that those of other minutes go.
            limits.take("reads", "192.0.2.9", clock())
            async with booking.admin.connect() as connection:
                rows = await connection.exec_driver_sql("select kind, minute from request_count order by kind")
                return [tuple(row) for row in rows]

        limits.take("bookings", "192.0.2.1", clock())
        booked = ("bookings", clock().replace(minute=0, second=0))
        for minutes, there in ((0, [booked]), (5, [booked]), (125, [])):
            clock.move(minutes=minutes)
            read = ("reads", clock().replace(second=0))
            await until(lambda expected=[*there, read]: has(kept, expected))


async def has(kept: Callable[[], Awaitable[list[Any]]], expected: list[Any]) -> bool:
    return await kept() == expected


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("what:ever", "what:ever"),
    ],
)
def test_a_client_is_an_address_or_a_network_of_one_subscriber(address: str, client: str) -> None:
    assert client_of(address) == client


@pytest.fixture
async def pair(run: Run) -> AsyncIterator[tuple[Running, Running]]:
    """Two processes' worth of directory on one database, where a client may read ten times a minute."""
    clock = Clock(NOW)
    async with (
        run("directory", clock=clock, reads_per_minute=10) as first,
        run("directory", clock=clock, reads_per_minute=10, database_url=first.database_url) as second,
    ):
        yield first, second


async def test_processes_keep_a_limit_together(pair: tuple[Running, Running]) -> None:
    first, second = pair
    statuses = [(await first.http.get(UNITS)).status_code for _ in range(12)]
    assert statuses == [200] * 10 + [429] * 2

    async def told() -> bool:
        async with first.admin.connect() as connection:
            return bool((await connection.exec_driver_sql("select sum(n) from request_count")).scalar() == 10)

    await until(told)
    let_in = 0

    async def refused() -> bool:
        nonlocal let_in
        answer = await second.http.get(UNITS)
        let_in += answer.status_code == 200
        await asyncio.sleep(0.3)  # a reader, not a load: by itself this process would let ten in
        return answer.status_code == 429

    await until(refused, 10)
    assert 1 <= let_in <= 6
    # The next minute is a new one, in both; what was counted before is swept away.
    clock = first.runtime.clock
    clock.move(minutes=5)
    for running in pair:
        assert (await running.http.get(UNITS)).status_code == 200

    async def swept() -> bool:
        async with first.admin.connect() as connection:
            return bool((await connection.exec_driver_sql("select sum(n) from request_count")).scalar() == 2)

    await until(swept)


def test_addresses_are_hashed_with_a_key() -> None:
    """Of what is stored nobody without the key can tell the address, though there are few of them to try."""
    one = hashed(b"one key", "192.0.2.1")
    assert one == hashed(b"one key", "192.0.2.1")
    assert len({one, hashed(b"another key", "192.0.2.1"), hashed(b"one key", "192.0.2.2")}) == 3
    assert b"192.0.2.1" not in one


async def test_only_a_keyed_hash_of_an_address_is_stored(pair: tuple[Running, Running]) -> None:
    first, second = pair
    await first.http.get(UNITS)
    limits, engine = first.runtime.limits, first.runtime.engine
    key = await limits.key(engine, LIMITS)
    assert key == await second.runtime.limits.key(engine, LIMITS)

    async def stored() -> Any:
        async with first.admin.connect() as connection:
            return (await connection.exec_driver_sql("select client from request_count")).scalars().all()

    assert await until(stored) == [hashed(key, "127.0.0.1")]


async def test_what_the_store_did_not_take_is_told_later(run: Run) -> None:
    async with run("directory", clock=Clock(NOW)) as directory:
        engine = directory.runtime.engine
        limits = Limits("booking", {"reads": 10})
        key = await limits.key(engine, LIMITS)
        limits.take("reads", "192.0.2.1", NOW)
        async with directory.admin.begin() as connection:
            await connection.exec_driver_sql("alter table request_count rename to elsewhere")
        with pytest.raises(asyncpg.UndefinedTableError):
            await limits.merge(engine, LIMITS, key)
        async with directory.admin.begin() as connection:
            await connection.exec_driver_sql("alter table elsewhere rename to request_count")
        limits.take("reads", "192.0.2.1", NOW)
        await limits.merge(engine, LIMITS, key)
        async with directory.admin.connect() as connection:
            counted = (await connection.exec_driver_sql("select n from request_count")).scalars().all()
        assert counted == [2]


async def test_a_refusal_is_a_problem_document_or_a_page(run: Run, secret_file: Path) -> None:
    settings = {"manage_secret_file": secret_file, "reads_per_minute": 1, "writes_per_minute": 1}
    async with run("booking", clock=Clock(NOW), **settings) as booking:
        assert (await booking.http.get("/")).status_code == 200
        told = await booking.http.get("/booking/v1/slots", params=QUERY)
        assert (told.status_code, told.headers["retry-after"]) == (429, "45")
        assert told.headers["content-type"] == "application/problem+json"
        assert told.json()["type"] == "urn:samtid:problem:too-many-requests"
        for path, language, words in (("/", "sv", "Vänta en liten stund"), ("/en", "en", "Please wait a moment")):
            page = await booking.http.get(path, headers=PAGE)
            assert (page.status_code, page.headers["retry-after"]) == (429, "45")
            assert f'<html lang="{language}"' in page.text
            assert words in page.text
            assert "script-src 'self'" in page.headers["content-security-policy"]
        # Writing is counted apart; what keeps the service alive, and what pages look like, is free.
        assert (await booking.http.post("/booking/v1/holds", json={})).status_code == 422
        assert (await booking.http.post("/booking/v1/holds", json={})).status_code == 429
        for _ in range(3):
            assert (await booking.http.get("/booking/healthz")).status_code == 200
            assert (await booking.http.get("/static/style-0123456789.css")).status_code == 200


async def test_whoever_guesses_manage_links_is_soon_refused(run: Run, secret_file: Path) -> None:
    clock = Clock(NOW)
    async with run("booking", clock=clock, manage_secret_file=secret_file, guesses_per_minute=3) as booking:
        asked = [
            ("GET", UNKNOWN),
            ("POST", f"{UNKNOWN}/cancel"),
            ("GET", "/bokning/unknown-unknown-unknown"),
            ("GET", UNKNOWN),
            ("GET", "/en/bokning/unknown-unknown-unknown/avboka"),
        ]
        statuses = [(await booking.http.request(*each)).status_code for each in asked]
        assert statuses == [404, 404, 404, 429, 429]
        page = await booking.http.get("/bokning/unknown-unknown-unknown", headers=PAGE)
        assert (page.status_code, page.headers["retry-after"]) == (429, "45")
        assert "Vänta en liten stund" in page.text
        assert (await booking.http.get("/")).status_code == 200
        clock.move(minutes=1)
        assert (await booking.http.get(UNKNOWN)).status_code == 404


@contextmanager
def _serving(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    import subprocess

    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, *command], env=environment, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


async def test_the_proxy_alone_says_whom_a_request_is_from(
    new_database: Databases, as_role: AsRole, nats_server: infra.NatsServer, tmp_path: Path
) -> None:
    database_url, port = await new_database("directory"), embedded.free_port()
    (tmp_path / "session.key").write_text("0" * 64)
    environment = {
        **os.environ,
        "ENVIRONMENT": "test",
        "DATABASE_URL": database_url,
        "NATS_URL": nats_server.url,
        "NATS_SEED_FILE": str(installation.seed_file(nats_server.keys, "directory")),
        "SESSION_KEY_FILE": str(tmp_path / "session.key"),
        "TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8",
    }
    command = ["-m", "kit", "serve", "directory", "--port", str(port)]
    with _serving(command, environment, tmp_path / "log"):

        def client(address: str) -> httpx.AsyncClient:
            transport = httpx.AsyncHTTPTransport(local_address=address)
            return httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}")

        async with client("127.0.0.1") as proxy, client("127.0.0.2") as stranger:

            async def alive() -> bool:
                try:
                    return (await proxy.get("/directory/healthz")).is_success
                except httpx.TransportError:
                    return False

            await until(alive)
            for http, named in (
                (proxy, "203.0.113.1"),
                # A proxy adds to what it was sent: what lies before the last stranger is hearsay.
                (proxy, "198.51.100.7, 203.0.113.2, 10.1.1.1"),
                (proxy, "198.51.100.7, 2001:db8::2"),
                (stranger, "203.0.113.3"),
                (stranger, "127.0.0.1"),
            ):
                answer = await http.get(UNITS, headers={"x-forwarded-for": named})
                assert answer.status_code == 200
        connection = await asyncpg.connect(as_role(database_url))

        async def told() -> bool:
            return bool(await connection.fetchval("select sum(n) from request_count") == 5)

        await until(told)
        key = await connection.fetchval("select key from request_key")
        rows = await connection.fetch("select client, sum(n) as n from request_count group by 1")
        await connection.close()
    wanted = {"203.0.113.1": 1, "203.0.113.2": 1, "2001:db8::/64": 1, "127.0.0.2": 2}
    assert {row["client"]: row["n"] for row in rows} == {hashed(key, c): n for c, n in wanted.items()}


@asynccontextmanager
async def _on_a_port(running: Running) -> AsyncIterator[str]:
    """The service behind a real HTTP server."""
    server = uvicorn.Server(uvicorn.Config(running.app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    await until(started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 1024):
        yield b" " * 1024


async def test_a_body_has_a_largest_size(booking: Running) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", **PAGE}
    json = {"content-type": "application/json", "accept-language": "en"}
    # Spaces alone are no JSON and no form: let in, they are refused for what they say.
    async with _on_a_port(booking) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        for size, api, page in ((BODY_BYTES, 400, 303), (BODY_BYTES + 1024, 413, 413)):
            for announced in (True, False):
                for path, headers, status in (
                    ("/booking/v1/bookings", json, api),
                    ("/boka/horby/foraldrasamtal/tider", form, page),
                    ("/nowhere", json, 413 if api == 413 else 404),
                ):
                    content = b" " * size if announced else _chunks(size)
                    answer = await http.post(path, content=content, headers=headers)
                    assert answer.status_code == status, (path, size, announced)
                    if status == 413 and headers is json:
                        assert answer.json()["type"] == "urn:samtid:problem:too-large"
                        assert answer.json()["title"] == "That was too much at once"
                    if status == 413 and headers is form:
                        assert "Det var för mycket på en gång" in answer.text
        # What came in pieces reaches the use case whole.
        whole = b'{"slot": "x", "municipality": "1266", "modality": "video"}'

        async def pieces() -> AsyncIterator[bytes]:
            for n in range(0, len(whole), 7):
                yield whole[n : n + 7]

        answer = await http.post("/booking/v1/holds", content=pieces(), headers=json)
        assert [error["field"] for error in answer.json()["errors"]] == ["slot"]


@pytest.mark.parametrize(
    "path",
    ["/boka/%00", "/boka/horby/x%00", "/booking/v1/slots?offering=%00&municipality=1266"],
)
async def test_an_address_with_a_nul_is_no_fault_of_ours(booking: Running, path: str) -> None:
    # As the contract of the API has it; of a page it is the address of none.
    status = 422 if "/v1/" in path else 404
    for address, headers in ((path, {"accept": "application/json"}), (f"/en{path}", PAGE)):
        assert (await booking.http.get(address, headers=headers)).status_code == status


async def test_every_answer_has_the_headers_that_keep_it_safe(booking: Running) -> None:
    http = booking.http
    found = (await http.get("/booking/v1/slots", params=QUERY)).json()["items"][0]
    wish = {"slot": found["id"], "municipality": "1266", "modality": "video"}
    hold = await http.post("/booking/v1/holds", json=wish)
    answers = [
        await http.get("/booking/v1/slots", params=QUERY),
        hold,
        await http.post(f"/booking/v1/holds/{hold.json()['id']}/extend"),
        await http.get(UNKNOWN),
        await http.post("/booking/v1/bookings", content=b"{", headers={"content-type": "application/json"}),
        await http.get("/booking/openapi.json"),
        await http.get("/booking/healthz"),
        await http.get("/nowhere"),
    ]
    async with booking.admin.begin() as connection:
        await connection.exec_driver_sql("alter table reach rename to elsewhere")
    answers.append(await http.get("/booking/v1/slots", params=QUERY))
    assert [a.status_code for a in answers] == [200, 201, 200, 404, 400, 200, 200, 404, 500]
    for answer in answers:
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"], answer.url
        assert answer.headers.get_list("referrer-policy") == ["no-referrer"]
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers.get_list("content-security-policy") == ["default-src 'none'; frame-ancestors 'none'"]
    page, style = await http.get("/"), await http.get("/static/style-0123456789.css")
    assert len(page.headers.get_list("content-security-policy")) == 1
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert style.headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("service", ["booking", "directory"])
def test_each_operation_says_what_the_door_may_answer(service: str) -> None:
    from contracts.generate import openapi

    operations = [o for path in openapi(service)["paths"].values() for o in path.values()]
    assert all("429" in o["responses"] for o in operations)
    assert [("413" in o["responses"]) for o in operations] == [("requestBody" in o) for o in operations]

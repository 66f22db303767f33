"""A fault is one line of log with all that finds it; an outage of the database is a 503 that says when to try again."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kit import database, telemetry
from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import QUERY, request_for, slots
from tests.conftest import Clock, Databases, Run, Running, until
from tests.kit.test_database import end_backends

SLOTS = f"/booking/v1/slots?{httpx.QueryParams(QUERY)}"
PAGE = "/boka/horby/foraldrasamtal/tider?satt=video"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What an operator reads in the log, without what is only for information."""
    stream = io.StringIO()
    before, level = logging.root.handlers, logging.root.level
    telemetry.start_logging(stream=stream)

    def read() -> list[dict[str, Any]]:
        written = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [line for line in written if line["level"] != "info"]

    yield read
    logging.root.handlers = before
    logging.root.setLevel(level)


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a real server of an application whose lifespan runs already."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())

    async def begun() -> bool:
        return server.started

    await until(begun)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        yield http
    server.should_exit = True
    await serving


@pytest.fixture
async def url(new_database: Databases) -> str:
    """Booking's database."""
    return await new_database("booking")


Serve = Callable[[str], AbstractAsyncContextManager[Running]]


@pytest.fixture
def serve(run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path) -> Serve:
    """`serve(url)`: booking on that database, when it has read the small register."""

    @asynccontextmanager
    async def start(url: str) -> AsyncIterator[Running]:
        await register.publish(nats_server.url, register.basic())
        async with run("booking", clock=clock, database_url=url, manage_secret_file=secret_file) as booking:
            await until(lambda: ready(booking))
            yield booking

    return start


async def test_a_fault_is_one_line_with_trace_and_route_and_without_texts(
    serve: Serve, url: str, lines: Lines, spans: InMemorySpanExporter
) -> None:
    async with serve(url) as booking, served(booking.app) as http:
        async with database.driver(booking.admin) as connection:
            await connection.execute("alter table booking rename to canary")
        answer = await http.get("/booking/v1/bookings/canary-000000000000000000000000000000000000")
    assert answer.status_code == 500
    # Jobs look for the table too.
    (told,) = [line for line in lines() if line["level"] == "error" and not line["message"].startswith("job ")]
    about = {name: told[name] for name in ("message", "service", "method", "route")}
    route = "/booking/v1/bookings/{token}"
    assert about == {"message": "fault", "service": "booking", "method": "GET", "route": route}
    (span,) = [s for s in spans.get_finished_spans() if s.name == f"GET {route}"]
    assert (told["trace_id"], told["span_id"]) == (f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}")
    assert span.attributes["error.type"] == told["exception"][0] == "UndefinedTableError"
    assert "canary" not in json.dumps(told)


def is_told(answer: httpx.Response, *, page: bool = False) -> bool:
    """Whether an answer says that it may be asked again in a moment."""
    kind = "text/html" if page else "application/problem+json"
    told = answer.headers.get("retry-after", "").isdecimal() and answer.headers["content-type"].startswith(kind)
    return answer.status_code == 503 and told and answer.headers["cache-control"] == "no-store"


async def test_a_database_that_is_away_is_told_in_the_readers_language_and_in_one_line(
    serve: Serve, url: str, lines: Lines
) -> None:
    async with infra.wire(url) as wire, serve(wire.url) as booking:
        body = request_for((await slots(booking))[0])
        before = len(lines())
        wire.refuse()
        for language, words in (("sv", "Försök igen"), ("en", "Try again")):
            answer = await booking.http.get(SLOTS, headers={"accept-language": language})
            assert is_told(answer), answer.text
            assert words in answer.text
        for prefix, words in (("", "Försök igen"), ("/en", "Try again")):
            page = await booking.http.get(prefix + PAGE)
            assert is_told(page, page=True), page.text
            assert words in page.text
            assert 'class="skip"' in page.text, "the whole page"
        keyless = await booking.http.post("/booking/v1/bookings", json=body, headers={"accept-language": "en"})
        assert is_told(keyless)
        keyed = await booking.http.post(
            "/booking/v1/bookings", json=body, headers={"accept-language": "en", "idempotency-key": "one"}
        )
        assert is_told(keyed)
        assert "same Idempotency-Key" in keyed.text
        for answer in (keyless, keyed):
            assert "whether" in answer.text
            assert "othing" not in answer.text, "what was not saved, nobody knows"
        await asyncio.sleep(0)
        told = [line for line in lines()[before:] if line["logger"] == "kit.faults"]
        assert [line["level"] for line in told] == ["warning"] * 6
        assert not any("exception" in line for line in lines()[before:]), "jobs included"
        await wire.open()
        assert (await booking.http.get(SLOTS)).status_code == 200


async def test_directory_says_so_too_where_staff_sign_in(run: Run, new_database: Databases, lines: Lines) -> None:
    async with (
        infra.wire(await new_database("directory")) as wire,
        run("directory", database_url=wire.url, environment="demo") as directory,
    ):
        before = len(lines())
        wire.refuse()
        for path in ("/logga-in", "/en/logga-in"):
            assert is_told(await directory.http.get(path), page=True)
        assert is_told(await directory.http.get("/directory/v1/units"))
        assert not any("exception" in line for line in lines()[before:])


async def test_a_frozen_database_is_told_of_within_seconds(
    serve: Serve, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 1)
    async with infra.wire(url) as wire, serve(wire.url) as booking:
        wire.freeze()
        async with asyncio.timeout(15):
            answers = await asyncio.gather(*(booking.http.get(SLOTS) for _ in range(15)))
        assert all(map(is_told, answers)), [answer.text for answer in answers]
        wire.thaw()

        async def good() -> bool:
            return (await booking.http.get(SLOTS)).status_code == 200

        await until(good, 10)


Break = Callable[[asyncpg.Connection, str], Awaitable[object]]


async def takes_no_writes(admin: asyncpg.Connection, name: str) -> None:
    await admin.execute(f"alter database {name} set default_transaction_read_only = on")


async def takes_no_more_connections(admin: asyncpg.Connection, name: str) -> None:
    await admin.execute(f"alter database {name} connection limit 0")


@pytest.mark.parametrize("breaks", [takes_no_writes, takes_no_more_connections])
async def test_whatever_keeps_postgresql_from_its_part_is_told_alike(
    serve: Serve, url: str, admin: asyncpg.Connection, breaks: Break
) -> None:
    async with serve(url) as booking:
        slot = (await slots(booking))[0]["id"]
        await breaks(admin, url.rsplit("/", 1)[1])
        await end_backends(admin, url)
        asked = {"slot": slot, "municipality": "1266", "modality": "phone"}
        for _ in range(2):
            answer = await booking.http.post("/booking/v1/holds", json=asked)
            assert is_told(answer), answer.text


@pytest.mark.parametrize("state", ["disk_full", "out_of_memory", "io_error", "admin_shutdown", "query_canceled"])
async def test_what_postgresql_says_within_a_statement_is_told_alike(serve: Serve, url: str, state: str) -> None:
    async with serve(url) as booking:
        slot = (await slots(booking))[0]["id"]
        async with database.driver(booking.admin) as connection:
            await connection.execute(f"""
                create function fail() returns trigger language plpgsql as $$
                begin raise exception using errcode = '{state}'; end $$;
                create trigger fail before insert on busy execute function fail();
            """)
        answer = await booking.http.post(
            "/booking/v1/holds", json={"slot": slot, "municipality": "1266", "modality": "phone"}
        )
        assert is_told(answer), answer.text


async def test_waiting_for_others_has_an_end_and_searches_go_on(
    serve: Serve, url: str, admin: asyncpg.Connection
) -> None:
    name = url.rsplit("/", 1)[1]
    await admin.execute(f"alter role booking in database {name} set lock_timeout = '300ms'")
    async with serve(url) as booking:
        slot = (await slots(booking))[0]["id"]
        asked = {"slot": slot, "municipality": "1266", "modality": "phone"}
        async with booking.admin.begin() as other:
            # As a process would that was frozen in the midst of its transaction.
            await other.exec_driver_sql("lock table busy in exclusive mode")
            assert is_told(await booking.http.post("/booking/v1/holds", json=asked))
            assert (await booking.http.get(SLOTS)).status_code == 200
        assert (await booking.http.post("/booking/v1/holds", json=asked)).status_code == 201


async def test_a_pool_that_is_empty_is_told_of(
    run: Run, nats_server: infra.NatsServer, clock: Clock, secret_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "POOL_SECONDS", 0.2)
    await register.publish(nats_server.url, register.basic())
    async with run("booking", clock=clock, manage_secret_file=secret_file, database_pool=3) as booking:
        await until(lambda: ready(booking))
        async with booking.admin.begin() as other:
            await other.exec_driver_sql("lock table reach in access exclusive mode")
            waiting = [asyncio.create_task(booking.http.get(SLOTS)) for _ in range(5)]
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            assert all(is_told(task.result()) for task in done)
        await asyncio.gather(*waiting)

"""Headers as browsers, proxies, scanners and whoever means harm write them, at a real port of each service: none is a
fault of ours, none comes back as it was, and none stands in a log or a trace.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlencode

import pytest
import uvicorn
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kit import server
from tests.conftest import Running, until
from tests.inputs.corpus import corpus
from tests.signing import form_token, session_of

HEADERS: dict[str, list[str]] = corpus("headers")
# In each header by turns: what a page or a log may not repeat.
CANARY = "kanarie"
HARM = f"\"><b {CANARY}='1'>&{{{{7*7}}}}"
ROUTES = {
    "booking": (
        ("GET", "/boka/horby", ""),
        ("POST", "/boka/horby/foraldrasamtal/tider", urlencode({"satt": "video", "tid": "x"})),
        ("GET", "/arbetsdag", ""),
        ("GET", "/booking/v1/slots?offering=foraldrasamtal&municipality=1267", ""),
        ("POST", "/booking/v1/bookings", '{"expecting": true}'),
    ),
    "directory": (
        ("GET", "/katalog/verksamheter", ""),
        ("POST", "/katalog/verksamheter/ny", urlencode({"name": "", "board": "x"})),
        ("GET", "/logga-in?till=/katalog", ""),
        ("GET", "/directory/v1/offerings", ""),
        ("POST", "/directory/v1/import?dry_run=true", "units: []"),
    ),
    "consent": (("GET", "/consent/v1/api-info", ""), ("POST", "/consent/v1/api-info", "{}")),
    "notification": (("GET", "/notification/v1/api-info", ""), ("POST", "/notification/v1/api-info", "{}")),
}


@pytest.fixture
async def port(service: tuple[str, Running], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    # What announces more than it sends is left after this time.
    monkeypatch.setattr(server, "BODY_SECONDS", 1)
    running = uvicorn.Server(server.config(service[1].app, port=0, lifespan="off"))
    serving = asyncio.create_task(running.serve())

    async def started() -> bool:
        return running.started

    await until(started)
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    await serving


def lines() -> Iterator[tuple[str, list[bytes]]]:
    """Header lines that a request has beside its own, or in their place, by the header's name."""
    for name, values in HEADERS.items():
        raw = [f"{name}: ".encode() + value.encode("utf-8", "surrogatepass") for value in values]
        yield from ((name, [line]) for line in raw)
        # The same header twice; in the letters of Windows; with harm in it; as long as may be, and longer.
        yield name, [raw[0], raw[-1]]
        yield name, [f"{name.upper()}: {values[-1]}".encode("latin-1", "replace")]
        yield name, [f"{name}: {HARM}".encode()]
        yield name, [f"{name}: {'x' * 8000}".encode()]
    yield "x", [f"x: {'x' * 40_000}".encode()]
    yield "x", [b"x-%d: 1" % n for n in range(120)]
    for line in (
        b"x",
        b": x",
        b" x: y",
        b"x : y",
        b"x:",
        b"x: a\r\n b",
        b"\x00: x",
        b"x: \x00",
        b"x: \x80\xff",
        b"x\ty: z",
    ):
        yield "x", [line]


def request(method: str, path: str, body: str, own: dict[str, str], name: str, more: list[bytes]) -> bytes:
    """A request with its own headers but for the one that is named, and `more`."""
    fields = {"host": "samtid.test", "content-length": str(len(body)), **own}
    head = [f"{method} {path} HTTP/1.1", "connection: close", *(f"{k}: {v}" for k, v in fields.items() if k != name)]
    return b"\r\n".join([*(line.encode() for line in head), *more, b"", body.encode()])


async def answer(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(60):
            writer.write(sent)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_no_header_is_a_fault_is_repeated_or_is_logged(
    service: tuple[str, Running],
    port: int,
    spans: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, running = service
    caplog.set_level(logging.DEBUG)
    # As a service has it: see kit.telemetry.start_logging.
    caplog.set_level(logging.WARNING, "uvicorn.access")
    ours = session_of(running, "coordinator" if name == "directory" else "advisor") if running.runtime.sessions else {}
    counted: Counter[str] = Counter()
    faults: list[tuple[str, str, list[bytes], bytes]] = []

    async def ask(method: str, path: str, body: str, header: str, more: list[bytes]) -> None:
        own = {"accept": "*/*"} if "/v1/" in path else {"accept": "text/html"}
        if method == "POST":
            form = "/v1/" not in path
            own["content-type"] = (
                "application/x-www-form-urlencoded"
                if form
                else "application/yaml"
                if "import" in path
                else "application/json"
            )
            body = f"{body}&_csrf={form_token(running, ours)}" if form and ours else body
        if ours:
            own["cookie"] = ours["Cookie"]
        given = await answer(port, request(method, path, body, own, header, more))
        status = given[9:12].decode() or "left"
        counted[status] += 1
        if (
            (status >= "500" and status != "left")
            or HARM.encode() in given
            or any(CANARY in line for line in given.partition(b"\r\n\r\n")[0].decode("latin-1").splitlines())
        ):
            faults.append((method, path, more, given[:300]))

    for header, more in lines():
        await asyncio.gather(*(ask(*route, header, more) for route in ROUTES[name]))
    with capsys.disabled():
        print(f"\n{name}: {counted.total()} requests with {sum(1 for _ in lines())} headers, by status {dict(counted)}")
    assert faults == []
    assert set(counted) > {"200"}
    assert CANARY not in caplog.text
    assert CANARY not in "".join(span.to_json() for span in spans.get_finished_spans())

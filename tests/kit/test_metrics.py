"""What is measured: all of it from the start, nothing that nobody knows any more, and alarms that stand on it."""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI
from opentelemetry.sdk.metrics.export import Histogram, InMemoryMetricReader, Sum
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from deploy import cli
from deploy.services import SERVICES
from kit import database, measuring, metrics, outbox, problems
from kit.faults import Faults
from kit.telemetry import ServerSpan
from tests import infra
from tests.conftest import AsRole, Databases, Run, until

ROOT = Path(__file__).parents[2]
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
REQUESTS = "http.server.request.duration"


@dataclass
class Told:
    """What is told of one metric: its points as attributes and value (of a histogram, how many it holds)."""

    unit: str
    counted: bool
    histogram: bool
    points: list[tuple[dict[str, Any], Any]] = field(default_factory=list)

    def values(self, **attributes: str) -> list[Any]:
        """The values of the points with these attributes; a dot is written as `__`."""
        wanted = {name.replace("__", "."): value for name, value in attributes.items()}
        return [value for known, value in self.points if wanted.items() <= known.items()]

    def having(self, attribute: str) -> set[str]:
        """What an attribute is in some point."""
        return {known[attribute] for known, _ in self.points if attribute in known}

    def in_prometheus(self, name: str) -> set[str]:
        """The names under which Prometheus keeps it."""
        kept = name.replace(".", "_") + {"s": "_seconds", "": ""}[self.unit] + ("_total" if self.counted else "")
        return {f"{kept}{part}" for part in ("_bucket", "_count", "_sum")} if self.histogram else {kept}


def read(reader: InMemoryMetricReader) -> dict[str, Told]:
    """All that this process tells, by the name of the metric."""
    data = reader.get_metrics_data()
    found: dict[str, Told] = {}
    for resource in data.resource_metrics if data else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = (metric.unit or "", isinstance(metric.data, Sum), isinstance(metric.data, Histogram))
                told = found.setdefault(metric.name, Told(*kind))
                for point in metric.data.data_points:
                    told.points.append(
                        (dict(point.attributes or {}), getattr(point, "value", getattr(point, "count", 0)))
                    )
    return found


def in_table() -> set[str]:
    """The names in the table of metrics."""
    rows = re.findall(r"^\| (`(?:samtid|http)\.[^|]*)\|", (ROOT / "docs" / "watching.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([a-z_.]+)`", row)}


async def test_all_is_there_from_the_start_with_zero_and_alarms_stand_on_it(
    run: Run, measured: InMemoryMetricReader, secret_file: Path
) -> None:
    settings: dict[str, dict[str, Any]] = {
        "booking": {"manage_secret_file": secret_file},
        "notification": {
            "smtp_host": "127.0.0.1",
            "mail_from": "Samtid <samtid@samtid.example>",
            "sms_url": "http://127.0.0.1:9",
        },
    }
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(run(name, **settings.get(name, {}))) for name in SERVICES]
        began = read(measured)
        await running[0].http.get("/nowhere")

        async def all_known() -> dict[str, Told] | None:
            told = read(measured)
            whole = [t for t in told.values() if t.having(metrics.SERVICE) >= set(SERVICES)]
            return told if in_table() <= set(told) and len(whole) > 8 else None

        now = await until(all_known)
    assert set(now) == in_table(), "the table is complete"
    assert {name for name, told in began.items() if told.counted and any(told.values())} == set()
    assert {name for name, told in now.items() if told.counted} <= set(began)
    readers = {"booking-state-directory", "booking-events-booking", "notification-events-booking"}
    for name, attribute, values in (
        ("samtid.job.failures", metrics.JOB, {"relay", "tidy", "metrics", "limits", "sweep", "deliver", "retain"}),
        ("samtid.dead_letters", metrics.READER, readers),
        ("samtid.reader.retries", metrics.READER, readers),
        ("samtid.reader.up", metrics.READER, readers),
        ("samtid.reader.pending", metrics.READER, readers),
        ("samtid.reader.oldest.age", metrics.READER, readers),
        ("samtid.http.limited", metrics.LIMIT, {"reads", "writes", "guesses"}),
        ("samtid.measure.failures", metrics.MEASURE, {"events", "messages"}),
        ("samtid.bookings", "outcome", {"confirmed", "slot-taken", "keys-unavailable", "invalid"}),
        ("samtid.notification.codes", "outcome", {"sent", "failed", "given_up"}),
        ("samtid.notification.outcomes", "outcome", {"sent", "pending", "dropped", "dead"}),
    ):
        assert values <= began[name].having(attribute), name
    for name, told in now.items():
        # Or what was zero from the start would be another series than the one that grows.
        assert name == REQUESTS or len({tuple(sorted(known)) for known, _ in told.points}) == 1, name
    size = now["samtid.database.pool.size"]
    for pool, made in (("service", running[1].runtime), ("public", running[1].runtime.public)):
        assert size.values(samtid__service="booking", samtid__pool=pool) == [made.engine.pool.size()]
    for rule in RULES:
        _stands(rule, now)


def _stands(rule: dict[str, Any], now: dict[str, Told]) -> None:
    """Each metric and label that an alarm names is there as Prometheus names it."""
    kept = {kept: told for name, told in now.items() for kept in told.in_prometheus(name)}
    named = set(re.findall(r"\b(?:samtid|http_server)_\w+\b(?=[\[{) ])", rule["expr"])) - _labels(rule["expr"])
    assert named, rule["alert"]
    assert named <= set(kept), rule["alert"]
    for name in named:
        having = {label.replace(".", "_") for attributes, _ in kept[name].points for label in attributes}
        assert _labels(rule["expr"]) <= having, rule["alert"]
    assert set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))) <= _labels(rule["expr"]), rule["alert"]


def _labels(expression: str) -> set[str]:
    by = [label for labels in re.findall(r"by \(([^)]*)\)", expression) for label in labels.split(", ")]
    return {*by, *re.findall(r"[{,](\w+)[=!]", expression)}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alarm_says_what_it_means_and_what_helps(rule: dict[str, Any]) -> None:
    assert {"summary", "description"} == set(rule["annotations"])
    commands = re.findall(r"`samtid ([a-z-]+)", rule["annotations"]["description"])
    for command in commands:
        with pytest.raises(SystemExit) as left:
            cli.main([command, "--help"])
        assert left.value.code == 0, command


@pytest.fixture
def app() -> FastAPI:
    """Routes that end in different ways, with a span and a duration each."""
    off = dict.fromkeys(("tracing", "metrics", "logs", "auto_configure"), False)
    made = FastAPI(telemetry=off)

    @made.get("/things/{thing}")
    async def thing(thing: str) -> str:
        if thing == "broken":
            raise LookupError(thing)
        return thing

    problems.install(made)
    made.add_middleware(Faults, service="tried")
    made.add_middleware(ServerSpan, service="tried")
    return made


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/things/hemlig", {"http.route": "/things/{thing}", "http.response.status_code": 200}),
        ("POST", "/things/hemlig", {"http.route": "/things/{thing}", "http.response.status_code": 405}),
        ("GET", "/hemlig", {"http.response.status_code": 404}),
        ("HEMLIG", "/hemlig", {"http.request.method": "_OTHER", "http.response.status_code": 404}),
        (
            "GET",
            "/things/broken",
            {"http.route": "/things/{thing}", "http.response.status_code": 500, "error.type": "LookupError"},
        ),
    ],
)
async def test_a_request_is_measured_by_template_and_not_by_what_was_sent(
    app: FastAPI,
    measured: InMemoryMetricReader,
    spans: InMemorySpanExporter,
    method: str,
    path: str,
    expected: dict[str, Any],
) -> None:
    expected = {"http.request.method": method, "url.scheme": "https", **expected}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://samtid.test") as http:
        await http.request(method, path)
    told = read(measured)[REQUESTS]
    assert [known for known, _ in told.points] == [{metrics.SERVICE: "tried", **expected}]
    assert told.values() == [1]
    [span] = spans.get_finished_spans()
    assert dict(span.attributes or {}) == expected
    assert span.name == f"{method.replace('HEMLIG', 'HTTP')} {expected.get('http.route', '')}".strip()


async def test_a_refusal_of_ours_has_its_status_as_the_kind_of_its_error(measured: InMemoryMetricReader) -> None:
    async def away(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body"})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(ServerSpan(away, "tried")), base_url="http://t") as http:
        await http.get("/")
    assert read(measured)[REQUESTS].having("error.type") == {"503"}


async def test_events_that_wait_are_counted_and_the_oldest_has_its_age(
    new_database: Databases, as_role: AsRole
) -> None:
    url = await new_database("consent")
    admin, engine = database.engine(as_role(url), 1), database.engine(url, 1)
    insert = text(
        "insert into outbox (event_id, subject, payload, headers, created_at, published_at) values"
        " (gen_random_uuid(), 'events.consent.tried.x', '', '{}', now() - make_interval(mins => :ago), :published)"
    )
    try:
        async with database.transaction(engine, role="consent_relay") as connection:
            assert await outbox.waiting(connection) == (0, 0)
        async with admin.begin() as connection:
            for ago, published in ((90, "now"), (7, None), (3, None)):
                await connection.execute(
                    text(insert.text.replace(":published", "now()" if published else "null")), {"ago": ago}
                )
        async with database.transaction(engine, role="consent_relay") as connection:
            number, age = await outbox.waiting(connection)
    finally:
        await admin.dispose()
        await engine.dispose()
    assert number == 2
    assert 7 * 60 <= age < 8 * 60


async def test_whether_nats_answers_is_told_again_and_again(
    run: Run, nats_server: infra.NatsServer, measured: InMemoryMetricReader
) -> None:
    async with run("consent") as consent:

        async def told() -> list[Any]:
            metrics.nats_connected._known.clear()  # as after a minute
            await measuring.take(consent.runtime, [])
            return read(measured)["samtid.nats.connected"].values(samtid__service="consent")

        async def away() -> bool:
            return not consent.runtime.client.is_connected

        await consent.nats()
        assert await told() == [1]
        await asyncio.to_thread(nats_server.kill)
        await until(away)
        assert await told() == [0]


async def test_what_cannot_be_measured_is_counted_and_told_no_more(
    run: Run, measured: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run("consent") as consent:

        async def known() -> list[Any]:
            told = read(measured).get("samtid.outbox.unpublished")
            return told.values(samtid__service="consent") if told else []

        assert await until(known) == [0]
        async with consent.admin.begin() as connection:
            await connection.execute(text("alter table outbox rename to lost"))
        await measuring.take(consent.runtime, [measuring.events])
        monkeypatch.setattr(metrics, "KEPT_SECONDS", -1)
        told = read(measured)
    assert "samtid.outbox.unpublished" not in told
    [failures] = told["samtid.measure.failures"].values(samtid__service="consent", samtid__measure="events")
    assert failures >= 1

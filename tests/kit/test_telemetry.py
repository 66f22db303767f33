"""What of OpenTelemetry's own settings applies: tried in a process of its own, at a receiver that keeps what comes."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

import kit

ROOT = Path(__file__).parents[2]
EXPORTING = """
from opentelemetry import metrics, trace
from kit import telemetry

telemetry.start_logging()
provider = telemetry.start("booking")
with trace.get_tracer("booking").start_as_current_span("tried"):
    metrics.get_meter("booking").create_counter("tried").add(1)
provider.shutdown()
for _ in range(3):
    metrics.get_meter_provider().force_flush()
"""


@dataclass
class Receiver:
    """Keeps the path and the body of each request, and answers with `status`."""

    status: int = 200
    got: list[tuple[str, bytes]] = field(default_factory=list)
    url: str = ""

    def paths(self) -> set[str]:
        return {path for path, _ in self.got}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.got.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(made.status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def export(receiver: Receiver, **settings: str) -> str:
    """Run a process with these settings (AT stands for the receiver's address); what it logged."""
    told = {name: value.replace("AT", receiver.url) for name, value in settings.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    ran = subprocess.run(
        [sys.executable, "-c", EXPORTING],
        env={**kept, "PYTHONPATH": f"{ROOT / 'services'}", "OTEL_EXPORTER_OTLP_COMPRESSION": "none", **told},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return ran.stderr


@pytest.mark.parametrize(
    ("settings", "paths"),
    [
        ({}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "AT"}, {"/v1/traces", "/v1/metrics"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "AT/here"}, {"/here"}),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "AT/there"}, {"/there"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "AT", "OTEL_TRACES_EXPORTER": "none"}, {"/v1/metrics"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "AT", "OTEL_METRICS_EXPORTER": "none"}, {"/v1/traces"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "AT", "OTEL_SDK_DISABLED": "true"}, set()),
    ],
    ids=lambda value: "-".join(sorted(value)) or "nothing",
)
def test_each_is_exported_where_it_is_asked_for(receiver: Receiver, settings: dict[str, str], paths: set[str]) -> None:
    assert export(receiver, **settings) == ""
    assert receiver.paths() == paths


def test_who_tells_is_named_by_the_settings_and_has_a_version(receiver: Receiver) -> None:
    export(
        receiver,
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="AT/there",
        OTEL_SERVICE_NAME="mybooking",
        OTEL_RESOURCE_ATTRIBUTES="service.namespace=horby",
    )
    told = ExportMetricsServiceRequest.FromString(receiver.got[0][1]).resource_metrics[0].resource.attributes
    known = {attribute.key: attribute.value.string_value for attribute in told}
    assert known["service.instance.id"], "or two processes of a service would write one series"
    assert (known["service.name"], known["service.namespace"], known["service.version"]) == (
        "mybooking",
        "horby",
        kit.__version__,
    )


def test_a_receiver_that_refuses_is_said_once(receiver: Receiver) -> None:
    receiver.status = 404
    logged = export(receiver, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT="AT/there").splitlines()
    assert len(receiver.got) >= 3
    assert [line for line in logged if "Failed to export metrics" in line] == logged
    assert len(logged) == 1


def test_what_is_not_supported_is_said(receiver: Receiver) -> None:
    logged = export(
        receiver,
        OTEL_EXPORTER_OTLP_ENDPOINT="AT",
        OTEL_EXPORTER_OTLP_METRICS_PROTOCOL="grpc",
        OTEL_TRACES_EXPORTER="zipkin",
    )
    assert receiver.paths() == {"/v1/metrics"}
    assert "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=grpc is not supported" in logged
    assert "OTEL_TRACES_EXPORTER=zipkin is not supported" in logged

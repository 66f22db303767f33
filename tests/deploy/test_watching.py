"""How the composed system begins and is watched: what the services export goes to what takes it, by nobody else."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = ("directory", "booking", "consent", "notification")


def test_traces_and_metrics_go_where_they_are_taken() -> None:
    for service in SERVICES:
        environment = COMPOSE["services"][service]["environment"]
        traces = urlsplit(environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
        told = urlsplit(environment["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"])
        assert COMPOSE["services"][traces.hostname]["image"].startswith("jaegertracing/jaeger:")
        assert COMPOSE["services"][told.hostname]["image"].startswith("prom/prometheus:v3")
        # Jaeger takes traces alone: metrics sent there were an error in the log each minute.
        assert (traces.port, traces.path) == (4318, "/v1/traces")
        assert (told.port, told.path) == (9090, "/api/v1/otlp/v1/metrics")
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in environment


def test_prometheus_takes_metrics_and_knows_the_alarms() -> None:
    prometheus = COMPOSE["services"]["prometheus"]
    assert "--web.enable-otlp-receiver" in prometheus["command"]
    assert "./deploy/prometheus:/etc/prometheus:ro" in prometheus["volumes"]
    configured = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    # The names in alerts.yml, and the test that holds them, are of this translation.
    assert configured["otlp"]["translation_strategy"] == "UnderscoreEscapingWithSuffixes"
    assert [(ROOT / "deploy/prometheus" / name).is_file() for name in configured["rule_files"]] == [True]


def test_the_proxy_takes_no_trace_from_outside() -> None:
    lines = [line.strip() for line in (ROOT / "deploy/proxy/Caddyfile").read_text().splitlines()]
    assert lines.index("request_header -traceparent") > lines.index(":8000 {")


def test_what_staff_changed_outlives_the_next_start() -> None:
    assert " import --only-empty " in COMPOSE["services"]["import"]["entrypoint"][-1]

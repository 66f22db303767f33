"""Traces, metrics and logs: one span per request, message and use case; nothing personal in any of them.

Standard OpenTelemetry settings apply (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_ENDPOINT, …). The name of a tracer is
the name of the service, so that a process that runs several services still says which one a span belongs to.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

from kit.refusal import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the ids of the trace that it was written in."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = format(span.trace_id, "032x")
            line["span_id"] = format(span.span_id, "016x")
        if record.exc_info:
            # Frames, not values: the text of an exception can repeat what somebody typed.
            line["exception"] = _frames(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def _frames(error: BaseException | None) -> list[str]:
    """The type and the places of an exception and of its causes, without any message or value."""
    lines: list[str] = []
    while error:
        lines.append(type(error).__name__)
        step = error.__traceback__
        while step:
            lines.append(f"  {step.tb_frame.f_code.co_filename}:{step.tb_lineno} {step.tb_frame.f_code.co_name}")
            step = step.tb_next
        error = error.__cause__ or error.__context__
    return lines


def start_logging(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Write all logs as JSON to `stream`, which is standard error unless said otherwise.

    Access logs stay off: spans hold route templates instead of URLs.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "nats", "faststream", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def start(service: str, processors: Sequence[SpanProcessor] = ()) -> TracerProvider:
    """Set up tracing and metrics once per process; export over OTLP/HTTP where an endpoint is set."""
    resource = Resource.create({"service.name": service, "service.namespace": "samtid"})
    provider = TracerProvider(resource=resource)
    for processor in processors:
        provider.add_span_processor(processor)
    readers = []
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        # Imported here: the exporter costs start-up time that a process without an endpoint need not pay.
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=readers))
    return provider


@cache
def _tracer(service: str) -> trace.Tracer:
    return trace.get_tracer(service)


@contextmanager
def span(service: str, name: str) -> Iterator[trace.Span]:
    """The span of a use case. A refusal is noted by its code, a fault by its type alone.

    OpenTelemetry's own way would record the text of the exception, and PostgreSQL's texts repeat what a row holds.
    """
    with _tracer(service).start_as_current_span(name, record_exception=False, set_status_on_exception=False) as made:
        try:
            yield made
        except Refusal as refusal:
            made.set_attribute("samtid.refusal", refusal.code)
            raise
        except Exception as error:
            made.set_status(StatusCode.ERROR, type(error).__name__)
            raise


class ServerSpan:
    """ASGI middleware: one span per request, named by the route template, never by the raw path (it holds tokens).

    A small one of our own: the instrumentation library costs four fifths of the throughput.
    """

    def __init__(self, app: "ASGIApp", service: str) -> None:
        self.app = app
        self.tracer = trace.get_tracer(service)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope["path"].rsplit("/", 1)[-1] in ("healthz", "readyz"):
            await self.app(scope, receive, send)
            return
        carrier = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"}
        parent = propagate.extract(carrier) if carrier else None
        method = scope["method"]
        span = self.tracer.start_span(
            method, context=parent, kind=SpanKind.SERVER, attributes={"http.request.method": method}
        )
        token = context.attach(set_span_in_context(span, parent))
        status = 500

        async def send_and_note(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            context.detach(token)
            if span.is_recording():
                route = getattr(scope.get("route"), "path", None)
                if route:
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", status)
                if status >= 500:  # noqa: PLR2004 - HTTP's server errors
                    span.set_status(StatusCode.ERROR)
            span.end()

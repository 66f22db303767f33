"""Traces, metrics and logs: one span per request, message and use case; nothing personal in any of them.

OpenTelemetry's own settings apply (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_ENDPOINT, …). The name of a tracer is
the name of the service, so that a process that runs several services still says which one a span belongs to.
"""

import json
import logging
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

from opentelemetry import context, metrics, propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context

from kit import __version__
from kit import metrics as kit_metrics
from kit.refusal import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

PROTOCOL = "http/protobuf"
# Methods that may name a span or a series; whoever sends others must not make new ones.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


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
        for name in ("service", "method", "route"):
            if value := getattr(record, name, None):
                line[name] = value
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


def _not_told_yet(record: logging.LogRecord) -> bool:
    """Whether a record is news: the server logs once more what `kit.faults` has said and let pass."""
    return not (record.exc_info and getattr(record.exc_info[1], "samtid_told", False))


def start_logging(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Write all logs as JSON to `stream`, which is standard error unless said otherwise.

    Access logs stay off: spans hold route templates instead of URLs.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(_not_told_yet)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "nats", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _Hourly(logging.Filter):
    """Lets what is said again and again through once an hour: a receiver that is away is not news each minute."""

    SECONDS = 3600

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, object], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        # By the format and not the whole line, in which numbers and reasons vary.
        said = (record.name, record.msg)
        if now - self._said.get(said, -math.inf) < self.SECONDS:
            return False
        self._said[said] = now
        return True


_HOURLY = _Hourly()


def start(service: str, processors: Sequence[SpanProcessor] = ()) -> TracerProvider:
    """Set up tracing and metrics once per process; export each over OTLP/HTTP where an endpoint for it is set."""
    ours = {"service.name": service, "service.namespace": "samtid", "service.version": __version__}
    resource = Resource.create(Resource(ours).merge(OTELResourceDetector().detect()).attributes)
    provider = TracerProvider(resource=resource)
    for processor in processors:
        provider.add_span_processor(processor)
    readers = []
    # Imported here: the exporters cost start-up time that a process without an endpoint need not pay.
    if _exported("TRACES"):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    if _exported("METRICS"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    trace.set_tracer_provider(provider)
    # Without exemplars, which nobody keeps here: to look for one costs a third of what it costs to count a request.
    counted_alone = AlwaysOffExemplarFilter()
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=readers, exemplar_filter=counted_alone))
    return provider


def _exported(signal: str) -> bool:
    """Whether OpenTelemetry's variables ask for the export of TRACES or METRICS: an endpoint, and no other exporter."""
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    chosen = os.environ.get(f"OTEL_{signal}_EXPORTER") or "otlp"
    if chosen not in ("otlp", "none"):
        log.warning("OTEL_%s_EXPORTER=%s is not supported: otlp and none are", signal, chosen)
    if chosen != "otlp" or not any(os.environ.get(name) for name in endpoints):
        return False
    for name in ("OTEL_EXPORTER_OTLP_PROTOCOL", f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"):
        if (protocol := os.environ.get(name) or PROTOCOL) != PROTOCOL:
            log.warning("%s=%s is not supported: exported as %s", name, protocol, PROTOCOL)
    exporter = "metric_exporter" if signal == "METRICS" else "trace_exporter"
    for module in (f"opentelemetry.exporter.otlp.proto.http.{exporter}", "opentelemetry.sdk.metrics._internal.export"):
        logging.getLogger(module).addFilter(_HOURLY)
    return True


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


def _carrier(scope: "Scope") -> dict[str, str]:
    return {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"}


def _said(scope: "Scope") -> list[trace.Link]:
    """The trace that a request says it is of. Ours is linked to it and is not of it: whoever asks could choose its id
    otherwise, and whether it is kept.
    """
    carrier = _carrier(scope)
    theirs = trace.get_current_span(propagate.extract(carrier, Context())).get_span_context() if carrier else None
    return [trace.Link(theirs)] if theirs and theirs.is_valid else []


class ServerSpan:
    """ASGI middleware: one span per request, named by the route template, never by the raw path (it holds tokens).

    The same attributes, and how long it took, go into the metric of requests. A small one of our own: the
    instrumentation library costs four fifths of the throughput.
    """

    def __init__(self, app: "ASGIApp", service: str) -> None:
        self.app = app
        self.service = service
        self.tracer = trace.get_tracer(service)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope["path"].rsplit("/", 1)[-1] in ("healthz", "readyz"):
            await self.app(scope, receive, send)
            return
        known = scope["method"] in _METHODS
        attributes: dict[str, str | int] = {
            "http.request.method": scope["method"] if known else "_OTHER",
            "url.scheme": scope["scheme"],
        }
        name = scope["method"] if known else "HTTP"
        span = self.tracer.start_span(
            name, context=Context(), kind=SpanKind.SERVER, attributes=attributes, links=_said(scope)
        )
        token = context.attach(set_span_in_context(span))
        started = time.perf_counter()
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
            attributes["http.response.status_code"] = status
            if route := getattr(scope.get("route"), "path", None):
                attributes["http.route"] = route
            if status >= 500:  # noqa: PLR2004 - HTTP's server errors
                attributes["error.type"] = scope.get("samtid.fault") or str(status)
                span.set_status(StatusCode.ERROR)
            if span.is_recording():
                span.set_attributes(attributes)
                if route:
                    span.update_name(f"{name} {route}")
            span.end()
            attributes[kit_metrics.SERVICE] = self.service
            kit_metrics.requests.record(time.perf_counter() - started, attributes)

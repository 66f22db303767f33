"""The demo's own traces: finished spans kept in the state folder, a list, a waterfall, the same for the terminal."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import StatusCode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from kit.app import LanguagePrefix
from kit.web.pages import language_of

KEPT_SPANS = 50_000
LISTED_TRACES = 100
REFERENCE = "samtid.booking_reference"
WEB = Path(__file__).parent / "web"
ZONE = ZoneInfo("Europe/Stockholm")
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A finished span. Ids are hexadecimal, instants are nanoseconds since 1970 in UTC, `links` are ids of traces."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    start: int
    end: int
    error: bool
    attributes: Mapping[str, Any]
    links: list[str]


class Store(SpanProcessor):
    """Keeps whole traces, the newest `limit` spans of them, in memory and in one file of JSON lines.

    A line is written when its span ends, so that a demo that is killed loses none.
    """

    def __init__(self, path: Path, limit: int = KEPT_SPANS) -> None:
        self.path = path
        self.limit = limit
        self._traces: dict[str, list[Span]] = {}
        self._count = 0
        self._lock = threading.Lock()
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    self._keep(Span(**json.loads(line)))
                except (ValueError, TypeError):
                    continue  # the last line of a demo that was killed while it wrote
        self._rewrite()

    def on_end(self, span: ReadableSpan) -> None:
        """Keep one span."""
        made = _span(span)
        with self._lock:
            self._keep(made)
            self._file.write(json.dumps(asdict(made), separators=(",", ":")) + "\n")
            self._file.flush()
            self._lines += 1
            if self._lines > 2 * self.limit:
                self._file.close()
                self._rewrite()

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()

    def recent(self) -> list[list[Span]]:
        """The newest traces, newest first."""
        with self._lock:
            newest = list(self._traces.values())[-LISTED_TRACES:]
            return [_ordered(spans) for spans in reversed(newest)]

    def trace(self, trace_id: str) -> list[Span]:
        """The spans of one trace, parents before children; empty where there is no such trace."""
        with self._lock:
            return _ordered(self._traces.get(trace_id, []))

    def of_booking(self, reference: str) -> list[list[Span]]:
        """The traces that speak of one booking and those linked with them (reminders), oldest first."""
        with self._lock:
            spans = [span for trace in self._traces.values() for span in trace]
        found = {s.trace_id for s in spans if s.attributes.get(REFERENCE) == reference}
        found |= {s.trace_id for s in spans if found.intersection(s.links)}
        return sorted((self.trace(trace_id) for trace_id in found), key=lambda trace: trace[0].start)

    def _keep(self, span: Span) -> None:
        self._traces.setdefault(span.trace_id, []).append(span)
        self._count += 1
        while self._count > self.limit:
            self._count -= len(self._traces.pop(next(iter(self._traces))))

    def _rewrite(self) -> None:
        """Write what is kept, and nothing else, to the file, and leave it open for more."""
        beside = self.path.with_suffix(".new")
        beside.touch(mode=0o600)
        with beside.open("w") as file:
            for trace in self._traces.values():
                file.writelines(json.dumps(asdict(span), separators=(",", ":")) + "\n" for span in trace)
        beside.rename(self.path)
        self._lines = self._count
        self._file = self.path.open("a")


def _span(span: ReadableSpan) -> Span:
    context = span.get_span_context()
    assert context is not None, "a finished span has its ids"
    return Span(
        trace_id=format(context.trace_id, "032x"),
        span_id=format(context.span_id, "016x"),
        parent_id=format(span.parent.span_id, "016x") if span.parent else None,
        service=span.instrumentation_scope.name if span.instrumentation_scope else "",
        name=span.name,
        start=span.start_time or 0,
        end=span.end_time or 0,
        error=span.status.status_code is StatusCode.ERROR,
        attributes=dict(span.attributes or {}),
        links=[format(link.context.trace_id, "032x") for link in span.links],
    )


def _ordered(spans: Iterable[Span]) -> list[Span]:
    """Parents before children, siblings by their start. A span whose parent is not there counts as a root."""
    by_start = sorted(spans, key=lambda span: span.start)
    ids = {span.span_id for span in by_start}
    children: dict[str | None, list[Span]] = {}
    for span in by_start:
        children.setdefault(span.parent_id if span.parent_id in ids else None, []).append(span)

    def below(parent: str | None) -> Iterator[Span]:
        for span in children.get(parent, []):
            yield span
            yield from below(span.span_id)

    return list(below(None))


@dataclass(frozen=True)
class Row:
    """One line of a waterfall. `left` and `width` are thousandths of the whole trace; times are milliseconds."""

    span: Span
    depth: int
    left: int
    width: int
    offset: float
    duration: float


def waterfall(spans: list[Span]) -> list[Row]:
    """The rows of one trace whose spans are ordered."""
    first = min(span.start for span in spans)
    total = max(max(span.end for span in spans) - first, 1)
    depths: dict[str, int] = {}
    rows = []
    for span in spans:
        depth = depths[span.span_id] = depths.get(span.parent_id or "", -1) + 1
        left = (span.start - first) * 1000 // total
        width = max((span.end - span.start) * 1000 // total, 2)
        rows.append(Row(span, depth, left, width, (span.start - first) / 1e6, (span.end - span.start) / 1e6))
    return rows


def as_text(spans: list[Span], columns: int) -> str:
    """A waterfall of about `columns` characters a line, for a terminal."""
    rows = waterfall(spans)
    widest = max(len(_label(row)) for row in rows)
    bar = max(columns - widest - 24, 20)
    lines = [f"trace {spans[0].trace_id}  {_local(spans[0].start)}"]
    for row in rows:
        left = min(row.left * bar // 1000, bar - 1)
        drawn = (" " * left + "█" * max(row.width * bar // 1000, 1))[:bar]
        mark = "  ✗" if row.span.error else ""
        lines.append(f"{_label(row):<{widest}}  {row.offset:>9.1f} {row.duration:>8.1f} ms  {drawn}{mark}")
    return "\n".join(lines)


def _label(row: Row) -> str:
    return f"{'  ' * row.depth}{row.span.service}: {row.span.name}"


def _local(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _summary(spans: list[Span]) -> dict[str, Any]:
    references = (span.attributes[REFERENCE] for span in spans if REFERENCE in span.attributes)
    return {
        "id": spans[0].trace_id,
        "time": _local(spans[0].start),
        "root": spans[0],
        "duration": (max(span.end for span in spans) - min(span.start for span in spans)) / 1e6,
        "count": len(spans),
        "reference": next(references, None),
        "error": any(span.error for span in spans),
    }


TEXTS = {
    "sv": {
        "title": "Spår",
        "lead": "Vad som hände, steg för steg, i alla tjänster. De senaste först.",
        "none": "Inga spår ännu. Boka en tid och kom tillbaka.",
        "missing": "Det spåret finns inte längre.",
        "time": "Tid",
        "first": "Första steget",
        "duration": "Tog",
        "steps": "Steg",
        "booking": "Bokning",
        "service": "Tjänst",
        "step": "Steg",
        "start": "Börjar",
        "status": "Utfall",
        "error": "fel",
        "ok": "ok",
        "course": "Förlopp",
        "linked": "Följer av",
        "all": "Alla spår",
        "messages": "Meddelanden",
        "other": ("/en", "In English", "en"),
    },
    "en": {
        "title": "Traces",
        "lead": "What happened, step by step, in all services. The newest first.",
        "none": "No traces yet. Book a time and come back.",
        "missing": "That trace is no longer kept.",
        "time": "Time",
        "first": "First step",
        "duration": "Took",
        "steps": "Steps",
        "booking": "Booking",
        "service": "Service",
        "step": "Step",
        "start": "Starts",
        "status": "Outcome",
        "error": "error",
        "ok": "ok",
        "course": "Course",
        "linked": "Follows from",
        "all": "All traces",
        "messages": "Messages",
        "other": ("", "På svenska", "sv"),
    },
}


def create_traces(store: Store) -> LanguagePrefix:
    """The pages under /demo/traces, and /demo/traces.json?reference= for `samtid trace`."""
    templates = Environment(loader=FileSystemLoader(WEB), autoescape=True, trim_blocks=True, lstrip_blocks=True)

    def page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
        language = language_of(request)
        prefix = "/en" if language == "en" else ""
        other, other_name, other_language = TEXTS[language]["other"]
        html = templates.get_template(template).render(
            t=TEXTS[language],
            language=language,
            prefix=prefix,
            other_url=other + request.url.path,
            other_name=other_name,
            other_language=other_language,
            **values,
        )
        return HTMLResponse(html, status, headers=HEADERS)

    async def index(request: Request) -> Response:
        return page(request, "traces.html", traces=[_summary(spans) for spans in store.recent()])

    async def one(request: Request) -> Response:
        spans = store.trace(request.path_params["trace_id"])
        if not spans:
            return page(request, "trace.html", 404, rows=[])
        linked = sorted({link for span in spans for link in span.links})
        return page(request, "trace.html", rows=waterfall(spans), summary=_summary(spans), linked=linked)

    async def as_json(request: Request) -> Response:
        reference = request.query_params.get("reference", "")
        traces = [[asdict(span) for span in trace] for trace in store.of_booking(reference)]
        return JSONResponse({"reference": reference, "traces": traces}, headers=HEADERS)

    async def style(_: Request) -> Response:
        return FileResponse(WEB / "traces.css", media_type="text/css", headers={"cache-control": "no-cache"})

    return LanguagePrefix(
        Starlette(
            routes=[
                Route("/demo/traces", index),
                Route("/demo/traces.json", as_json),
                Route("/demo/traces.css", style),
                Route("/demo/traces/{trace_id}", one),
            ]
        )
    )

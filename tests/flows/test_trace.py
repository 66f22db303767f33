"""HTTP request → booking → relay → consumer → delivery: one trace, with the booking's id and nothing personal."""

from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from tests import infra
from tests.booking import register
from tests.booking.conftest import ready
from tests.booking.test_journey import request_for, slots
from tests.conftest import Clock, Run, until
from tests.notification.conftest import Outside

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_one_booking_is_one_trace(
    run: Run,
    nats_server: infra.NatsServer,
    clock: Clock,
    secret_file: Path,
    outside: Outside,
    spans: InMemorySpanExporter,
) -> None:
    await register.publish(nats_server.url, register.basic())
    async with (
        run("booking", clock=clock, manage_secret_file=secret_file) as booking,
        run("notification", clock=clock, **outside.settings),
    ):
        await until(lambda: ready(booking))
        slot = (await slots(booking))[3]
        contact = {"name": "Kim", "email": "kim@example.org", "language": "sv"}
        answer = await booking.http.post(
            "/booking/v1/bookings",
            json=request_for(slot, contact=contact),
            headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-00"},
        )
        assert answer.status_code == 201

        async def delivered() -> bool:
            return any(span.name == "send confirmation" for span in spans.get_finished_spans())

        await until(delivered)
    finished = spans.get_finished_spans()
    [ours] = [span.context.trace_id for span in finished if TRACE in [hex_of(link.context) for link in span.links]]
    traced = [span for span in finished if span.context.trace_id == ours]
    # Whoever asks chooses neither the trace's id nor, by the last two digits, that nobody sees it.
    assert not [span for span in finished if hex_of(span.context) == TRACE]
    # Booking's own figures read the event too, in the same trace.
    mine = {span.name: span for span in traced if span.instrumentation_scope.name != "booking" or not is_reading(span)}
    assert parents(mine) == {
        "POST /booking/v1/bookings": None,
        "book": "POST /booking/v1/bookings",
        "create confirmed": "book",
        "relay events.booking.confirmed": "create confirmed",
        "process events.booking.confirmed": "create confirmed",
        "send confirmation": "process events.booking.confirmed",
    } | {name: parent for name, parent in parents(mine).items() if name.startswith("process query")}
    for name in ("book", "send confirmation"):
        assert mine[name].attributes["samtid.booking_id"]
    text = " ".join(span.to_json() for span in mine.values())
    for secret in ("Kim", "kim@", answer.json()["manage_token"]):
        assert secret not in text


def hex_of(context: SpanContext) -> str:
    return format(context.trace_id, "032x")


def is_reading(span: ReadableSpan) -> bool:
    """Whether a span is of a reader of a stream."""
    return span.name.startswith("process events.")


def parents(spans: dict[str, ReadableSpan]) -> dict[str, str | None]:
    """The name of each span's parent, None where it lies outside."""
    names = {span.context.span_id: name for name, span in spans.items()}
    return {name: names.get(span.parent.span_id) if span.parent else None for name, span in spans.items()}

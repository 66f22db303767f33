"""The demo's traces: kept whole, within a bound, across a kill; shown as pages and as text."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Link, StatusCode, set_span_in_context
from opentelemetry.trace import TracerProvider as Provider

from deploy.traces import REFERENCE, Store, as_text, create_traces, waterfall

MILLISECOND = 1_000_000
BEGIN = 1_774_857_600_000 * MILLISECOND  # 2026-03-30 10:00:00 in Stockholm


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "traces.jsonl", limit=10)
    yield made
    made.shutdown()


def record(store: Store) -> Provider:
    provider = TracerProvider()
    provider.add_span_processor(store)
    return provider


def booking(store: Store, reference: str) -> str:
    """One booking's trace: request → use case (with the reference) → message. Its id."""
    provider = record(store)
    request = provider.get_tracer("booking").start_span("POST /booking/v1/bookings", start_time=BEGIN)
    inside = set_span_in_context(request)
    case = provider.get_tracer("booking").start_span("book", inside, start_time=BEGIN + 10 * MILLISECOND)
    case.set_attribute(REFERENCE, reference)
    case.end(BEGIN + 30 * MILLISECOND)
    request.end(BEGIN + 40 * MILLISECOND)
    sending = provider.get_tracer("notification").start_span("send", inside, start_time=BEGIN + 50 * MILLISECOND)
    sending.set_status(StatusCode.ERROR)
    sending.end(BEGIN + 100 * MILLISECOND)
    return format(request.get_span_context().trace_id, "032x")


def reminder(store: Store, of: str) -> str:
    """Another trace, days later, linked to the one of the booking. Its id."""
    first = store.trace(of)[0]
    from opentelemetry.trace import SpanContext, TraceFlags

    context = SpanContext(int(first.trace_id, 16), int(first.span_id, 16), is_remote=True, trace_flags=TraceFlags(1))
    span = record(store).get_tracer("notification").start_span("send reminder", links=[Link(context)])
    span.end()
    return format(span.get_span_context().trace_id, "032x")


def test_a_booking_is_found_with_its_reminders_and_without_others(store: Store) -> None:
    mine, other = booking(store, "MINE1"), booking(store, "OTHER")
    later = reminder(store, mine)
    reminder(store, other)
    assert [trace[0].trace_id for trace in store.of_booking("MINE1")] == [mine, later]
    assert store.of_booking("") == []


def test_rows_stand_in_order_and_to_scale(store: Store) -> None:
    rows = waterfall(store.trace(booking(store, "MINE1")))
    assert [(row.span.name, row.depth, row.left, row.width) for row in rows] == [
        ("POST /booking/v1/bookings", 0, 0, 400),
        ("book", 1, 100, 200),
        ("send", 1, 500, 500),
    ]
    assert [(row.offset, row.duration) for row in rows] == [(0, 40), (10, 20), (50, 50)]


def test_the_terminal_shows_the_same(store: Store) -> None:
    trace = store.trace(booking(store, "MINE1"))
    lines = as_text(trace, columns=102).splitlines()
    assert lines[0] == f"trace {trace[0].trace_id}  2026-03-30 10:00:00"
    assert lines[1].startswith("booking: POST /booking/v1/bookings ")
    assert lines[3].startswith("  notification: send ")
    assert lines[3].endswith("█  ✗")
    assert lines[1].count("█") == pytest.approx(lines[2].count("█") * 2, abs=1)


def test_whole_traces_are_kept_within_the_bound_and_after_a_kill(store: Store) -> None:
    ids = [booking(store, f"REF{number}") for number in range(30)]
    kept = [trace[0].trace_id for trace in store.recent()]
    assert kept == [ids[29], ids[28], ids[27]], "three spans each: three traces fit into ten spans"
    assert store.path.read_text().count("\n") <= 21, "the file is written anew when it has grown to twice the bound"
    with store.path.open("a") as half:
        half.write('{"trace_id":"00')
    again = Store(store.path, limit=10)
    assert [trace[0].trace_id for trace in again.recent()] == kept
    booking(again, "AFTER")
    again.shutdown()
    once_more = Store(store.path, limit=10)
    assert once_more.of_booking("AFTER")
    once_more.shutdown()


async def test_pages_in_both_languages_without_inline_style(store: Store) -> None:
    trace_id = booking(store, "<MINE1>")
    transport = httpx.ASGITransport(create_traces(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://samtid.test") as http:
        # The address decides, whatever the browser would rather have.
        swedish = await http.get("/demo/traces", headers={"accept-language": "en"})
        assert '<html lang="sv">' in swedish.text
        assert "Spår" in swedish.text
        assert f'href="/demo/traces/{trace_id}"' in swedish.text
        assert "&lt;MINE1&gt;" in swedish.text
        one = await http.get(f"/en/demo/traces/{trace_id}")
        assert one.text.count("<rect") == 3
        assert "Booking &lt;MINE1&gt;" in one.text
        assert "Bokning &lt;MINE1&gt;" in (await http.get(f"/demo/traces/{trace_id}")).text
        assert f'href="/demo/traces/{trace_id}"' in one.text
        for page in (swedish, one):
            assert "style=" not in page.text
            assert "default-src 'none'; style-src 'self'" in page.headers["content-security-policy"]
        assert (await http.get("/demo/traces.css")).headers["content-type"].startswith("text/css")
        missing = await http.get("/demo/traces/0123")
        assert missing.status_code == 404
        assert "Det spåret finns inte längre." in missing.text
        found = (await http.get("/demo/traces.json", params={"reference": "<MINE1>"})).json()
        assert [span["name"] for span in found["traces"][0]] == ["POST /booking/v1/bookings", "book", "send"]


def test_nobody_else_reads_the_traces(store: Store) -> None:
    booking(store, "AB12CD34")
    assert store.path.stat().st_mode & 0o077 == 0

"""What a request leaves in traces: one span, named by its route, without the path that was asked for."""

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.conftest import Run

SECRET = "a-manage-link-is-a-secret"


async def test_a_request_is_one_span_without_its_path(run: Run, spans: InMemorySpanExporter) -> None:
    async with run("consent") as consent:
        for path in (f"/{SECRET}", f"/consent/openapi.json?{SECRET}"):
            spans.clear()
            await consent.http.get(path)
            made = spans.get_finished_spans()
            assert [span.instrumentation_scope.name for span in made if span.instrumentation_scope] == ["consent"]
            assert SECRET not in "".join(span.to_json() for span in made)

"""A code is known to whoever gets the message, and to nobody and nothing else; nor is whom it went to."""

import io
import re
from typing import Any

import httpx
from nats.aio.client import Client
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests import infra
from tests.booking.test_journey import request_for, slots
from tests.conftest import Clock, Running, until
from tests.notification.conftest import Notification, Outside
from tests.privacy.test_nothing_personal import (
    Canary,
    Haystack,
    PickyPostOffice,
    Visited,
    everything_on_the_streams,
    everything_stored,
    everything_traced,
    logs,
    written_forms,
)

__all__ = ["logs"]
ROBIN, NOBODY = Canary(71), Canary(72, local="nobody")
PROOFS = "/booking/v1/proofs"


def standing_alone(code: str) -> re.Pattern[str]:
    """The code as a number of its own: within ids, hashes and fractions of seconds any six digits turn up."""
    return re.compile(rf"(?<![0-9a-f.]){code}(?![0-9a-f])")


async def test_a_code_is_in_its_message_alone(
    booking: Running,
    notification: Notification,
    outside: Outside,
    clock: Clock,
    nats_server: infra.NatsServer,
    streams: Client,
    spans: InMemorySpanExporter,
    measured: InMemoryMetricReader,
    logs: io.StringIO,
) -> None:
    outside.catcher.smtp = PickyPostOffice(outside.catcher)
    visited, haystack = Visited(), Haystack()
    booking.http.event_hooks = {"request": [visited.asked], "response": [visited.answered]}
    for canary, slot in zip((ROBIN, NOBODY), await slots(booking), strict=False):
        contact = {"name": canary.name, "phone": canary.phone, "email": canary.email, "language": "sv"}
        made = await booking.http.post("/booking/v1/bookings", json=request_for(slot, contact=contact))
        assert made.status_code == 201

    async def told(to: str) -> Any:
        return next((m for m in outside.caught if m.to == to and "in kod" in m.text), None)

    async def asks(**contact: str) -> str:
        answer: httpx.Response = await booking.http.post(PROOFS, json=contact)
        assert answer.status_code == 201, answer.text
        proof: str = answer.json()["id"]
        return proof

    codes: list[str] = []
    async with notification(clock=clock) as notifying:
        number = "+46" + re.sub(r"\D", "", ROBIN.phone)[1:]
        for contact, to in (({"phone": ROBIN.phone}, number), ({"email": ROBIN.email}, ROBIN.email)):
            proof = await asks(**contact)
            message = await until(lambda to=to: told(to))
            [code] = re.findall(r"\b\d{6}\b", message.text)
            codes.append(code)
            wrong = str((int(code) + 1) % 10**6).zfill(6)
            assert (await booking.http.post(f"{PROOFS}/{proof}/confirm", json={"code": wrong})).status_code == 422
            right = await booking.http.post(f"{PROOFS}/{proof}/confirm", json={"code": code})
            assert right.status_code == 200, right.text
            mine = await booking.http.get(f"{PROOFS}/{right.json()['token']}/bookings")
            assert len(mine.json()["items"]) == 1
        refused = await asks(email=NOBODY.email)

        async def given_up() -> bool:
            return f"code of proof {refused} by email: given_up, smtp_550" in logs.getvalue()

        await until(given_up)
        await everything_on_the_streams(haystack, nats_server.url)
        await everything_stored(haystack, "booking", booking.admin_url)
        await everything_stored(haystack, "notification", notifying.admin_url)
    everything_traced(haystack, spans)
    for line in logs.getvalue().splitlines():
        haystack.add("log", line)
    metrics_data = measured.get_metrics_data()
    assert metrics_data is not None
    haystack.add("metrics", metrics_data.to_json())
    haystack.texts += [("url", url.casefold()) for url in visited.urls]

    for code in codes:
        pattern = standing_alone(code)
        assert [place for place, text in haystack.texts if pattern.search(text)] == []
        assert haystack.holding({code.encode().hex()}) == []
    assert haystack.holding(ROBIN.needles() | NOBODY.needles()) == []
    # What was looked at is all there is, and holds that a code was asked for and sent.
    for place in ("stream EVENTS", "span", "log", "metrics", "url", "table booking.proof", "table booking.outbox"):
        assert haystack.size(place), place
    assert haystack.size("table notification.code") == 0
    assert haystack.holding(written_forms(refused))


def test_a_code_is_found_where_it_stands() -> None:
    for leak in ('"code":"093271"', "kod 093271.", "proof 093271", "kod=093271&x"):
        assert standing_alone("093271").search(leak), leak
    for other in ("a093271b", "12:00:01.093271z", "1093271"):
        assert not standing_alone("093271").search(other), other

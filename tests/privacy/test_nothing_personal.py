"""Canaries: families whose names, numbers and addresses are sent through the whole system, and looked for everywhere.

They may be in the messages that families get, and nowhere else: booking's table `family` holds them sealed.
"""

import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import asyncpg
import httpx
import nats
import nats.js.errors
import pytest
from nats.aio.client import Client
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from booking.families import contacts
from kit import database, telemetry
from kit.messaging import STREAMS
from tests import infra
from tests.booking.test_journey import QUERY
from tests.conftest import Clock, Running, until
from tests.notification.conftest import Notification, Outside
from tests.privacy.conftest import SECRET

OURS = ("kit", "directory", "booking", "consent", "notification", "deploy")
REFUSED_ADDRESS = "nobody"


@dataclass(frozen=True)
class Canary:
    """A family that nobody else could be."""

    number: int
    local: str = "zebrafink"

    @property
    def name(self) -> str:
        return f"Kanariefågel Sisyfos{self.number}"

    @property
    def email(self) -> str:
        return f"{self.local}{self.number}+familj@example.se"

    @property
    def phone(self) -> str:
        """As it is typed."""
        return f"070-995 17 {self.number:02}"

    def needles(self) -> set[str]:
        """All that would give the family away, in every spelling that we can think of."""
        digits = re.sub(r"\D", "", self.phone).removeprefix("0")
        spellings = {self.name, f"Sisyfos{self.number}", self.email, f"{self.local}{self.number}", self.phone}
        spellings |= {f"+46{digits}", f"46{digits}", f"0{digits}", f"0046{digits}", f"70 995 17 {self.number:02}"}
        return {written for text in spellings for written in written_forms(text)}


def written_forms(text: str) -> set[str]:
    """A text plain, in addresses, in JSON and as the bytes of a column."""
    return {text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1], text.encode().hex()}


@dataclass
class Haystack:
    """Texts, each with the place where it was found."""

    texts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, place: str, text: str) -> None:
        self.texts.append((place, text.casefold()))

    def holding(self, needles: set[str]) -> list[str]:
        """The places that hold any of the needles, and which."""
        folded = {needle.casefold() for needle in needles}
        return [f"{place}: {needle}" for place, text in self.texts for needle in folded if needle in text]

    def size(self, place: str) -> int:
        return sum(1 for found, _ in self.texts if found.startswith(place))


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """All that is logged, as a service writes it, with our own loggers at their most talkative."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    # Taken out first: starting closes the handlers that it replaces, and these are pytest's.
    root.handlers[:] = []
    telemetry.start_logging(stream=stream)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)


@dataclass
class Visited:
    """Every address that was asked for or redirected to."""

    urls: list[str] = field(default_factory=list)

    async def asked(self, request: httpx.Request) -> None:
        self.urls.append(str(request.url))

    async def answered(self, response: httpx.Response) -> None:
        if location := response.headers.get("location"):
            self.urls.append(location)


class PickyPostOffice:
    """Refuses some recipients, loudly: real servers repeat the address in what they say."""

    def __init__(self, catcher: Any) -> None:
        self.handle_DATA = catcher.handle_DATA

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith(REFUSED_ADDRESS):
            return f"550 5.1.1 <{address}> is not known here"
        envelope.rcpt_tos.append(address)
        return "250 OK"


async def everything_on_the_streams(haystack: Haystack, url: str) -> None:
    client = await nats.connect(url)
    jetstream = client.jetstream()
    for stream in STREAMS:
        state = (await jetstream.stream_info(stream.name)).state
        for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
            try:
                message = await jetstream.get_msg(stream.name, sequence)
            except nats.js.errors.NotFoundError:
                continue  # replaced by a newer state of the same entity
            text = f"{message.subject} {message.headers} {(message.data or b'').decode()}"
            haystack.add(f"stream {stream.name}", text)
    await client.close()


async def everything_stored(haystack: Haystack, service: str, url: str) -> None:
    connection = await asyncpg.connect(url)
    for (table,) in await connection.fetch("select tablename from pg_tables where schemaname = 'public'"):
        # As JSON, so that each row is one text; bytes are written in hexadecimal there.
        for (row,) in await connection.fetch(f"select to_jsonb(t)::text from {table} t"):
            haystack.add(f"table {service}.{table}", row)
    for (payload,) in await connection.fetch("select convert_from(payload, 'utf8') from outbox"):
        haystack.add(f"table {service}.outbox", payload)
    await connection.close()


def everything_traced(haystack: Haystack, spans: InMemorySpanExporter) -> None:
    for span in spans.get_finished_spans():
        haystack.add("span", span.to_json())
        haystack.add("span status", span.status.description or "")


def form_fields(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    found = {}
    for tag in re.findall(r"<input[^>]*type=.?hidden[^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        found[attributes["name"]] = attributes.get("value", "")
    return found


@dataclass
class Journeys:
    """What parents do, over the API and on the pages."""

    booking: Running
    slots: Iterator[dict[str, Any]]
    tokens: list[str] = field(default_factory=list)

    def request(self, slot: dict[str, Any], contact: dict[str, Any]) -> dict[str, Any]:
        return {"slot": slot["id"], "municipality": "1266", "modality": "video", "contact": contact, "expecting": True}

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.booking.http.post(f"/booking/v1/{path}", json=body, headers=headers)

    async def book(self, contact: dict[str, Any]) -> str:
        """Hold, book, repeat the request, and come back with the token."""
        slot = next(self.slots)
        held = await self.post("holds", {"slot": slot["id"], "municipality": "1266", "modality": "video"})
        body = {"hold": held.json()["id"], "contact": contact, "expecting": True}
        made = await self.post("bookings", body, **{"Idempotency-Key": contact["name"].encode().hex()})
        again = await self.post("bookings", body, **{"Idempotency-Key": contact["name"].encode().hex()})
        assert (made.status_code, again.status_code) == (201, 201), (made.text, again.text)
        assert made.json() == again.json()
        token: str = made.json()["manage_token"]
        self.tokens.append(token)
        return token

    async def move_and_cancel(self, token: str) -> None:
        moved = await self.post(f"bookings/{token}/reschedule", {"slot": next(self.slots)["id"]})
        assert moved.status_code == 200, moved.text
        cancelled = await self.post(f"bookings/{token}/cancel", None)
        assert cancelled.status_code == 200, cancelled.text
        assert (await self.booking.http.get(f"/booking/v1/bookings/{token}")).status_code == 200

    async def be_refused(self, canary: Canary) -> None:
        """Too late, wrongly filled in, not JSON, and with a key that was used for something else."""
        contact = {"name": canary.name, "phone": canary.phone, "email": canary.email}
        slot = next(self.slots)
        first = await self.post("bookings", self.request(slot, {"name": "Kim", "phone": "0701234567"}), **KEY)
        assert first.status_code == 201
        taken = await self.post("bookings", self.request(slot, contact))
        reused = await self.post("bookings", self.request(slot, contact), **KEY)
        wrong = await self.post("bookings", self.request(slot, {**contact, "phone": f"{canary.phone}x"}))
        number = await self.post("bookings", self.request(slot, {**contact, "name": f"{canary.name} 20101010-1234"}))
        broken = await self.booking.http.post(
            "/booking/v1/bookings", content=f'{{"contact": {{"name": "{canary.name}"', headers=JSON
        )
        answers = (taken, reused, wrong, number, broken)
        assert [answer.status_code for answer in answers] == [409, 422, 422, 422, 400]
        said = Haystack([("answer", answer.text.casefold()) for answer in answers])
        assert said.holding(canary.needles()) == []

    async def meet_a_fault(self, canary: Canary) -> None:
        """PostgreSQL refuses the row, and says in its error what the row holds."""
        connection = await asyncpg.connect(self.booking.admin_url)
        await connection.execute("alter table family add constraint fault check (false) not valid")
        contact = {"name": canary.name, "phone": canary.phone, "email": canary.email}
        answer = await self.post("bookings", self.request(next(self.slots), contact))
        await connection.execute("alter table family drop constraint fault")
        await connection.close()
        assert answer.status_code == 500
        assert Haystack([("answer", answer.text.casefold())]).holding(canary.needles()) == []

    async def book_on_pages(self, canary: Canary) -> None:
        """Without script: choose a time, fill in wrongly, then rightly, look once more, book, move, cancel."""
        http = self.booking.http
        slot, later = next(self.slots), next(self.slots)
        here = "/boka/horby/foraldrasamtal"
        times = await http.get(f"{here}/tider", params={"satt": "video"})
        chosen = {**form_fields(times.text), "satt": "video", "tid": slot["id"]}
        contact = await http.post(f"{here}/tider", data=chosen, follow_redirects=True)
        assert contact.status_code == 200, contact.text
        path = contact.url.path
        typed = {"namn": canary.name, "telefon": f"{canary.phone}x", "epost": canary.email, "barn": "1", "sprak": "en"}
        wrong = await http.post(path, data={**form_fields(contact.text), **typed})
        assert wrong.status_code == 422
        assert canary.email in wrong.text, "what was typed is kept"
        typed["telefon"] = canary.phone
        last_look = await http.post(path, data={**form_fields(wrong.text), **typed})
        assert last_look.status_code == 200, last_look.text
        booked = await http.post(f"{path}/boka", data=form_fields(last_look.text), follow_redirects=True)
        assert booked.status_code == 200, booked.text
        manage = booked.url.path
        self.tokens.append(manage.rsplit("/", 1)[-1])
        assert (await http.get(f"{manage}/kalender.ics")).status_code == 200
        moving = {"satt": "video", "tid": later["id"]}
        moved = await http.post(f"{manage}/flytta", data=moving, follow_redirects=True)
        assert (moved.status_code, moved.url.path) == (200, manage), moved.text
        cancelled = await http.post(f"{manage}/avboka", follow_redirects=True)
        assert (cancelled.status_code, cancelled.url.path) == (200, manage), cancelled.text


JSON = {"content-type": "application/json"}
KEY = {"Idempotency-Key": "used-before"}


BY_MAIL, BY_SMS, REFUSED, FAULTY, ON_PAGES = (Canary(number) for number in range(11, 16))
UNREACHABLE = Canary(16, local=REFUSED_ADDRESS)
FAMILIES = (BY_MAIL, BY_SMS, REFUSED, FAULTY, ON_PAGES, UNREACHABLE)


async def live(journeys: Journeys) -> None:
    """All that families do."""
    by_mail = {"name": BY_MAIL.name, "email": BY_MAIL.email, "phone": BY_MAIL.phone, "language": "sv"}
    await journeys.book(by_mail)
    await journeys.move_and_cancel(await journeys.book({"name": BY_SMS.name, "phone": BY_SMS.phone}))
    await journeys.be_refused(REFUSED)
    await journeys.meet_a_fault(FAULTY)
    await journeys.book_on_pages(ON_PAGES)
    await journeys.book({"name": UNREACHABLE.name, "email": UNREACHABLE.email})


async def be_told(client: Client, outside: Outside, clock: Clock) -> None:
    """Wait for all messages, and for three dead letters: a mail that is refused, and an event that neither of its
    readers, notification and booking's figures, can understand.
    """
    await client.jetstream().publish("events.booking.confirmed", b"{", stream="EVENTS")

    async def told() -> bool:
        # What is moved at once may not be told of its first time: of its end it must be.
        heard = " ".join(f"{m.to} {m.subject} {m.text}" for m in outside.caught)
        return BY_MAIL.email in heard and "Din tid är avbokad" in heard and "is cancelled" in heard

    await until(told)

    async def buried() -> bool:
        infos = [await client.jetstream().stream_info(name) for name in ("DEAD", "ADVISORIES")]
        return [info.state.messages for info in infos] == [3, 2]

    await until(buried)
    clock.move(days=10)

    async def reminded() -> bool:
        return len([m for m in outside.caught if m.to == BY_MAIL.email]) == 2

    await until(reminded)


async def test_a_family_is_known_to_booking_and_to_its_own_messages_alone(
    booking: Running,
    notification: Notification,
    outside: Outside,
    clock: Clock,
    nats_server: infra.NatsServer,
    streams: Client,
    spans: InMemorySpanExporter,
    logs: io.StringIO,
    measured: InMemoryMetricReader,
    infra_kind: str,
    memory: Path,
) -> None:
    outside.catcher.smtp = PickyPostOffice(outside.catcher)  # type: ignore[assignment]
    visited = Visited()
    booking.http.event_hooks = {"request": [visited.asked], "response": [visited.answered]}
    found = (await booking.http.get("/booking/v1/slots", params={**QUERY, "limit": 500})).json()["items"]
    # Far enough ahead for a reminder.
    journeys = Journeys(booking, iter([slot for slot in found if slot["start"] > "2026-03-16"]))
    haystack = Haystack()
    async with notification(clock=clock) as notifying:
        await live(journeys)
        await be_told(streams, outside, clock)
        await everything_on_the_streams(haystack, nats_server.url)
        await everything_stored(haystack, "booking", booking.admin_url)
        opened = await everything_unsealed(booking)
        await everything_stored(haystack, "notification", notifying.admin_url)
    everything_traced(haystack, spans)
    for line in logs.getvalue().splitlines():
        haystack.add("log", line)
    if infra_kind == "embedded":
        written = (memory / "postgres" / "log").read_text(errors="replace")
        assert 'violates check constraint "fault"' in written
        haystack.add("PostgreSQL's log", written)
    metrics_data = measured.get_metrics_data()
    assert metrics_data is not None
    haystack.add("metrics", metrics_data.to_json())

    needles = {needle for family in FAMILIES for needle in family.needles()}
    tokens = {form for token in journeys.tokens for form in written_forms(token)} | {SECRET}
    places = haystack.holding(needles)
    assert places == []
    assert haystack.holding(tokens) == []
    the_addresses_are_clean(visited, needles, journeys.tokens)
    the_net_holds(haystack, outside, journeys.tokens, opened)


async def everything_unsealed(booking: Running) -> Haystack:
    """The contacts of all families, as whoever has their keys reads them."""
    async with database.driver(booking.admin) as connection:
        rows = await connection.fetch("select id, sealed, language from family")
    keys = await booking.runtime.vault.keys([row["id"] for row in rows])
    found = Haystack()
    for row in rows:
        found.add("family", repr(contacts.unseal(keys[row["id"]], row["id"], row["sealed"], row["language"])))
    return found


def the_addresses_are_clean(visited: Visited, needles: set[str], tokens: list[str]) -> None:
    """Addresses are the one place where a manage token belongs: its own."""
    assert Haystack([("url", url.casefold()) for url in visited.urls]).holding(needles) == []
    for url in visited.urls:
        if any(token in url for token in tokens):
            assert re.match(r"/(en/)?(bokning|booking/v1/bookings)/", urlsplit(url).path), url


def the_net_holds(haystack: Haystack, outside: Outside, tokens: list[str], opened: Haystack) -> None:
    """What must be found was found, and everything was looked at."""
    for family in (BY_MAIL, BY_SMS, ON_PAGES, UNREACHABLE):
        assert opened.holding(family.needles()), family
    for family in (REFUSED, FAULTY):
        assert not opened.holding(family.needles()), family
    assert haystack.size("table booking.family") == opened.size("family") > 0
    letters = Haystack([("letter", f"{m.to} {m.text}".casefold()) for m in outside.caught])
    for family in (BY_MAIL, BY_SMS, ON_PAGES):
        assert letters.holding(family.needles()), family
    assert letters.holding({f"https://samtid.example/bokning/{tokens[0]}"})
    streams = [f"stream {stream.name}" for stream in STREAMS]
    for place in (*streams, "span", "log", "metrics", "table booking.outbox", "table notification.outbox"):
        assert haystack.size(place), place
    logged = " ".join(text for place, text in haystack.texts if place == "log")
    assert "checkviolationerror" in logged
    assert "smtp_550" in logged


def test_the_net_knows_every_spelling() -> None:
    canary = Canary(99)
    for leak in (
        "hej Kanariefågel Sisyfos99!",
        "?namn=Kanarief%C3%A5gel+Sisyfos99",
        '{"name": "Kanarief\\u00e5gel"} sisyfos99',
        "zebrafink99%2Bfamilj%40example.se",
        "tel:+46709951799",
        "0709951799",
        "070-995 17 99",
        "\\x" + "Kanariefågel Sisyfos99".encode().hex(),
    ):
        assert Haystack([("leak", leak.casefold())]).holding(canary.needles()), leak
    assert Haystack([("else", "hej kanariefågel sisyfos98")]).holding(canary.needles()) == []

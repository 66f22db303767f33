"""Each user of NATS may do what its service must, and nothing more: asked of a real server."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import nats.errors
import nats.js.errors
import pytest
from nats.aio.client import Client

from deploy import embedded, installation, permissions
from deploy.services import SERVICES, all_reads, reads
from kit import messaging
from tests import infra

QUERY = "query.booking.contact"


def reaches(pattern: str, subject: str) -> bool:
    parts = zip(pattern.split("."), subject.split("."), strict=False)
    return all(part in (token, "*", ">") for part, token in parts)


def test_nobody_reaches_the_readers_of_another() -> None:
    """Told apart from what the permissions are made of, so that a wider one is not taken for a right."""
    for service in SERVICES:
        for other in (read for name in SERVICES if name != service for read in reads(name)):
            consumer = f"{other.stream}.{other.durable}"
            for deed in ("MSG.NEXT", "INFO", "RESET", "DELETE", "CREATE"):
                subject = f"$JS.API.CONSUMER.{deed}.{consumer}"
                assert not any(reaches(one, subject) for one in permissions.may_publish(service)), (service, subject)
            acknowledged = f"$JS.ACK.{consumer}.1.1.1.1.0"
            assert not any(reaches(one, acknowledged) for one in permissions.may_publish(service)), (service, other)


class Users:
    """Connections of the users to one server, and what the server refused them."""

    def __init__(self, url: str, keys: Path) -> None:
        self.url = url
        self.keys = keys
        self.refused: dict[str, list[str]] = {}
        self.clients: list[Client] = []

    async def connect(self, user: str) -> Client:
        refused = self.refused.setdefault(user, [])

        async def note(error: Exception) -> None:
            refused.append(str(error))

        if user == infra.TESTER:
            client = await nats.connect(self.url, user=user, password=user)
        else:
            client = await nats.connect(
                self.url,
                nkeys_seed_str=installation.seed_file(self.keys, user).read_text(),
                inbox_prefix=messaging.inbox_prefix(user).encode(),
                error_cb=note,
            )
        self.clients.append(client)
        return client

    async def is_refused(self, user: str, attempt: Awaitable[object]) -> bool:
        """Whether the server refuses the attempt, in so many words."""
        before = len(self.refused[user])
        with suppress(nats.errors.Error, nats.js.errors.Error, TimeoutError):
            await attempt
        deadline = asyncio.get_running_loop().time() + 1
        while len(self.refused[user]) == before and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        return any("permissions violation" in said for said in self.refused[user][before:])


@pytest.fixture
async def users(folder: Path) -> AsyncIterator[Users]:
    place = folder / f"permissions-{uuid4().hex}"
    keys = place / "keys"
    installation.make_keys(keys)
    with embedded.held_port() as port:
        server = embedded.nats(place / "nats", port, infra.accounts(keys))
        server.start()
        made = Users(f"nats://127.0.0.1:{port}", keys)
        try:
            await installation.provision(made.url, installation.seed_file(keys, permissions.OPERATOR).read_text())
            yield made
            for client in made.clients:
                await client.close()
        finally:
            server.stop()


async def test_each_publishes_its_own_events_and_nobody_elses(users: Users) -> None:
    for service in SERVICES:
        client = await users.connect(service)
        for kind, stream in (("events", "EVENTS"), ("state", "STATE")):
            ack = await client.jetstream().publish(f"{kind}.{service}.tried.one", b"{}", timeout=2)
            assert ack.stream == stream
            for other in set(SERVICES) - {service}:
                forged = client.publish(f"{kind}.{other}.tried.one", b"{}")
                assert await users.is_refused(service, forged), f"{service} could publish {kind} of {other}"


async def test_each_reads_what_it_declares_and_nothing_else(users: Users) -> None:
    for service in SERVICES:
        client = await users.connect(service)
        for read in reads(service):
            assert await infra.pending(client, read) == 0
            if read.stream == "STATE":
                await messaging.replay(client, read)
            # Whoever makes a consumer says where it delivers.
            made = f"$JS.API.CONSUMER.CREATE.{read.stream}.{read.durable}.{read.subjects}"
            assert await users.is_refused(service, client.publish(made, b"{}")), made
            users.refused[service].clear()
            subscription = await client.jetstream().pull_subscribe_bind(read.durable, read.stream)
            with pytest.raises(nats.errors.TimeoutError):
                await subscription.fetch(1, timeout=0.2)
            await client.jetstream().publish(f"dead.{read.durable}", b"{}", stream="DEAD", timeout=2)
        assert users.refused[service] == []
        for read in all_reads():
            if read.service == service:
                continue
            consumer = f"{read.stream}.{read.durable}"
            for subject in (
                f"$JS.API.CONSUMER.INFO.{consumer}",
                f"$JS.API.CONSUMER.MSG.NEXT.{consumer}",
                f"$JS.API.CONSUMER.RESET.{consumer}",
                f"$JS.API.CONSUMER.DELETE.{consumer}",
                f"$JS.API.CONSUMER.CREATE.{consumer}.{read.subjects}",
                f"$JS.ACK.{consumer}.1.1.1.1.1",
                f"dead.{read.durable}",
            ):
                assert await users.is_refused(service, client.publish(subject, b"{}")), f"{service}: {subject}"
        for subject in ("$JS.API.STREAM.INFO.EVENTS", "$JS.API.STREAM.DELETE.EVENTS", "$JS.API.STREAM.MSG.GET.STATE"):
            assert await users.is_refused(service, client.publish(subject, b"{}")), f"{service}: {subject}"
        assert await users.is_refused(service, client.subscribe("events.>"))


async def test_only_notification_asks_for_contacts_and_only_booking_answers(users: Users) -> None:
    booking = await users.connect("booking")

    async def answer(message: nats.aio.msg.Msg) -> None:
        await message.respond(b"contact")

    await booking.subscribe(QUERY, queue="booking", cb=answer)
    await booking.flush()
    notification = await users.connect("notification")
    assert (await notification.request(QUERY, b"{}", timeout=2)).data == b"contact"
    for service in set(SERVICES) - {"notification"}:
        client = await users.connect(service)
        assert await users.is_refused(service, client.request(QUERY, b"{}", timeout=0.5)), f"{service} could ask"
    for service in (*SERVICES, permissions.OPERATOR):
        if service != "booking":
            client = await users.connect(service)
            assert await users.is_refused(service, client.subscribe(QUERY)), f"{service} could answer"


async def test_nobody_listens_to_the_replies_of_another(users: Users) -> None:
    for user in permissions.USERS:
        client = await users.connect(user)
        for other in set(permissions.USERS) - {user}:
            subject = f"{messaging.inbox_prefix(other)}.>"
            assert await users.is_refused(user, client.subscribe(subject)), f"{user} could hear {other}"
        assert await users.is_refused(user, client.subscribe("_INBOX.>"))


async def test_nobody_enters_without_a_key(users: Users) -> None:
    """Spoken without a client library, which would try for ever."""
    known = installation.public_keys(users.keys)["booking"]
    for connect in ({}, {"nkey": known, "sig": "AAAA"}, {"user": "booking", "pass": ""}):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(users.url.rsplit(":", 1)[1]))
        writer.write(f"CONNECT {json.dumps({'verbose': False, **connect})}\r\nPING\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
        assert b"Authorization Violation" in answer, answer


def test_the_committed_configuration_is_fresh() -> None:
    assert permissions.COMMITTED.read_text() == permissions.committed(), "run `make contracts`"


def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    installation.make_keys(tmp_path)
    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    for path in before:
        if path.name != "keys.conf":
            assert path.stat().st_mode & 0o077 == 0, path
            assert path.stat().st_uid == os.geteuid()
    installation.make_keys(tmp_path)
    assert {path: path.read_text() for path in before} == before, "what is there is kept"

"""An account of NATS for each service: what a stolen key cannot do, and that all of ours works across accounts.

NATS answers to any reply subject that is asked for. In one account for all, an empty answer emptied streams.
"""

import asyncio
import json
import re
import subprocess
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

import nats.errors
import nats.js.errors
import pytest
import yaml
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, DeliverPolicy

from deploy import embedded, installation, permissions
from deploy.permissions import OPERATOR, may_publish, may_subscribe
from deploy.services import SERVICES, all_reads, answers, asks, reads
from kit import messaging, outbox
from kit.messaging import STREAMS
from tests import infra
from tests.conftest import until

ROOT = Path(__file__).parents[2]
FACTS = next(read for read in reads("notification") if read.stream == "EVENTS")
STATES = next(read for read in reads("booking") if read.stream == "STATE")
FETCHES = (b"", b'{"batch":1,"no_wait":true}', b'{"batch":1,"expires":1000000}', b'+NXT {"batch":1,"no_wait":true}')
# With what all that is kept begins; twelve bytes, so that it looks the same in base64 whatever follows.
KEPT = b"kept-for-you"
FORGED = {"Nats-Request-Info": '{"acc":"core","svc":"core"}'}


class Site:
    """One server, and connections to it."""

    def __init__(self, url: str, keys: Path) -> None:
        self.url = url
        self.keys = keys

    @asynccontextmanager
    async def connected(self, *users: str) -> AsyncIterator[list[Client]]:
        made = [await self._connect(user) for user in users]
        try:
            yield made
        finally:
            for client in made:
                await client.close()

    async def _connect(self, user: str) -> Client:
        async def quiet(_: Exception) -> None:
            """What is refused is counted by what it changed."""

        if user == infra.TESTER:
            return await nats.connect(self.url, user=user, password=user, error_cb=quiet)
        seed = installation.seed_file(self.keys, user).read_text()
        return await messaging.connect_once(self.url, seed, user, quiet)


def bare(accounts: str) -> str:
    """The accounts without what permissions refuse besides: each must hold alone."""
    core, *services = re.split(r"(?m)^(?=  \w+: \{$)", accounts)[1:]
    head = accounts[: accounts.index(core)]
    return head + core + "".join(re.sub(r"(?ms)^      permissions: \{.*?^      \}\n", "", one) for one in services)


@pytest.fixture(scope="module", params=["with permissions", "without"])
def site(request: pytest.FixtureRequest, memory: Path, nats_keys: Path) -> Iterator[Site]:
    config = infra.accounts(nats_keys)
    with embedded.held_port() as port:
        folder = memory / f"accounts-{uuid4().hex}"
        server = embedded.nats(folder, port, config if request.param == "with permissions" else bare(config))
        server.start()
        try:
            yield Site(f"nats://127.0.0.1:{port}", nats_keys)
        finally:
            server.kill()


@pytest.fixture
async def streams(site: Site) -> AsyncIterator[Client]:
    """The tester's connection, to streams that are new."""
    async with site.connected(infra.TESTER) as (client,):
        for stream in STREAMS:
            with suppress(nats.js.errors.NotFoundError):
                await client.jetstream().delete_stream(str(stream.name))
        await messaging.provision(client, all_reads())
        yield client


async def state(streams: Client) -> dict[str, object]:
    """All that somebody could have changed: what is stored, and how each reader stands."""
    manager = streams.jetstream()
    found: dict[str, object] = {}
    for stream in STREAMS:
        try:
            info = await manager.stream_info(str(stream.name), subjects_filter=">")
        except nats.js.errors.NotFoundError:
            continue
        found[str(stream.name)] = info.state.first_seq, info.state.consumer_count, asdict(info.config)
        found |= info.state.subjects or {}
    for read in all_reads():
        with suppress(nats.js.errors.NotFoundError):
            consumer = await manager.consumer_info(read.stream, read.durable)
            floor = consumer.ack_floor.stream_seq if consumer.ack_floor else None
            found[read.durable] = consumer.created, floor, consumer.num_ack_pending, asdict(consumer.config)
    return found


def covers(pattern: str, subject: str) -> bool:
    parts = [r"[^.]+" if t == "*" else ".+" if t == ">" else re.escape(t) for t in pattern.split(".")]
    return re.fullmatch(r"\.".join(parts), subject) is not None


def concrete(pattern: str) -> str:
    return pattern.replace(">", "x.y").replace("*", "x")


def may(user: str, subject: str) -> bool:
    return any(covers(pattern, subject) for pattern in may_publish(user))


def foreign(user: str, more: Sequence[str] = ()) -> list[str]:
    """All that anybody declares, and that the server listens to, except what `user` declares."""
    found = [concrete(s) for other in permissions.USERS for s in (*may_publish(other), *may_subscribe(other))]
    verbs = ("PURGE", "DELETE", "UPDATE", "INFO", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "CREATE", "LEADER.STEPDOWN")
    found += [f"$JS.API.STREAM.{verb}.{stream.name}" for stream in STREAMS for verb in verbs]
    found += [f"$JS.API.DIRECT.GET.{stream.name}" for stream in STREAMS]
    for read in all_reads():
        for verb in ("DELETE", "CREATE", "DURABLE.CREATE", "PAUSE", "UNPIN", "RESET", "INFO", "MSG.NEXT"):
            found.append(f"$JS.API.CONSUMER.{verb}.{read.stream}.{read.durable}")
    found += ["$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.core.CONNZ", "_R_.x", "$JS.FC.EVENTS.x", "$JS.API.INFO"]
    found += ["$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.x", *more]
    return sorted({s for s in found if not may(user, s) and not s.startswith(messaging.inbox_prefix(user))})


async def keep(streams: Client) -> None:
    """Something of everybody's in each stream, which says its subject."""
    subjects = ["events.first", "state.first", "dead.first"]
    subjects += [f"{kind}.{s}.kept.one" for s in SERVICES for kind in ("events", "state")]
    subjects += [f"dead.{s}" for s in SERVICES] + [f"dead.{read.durable}" for read in all_reads()]
    for subject in subjects:
        await streams.jetstream().publish(subject, KEPT + subject.encode())


async def send(client: Client, subject: str, reply: str) -> None:
    """All that is answered, in any of the ways in which the server answers, at `reply`."""
    batch = {"Nats-Batch-Id": uuid4().hex, "Nats-Batch-Sequence": "1"}
    commit = {**batch, "Nats-Batch-Sequence": "2", "Nats-Batch-Commit": "1"}
    tries: list[tuple[bytes, dict[str, str] | None]] = [(b"", None), (b"", batch), (b"", commit)]
    if subject.startswith(("events", "state", "dead")):
        schedule = {"Nats-Schedule": "@at 2020-01-01T00:00:00Z", "Nats-Schedule-Target": reply}
        tries += [(b"", {"Nats-Trace-Dest": reply}), (b"", {"Nats-Rollup": "all"}), (b"", schedule), (b"", FORGED)]
    else:
        tries += [(body, FORGED) for body in (*FETCHES, b'{"seq":1}')]
    for body, headers in tries:
        await client.publish(subject, body, reply=reply, headers=headers)


async def listen(
    client: Client, heard: list[str], *subjects: str, own: Sequence[messaging.Reads] | None = None
) -> None:
    """Remember what is heard: everything, or, of one who may read what `own` says, what is kept for others."""

    async def note(message: Msg) -> None:
        _, begins, subject = message.data.partition(KEPT)
        others = begins and not any(covers(read.subjects, subject.decode()) for read in own or ())
        if own is None or others or b64encode(KEPT) in message.data:
            heard.append(f"{message.subject}: {message.data!r}")

    for subject in subjects:
        await client.subscribe(subject, cb=note)
    await client.flush()


@pytest.mark.parametrize("user", SERVICES)
async def test_no_foreign_subject_is_reached_in_any_way(site: Site, streams: Client, user: str) -> None:
    """To publish to, to be answered at, in headers, and to listen to: nothing is emptied, stored, taken or heard."""
    await keep(streams)
    others = [other for other in SERVICES if other != user]
    heard: list[str] = []
    async with site.connected(FACTS.service, user, *others) as (busy, client, *rest):
        # A message in notification's hands, which an empty message to its reply subject would acknowledge.
        puller = await busy.jetstream().pull_subscribe_bind(FACTS.durable, FACTS.stream)
        (pending,) = await puller.fetch(1, timeout=5)
        for other, listener in zip(others, rest, strict=True):
            await listen(listener, heard, *(s for s in may_subscribe(other) if s not in asks(user)))
        inbox = f"{messaging.inbox_prefix(user)}.>"
        await listen(client, heard, inbox, ">", "$JS.>", "$SYS.>", "_R_.>", "_INBOX.>", own=reads(user))
        before = await state(streams)
        for target in foreign(user, [pending.reply] if user != FACTS.service else []):
            await send(client, target, client.new_inbox())
            for pattern in may_publish(user):
                await send(client, concrete(pattern).replace("x.y", "1.1.1.1.0"), target)
        for subject in (f"events.{user}.last", f"state.{user}.last.one", f"dead.{user}"):
            # Once this is answered all before it was; where its stream is gone, it is not.
            with suppress(nats.errors.Error):
                await client.jetstream().publish(subject, b"", timeout=5)
        for listener in (*rest, streams):
            await listener.flush()
        await asyncio.sleep(0.5)
        after = await state(streams)
    mine = {*(read.durable for read in reads(user)), *(s for s in after if may(user, s))}
    assert {what for what in before.keys() | after.keys() if before.get(what) != after.get(what)} <= mine
    assert heard == []


async def test_the_operators_key_reaches_no_question_and_no_answer(site: Site, streams: Client) -> None:
    """It may read and change all that the streams hold; who a family is, is in no stream."""
    await keep(streams)
    heard: list[str] = []
    async with site.connected(OPERATOR, *SERVICES) as (operator, *rest):
        for service, listener in zip(SERVICES, rest, strict=True):
            await listen(listener, heard, *may_subscribe(service))
        for target in (concrete(s) for service in SERVICES for s in may_subscribe(service)):
            await send(operator, target, operator.new_inbox())
            for pattern in may_publish(OPERATOR):
                await send(operator, concrete(pattern), target)
        await operator.flush()
        manager, read = operator.jetstream(), []

        async def take(message: Msg) -> None:
            read.append(message.subject)

        # Whoever may make a consumer may have all that a stream holds sent to himself.
        inbox = operator.new_inbox()
        await operator.subscribe(inbox, cb=take)
        config = ConsumerConfig(name="everything", deliver_subject=inbox, deliver_policy=DeliverPolicy.ALL)
        await manager.add_consumer("STATE", config)
        await until(lambda: _holds("state.directory.kept.one" in read))
    assert heard == []


async def _holds(what: object) -> bool:
    return bool(what)


async def test_a_service_reads_acknowledges_and_begins_anew_across_accounts(site: Site, streams: Client) -> None:
    async with site.connected("directory", "booking") as (directory, booking):
        for number in range(3):
            await directory.jetstream().publish(f"state.directory.unit.{number}", b"{}")
        mine = booking.jetstream()
        puller = await mine.pull_subscribe_bind(STATES.durable, STATES.stream)

        async def take() -> Msg:
            (message,) = await puller.fetch(1, timeout=5)
            return message

        for settle in ("ack_sync", "term", "nak"):
            message = await take()
            assert message.headers is None, "the server's word on who sent it is not stored"
            await message.in_progress()
            await getattr(message, settle)()
        again = await take()
        assert (again.subject, again.metadata.num_delivered) == ("state.directory.unit.2", 2)
        await again.nak(delay=0.3)
        with pytest.raises(nats.errors.TimeoutError):
            await puller.fetch(1, timeout=0.1)
        await (await take()).ack()
        await until(lambda: _nothing_waits(booking))
        # What was given up unread is an advisory.
        await until(lambda: _kept(streams, "ADVISORIES", 1))
        await messaging.replay(booking, STATES)
        assert await infra.pending(booking, STATES) == 3
        assert (await take()).metadata.sequence.stream == 1
        await streams.jetstream().delete_consumer(STATES.stream, STATES.durable)
        with pytest.raises(nats.js.errors.NotFoundError):
            await messaging.replay(booking, STATES)


async def _nothing_waits(client: Client) -> bool:
    return await infra.pending(client, STATES) == 0


async def _kept(streams: Client, stream: str, count: int) -> bool:
    return (await streams.jetstream().stream_info(stream)).state.messages == count


async def test_the_largest_message_comes_through(site: Site, streams: Client) -> None:
    """Who sent it is written into it after its size was looked at."""
    async with site.connected("booking", "notification") as (booking, notification):
        await booking.jetstream().publish("events.booking.large", b"x" * (booking.max_payload - outbox.HEADERS_BYTES))
        puller = await notification.jetstream().pull_subscribe_bind(FACTS.durable, FACTS.stream)
        (message,) = await puller.fetch(1, timeout=5)
        assert (len(message.data), message.headers) == (booking.max_payload - outbox.HEADERS_BYTES, None)


@pytest.mark.parametrize("question", [question for service in SERVICES for question in asks(service)])
async def test_who_answers_is_told_who_asks_by_the_server(site: Site, question: str) -> None:
    ((asker, answerer),) = [
        (asker, other) for asker in SERVICES for other in SERVICES
        if question in asks(asker) and question in answers(other)
    ]  # fmt: skip
    told: list[str] = []

    async def answer(message: Msg) -> None:
        told.append(json.loads((message.headers or {})["Nats-Request-Info"])["acc"])
        await message.respond(b"an answer")

    async with site.connected(asker, answerer) as (asking, answering):
        await answering.subscribe(question, queue=answerer, cb=answer)

        async def answered() -> bool:
            with suppress(nats.errors.NoRespondersError):  # not yet
                return (await asking.request(question, b"{}", timeout=5, headers=FORGED)).data == b"an answer"
            return False

        await until(answered)
    assert told == [asker]


BEFORE = """
authorization {{ users: [
  {{ nkey: {operator}, permissions: {{ publish: ["$JS.API.>", "events.>", "state.>", "dead.>"] }} }}
  {{ nkey: {notification} }}
] }}
"""


def compose_moves(storage: Path) -> None:
    """What the container of NATS runs before the server."""
    nats = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["nats"]
    *shell, script = nats["entrypoint"]
    script = script.replace("$$", "$").replace("/data", str(storage)).replace("exec nats-server", "echo nats-server")
    said = subprocess.run([*shell, script], check=True, capture_output=True, text=True).stdout
    assert said == "nats-server --config /etc/nats/samtid/nats.conf\n"


@pytest.mark.parametrize("move", [permissions.move_streams, compose_moves])
async def test_streams_of_before_there_were_accounts_are_kept(memory: Path, nats_keys: Path, move: object) -> None:
    """Messages, and how far readers have come; done again, nothing happens."""
    assert callable(move)
    folder = memory / f"before-{uuid4().hex}"
    publics = installation.public_keys(nats_keys)

    async def read(client: Client, count: int) -> list[bytes]:
        puller, found = await client.jetstream().pull_subscribe_bind(FACTS.durable, FACTS.stream), []
        for _ in range(count):
            (message,) = await puller.fetch(1, timeout=5)
            await message.ack_sync()
            found.append(message.data)
        return found

    with embedded.held_port() as port:
        site = Site(f"nats://127.0.0.1:{port}", nats_keys)
        old = embedded.nats(folder, port, BEFORE.format(**publics))
        old.start()
        async with site.connected(OPERATOR, "notification") as (operator, reader):
            await messaging.provision(operator, all_reads())
            for number in range(5):
                await operator.jetstream().publish("events.booking.confirmed", b"%d" % number)
            await operator.jetstream().publish("state.directory.unit.one", b"kept")
            await operator.jetstream().publish("dead.consent", b"kept")
            assert await read(reader, 2) == [b"0", b"1"]
        old.stop()
        for _ in range(2):
            move(folder / "jetstream")
            new = embedded.nats(folder, port, infra.accounts(nats_keys))
            new.start()
            try:
                async with site.connected(OPERATOR, "notification", infra.TESTER) as (operator, reader, tester):
                    counts = [(await tester.jetstream().stream_info(str(s.name))).state.messages for s in STREAMS]
                    assert counts == [5, 1, 1, 0]
                    await messaging.provision(operator, all_reads())
                    waiting = await infra.pending(reader, FACTS)
                    assert await read(reader, waiting) == [b"2", b"3", b"4"][3 - waiting :]
            finally:
                new.stop()
        assert waiting == 0

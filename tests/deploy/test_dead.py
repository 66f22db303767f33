"""`samtid dead`, as the operator, on a server that lets each user do no more than it must."""

import asyncio
import json
from uuid import uuid4

import pytest
from nats.aio.client import Client

from deploy import cli, installation, permissions
from tests import infra
from tests.deploy.test_permissions import Users, users

__all__ = ["users"]

READER = "notification-events-booking"


@pytest.fixture(autouse=True)
def _operator(users: Users, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", users.url)
    monkeypatch.setenv("NATS_SEED_FILE", str(installation.seed_file(users.keys, permissions.OPERATOR)))


async def samtid(*arguments: str) -> int:
    return await asyncio.to_thread(cli.main, ["dead", *arguments])


async def give_up(client: Client, subject: str, event: str, data: object) -> bytes:
    """A dead letter as a reader writes it."""
    payload = json.dumps({"id": event, "data": data}).encode()
    headers = {
        "traceparent": "00-x",
        "Samtid-Error": "RuntimeError",
        "Samtid-Subject": subject,
        "Samtid-Deliveries": "12",
        "Samtid-Event": event,
        "Samtid-Type": "se.samtid.booking.confirmed.v1",
        "Nats-Msg-Id": f"dead-{event}",
    }
    await client.jetstream().publish(f"dead.{READER}", payload, headers=headers)
    return payload


async def kept(client: Client, stream: str) -> int:
    return int((await client.jetstream().stream_info(stream)).state.messages)


async def test_what_was_given_up_is_listed_shown_and_dropped(users: Users, capsys: pytest.CaptureFixture[str]) -> None:
    assert await samtid("list") == 0
    assert "No event was given up" in capsys.readouterr().out
    reader, operator = await users.connect("notification"), await users.connect(permissions.OPERATOR)
    one, other = str(uuid4()), str(uuid4())
    for event in (one, other):
        await give_up(reader, "events.booking.confirmed", event, {"booking": "which one"})
    assert await samtid("list", "--reader", READER) == 0
    said = capsys.readouterr().out
    for told in (one, other, READER, "RuntimeError", "12", "se.samtid.booking.confirmed.v1"):
        assert told in said
    assert await samtid("list", "--reader", "another") == 0
    assert one not in capsys.readouterr().out
    assert await samtid("show", "1") == 0
    assert "which one" not in capsys.readouterr().out
    assert await samtid("show", "1", "--payload") == 0
    assert "which one" in capsys.readouterr().out
    assert await samtid("drop", "1") == 0
    assert await samtid("drop", "1") == 1
    assert await samtid("drop", "--all") == 0
    assert await kept(operator, "DEAD") == 0


@pytest.mark.parametrize("deed", [["list"], ["show", "1"], ["retry", "--all"], ["drop", "--all"]])
async def test_letters_that_are_lost_are_not_none(
    users: Users, capsys: pytest.CaptureFixture[str], deed: list[str]
) -> None:
    operator = await users.connect(infra.TESTER)
    await operator.jetstream().delete_stream("DEAD")
    assert await samtid(*deed) == 1
    said = capsys.readouterr()
    assert (said.out, "samtid provision" in said.err) == ("", True)


async def test_a_fact_is_published_again_as_it_was(users: Users) -> None:
    reader, operator = await users.connect("notification"), await users.connect(permissions.OPERATOR)
    payload = await give_up(reader, "events.booking.confirmed", str(uuid4()), {})
    assert await samtid("retry", "1") == 0
    message = await (await users.connect(infra.TESTER)).jetstream().get_msg("EVENTS", 1)
    assert message.data == payload
    assert message.headers == {"traceparent": "00-x", "Nats-Msg-Id": message.headers["Nats-Msg-Id"]}
    assert await kept(operator, "DEAD") == 0


async def test_a_state_is_published_again_only_while_it_is_the_last(users: Users) -> None:
    reader, directory = await users.connect("booking"), await users.connect("directory")
    subject = "state.directory.unit.one"

    async def give_up_state(version: int) -> bytes:
        payload = json.dumps({"version": version}).encode()
        headers = {"Samtid-Subject": subject, "Samtid-Event": str(uuid4())}
        await reader.jetstream().publish("dead.booking-state-directory", payload, headers=headers)
        return payload

    first = await give_up_state(1)
    await directory.jetstream().publish(subject, first)
    assert await samtid("retry", "--all") == 0
    operator = await users.connect(permissions.OPERATOR)
    assert (await operator.jetstream().stream_info("STATE")).state.last_seq == 2
    await give_up_state(1)
    await directory.jetstream().publish(subject, b"a later state")
    assert await samtid("retry", "--reader", "booking-state-directory") == 0
    assert (await operator.jetstream().get_last_msg("STATE", subject)).data == b"a later state"
    assert await kept(operator, "DEAD") == 0


async def test_the_operator_publishes_what_services_do_and_nothing_else(users: Users) -> None:
    operator = await users.connect(permissions.OPERATOR)
    api = ("STREAM.PURGE.EVENTS", "STREAM.DELETE.DEAD", "STREAM.MSG.GET.ADVISORIES", "STREAM.MSG.DELETE.STATE")
    forbidden = [f"$JS.API.{deed}" for deed in (*api, f"CONSUMER.DELETE.EVENTS.{READER}")]
    for subject in ("events.other.thing", "state.other.thing", "dead.booking", "query.booking.contact", *forbidden):
        assert await users.is_refused(permissions.OPERATOR, operator.publish(subject, b"{}")), subject

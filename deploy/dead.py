"""`samtid dead`: the events that a reader gave up, as the operator sees them, and what can be done with them.

To retry is to publish the event once more where it was published: the reader that gave it up handles it, and those that
handled it drop it, for they remember its id. A state is published again only while it is still the last of its entity,
which the server itself checks: an older one would take its place for whoever reads the register anew.
"""

import argparse
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import RawStreamMsg

from deploy import columns, installation

STREAM = "DEAD"
# What the dead letter says of itself, and the event did not.
_OF_THE_LETTER = ("Samtid-", "Nats-")


async def main(chosen: argparse.Namespace, url: str, seed: str | None) -> int:
    """Do it; 0 when done, 1 where a number or the stream is not there, or an event was not taken."""
    async with _connected(url, seed) as client:
        try:
            letters = [each async for each in installation.stored(client, STREAM, "dead.>") if _wanted(each, chosen)]
        except installation.InstallationError as error:
            print(f"samtid dead: {error}", file=sys.stderr)
            return 1
        missing = set(getattr(chosen, "numbers", ())) - {letter.seq for letter in letters}
        for number in sorted(missing):
            print(f"samtid dead: there is no dead letter {number}.", file=sys.stderr)
        if chosen.deed == "list":
            _list(letters)
        elif chosen.deed == "show":
            _show(letters, payload=chosen.payload)
        else:
            done = [await (_retry if chosen.deed == "retry" else _drop)(client, letter) for letter in letters]
            return 0 if all(done) and not missing else 1
    return 1 if missing else 0


@asynccontextmanager
async def _connected(url: str, seed: str | None) -> AsyncIterator[Client]:
    client = await installation.operator(url, seed)
    try:
        yield client
    finally:
        await client.close()


def _wanted(letter: RawStreamMsg, chosen: argparse.Namespace) -> bool:
    if numbers := getattr(chosen, "numbers", ()):
        return letter.seq in numbers
    reader = getattr(chosen, "reader", None)
    return reader is None or reader == _reader(letter)


def _reader(letter: RawStreamMsg) -> str:
    return str(letter.subject).partition(".")[2]


def _said(letter: RawStreamMsg, name: str) -> str:
    return str((letter.headers or {}).get(f"Samtid-{name}", "-"))


def _list(letters: Sequence[RawStreamMsg]) -> None:
    if not letters:
        print("No event was given up.")
        return
    rows = [("NUMBER", "WHEN", "READER", "EVENT", "ID", "ERROR", "TRIES")]
    rows += [
        (
            str(letter.seq),
            f"{letter.time:%Y-%m-%d %H:%M:%SZ}" if letter.time else "-",
            _reader(letter),
            _said(letter, "Type"),
            _said(letter, "Event"),
            _said(letter, "Error"),
            _said(letter, "Deliveries"),
        )
        for letter in letters
    ]
    columns.show(rows)


def _show(letters: Sequence[RawStreamMsg], *, payload: bool) -> None:
    for letter in letters:
        print(f"{letter.subject}, number {letter.seq}, {letter.time}")
        for name, value in sorted((letter.headers or {}).items()):
            print(f"  {name}: {value}")
        if payload:
            print((letter.data or b"").decode(errors="replace"))


async def _retry(client: Client, letter: RawStreamMsg) -> bool:
    """Publish the event again and forget the letter; whether it was taken."""
    event, subject = _said(letter, "Event"), _said(letter, "Subject")
    if subject == "-" or not letter.data:
        print(f"{letter.seq}: no event of a stream; see `samtid messages` for a family's message.", file=sys.stderr)
        return False
    headers = {k: v for k, v in (letter.headers or {}).items() if not k.startswith(_OF_THE_LETTER)}
    # Whoever retries twice at once publishes once.
    headers["Nats-Msg-Id"] = f"retry-{letter.seq}-{event}"
    jetstream = client.jetstream()
    if subject.startswith("state."):
        last = await _last(client, subject)
        if last and last.data != letter.data:
            print(f"{letter.seq}: {event} was followed by a later state, and is dropped.")
            return await _drop(client, letter, quiet=True)
        headers["Nats-Expected-Last-Subject-Sequence"] = str(last.seq if last else 0)
    try:
        await jetstream.publish(subject, letter.data, headers=headers)
    except nats.js.errors.APIError as error:
        print(f"{letter.seq}: {event} is not taken ({error.err_code}); try again.", file=sys.stderr)
        return False
    print(f"{letter.seq}: {event} is published again.")
    return await _drop(client, letter, quiet=True)


async def _last(client: Client, subject: str) -> RawStreamMsg | None:
    try:
        return await client.jetstream().get_last_msg("STATE", subject)
    except nats.js.errors.NotFoundError:
        return None


async def _drop(client: Client, letter: RawStreamMsg, *, quiet: bool = False) -> bool:
    assert letter.seq, "kept in a stream"
    try:
        await client.jetstream().delete_msg(STREAM, letter.seq)
    except nats.js.errors.NotFoundError:
        return False
    if not quiet:
        print(f"{letter.seq}: {_said(letter, 'Event')} is dropped.")
    return True

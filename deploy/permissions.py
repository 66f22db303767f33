"""What each user of NATS reaches: an account for each service, generated from what the services declare, and no more.

NATS checks the subject that a user publishes to, and never the *reply* subject, to which the server answers with
rights of its own: an empty answer there is a valid order to empty a stream. So JetStream is in the account `core`, each
service is in an account of its own, and `core` exports to it exactly the subjects that it uses. Whoever sends to
another account is answered in his own, whatever reply he named, and nobody else is there.

`python -m deploy.permissions` writes deploy/nats/accounts.conf, which the containers use; the demo makes its own of the
same text.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nkeys

from deploy.services import SERVICES, answers, asks, reads
from kit.messaging import inbox_prefix

# The account of the streams, and of the operator.
CORE = "core"
# Makes streams and consumers; publishes what a reader gave up once more, where it was published (`samtid dead retry`).
OPERATOR = "operator"
USERS = (OPERATOR, *SERVICES)
COMMITTED = Path(__file__).parent / "nats" / "accounts.conf"
# Exported by `core` and answered by nobody.
NOTHING = "nothing"
# `samtid provision`, `samtid dead`, and `samtid retention`, which reads who was erased on request.
OPERATES = (
    "STREAM.CREATE.*",
    "STREAM.UPDATE.*",
    "STREAM.INFO.*",
    "CONSUMER.CREATE.>",
    "CONSUMER.INFO.>",
    "STREAM.MSG.GET.DEAD",
    "STREAM.MSG.GET.EVENTS",
    "STREAM.MSG.GET.STATE",
    "STREAM.MSG.DELETE.DEAD",
)


def new_seed() -> str:
    """A new NKey seed: the secret of one user."""
    seed: bytes = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    return seed.decode()


def public_key(seed: str) -> str:
    """What the server is told about the user of `seed`. Raises NkeysError for what is no seed."""
    key: bytes = nkeys.from_seed(seed.strip().encode()).public_key
    return key.decode()


@dataclass(frozen=True)
class Way:
    """A subject of one account to which another one sends."""

    subject: str
    of: str
    by: str


def ways(service: str) -> list[Way]:
    """All that a service reaches outside its account: its own events, its own consumers, the questions that it asks.

    Exports, imports and permissions are made of this one list.
    """
    subjects = [f"events.{service}.>", f"state.{service}.>", f"dead.{service}"]
    for read in reads(service):
        consumer = f"{read.stream}.{read.durable}"
        subjects += [
            f"$JS.API.CONSUMER.INFO.{consumer}",
            f"$JS.API.CONSUMER.MSG.NEXT.{consumer}",
            f"$JS.ACK.{consumer}.>",
            f"dead.{read.durable}",
        ]
        if read.stream == "STATE":
            # A new, empty database hears everything from the first message. To make the consumer anew would be to say
            # how it is made, and where it delivers.
            subjects += [f"$JS.API.CONSUMER.RESET.{consumer}"]
    made = [Way(subject, CORE, service) for subject in subjects]
    # A question goes straight to who answers it, and `core` never sees it.
    return made + [Way(s, other, service) for s in asks(service) for other in SERVICES if s in answers(other)]


def may_publish(user: str) -> list[str]:
    """The subjects that a user may publish to."""
    if user == OPERATOR:
        events = [f"{kind}.{service}.>" for service in SERVICES for kind in ("events", "state")]
        return [*(f"$JS.API.{deed}" for deed in OPERATES), *events]
    return [way.subject for way in ways(user)]


def may_subscribe(user: str) -> list[str]:
    """The subjects that a user may listen to: its own inbox, and the questions that it answers."""
    return [f"{inbox_prefix(user)}.>", *(answers(user) if user != OPERATOR else ())]


def accounts(keys: Mapping[str, str]) -> str:
    """The accounts of a NATS configuration, with their users; `keys` holds the public key of each user."""
    blocks = [_account(CORE, OPERATOR, keys, jetstream=True), *(_account(s, s, keys) for s in SERVICES)]
    return (
        # With it acknowledgements have other subjects, and are lost in silence.
        "feature_flags { js_ack_fc_v2: false }\naccounts {\n" + "".join(blocks) + "}\n"
    )


def _account(name: str, user: str, keys: Mapping[str, str], *, jetstream: bool = False) -> str:
    # The accounts would do without the permissions, which make the server log who tried what.
    replies = "\n        allow_responses: true" if user != OPERATOR and answers(user) else ""
    lines = ["jetstream: enabled"] if jetstream else []
    lines += [
        "users: [{",
        f"  nkey: {keys[user]}",
        "  permissions: {",
        f"    publish: {_array(may_publish(user))}",
        f"    subscribe: {_array(may_subscribe(user))}{replies}",
        "  }",
        "}]",
    ]
    everything = [way for service in SERVICES for way in ways(service)]
    exported: dict[str, list[str]] = {}
    for way in everything:
        if way.of == name:
            exported.setdefault(way.subject, []).append(way.by)
    imported = [(way.of, way.subject, way.subject) for way in everything if way.by == name]
    if name == CORE:
        exported[NOTHING] = list(SERVICES)
    else:
        # An account without JetStream is told so where it asks `$JS.API.>`, before `core` answers, unless INFO is
        # imported: so it leads to where nobody answers.
        imported.append((CORE, NOTHING, "$JS.API.INFO"))
    lines += _list("exports", (_export(subject, users) for subject, users in exported.items()))
    lines += _list("imports", (_import(*each) for each in imported))
    return f"  {name}: {{\n" + "".join(f"    {line}\n" for line in lines) + "  }\n"


def _export(subject: str, users: Iterable[str]) -> str:
    # One answer to each, after which the server forgets the way back: readers fetch one message at a time.
    return f'{{ service: "{subject}", accounts: [{", ".join(users)}] }}'


def _import(account: str, subject: str, to: str) -> str:
    moved = f', to: "{to}"' if to != subject else ""
    return f'{{ service: {{ account: {account}, subject: "{subject}" }}{moved} }}'


def _list(name: str, items: Iterable[str]) -> list[str]:
    found = list(items)
    return [f"{name}: [", *(f"  {item}" for item in found), "]"] if found else []


def _array(subjects: Iterable[str]) -> str:
    lines = "".join(f'          "{subject}"\n' for subject in subjects)
    return f"[\n{lines}        ]"


def move_streams(storage: Path) -> None:
    """Give the account `core` the streams of a NATS that had no accounts; `storage` is its `store_dir`.

    Messages, consumers and how far these have read stay as they are. NATS must not run meanwhile.
    """
    of_all, of_core = (storage / "jetstream" / name for name in ("$G", CORE))
    if of_all.is_dir() and not of_core.exists():
        of_all.rename(of_core)


def committed() -> str:
    """The text of deploy/nats/accounts.conf: the keys are variables, because each installation makes its own."""
    return (
        "# Generated by `python -m deploy.permissions` from what the services declare; a test holds that it is fresh.\n"
        "# Each installation makes its own keys, with `samtid keys`.\n"
        'include "../keys/keys.conf"\n'
    ) + accounts({user: f"$NKEY_{user.upper()}" for user in USERS})


if __name__ == "__main__":
    COMMITTED.write_text(committed())

"""Where proofs come in, from the API, a page, or another use case: each transaction is opened and committed here."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from booking import secrecy
from booking.bookings.entry import links, vault
from booking.bookings.links import token_hash
from booking.bookings.service import View, view_of
from booking.families import contacts
from booking.families import service as families
from booking.families import tables as family_tables
from booking.families.contacts import Contact
from booking.families.rules import ContactChanged, ContactUnreadable
from booking.families.service import Known
from booking.proofs import answers, rules, service, tables
from booking.proofs.rules import Channel, CodeGone, NoSms, NotProved, OtherKind, SameContact, TooManyCodes
from booking.proofs.service import Way, Whose
from booking.proofs.tables import NewProof
from booking.roles import PROOF
from kit import addresses, database
from kit.app import Runtime
from kit.language import Language

# Codes that a client asks for in an hour.
CODES = "codes"


@dataclass(frozen=True)
class Proved:
    """That a contact was proved. Whoever has `token` is shown the bookings that were made with it, until `ends_at`."""

    token: str
    ends_at: datetime
    channel: Channel
    family: UUID


async def ask(
    runtime: Runtime,
    way: Way,
    *,
    client: str,
    language: Language,
    whose: Whose | None = None,
    help_phone: str | None = None,
    proof: UUID | None = None,
) -> UUID:
    """See `service.ask`; the id of the proof, by which the code is confirmed, whether or not one is sent.

    `client` is of `kit.door.client_of`. Asked again with the same `proof`, nothing more is sent.
    Raises NoSms, TooManyCodes, NotFound or KeysUnavailable.
    """
    if way.channel == "sms" and not addresses.takes_sms(way.to):
        raise NoSms("contact")
    now, proof = runtime.clock(), proof or uuid4()
    assert runtime.limits is not None, "the public reaches this service"
    if not runtime.limits.admits(CODES, client, now):
        raise TooManyCodes(help_phone, rules.until_next_hour(now))
    fingerprint = await service.fingerprint(vault(runtime), way, now)
    async with secrecy.of_contact(runtime.engine, fingerprint) as connection:
        await service.ask(
            connection,
            runtime.settings,
            proof,
            way,
            fingerprint,
            whose=whose,
            language=language,
            help_phone=help_phone,
            now=now,
        )
    runtime.relay.wake()
    return proof


async def confirm(runtime: Runtime, proof: UUID, typed: str) -> Proved:
    """Prove a contact by the code that was sent to it, once. Raises CodeGone or WrongCode.

    Each try is counted, at once and for good.
    """
    now = runtime.clock()
    return await _prove(runtime, proof, await _try(runtime, proof, typed, now), now)


async def _try(runtime: Runtime, proof: UUID, typed: str, now: datetime) -> asyncpg.Record:
    """The proof whose code was typed. Raises CodeGone or WrongCode."""
    if not rules.digits(typed):
        # Not a try: so is also the page that is asked for in the other language.
        raise rules.WrongCode
    async with secrecy.of_proof(runtime.engine, proof) as connection:
        tried = await tables.try_once(connection, proof, rules.TRIES, now)
    return service.check(links(runtime), proof, tried, typed)


async def _prove(runtime: Runtime, proof: UUID, found: asyncpg.Record, now: datetime) -> Proved:
    """Use up the code that was typed. Raises CodeGone."""
    token, ends = secrets.token_urlsafe(32), now + rules.LASTS
    async with secrecy.of_proof(runtime.engine, proof, found["fingerprint"]) as connection:
        if not await tables.prove(connection, proof, token_hash(token), now, ends):
            raise CodeGone
        await tables.mark(connection, found["channel"], found["fingerprint"], now)
    return Proved(token, ends, found["channel"], found["family"])


async def is_proved(runtime: Runtime, proof: UUID, family: UUID) -> bool:
    """Whether a contact of a family was proved by this proof, as long as that lasts."""
    async with secrecy.of_proof(runtime.engine, proof) as connection:
        return await tables.is_proved(connection, proof, family, runtime.clock() - rules.LASTS)


@dataclass(frozen=True)
class Mine:
    """The bookings that were made with a contact, by their manage tokens, the first one first."""

    channel: Channel
    ends_at: datetime
    bookings: dict[str, View]


async def mine(runtime: Runtime, token: str, language: Language) -> Mine:
    """What a proof shows: the bookings to come and those of lately. Raises NotProved."""
    now = runtime.clock()
    async with secrecy.of_proved(runtime.engine, token_hash(token), now) as connection:
        proof = await tables.session(connection)
        if proof is None:
            raise NotProved
        rows = await tables.bookings(connection, proof["fingerprint"], now - rules.SHOWN_PAST, rules.SHOWN)
    found = {links(runtime).token(row["id"]): view_of(row, language) for row in rows}
    return Mine(proof["channel"], proof["ends_at"], found)


async def ask_change(runtime: Runtime, token: str, way: Way, **asked: Any) -> UUID:
    """Have a code sent to a contact that is to take the place of the one that `token` proves, of the same kind.

    It is kept, sealed with a family's key, until it is proved or the day is over. `asked` and what is raised are those
    of `ask`; besides NotProved, OtherKind, SameContact and ContactUnreadable.
    """
    now, keys = runtime.clock(), vault(runtime)
    async with secrecy.of_proved(runtime.engine, token_hash(token), now) as connection:
        proof = await tables.session(connection)
        whose = service.who_booked(await tables.families(connection, proof["fingerprint"])) if proof else None
        if proof is None or whose is None:
            raise NotProved
        if proof["channel"] != way.channel:
            raise OtherKind
        rows = await family_tables.all_sealed(connection, [whose.family])
    async with keys.turn():
        if await service.fingerprint(keys, way, now) == proof["fingerprint"]:
            raise SameContact
        known = await families.known(keys, rows)
        sealed = await contacts.seal(keys, known.key, _renewed(known.contact, way), now)
    return await ask(runtime, way, whose=replace(whose, sealed=sealed.sealed), **asked)


async def change(runtime: Runtime, token: str, proof: UUID, typed: str) -> Proved:
    """Put the contact whose code was typed in place of the one that `token` proves, with all families that have that
    and can be read. The former is told.

    Raises NotProved, KeysUnavailable, ContactChanged, or what `confirm` raises.
    """
    now, keys = runtime.clock(), vault(runtime)
    async with secrecy.of_proved(runtime.engine, token_hash(token), now) as connection:
        session = await tables.session(connection)
        booked = await tables.families(connection, session["fingerprint"]) if session else []
        whose = service.who_booked(booked)
        rows = await family_tables.all_sealed(connection, [row["id"] for row in booked])
    if session is None or whose is None:
        raise NotProved
    known: dict[UUID, Known] = {}
    async with keys.turn():
        for row in rows:
            with suppress(ContactUnreadable):
                known[row["id"]] = await families.known(keys, [row])
        found = await _try(runtime, proof, typed, now)
        mine = known.get(found["family"])
        if mine is None or found["sealed"] is None or found["channel"] != session["channel"]:
            raise CodeGone
        got = contacts.unseal(mine.key.key, found["family"], found["sealed"], mine.contact.language)
        way = Way(found["channel"], (got.phone if found["channel"] == "sms" else got.email) or "")
        renewed = {
            each: await contacts.seal(keys, theirs.key, _renewed(theirs.contact, way), now)
            for each, theirs in sorted(known.items())
        }
    # Only now, when nothing of the key store is lacking any more.
    proved = await _prove(runtime, proof, found, now)
    former = NewProof(
        id=uuid4(),
        channel=session["channel"],
        fingerprint=session["fingerprint"],
        family=found["family"],
        sealed=mine.sealed,
        language=None,
        municipality=whose.municipality,
        tells=True,
    )
    hashes = token_hash(token), token_hash(proved.token)
    async with secrecy.of_renewed(runtime.engine, *hashes, now) as connection:
        for each, sealed in renewed.items():
            if not await tables.renew(connection, known[each].sealed, way.channel, sealed, now):
                raise ContactChanged
        await tables.end(connection)
        await database.tell(connection, role=PROOF, fingerprint=former.fingerprint.hex())
        await service.tell_former(connection, former, mine.contact.language, now)
    runtime.relay.wake()
    return proved


def _renewed(contact: Contact, way: Way) -> Contact:
    return replace(contact, phone=way.to) if way.channel == "sms" else replace(contact, email=way.to)


async def end(runtime: Runtime, token: str) -> None:
    """Let a proof's token open nothing any more. One that does not is no fault."""
    async with secrecy.of_proved(runtime.engine, token_hash(token), runtime.clock()) as connection:
        await tables.end(connection)


async def answer_code(
    runtime: Runtime, question: answers.CodeQuestion
) -> answers.Code | answers.Changed | answers.NoCode:
    """Answer notification's question; only its NATS user may ask. Raises KeysUnavailable."""
    keys = vault(runtime)
    async with keys.turn():
        async with secrecy.of_code(runtime.engine, question.proof) as connection:
            row = await tables.told(connection, question.proof, rules.TRIES, runtime.clock())
        return await service.code(row, links(runtime), keys, question.proof)

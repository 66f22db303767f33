"""Booking while unusually many times are booked by nobody who is known: the contact is proved before.

The family has its time held meanwhile. It comes to be with the booking; until then its contact waits, sealed, in the
proof, whose id says which contact it is for: a changed one is proved anew.
"""

import hmac
import json
import secrets
from typing import Any
from uuid import UUID

from booking import secrecy
from booking.bookings import entry
from booking.bookings.entry import links, vault
from booking.bookings.rules import ProofNeeded
from booking.bookings.service import Proved, Wanted
from booking.families import contacts
from booking.families.contacts import Contact
from booking.proofs import entry as proofs
from booking.proofs import rules, tables
from booking.proofs.rules import Unprovable
from booking.proofs.service import Way, Whose
from kit import addresses
from kit.app import Runtime
from kit.language import Language
from kit.refusal import Refusal
from kit.vault.store import DataKey, KeysUnavailable

_NONCE = 6


async def book(
    runtime: Runtime,
    wanted: Wanted,
    *,
    proof: UUID | None,
    anew: bool = False,
    client: str,
    key: str | None,
    language: Language,
) -> dict[str, Any]:
    """See `bookings.entry.book`. `proof` is one that was asked for by an earlier refusal, confirmed or not; with `anew`
    another code is sent. The same request with the same `key` has none sent twice.

    Raises ProofNeeded, by which a code is on its way to the contact; Unprovable where none can be sent; TooManyCodes;
    or what `bookings.entry.book` raises.
    """
    proved = await _proved(runtime, wanted.contact, proof) if proof else None
    try:
        return await entry.book(runtime, wanted, client=client, key=key, proved=proved, language=language)
    except ProofNeeded as needed:
        refused = needed
    way = _way(wanted.contact)
    if way is None:
        raise Unprovable
    if anew or proof is None or not await _is_open(runtime, wanted.contact, proof):
        proof = _after(runtime, wanted.contact, key, proof)
        while (still := await _is_open(runtime, wanted.contact, proof)) is False:
            proof = _after(runtime, wanted.contact, key, proof)
        if still is None:
            await _ask(runtime, proof, way, wanted.contact, refused, client)
    refused.proof, refused.channel = proof, way.channel
    raise refused


async def _ask(runtime: Runtime, proof: UUID, way: Way, contact: Contact, refused: ProofNeeded, client: str) -> None:
    now = runtime.clock()
    async with vault(runtime).reserve(now) as spare:
        if not spare:
            raise KeysUnavailable
        sealed = await contacts.seal(vault(runtime), spare.pop(), contact, now)
        whose = Whose(sealed.key.id, refused.municipality, sealed.sealed, contact.language)
        try:
            await proofs.ask(
                runtime,
                way,
                client=client,
                language=contact.language,
                whose=whose,
                help_phone=refused.phone,
                proof=proof,
            )
        except Refusal:
            # Only then is it certain that nothing was written: a key is one family's.
            spare.append(sealed.key)
            raise


async def _proved(runtime: Runtime, contact: Contact, proof: UUID) -> Proved | None:
    """What is kept of the family that has proved this very contact, as long as that lasts."""
    if not _is_for(runtime, contact, proof):
        return None
    now = runtime.clock()
    async with secrecy.of_proof(runtime.engine, proof) as connection:
        row = await tables.comes(connection, proof, now - rules.LASTS)
    if row is None:
        return None
    # Before booking's connection is taken: a process that never had the key of fingerprints asks the key store for it.
    fingerprints = await contacts.fingerprints(vault(runtime), contact, now)
    return Proved(contacts.Sealed(DataKey(row["family"], b"", now), row["sealed"], fingerprints), row["channel"])


async def _is_open(runtime: Runtime, contact: Contact, proof: UUID) -> bool | None:
    if not _is_for(runtime, contact, proof):
        return False
    async with secrecy.of_proof(runtime.engine, proof) as connection:
        return await tables.is_open(connection, proof, rules.TRIES, runtime.clock())


def _way(contact: Contact) -> Way | None:
    """Where a code goes: to the address, which costs nobody anything, or else to the number, if it takes one."""
    if contact.email:
        return Way("email", contact.email)
    return Way("sms", contact.phone) if contact.phone and addresses.takes_sms(contact.phone) else None


def _after(runtime: Runtime, contact: Contact, key: str | None, former: UUID | None) -> UUID:
    """The id of the next proof, which a request that is sent twice finds again."""
    if key is None:
        return _new_id(runtime, contact, secrets.token_bytes(_NONCE))
    return _new_id(runtime, contact, links(runtime).keyed_hash("proof after", f"{key} {former}".encode())[:_NONCE])


def _new_id(runtime: Runtime, contact: Contact, nonce: bytes) -> UUID:
    """The id of a proof of a contact: what nobody can guess, and what the contact makes of it."""
    text = json.dumps(vars(contact)).encode()
    return UUID(bytes=nonce + links(runtime).keyed_hash("proof of a contact", nonce + text)[: 16 - _NONCE], version=4)


def _is_for(runtime: Runtime, contact: Contact, proof: UUID) -> bool:
    return hmac.compare_digest(_new_id(runtime, contact, proof.bytes[:_NONCE]).bytes, proof.bytes)

"""The use cases of a proof: asking for a code, sending it, and confirming it. Transactions are `proofs.entry`'s.

Whoever asks learns nothing: a contact that nobody booked with is refused, answered and tried in the same way, and is
sent nothing.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from booking import events
from booking.bookings.links import Links
from booking.families import contacts
from booking.proofs import answers, rules, tables
from booking.proofs.rules import Channel, CodeGone, TooManyCodes, WrongCode
from booking.proofs.tables import NewProof
from booking.settings import Settings
from kit import addresses, outbox
from kit.database import Connection
from kit.language import Language
from kit.refusal import NotFound
from kit.vault.store import Vault


@dataclass(frozen=True)
class Way:
    """The one contact that a code goes to: a number as E.164, or an address."""

    channel: Channel
    to: str

    @property
    def country(self) -> int | None:
        """The calling code of a number."""
        return addresses.calling_code(self.to) if self.channel == "sms" else None


@dataclass(frozen=True)
class Whose:
    """The family that is to prove a contact, and the municipality that it has to do with.

    Without `sealed` it has the contact. With it, it gets the contact once that is proved: then it is its whole contact
    as it will be, sealed with its key. With `language` too it comes to be only then: the key has its id.
    """

    family: UUID
    municipality: str | None
    sealed: bytes | None = None
    language: Language | None = None


async def fingerprint(vault: Vault, way: Way, now: datetime) -> bytes:
    """By what the families with a contact are found. Raises KeysUnavailable as `contacts.fingerprints` does."""
    phone, email = (way.to, None) if way.channel == "sms" else (None, way.to)
    found = await contacts.fingerprints(vault, contacts.Contact("", phone, email, "sv"), now)
    made = found.phone or found.email
    assert made is not None, "one of the two is there"
    return made


async def ask(
    connection: Connection,
    settings: Settings,
    proof: UUID,
    way: Way,
    fingerprint: bytes,
    *,
    whose: Whose | None,
    language: Language,
    help_phone: str | None,
    now: datetime,
) -> None:
    """Have a code sent, unless it was for the same `proof`. Earlier codes of the contact are void from then on.

    Codes to book with have limits of their own, and half of a country's: neither can use up the other's, by a stranger.
    Without `whose` it is for whoever booked with the contact, and nothing is sent where nobody did. `help_phone` is
    whom a refusal says to call (E.164). Raises TooManyCodes, or NotFound for a family that has not this contact.
    """
    await tables.lock(connection, fingerprint)
    if await tables.is_asked(connection, proof):
        return
    to_book = whose is not None and whose.language is not None
    if wait := rules.wait(await tables.asked(connection, fingerprint, to_book=to_book), now):
        raise TooManyCodes(help_phone, wait)
    if whose is None:
        whose = who_booked(await tables.booked(connection, fingerprint))
    elif whose.sealed is None and not await tables.has_contact(connection, whose.family, fingerprint):
        raise NotFound
    if (country := way.country) is not None:
        most = settings.codes_home_per_day if country == rules.HOME else settings.codes_abroad_per_day
        # What is not sent costs nothing, and is refused all the same.
        counts = tables.count if whose else tables.has_room
        if not await counts(connection, now.date(), country, most // 2 if to_book else most):
            raise TooManyCodes(help_phone, rules.until_tomorrow(now))
    new = NewProof(
        id=proof,
        channel=way.channel,
        fingerprint=fingerprint,
        family=whose.family if whose else None,
        sealed=whose.sealed if whose else None,
        language=whose.language if whose else None,
        municipality=whose.municipality if whose else None,
    )
    expires = now + rules.VALID
    await tables.void(connection, fingerprint, now, to_book=to_book)
    await tables.insert(connection, new, now, expires)
    if whose:
        data = events.ProofAsked(proof=proof, channel=way.channel, language=language, expires_at=expires)
        await outbox.write(connection, outbox.row(events.PROOF_ASKED, entity_id=str(proof), data=data, now=now))


def who_booked(rows: list[asyncpg.Record]) -> Whose | None:
    """Who booked last with a contact, by what `tables.booked` found; None where nobody did."""
    if not rows:
        return None
    towns = {row["municipality"] for row in rows}
    return Whose(rows[0]["id"], towns.pop() if len(towns) == 1 else None)


def check(links: Links, proof: UUID, tried: asyncpg.Record | None, typed: str) -> asyncpg.Record:
    """The proof whose code was typed; `tried` is what `tables.try_once` gave. Raises CodeGone or WrongCode."""
    if tried is None:
        raise CodeGone
    # Compared in any case: that nobody booked with a contact takes as long to find out.
    right = hmac.compare_digest(_code(links, proof), rules.digits(typed))
    if not (right and tried["family"]):
        raise CodeGone if tried["tries"] >= rules.TRIES else WrongCode
    return tried


async def code(
    row: asyncpg.Record | None, links: Links, vault: Vault, proof: UUID
) -> answers.Code | answers.Changed | answers.NoCode:
    """The code and where it goes. `row` is of `tables.told`, whose connection is given back while the key store is
    asked. Raises KeysUnavailable.
    """
    key = await vault.key(row["family"]) if row else None
    if row is None or key is None:
        return answers.NoCode(found=False)
    who = contacts.unseal(key, row["family"], row["sealed"], row["language"])
    to = who.phone if row["channel"] == "sms" else who.email
    if to is None:
        return answers.NoCode(found=False)
    told = {name: row[name] for name in ("municipality", "help_phone", "expires_at")}
    if row["tells"]:
        return answers.Changed(found=True, changed=True, to=to, **told)
    return answers.Code(found=True, code=_code(links, proof), to=to, **told)


async def tell_former(connection: Connection, former: NewProof, language: Language, now: datetime) -> None:
    """Have a contact told that another took its place; who has it now is not said."""
    expires = now + rules.KEPT
    await tables.insert(connection, former, now, expires)
    data = events.ContactChanged(proof=former.id, channel=former.channel, language=language, expires_at=expires)
    await outbox.write(connection, outbox.row(events.CONTACT_CHANGED, entity_id=str(former.id), data=data, now=now))


def _code(links: Links, proof: UUID) -> str:
    return rules.code(links.keyed_hash("code", proof.bytes))

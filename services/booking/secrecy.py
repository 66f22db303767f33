"""Transactions that see families, and which ones: the database shows a row of `booking`, `family` or `idempotency` only
to a transaction that says by what right. In any other a query finds holds at most, whatever its WHERE says.

Which rights there are to say depends on whose engine it is, and routes do not choose that (`kit.app.runtime`): a link
opens its booking to `booking.roles.PUBLIC`, and all else is shown to the role of staff and jobs alone.
"""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from booking.roles import ANSWER, HISTORY, PROOF, PROVED, REVIEW
from kit import database
from kit.database import Connection

Seeing = AbstractAsyncContextManager[Connection]


def of(engine: AsyncEngine, person: str, units: Iterable[str], *, seconds: int | None = None) -> Seeing:
    """A transaction of a member of staff, that sees and changes what belongs to these units, as far as
    the register's copy grants them to the person.

    `seconds` as in `database.transaction`.
    """
    return database.transaction(engine, seconds=seconds, staff=person, units=",".join(units))


def of_review(engine: AsyncEngine, person: str, units: Iterable[str]) -> Seeing:
    """A transaction of a reviewer, that sees what was read of these units' families, and nothing of the families."""
    return database.transaction(engine, role=REVIEW, seconds=database.JOB_SECONDS, staff=person, units=",".join(units))


def of_token(engine: AsyncEngine, token_hash: bytes) -> Seeing:
    """A transaction of whoever has a manage link, that sees and changes its booking and sees that one's family."""
    return database.transaction(engine, token=token_hash.hex())


def of_booking(engine: AsyncEngine, booking: UUID) -> Seeing:
    """A transaction that tells whom a booking is for: it sees the one, and its family."""
    return database.transaction(engine, role=ANSWER, booking=str(booking))


def of_history(engine: AsyncEngine, reference: str) -> Seeing:
    """A transaction that sees what happened to the booking with this reference, and nothing of its family.

    A booking of a family of protected identity is not there.
    """
    return database.transaction(engine, role=HISTORY, reference=reference)


def of_contact(engine: AsyncEngine, fingerprint: bytes) -> Seeing:
    """A transaction that asks for a code: it sees the contact's proofs and which families have it, no more of these."""
    return database.transaction(engine, role=PROOF, fingerprint=fingerprint.hex())


def of_proof(engine: AsyncEngine, proof: UUID, fingerprint: bytes | None = None) -> Seeing:
    """A transaction that tries the code of a proof and, once its contact is known, notes with families that it is
    proved.
    """
    known = fingerprint.hex() if fingerprint else ""
    return database.transaction(engine, role=PROOF, proof=str(proof), fingerprint=known)


def of_code(engine: AsyncEngine, proof: UUID) -> Seeing:
    """A transaction that answers to whom a code goes: it sees one proof and its family."""
    return database.transaction(engine, role=ANSWER, proof=str(proof))


def of_proved(engine: AsyncEngine, token_hash: bytes, now: datetime) -> Seeing:
    """A transaction of whoever has proved a contact, as long as that lasts: it sees the bookings that were made with
    it, and none of families of protected identity.
    """
    return database.transaction(engine, role=PROVED, token=token_hash.hex(), before=now.isoformat())


def of_renewed(engine: AsyncEngine, token_hash: bytes, renewed: bytes, now: datetime) -> Seeing:
    """A transaction of whoever has proved a contact and then, with the token of the hash `renewed`, another: it can put
    the other in its place.
    """
    tokens = {"token": token_hash.hex(), "renewed": renewed.hex()}
    return database.transaction(engine, role=PROVED, seconds=None, **tokens, before=now.isoformat())

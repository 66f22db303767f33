"""What tests of proofs share: families who book, somebody who asks, and the code that only its owner is sent."""

from typing import Any
from uuid import UUID

import asyncpg

from booking.proofs import entry
from booking.proofs.answers import Code, CodeQuestion
from booking.proofs.service import Way, Whose
from tests.booking.test_journey import request_for, slots
from tests.conftest import Running

NUMBER = "+46701740636"
ADDRESS = "kim@example.org"
PHONE, MAIL = Way("sms", NUMBER), Way("email", ADDRESS)


async def books(booking: Running, *, phone: str | None = NUMBER, email: str | None = None, **more: Any) -> str:
    """A family books the first free time; the manage token."""
    contact = {"name": "Kim", "phone": phone, "email": email, "language": "sv"}
    free = (await slots(booking, municipality=more.get("municipality", "1266")))[0]
    made = await booking.http.post("/booking/v1/bookings", json=request_for(free, contact=contact, **more))
    assert made.status_code == 201, made.text
    token: str = made.json()["manage_token"]
    return token


async def ask(
    booking: Running, way: Way = PHONE, *, client: str = "192.0.2.1", whose: Whose | None = None, **more: Any
) -> UUID:
    return await entry.ask(booking.runtime.public, way, client=client, language="sv", whose=whose, **more)


async def sent(booking: Running, proof: UUID) -> Code | None:
    """What notification is told when it asks for the code."""
    answer = await entry.answer_code(booking.runtime, CodeQuestion(proof=proof))
    return answer if isinstance(answer, Code) else None


async def code_of(booking: Running, proof: UUID) -> str:
    told = await sent(booking, proof)
    assert told is not None
    return told.code


def other_than(code: str, step: int = 1) -> str:
    """A code that is not this one."""
    return str((int(code) + step) % 10**6).zfill(6)


async def proves(booking: Running, way: Way = PHONE) -> str:
    """Prove a contact; the token of that."""
    proof = await ask(booking, way)
    return (await entry.confirm(booking.runtime.public, proof, await code_of(booking, proof))).token


async def rows(booking: Running, query: str, *values: Any) -> list[asyncpg.Record]:
    """What the superuser finds."""
    connection = await asyncpg.connect(booking.admin_url)
    try:
        found: list[asyncpg.Record] = await connection.fetch(query, *values)
        return found
    finally:
        await connection.close()

"""Asking for a code and confirming it, on a real database: each promise that a proof stands on."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from booking import secrecy
from booking.bookings.links import token_hash
from booking.families import service as families
from booking.proofs import entry
from booking.proofs.rules import CodeGone, NoSms, TooManyCodes, WrongCode
from booking.proofs.service import Way, Whose
from kit.refusal import NotFound
from tests.conftest import Clock, Running
from tests.proofs.asking import ADDRESS, MAIL, NUMBER, ask, books, code_of, other_than, rows, sent
from tests.proofs.conftest import Start

OTHER = "+46701740637"


async def test_who_has_the_number_proves_it(booking: Running, clock: Clock) -> None:
    await books(booking)
    proof = await ask(booking)
    told = await sent(booking, proof)
    assert told is not None
    assert (told.to, told.municipality, told.help_phone) == (NUMBER, "Hörby", "+46415378000")
    assert told.expires_at == clock.now + timedelta(minutes=10)
    proved = await entry.confirm(booking.runtime.public, proof, f"{told.code[:3]} {told.code[3:]}")
    assert (proved.channel, proved.ends_at) == ("sms", clock.now + timedelta(minutes=30))
    assert await entry.is_proved(booking.runtime.public, proof, proved.family)
    assert not await entry.is_proved(booking.runtime.public, proof, uuid4())
    [row] = await rows(booking, "select phone_proved_at, email_proved_at from family")
    assert tuple(row) == (clock.now, None)
    assert await sent(booking, proof) is None, "what is used is not sent"
    clock.move(minutes=31)
    assert not await entry.is_proved(booking.runtime.public, proof, proved.family)


async def test_an_address_is_proved_whatever_its_case(booking: Running) -> None:
    await books(booking, phone=None, email="Kim@Example.org")
    proof = await ask(booking, MAIL)
    told = await sent(booking, proof)
    assert told is not None
    assert told.to.casefold() == ADDRESS
    assert (await entry.confirm(booking.runtime.public, proof, told.code)).channel == "email"


async def test_a_code_is_used_once(booking: Running) -> None:
    await books(booking)
    proof = await ask(booking)
    code = await code_of(booking, proof)
    await entry.confirm(booking.runtime.public, proof, code)
    with pytest.raises(CodeGone):
        await entry.confirm(booking.runtime.public, proof, code)


async def test_of_many_at_once_with_the_right_code_one_proves(booking: Running) -> None:
    await books(booking)
    proof = await ask(booking)
    code = await code_of(booking, proof)
    ends = await asyncio.gather(
        *(entry.confirm(booking.runtime.public, proof, code) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(end).__name__ for end in ends) == ["CodeGone"] * 4 + ["Proved"]


async def test_five_tries_are_all_there_are_also_at_once(booking: Running) -> None:
    await books(booking)
    proof = await ask(booking)
    code = await code_of(booking, proof)
    wrong = [other_than(code, step) for step in range(1, 13)]
    ends = await asyncio.gather(
        *(entry.confirm(booking.runtime.public, proof, each) for each in wrong), return_exceptions=True
    )
    assert sorted(type(end).__name__ for end in ends) == ["CodeGone"] * 8 + ["WrongCode"] * 4
    with pytest.raises(CodeGone):
        await entry.confirm(booking.runtime.public, proof, code)
    assert await sent(booking, proof) is None
    assert [tuple(row) for row in await rows(booking, "select tries, proved_at from proof")] == [(5, None)]


async def test_the_fifth_try_may_be_right(booking: Running) -> None:
    await books(booking)
    proof = await ask(booking)
    code = await code_of(booking, proof)
    for step in range(4):
        with pytest.raises(WrongCode):
            await entry.confirm(booking.runtime.public, proof, other_than(code, step + 1))
    assert (await entry.confirm(booking.runtime.public, proof, code)).channel == "sms"


async def test_a_code_is_over_after_ten_minutes(booking: Running, clock: Clock) -> None:
    await books(booking)
    proof = await ask(booking)
    code = await code_of(booking, proof)
    clock.move(minutes=10)
    for typed in (code, other_than(code)):
        with pytest.raises(CodeGone):
            await entry.confirm(booking.runtime.public, proof, typed)
    assert await sent(booking, proof) is None


async def test_a_new_code_voids_the_former_and_the_same_request_sends_none(booking: Running) -> None:
    await books(booking)
    first = await ask(booking)
    code = await code_of(booking, first)
    assert await ask(booking, proof=first) == first
    assert await code_of(booking, first) == code
    second = await ask(booking)
    with pytest.raises(CodeGone):
        await entry.confirm(booking.runtime.public, first, code)
    assert await sent(booking, first) is None
    assert await code_of(booking, second) != code
    asked = await rows(booking, "select 1 from outbox where subject = 'events.booking.proof-asked'")
    assert len(asked) == 2


async def test_a_contact_nobody_booked_with_is_sent_nothing_and_answered_the_same(booking: Running) -> None:
    """A stranger's number costs nobody an SMS, and whoever tries it learns nothing."""
    await books(booking)
    ends: dict[str, list[str]] = {}
    for number in (NUMBER, OTHER):
        way, told = Way("sms", number), []
        for _ in range(3):
            proof = await ask(booking, way)
            for _ in range(6):
                with pytest.raises((WrongCode, CodeGone)) as refused:
                    # Nobody knows the code of the second; a guess at the first is one in a million.
                    await entry.confirm(booking.runtime.public, proof, "000000")
                told.append(f"{type(refused.value).__name__} {refused.value.text('sv')}")
        with pytest.raises(TooManyCodes) as too_many:
            await ask(booking, way)
        told.append(f"{too_many.value.text('sv')} {too_many.value.headers}")
        ends[number] = told
    assert ends[NUMBER] == ends[OTHER]
    asked = await rows(booking, "select 1 from outbox where subject = 'events.booking.proof-asked'")
    assert len(asked) == 3
    assert [tuple(row) for row in await rows(booking, "select country, codes from code_count")] == [(46, 3)]


async def test_the_code_of_a_contact_that_nobody_booked_with_proves_nothing(booking: Running) -> None:
    from booking.proofs.service import _code

    proof = await ask(booking)
    with pytest.raises(WrongCode):
        await entry.confirm(booking.runtime.public, proof, _code(entry.links(booking.runtime), proof))
    assert await sent(booking, proof) is None


async def test_a_proof_that_never_was_is_gone(booking: Running) -> None:
    with pytest.raises(CodeGone):
        await entry.confirm(booking.runtime.public, uuid4(), "123456")


async def test_a_number_is_asked_for_so_often_by_whomever(booking: Running, clock: Clock) -> None:
    await books(booking)
    for number in range(3):
        await ask(booking, client=f"192.0.2.{number}")
        clock.move(minutes=5)
    with pytest.raises(TooManyCodes) as refused:
        await ask(booking, client="192.0.2.9", help_phone="+46415378000")
    assert refused.value.headers == {"Retry-After": str(45 * 60)}
    assert refused.value.text("sv")[1].endswith("Ring 0415-37 80 00.")
    clock.move(minutes=45)
    for _ in range(3):
        await ask(booking)
        clock.move(minutes=21)
    with pytest.raises(TooManyCodes):
        await ask(booking)
    clock.move(hours=22)
    await ask(booking)


async def test_many_requests_at_once_for_a_number_are_bound_as_well(booking: Running) -> None:
    await books(booking)
    ends = await asyncio.gather(*(ask(booking, client=f"192.0.2.{n}") for n in range(8)), return_exceptions=True)
    assert sum(isinstance(end, UUID) for end in ends) == 3
    asked = await rows(booking, "select 1 from outbox where subject = 'events.booking.proof-asked'")
    assert len(asked) == 3


async def test_one_client_asks_for_so_many(start: Start, clock: Clock) -> None:
    booking = await start(codes_per_hour=2)
    for number in range(2):
        await ask(booking, Way("sms", f"+4670174060{number}"))
    with pytest.raises(TooManyCodes) as refused:
        await ask(booking)
    assert refused.value.headers
    await ask(booking, client="192.0.2.2")
    clock.move(minutes=61)
    await ask(booking)


@pytest.mark.parametrize("most", [0, 1])
async def test_a_country_gets_so_many_codes_a_day(start: Start, clock: Clock, most: int) -> None:
    booking = await start(codes_abroad_per_day=most)
    norwegian = [f"+474061000{n}" for n in range(3)]
    for number in norwegian[:2]:
        await books(booking, phone=number)
    # What is not sent is not counted.
    if most:
        await ask(booking, Way("sms", norwegian[2]))
        await ask(booking, Way("sms", norwegian[0]))
    for number in norwegian[1:]:
        with pytest.raises(TooManyCodes):
            await ask(booking, Way("sms", number))
    await books(booking)
    await ask(booking)
    clock.move(days=1)
    if most:
        await ask(booking, Way("sms", norwegian[1]))


async def test_a_number_that_takes_no_sms_is_said_to(booking: Running) -> None:
    with pytest.raises(NoSms):
        await ask(booking, Way("sms", "+46415378000"))


async def test_a_family_that_is_known_proves_its_own_contact_alone(booking: Running) -> None:
    await books(booking)
    [family] = await rows(booking, "select id from family")
    proof = await ask(booking, whose=Whose(family["id"], None))
    told = await sent(booking, proof)
    assert told is not None
    assert told.municipality is None
    with pytest.raises(NotFound):
        await ask(booking, Way("sms", OTHER), whose=Whose(family["id"], None))


@pytest.mark.parametrize("became", ["protection = 'sekretessmarkering'", "erased_at = now()"])
async def test_a_protected_or_erased_family_is_sent_nothing(booking: Running, became: str) -> None:
    """Whether it became so before a code was asked for, or before it was sent."""
    await books(booking)
    before = await ask(booking)
    connection = await asyncpg.connect(booking.admin_url)
    await connection.execute(f"update family set {became}")
    await connection.close()
    assert await sent(booking, before) is None
    assert await sent(booking, await ask(booking)) is None
    [count] = await rows(booking, "select count(family) from proof")
    assert count[0] == 1


async def test_what_is_kept_of_proofs_goes_after_a_day_and_with_the_family(booking: Running, clock: Clock) -> None:
    await books(booking)
    await entry.confirm(booking.runtime.public, proof := await ask(booking), await code_of(booking, proof))
    await ask(booking, Way("sms", OTHER))
    vault = entry.vault(booking.runtime)
    clock.move(hours=23)
    await families.retain(booking.runtime.engine, vault, clock.now)
    assert len(await rows(booking, "select 1 from proof")) == 2
    await ask(booking)
    [family] = await rows(booking, "select id from family")
    await families.erase(booking.runtime.engine, vault, family["id"], clock.now)
    assert [row["family"] for row in await rows(booking, "select family from proof")] == [None]
    assert [tuple(row) for row in await rows(booking, "select phone_proved_at, email_proved_at from family")] == [
        (None, None)
    ]
    clock.move(hours=25)
    await families.retain(booking.runtime.engine, vault, clock.now)
    assert await rows(booking, "select 1 from proof union all select 1 from code_count where day < '2026-03-03'") == []


async def seen(booking: Running, token: str, clock: Clock) -> set[str]:
    """The manage tokens of the bookings that a proof's token shows, whatever is asked for."""
    links = entry.links(booking.runtime)
    async with secrecy.of_proved(booking.runtime.public.engine, token_hash(token), clock.now) as connection:
        return {links.token(row["id"]) for row in await connection.fetch("select id from booking")}


async def test_the_database_shows_who_proved_a_contact_its_bookings_and_no_others(
    booking: Running, clock: Clock
) -> None:
    mine, also, theirs = [
        await books(booking, **of)
        for of in ({"email": ADDRESS}, {"email": "other@example.org"}, {"phone": OTHER, "email": ADDRESS})
    ]
    proved = await entry.confirm(booking.runtime.public, proof := await ask(booking), await code_of(booking, proof))
    assert await seen(booking, proved.token, clock) == {mine, also}
    by_mail = await entry.confirm(booking.runtime.public, p := await ask(booking, MAIL), await code_of(booking, p))
    assert await seen(booking, by_mail.token, clock) == {mine, theirs}
    # What is not told to an address is not shown for it either.
    connection = await asyncpg.connect(booking.admin_url)
    await connection.execute("update booking set by_email = false where token_hash = $1", token_hash(mine))
    assert await seen(booking, by_mail.token, clock) == {theirs}
    assert await seen(booking, proved.token, clock) == {mine, also}
    await connection.execute("update family set protection = 'sekretessmarkering' where phone_fingerprint is not null")
    assert await seen(booking, proved.token, clock) == set()
    await connection.execute("update family set protection = 'none'")
    await connection.close()
    assert await seen(booking, "guessed", clock) == set()
    assert await seen(booking, mine, clock) == set()
    clock.move(minutes=30)
    assert await seen(booking, proved.token, clock) == set()

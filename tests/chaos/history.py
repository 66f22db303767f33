"""What must be true of everything that happened, whatever broke meanwhile: each function gives what is not so."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from booking.figures.handlers import READS
from kit import database, roles
from tests.booking.test_free_time import check
from tests.chaos.families import Booked, Families
from tests.chaos.house import House
from tests.chaos.outside import UNKNOWN
from tests.sharing.world import check_ledger

PUBLISHING = ("directory", "booking", "notification")


@dataclass(frozen=True)
class Stored:
    """What the checks of other tests look at."""

    admin: AsyncEngine


@asynccontextmanager
async def looking(house: House, service: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(house.url(service, "postgres"))
    try:
        yield connection
    finally:
        await connection.close()


async def settled(house: House) -> list[str]:
    """What is still under way: events that wait, messages that are due."""
    waiting = []
    for service in PUBLISHING:
        async with looking(house, service) as connection:
            if count := await connection.fetchval("select count(*) from outbox where published_at is null"):
                waiting.append(f"{count} events of {service}")
    async with looking(house, "notification") as connection:
        due = "select count(*) from message where status = 'pending' and due_at <= now()"
        if count := await connection.fetchval(due):
            waiting.append(f"{count} messages")
        known = await connection.fetchval("select count(*) from booking")
    async with looking(house, "booking") as connection:
        if (made := await connection.fetchval("select count(*) from booking where status <> 'held'")) != known:
            waiting.append(f"{made - known} bookings that notification has not heard of")
        told = [kind.removeprefix("se.samtid.booking.").removesuffix(".v1") for kind in READS.handlers]
        facts = await connection.fetchval(
            "select count(*) from outbox where subject = any($1)", [f"events.booking.{name}" for name in told]
        )
        counted = await connection.fetchval("select count(*) from figure_fact")
        if facts > counted:
            waiting.append(f"{facts - counted} facts for figures")
    return waiting


async def times(house: House) -> list[str]:
    """No time is taken twice, the projection is what is free, the ledger is what was used."""
    engine = database.engine(house.url("booking", "postgres"), 2)
    wrong = []
    for name, held in (("times", check), ("ledger", check_ledger)):
        try:
            await held(Stored(engine))
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    await engine.dispose()
    return wrong


async def acknowledged(house: House, families: Families) -> list[str]:
    """What was told is so, and nothing is so that was told to nobody."""
    async with looking(house, "booking") as connection:
        rows = await connection.fetch(
            "select reference, status, sequence, start_at, family from booking where status <> 'held'"
        )
    known = {row["reference"]: row for row in rows}
    wrong = []
    for booked in families.record.booked:
        row = known.pop(booked.reference, None)
        if row is None:
            wrong.append(f"lost: {booked.reference}")
            continue
        stored = (row["status"], row["sequence"], row["start_at"].isoformat().replace("+00:00", "Z"))
        if stored != (booked.status, booked.sequence, booked.start):
            wrong.append(f"{booked.reference} is {stored}, and {booked} was told")
    wrong += [f"nobody was told of {reference}" for reference in known]
    families_of = Counter(row["family"] for row in rows)
    wrong += [f"two bookings of one key: {family}" for family, count in families_of.items() if count > 1]
    async with looking(house, roles.VAULT) as connection:
        keys = {row["id"] for row in await connection.fetch("select id from data_key")}
    return wrong + [f"no key for {family}" for family in families_of if family not in keys]


async def told(house: House, families: Families) -> tuple[list[str], int]:
    """Each family was told how its booking stands, once; and how many were told the very same twice, after a crash."""
    async with looking(house, "booking") as connection:
        ids = dict(await connection.fetch("select reference, id from booking where reference is not null"))
    async with looking(house, "notification") as connection:
        rows = await connection.fetch("select id, booking, sequence, kind, status, last_error from message")
    taken = Counter(message.key for message in house.outside.taken)
    to = {message.key: message.to for message in house.outside.taken}
    by_booking: dict[UUID, list[asyncpg.Record]] = {}
    for row in rows:
        by_booking.setdefault(row["booking"], []).append(row)
    known = {str(row["id"]) for row in rows}
    wrong = [f"a message from nowhere: {key}" for key in taken if key not in known]
    for booked in families.record.booked:
        wrong += _one(booked, by_booking.get(ids[booked.reference], []), to)
    wrong += [
        f"sent, and not taken: {row['id']}" for row in rows if row["status"] == "sent" and str(row["id"]) not in taken
    ]
    return wrong, sum(count - 1 for count in taken.values())


def _one(booked: Booked, rows: list[asyncpg.Record], to: dict[str, str]) -> list[str]:
    kinds = {"cancelled": ("cancellation",)}.get(booked.status, ("confirmation", "change"))
    last = [row for row in rows if row["sequence"] == booked.sequence and row["kind"] in kinds]
    if len(last) != 1:
        return [f"{booked.reference}: {len(last)} messages of how it stands"]
    status, reached = last[0]["status"], to.get(str(last[0]["id"]))
    nobody = booked.email.startswith(UNKNOWN) and booked.phone is None
    if nobody:
        return [] if status == "dead" else [f"{booked.reference}: {status}, though nobody has that address"]
    wrong = []
    if status != "sent":
        wrong.append(f"{booked.reference}: {status} ({last[0]['last_error']})")
    if reached not in (booked.email, booked.phone):
        wrong.append(f"{booked.reference}: reached {reached}")
    return wrong


async def copies(house: House) -> list[str]:
    """Booking knows the register as it is."""
    async with looking(house, "directory") as connection:
        theirs = {
            (row["kind"], row["id"]): json.loads(row["data"])
            for row in await connection.fetch("select kind, id, data::text as data from entity")
        }
    async with looking(house, "booking") as connection:
        ours = {
            (row["kind"], row["id"]): json.loads(row["data"])
            for row in await connection.fetch("select kind, id, data::text as data from directory_copy")
        }
    wrong = [f"not in both: {key}" for key in theirs.keys() ^ ours.keys()]
    for key in theirs.keys() & ours.keys():
        different = [
            name for name, value in ours[key].items() if name in theirs[key] and _differ(value, theirs[key][name])
        ]
        if different and key[0] != "staff":
            wrong.append(f"{key}: {different}")
    return wrong


def _differ(ours: object, theirs: object) -> bool:
    """Whether a copy says something else in a field that it has; it leaves out what booking does not read."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return any(_differ(value, theirs.get(name)) for name, value in ours.items() if name in theirs)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) != len(theirs) or any(_differ(a, b) for a, b in zip(ours, theirs, strict=True))
    return ours != theirs

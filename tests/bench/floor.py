"""The floor: the same statements behind a bare Starlette + asyncpg handler, with nothing else around them.

Run by `python -m tests.bench` as a server of its own, with the same uvicorn as the service.
"""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from booking.bookings.tables import BOOK
from booking.slots.service import SlotId
from booking.slots.tables import IN_ORDER, SLOT_FACTS, WINDOWS, Search


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10) as pool:
        app.state.pool = pool
        yield


async def slots(request: Request) -> Response:
    query = request.query_params
    now = datetime.now(UTC)
    wanted = Search(
        now=now, offering=query["offering"], municipality=query["municipality"], limit=int(query["limit"]) + 1
    )
    # What the first days hold is enough here.
    values = wanted.values(now + WINDOWS[0])
    async with request.app.state.pool.acquire() as connection:
        rows = await connection.fetch(IN_ORDER.sql, *IN_ORDER.arguments(values))
    return Response(json.dumps([dict(row) for row in rows], default=str), media_type="application/json")


async def book(request: Request) -> Response:
    body = json.loads(await request.body())
    slot = SlotId.parse(body["slot"])
    now = datetime.now(UTC)
    async with request.app.state.pool.acquire() as connection:
        facts = await connection.fetchrow(
            SLOT_FACTS.sql,
            *SLOT_FACTS.arguments(
                {
                    "offering": slot.offering,
                    "municipality": body["municipality"],
                    "advisor": slot.advisor,
                    "start": slot.start,
                }
            ),
        )
        end = slot.start + timedelta(minutes=json.loads(facts["offering"])["duration"])
        booking = uuid4()
        made = await connection.fetchrow(
            BOOK.sql,
            *BOOK.arguments(
                {
                    "id": booking,
                    "kind": "booking",
                    "offering": slot.offering,
                    "municipality": body["municipality"],
                    "unit": facts["unit"],
                    "advisor": slot.advisor,
                    "modality": body["modality"],
                    "place": None,
                    "day": facts["day"],
                    "zone": facts["zone"],
                    "start": slot.start,
                    "end": end,
                    "busy": asyncpg.Range(slot.start, end),
                    "charging": True,
                    "charge": (end - slot.start) // timedelta(minutes=1),
                    "charged": body["municipality"],
                    "pool": facts["pool"],
                    "period": facts["period"],
                    "released": facts["day"] <= now.date() + timedelta(days=facts["release_days"]),
                    "family": uuid4(),
                    "reference": booking.hex,
                    "token_hash": booking.bytes,
                    # As long as a sealed contact is; to seal one is the service's work, and counts as its own.
                    "sealed": bytes(93),
                    "by_staff": False,
                    "phone": bytes(32),
                    "email": None,
                    "most": None,
                    "language": "sv",
                    "protection": "none",
                    "protected": False,
                    "child_age": body["child"]["age"],
                    "key": booking.bytes,
                    "lock": booking.int & 0x7FFF_FFFF,
                    "request": booking.bytes,
                    "answer": "{}",
                    "event_id": booking,
                    # To no reader: what the service does with its own facts must not be paid for the floor's.
                    "subject": "events.bench.confirmed",
                    "payload": b"x" * 700,
                    "headers": "{}",
                    "now": now,
                }
            ),
        )
    return Response(json.dumps({"made": made["made"]}), 201 if made["made"] else 409, media_type="application/json")


app = Starlette(
    routes=[Route("/booking/v1/slots", slots), Route("/booking/v1/bookings", book, methods=["POST"])],
    lifespan=lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)

"""Families who book, move and cancel while everything breaks, and remember what they were told."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx

from tests.chaos.house import OFFERING, TOWNS, House
from tests.chaos.outside import UNKNOWN

# How long one who got no answer goes on asking with the same key.
PATIENCE_SECONDS = 180
# Of those who book, so many have an address that nobody has; half of these have a telephone besides.
WRONG_ADDRESS = 0.03
SENDING = {"video": None, "phone": "+46701234567"}


@dataclass
class Booked:
    """What a family knows of its booking, each word of it from an answer that was given."""

    town: str
    email: str
    phone: str | None
    reference: str
    token: str
    start: str
    status: str = "confirmed"
    sequence: int = 0


@dataclass
class Record:
    """Everything that was told to somebody."""

    booked: list[Booked] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    # When the last request was answered as asked, and the longest that nobody's was.
    answered: float = field(default_factory=monotonic)
    silence: float = 0.0

    def answer(self, kind: str) -> None:
        now = monotonic()
        self.silence = max(self.silence, now - self.answered)
        self.answered = now
        self.counts[kind] += 1


class Families:
    """`clients` families at a time, until `stop`; each has bookings that nobody else touches."""

    def __init__(self, house: House, clients: int, seed: int) -> None:
        self.house = house
        self.record = Record()
        self.random = random.Random(seed)
        self.stopping = False
        self.clients = clients
        self.number = 0
        replicas = [p for p in house.processes.values() if p.service == "booking"]
        # Of a time-out that is longer than what the services promise to hold a request for.
        limits = httpx.Timeout(30, connect=2)
        self.http = [
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{p.port}", timeout=limits, trust_env=False) for p in replicas
        ]

    async def run(self) -> None:
        await asyncio.gather(*(self._live() for _ in range(self.clients)))
        for http in self.http:
            await http.aclose()

    async def _live(self) -> None:
        mine: list[Booked] = []
        while not self.stopping:
            what = self.random.random()
            live = [b for b in mine if b.status == "confirmed"]
            if what < 0.5 or len(live) < 3:
                if made := await self.book():
                    mine.append(made)
                    self.record.booked.append(made)
            elif what < 0.75:
                await self.move(self.random.choice(live))
            else:
                await self.cancel(self.random.choice(live))

    async def book(self) -> Booked | None:
        """One booking, asked for with one key until somebody answers; None where it was refused."""
        town = self.random.choice([*TOWNS])
        slot = await self.free(town)
        if slot is None:
            return None
        self.number += 1
        number = self.number
        email = f"family-{number}@example.org"
        phone = SENDING[modality := self.random.choice(["video", "phone"])]
        if self.random.random() < WRONG_ADDRESS:
            email = f"{UNKNOWN}{email}"
        body = {
            "slot": slot,
            "municipality": town,
            "modality": modality,
            "child": {"age": 2},
            "contact": {"name": f"Familj {number}", "email": email, "phone": phone, "language": "sv"},
        }
        headers = {"Idempotency-Key": f"family-{number}"}
        answer = await self.ask("book", "POST", "/booking/v1/bookings", json=body, headers=headers)
        if answer is None or answer.status_code != 201:
            return None
        told = answer.json()
        if self.random.random() < 0.1:
            again = await self.ask("repeat", "POST", "/booking/v1/bookings", json=body, headers=headers)
            if again is None or again.status_code != 201 or again.json() != told:
                self.record.faults.append(f"the same key got another answer: {told['reference']}")
        return Booked(town, email, phone, told["reference"], told["manage_token"], told["start"])

    async def move(self, booked: Booked) -> None:
        slot = await self.free(booked.town)
        if slot is None:
            return
        path = f"/booking/v1/bookings/{booked.token}"
        answer = await self.ask("move", "POST", f"{path}/reschedule", json={"slot": slot}, once=True)
        if answer is None:
            # Nobody answered: it was done or it was not, and from now on it is what we are told next.
            await self.look(booked)
        elif answer.status_code == 200:
            self.told(booked, answer.json())

    async def cancel(self, booked: Booked) -> None:
        answer = await self.ask("cancel", "POST", f"/booking/v1/bookings/{booked.token}/cancel")
        if answer is None or answer.status_code != 200:
            self.record.faults.append(f"not cancelled: {booked.reference}, {answer and answer.status_code}")
            return
        self.told(booked, answer.json())

    async def look(self, booked: Booked) -> None:
        answer = await self.ask("look", "GET", f"/booking/v1/bookings/{booked.token}")
        if answer is None or answer.status_code != 200:
            self.record.faults.append(f"a booking is gone: {booked.reference}, {answer and answer.status_code}")
            return
        self.told(booked, answer.json())

    def told(self, booked: Booked, answer: dict[str, Any]) -> None:
        if answer["sequence"] < booked.sequence:
            self.record.faults.append(f"went back in time: {booked.reference}")
        booked.start, booked.status, booked.sequence = answer["start"], answer["status"], answer["sequence"]

    async def free(self, town: str) -> str | None:
        """One of the times that the town's families are shown."""
        query = f"offering={OFFERING}&municipality={town}&limit=20&offset={self.random.randrange(200)}"
        answer = await self.ask("search", "GET", f"/booking/v1/slots?{query}")
        items = answer.json()["items"] if answer is not None and answer.status_code == 200 else []
        return str(self.random.choice(items)["id"]) if items else None

    async def ask(self, kind: str, method: str, path: str, *, once: bool = False, **more: Any) -> httpx.Response | None:
        """The answer of one replica or the other, which is asked again until there is one; None after long enough.

        `once`: what may have been done is not asked for twice, and None says that nobody knows.
        """
        deadline = monotonic() + PATIENCE_SECONDS
        while monotonic() < deadline:
            answer = await self._try(kind, method, path, more)
            if answer is not None or once:
                return answer
            await asyncio.sleep(0.2)
        self.record.faults.append(f"{kind}: no answer within {PATIENCE_SECONDS} s")
        return None

    async def _try(self, kind: str, method: str, path: str, more: dict[str, Any]) -> httpx.Response | None:
        """What one of the replicas says, or None where that is no answer."""
        try:
            answer = await self.random.choice(self.http).request(method, path, **more)
        except httpx.HTTPError as error:
            self.record.counts[f"no answer ({type(error).__name__})"] += 1
            return None
        if answer.status_code == 503 and "Retry-After" in answer.headers:
            self.record.counts["503"] += 1
        elif answer.status_code >= 500:
            self.record.faults.append(f"{kind}: {answer.status_code} without a word of when to come again")
        elif not (answer.status_code == 409 and "request-under-way" in answer.text):
            self.record.answer(f"{kind} {answer.status_code}")
            return answer
        return None

"""A year of families for the demo, made by the use cases that real families and staff go through, at past instants.

It is made before the services run: what is told of bookings that are over goes to nobody. The facts are in the outbox
as ever, with the time that they tell of, and marked as published.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncEngine

from booking import events, secrecy
from booking.agenda import service as agenda
from booking.agenda import tables as agenda_tables
from booking.agenda.rules import Outcome, Span
from booking.bookings import service as bookings
from booking.bookings.links import Links, token_hash
from booking.bookings.rules import KeyReused, NotChangeable, SlotTaken
from booking.bookings.service import Wanted
from booking.families.contacts import Contact
from booking.figures import handlers as facts
from booking.figures import service as figures
from booking.roles import MEASURE, SERVICE, SWEEP
from booking.sharing import service as sharing
from booking.sharing.rules import DAY, HOME
from booking.sharing.simulation import Poisson, Request, Scenario, Surge, even_guess, requests
from booking.slots import handlers as register
from booking.slots import service as slots
from booking.slots import tables as slot_tables
from booking.slots.reads import Offering, Pool, Schedule, Staff
from booking.slots.rules import Free, closing, opening
from booking.slots.service import SlotId, closed
from booking.slots.tables import Search
from directory.reading import read
from kit import database, outbox, roles
from kit.access import Person
from kit.events import CloudEvent
from kit.staff import Grant
from kit.vault.store import Vault

DAYS = 364
SEED = 1
# How much of the time families ask for on average: a surge comes on top.
LOAD = 0.92
# January to December: fewer ask in summer, more in autumn.
MONTHS = (1.0, 1.1, 1.1, 1.0, 1.0, 0.9, 0.6, 0.9, 1.1, 1.1, 1.1, 0.9)
SURGING, SURGE_ENDS_BEFORE, SURGE_DAYS, SURGE_FACTOR = "1285", 60, 40, 2.2
MOVED = 0.06
# From 070-174 06 05 on: numbers that the Swedish post and telecom authority gives to nobody.
NUMBERS = 95
PATIENCE = 14
# Before the calendar's end comes into the reach of families.
REFRESH_DAYS = 28
MORNING, EVENING = time(7), time(20)


@dataclass
class Kept:
    """What must be known to go on after a day, by agreement: who still waits, what is planned, who will not come."""

    waiting: list[int] = field(default_factory=list)
    # An instant, what happens then (`cancel` or `move`), and the booking's token.
    planned: list[tuple[str, str, str]] = field(default_factory=list)
    # References of bookings.
    missed: list[str] = field(default_factory=list)


@dataclass
class Progress:
    """How far the year is, in a file that is written anew after each day. `done` is the last day that is over."""

    path: Path
    first: date
    last: date
    done: date | None = None
    kept: dict[str, Kept] = field(default_factory=dict)

    @classmethod
    def of(cls, path: Path, today: date) -> "Progress":
        """What the file says; a year until yesterday where there is none."""
        if not path.exists():
            first = today - DAY * DAYS
            return cls(path, first - DAY * first.weekday(), today - DAY)
        told = json.loads(path.read_text())
        days = [date.fromisoformat(told[name]) if told[name] else None for name in ("first", "last", "done")]
        assert days[0], "always written"
        assert days[1], "always written"
        return cls(path, days[0], days[1], days[2], {pool: Kept(**kept) for pool, kept in told["kept"].items()})

    @property
    def over(self) -> bool:
        """Whether the whole year is made."""
        return self.done is not None and self.done >= self.last

    def keep(self) -> None:
        """Write the file."""
        told = {name: str(getattr(self, name) or "") for name in ("first", "last", "done")}
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps({**told, "kept": {pool: vars(kept) for pool, kept in self.kept.items()}}))
        beside.rename(self.path)


@dataclass(frozen=True)
class Agreement:
    """An agreement that lives through the year: its advisors as staff, and who asks, in order."""

    pool: Pool
    offering: Offering
    people: Sequence[Person]
    asked: Sequence[Request]


class Year:
    """One run: makes what is lacking of the year, day after day."""

    def __init__(
        self,
        engine: AsyncEngine,
        public: AsyncEngine,
        vault: Vault,
        links: Links,
        progress: Progress,
        say: Callable[[str], None],
    ) -> None:
        self.engine = engine
        # As families have it: what they book, change and search in.
        self.public = public
        self.vault = vault
        self.links = links
        self.progress = progress
        self.say = say
        self.booked = 0
        self.searches: Counter[tuple[str, str]] = Counter()
        self.in_vain: Counter[tuple[str, str]] = Counter()

    async def make(self, files: Sequence[Path], now: datetime) -> None:
        """Make the days that are not made yet, and leave the calendar as it is `now`."""
        progress = self.progress
        agreements = await self._agreements(files)
        for each in agreements:
            progress.kept.setdefault(each.pool.id, Kept())
        progress.keep()
        day = progress.done + DAY if progress.done else progress.first
        fresh = True
        while day <= progress.last:
            if fresh or (day - progress.first).days % REFRESH_DAYS == 0:
                await self._refresh(agreements, _at(day, time(1)))
                fresh = False
            if day.weekday() == 0:
                async with database.transaction(self.engine, role=SWEEP) as connection:
                    await sharing.carry_over(connection, _at(day, time(1)))
            # Where one fails the others end too, before the connections that they use are closed.
            async with asyncio.TaskGroup() as group:
                for each in agreements:
                    group.create_task(self._live(each, day))
            async with database.transaction(self.engine, role=MEASURE) as connection:
                await figures.measure(connection, _at(day, EVENING))
            await self._count_searches(day)
            await self._publish()
            progress.done = day
            progress.keep()
            if (day + DAY).day == 1 or day == progress.last:
                self.say(f"a year of families: {day}, {self.booked} bookings")
            day += DAY
        await self._refresh(agreements, now)

    async def _count_searches(self, day: date) -> None:
        """Write how often families searched, as a running service does."""
        async with database.transaction(self.engine) as connection:
            for (offering, code), searches in self.searches.items():
                data = events.SearchesCounted(
                    municipality=code,
                    offering=offering,
                    day=day,
                    searches=searches,
                    found_nothing=self.in_vain[offering, code],
                )
                fact = outbox.row(events.SEARCHES_COUNTED, entity_id=code, data=data, now=_at(day, EVENING))
                await outbox.write(connection, fact)
        self.searches.clear()
        self.in_vain.clear()

    async def _publish(self) -> None:
        """Give the day's facts to booking's own figures, and to nobody else: they are as if published long ago."""
        async with database.transaction(self.engine, role=roles.relay(SERVICE)) as connection:
            rows = await connection.fetch(
                "select id, payload from outbox where published_at is null and subject like 'events.%' order by id"
            )
        async with database.begin(self.engine, role=roles.reader(SERVICE)) as transaction:
            for row in rows:
                handler = facts.READS.handlers[json.loads(row["payload"])["type"]]
                event = CloudEvent[handler.data].model_validate_json(row["payload"])  # type: ignore[name-defined]
                await handler.handle(transaction, event, event.time)
        async with database.transaction(self.engine, role=roles.relay(SERVICE)) as connection:
            await connection.execute(outbox.PUBLISHED, [row["id"] for row in rows])

    async def _agreements(self, files: Sequence[Path]) -> list[Agreement]:
        """Take the register in as booking does when it hears of it, and work out who asks."""
        entities = [(entry.kind, entry.entity) for entry in read(files).entries.values()]
        first = _at(self.progress.first, time(0))
        made: dict[str, list[Any]] = {}
        for kind, entity in entities:
            made.setdefault(kind, []).append(await self._take_in(kind, entity, first))
        names = {advisor.id: advisor.name for advisor in made["advisor"]}
        agreements = [
            self._agreement(pool, offering, made["schedule"], names)
            for pool in made["pool"]
            for offering in made["offering"]
            if {*offering.advisors} & {*pool.advisors}
        ]
        for person in (person for each in agreements for person in each.people):
            # What they may see is what the register grants them.
            await self._take_in("staff", person.staff, first)
        return agreements

    async def _take_in(self, kind: str, entity: BaseModel, at: datetime) -> Any:
        name = f"se.samtid.directory.{kind}.v1"
        handler = register.READS.handlers[name]
        data: Any = handler.data.model_validate_json(entity.model_dump_json())
        event = CloudEvent[Any](id=uuid4(), source="/samtid/directory", type=name, subject=data.id, time=at, data=data)
        async with database.begin(self.engine, role=roles.reader(SERVICE)) as connection:
            await handler.handle(connection, event, at)
        return data

    def _agreement(
        self, pool: Pool, offering: Offering, schedules: Sequence[Schedule], names: dict[str, str]
    ) -> Agreement:
        first, last = self.progress.first, self.progress.last
        terms = pool.terms()
        own = {advisor: [each for each in schedules if each.advisor == advisor] for advisor in pool.advisors}
        charge = offering.buffer_before + offering.duration + offering.buffer_after
        weekly = even_guess(terms, own, charge, first, last, closed, load=LOAD)
        ends = last - DAY * SURGE_ENDS_BEFORE
        surge = Surge(SURGING, ends - DAY * SURGE_DAYS, ends, SURGE_FACTOR)
        demand = Poisson(weekly, months=MONTHS, surges=(surge,))
        scenario = Scenario(terms, own, offering, demand, first, last, closed, patience=PATIENCE)
        units = dict.fromkeys([offering.unit, *offering.units.values()])
        people = [
            Person(
                Staff(
                    id=advisor,
                    version=1,
                    name=names[advisor],
                    identity=advisor,
                    advisor=advisor,
                    grants=tuple(Grant(role="advisor", unit=unit) for unit in units),
                )
            )
            for advisor in pool.advisors
        ]
        return Agreement(pool, offering, people, [r for r in requests(scenario, SEED) if r.asked.date() >= first])

    async def _refresh(self, agreements: Sequence[Agreement], now: datetime) -> None:
        """Open the days that have come within reach, as booking itself does each hour."""
        for person in (person for each in agreements for person in each.people):
            async with database.transaction(self.engine, role=SWEEP) as connection:
                await slot_tables.lock_register(connection)
                async with sharing.recalculating(connection, now, person.id):
                    await slots.refresh_open_hours(connection, person.id, now)

    async def _live(self, agreement: Agreement, day: date) -> None:
        """One day of an agreement: those who wait, ask, change or give up, and at its end what became of all."""
        kept = self.progress.kept[agreement.pool.id]
        waiting, kept.waiting = kept.waiting, []
        found_none: set[str] = set()
        for number in waiting:
            code = agreement.asked[number].municipality
            if code in found_none or not await self._ask(agreement, kept, number, _at(day, MORNING)):
                found_none.add(code)
                if day - agreement.asked[number].asked.astimezone(HOME).date() < DAY * PATIENCE:
                    kept.waiting.append(number)
        start, end = opening(day, time.min, HOME), closing(day, time.max, HOME)
        today: list[tuple[datetime, int]] = [
            (request.asked, number) for number, request in enumerate(agreement.asked) if start <= request.asked < end
        ]
        for asked, number in today:
            await self._change(agreement, kept, asked)
            if not await self._ask(agreement, kept, number, asked):
                kept.waiting.append(number)
        await self._change(agreement, kept, _at(day, EVENING))
        for person in agreement.people:
            await self._note(person, kept, day)

    async def _ask(self, agreement: Agreement, kept: Kept, number: int, now: datetime) -> bool:
        """A family books the first time that it finds; whether it found one."""
        request = agreement.asked[number]
        chance = Random(f"{SEED} {agreement.pool.id} {number}")  # noqa: S311 - the same in each demo, and guards nothing
        async with database.driver(self.public) as connection:
            found = await self._search(connection, agreement, request.municipality, now, limit=1)
            about = agreement.offering.id, request.municipality
            self.searches[about] += 1
            self.in_vain[about] += not found
            if not found:
                return False
            modality = chance.choice(found[0].modalities)
            email = f"familj-{number}@{agreement.pool.id}.example"
            phone = f"+467017406{5 + number % NUMBERS:02}" if modality == "phone" else None
            wanted = Wanted(
                hold=None,
                slot=_slot(found[0]),
                municipality=request.municipality,
                modality=modality,
                contact=Contact(f"Familj {number}", phone, email, "sv"),
                child_age=chance.randint(agreement.offering.ages.first, agreement.offering.ages.last),
                expecting=False,
            )
            key = f"year {agreement.pool.id} {number}"
            try:
                async with self.vault.reserve(now) as spare:
                    answer = await bookings.book(
                        connection, self.links, self.vault, wanted, spare=spare, key=key, now=now, language="sv"
                    )
            except KeyReused:
                # The day was cut off after this; what the family meant to change is forgotten.
                return True
            except SlotTaken:
                return False
        self.booked += 1
        left = found[0].start - now
        if request.gives_up is not None:
            kept.planned.append((str(now + left * request.gives_up), "cancel", answer["manage_token"]))
        elif chance.random() < MOVED:
            kept.planned.append((str(now + left * chance.random()), "move", answer["manage_token"]))
        if not request.comes:
            kept.missed.append(answer["reference"])
        return True

    async def _search(
        self, connection: database.Connection, agreement: Agreement, municipality: str, now: datetime, *, limit: int
    ) -> list[Free]:
        wanted = Search(
            now=now, offering=agreement.offering.id, municipality=municipality, limit=limit, any_advisor=True
        )
        return await slots.search(connection, wanted)

    async def _change(self, agreement: Agreement, kept: Kept, now: datetime) -> None:
        """What families planned to do until now: give up, or move to one of the next times that are free."""
        due = sorted(plan for plan in kept.planned if datetime.fromisoformat(plan[0]) <= now)
        kept.planned = [plan for plan in kept.planned if plan not in due]
        for at, what, token in due:
            instant = datetime.fromisoformat(at)
            async with secrecy.of_token(self.public, token_hash(token)) as connection:
                if what == "cancel":
                    await bookings.cancel(connection, token, now=instant, language="sv")
                else:
                    await self._move(connection, agreement, token, instant)

    async def _move(self, connection: database.Connection, agreement: Agreement, token: str, now: datetime) -> None:
        view = await bookings.look_up(connection, token, "sv")
        others = await self._search(connection, agreement, view.municipality, now, limit=6)
        fitting = [free for free in others if view.modality in free.modalities]
        if fitting:
            try:
                async with connection.transaction():
                    await bookings.reschedule(
                        connection, token, _slot(fitting[-1]), modality=None, now=now, language="sv"
                    )
            except (SlotTaken, NotChangeable):
                # Somebody else was first, or the day was cut off and this is its second time: the time stays as it is.
                return

    async def _note(self, person: Person, kept: Kept, day: date) -> None:
        """In the evening the advisor notes who came and who did not."""
        span = Span(opening(day, time.min, HOME), closing(day, time.max, HOME))
        async with secrecy.of(self.engine, person.id, person.units("advisor")) as connection:
            for row in await agenda_tables.seen(connection, person.id, span):
                if row["status"] == "confirmed":
                    outcome: Outcome = "no_show" if row["reference"] in kept.missed else "fulfilled"
                    await agenda.decide(connection, person, row["id"], outcome, now=_at(day, EVENING))
                    kept.missed = [reference for reference in kept.missed if reference != row["reference"]]


def _slot(free: Free) -> SlotId:
    return SlotId(free.offering, free.advisor, free.start)


def _at(day: date, wall: time) -> datetime:
    return opening(day, wall, HOME)

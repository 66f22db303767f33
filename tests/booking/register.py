"""A small register for booking's tests: three municipalities share one pool of advisors."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from uuid import uuid4

import nats

from directory import events as directory
from directory.events import Entity
from kit.events import EventType

# A Monday; the clocks in Sweden show 08.00.
NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)

MUNICIPALITIES = [
    directory.Municipality(
        id=code,
        version=1,
        slug=slug,
        name=name,
        accent="#1f5f3f",
        concern_url=f"https://www.{slug}.se/orosanmalan",
        phone="+46415378000",
    )
    for code, slug, name in (("1266", "horby", "Hörby"), ("1267", "hoor", "Höör"), ("1285", "eslov", "Eslöv"))
]
UNIT = directory.Unit(id="familjestod", version=1, municipality="1267", name="Familjestöd", board="Socialnämnden")
CENTRE = directory.Centre(
    id="bvc-horby",
    version=1,
    municipality="1266",
    name="BVC Hörby",
    kind="bvc",
    address="Vårdvägen 1, Hörby",
    attached_to_family_centre=False,
)
OFFERING = directory.Offering(
    id="foraldrasamtal",
    version=1,
    name=directory.Text(sv="Föräldrasamtal", en="Parent talk"),
    summary=directory.Text(sv="Prata med en föräldrarådgivare.", en="Talk with a parent advisor."),
    kind="conversation",
    regime="universal",
    documentation="anonymous",
    unit="familjestod",
    # As it was named before each municipality had to have a unit of its own.
    units={"1266": "familjestod", "1285": "familjestod"},
    municipalities=["1266", "1267", "1285"],
    advisors=["maria-ek"],
    duration=45,
    buffer_after=15,
    starts_every=60,
    modalities=["video", "phone", "visit"],
    ages=directory.Ages(first=0, last=6, expecting=True),
    languages=["sv", "en"],
    lead_time_hours=2,
    self_booking=True,
)


def advisor(number: int = 0) -> directory.Advisor:
    return directory.Advisor(
        id=f"advisor-{number}" if number else "maria-ek",
        version=1,
        name=f"Rådgivare {number}" if number else "Maria Ek",
        profession="foraldraradgivare",
        unit="familjestod",
        languages=["sv", "en"],
        modalities=["video", "phone", "visit"],
    )


def pool(*advisors: str) -> directory.Pool:
    return directory.Pool(
        id="hoor-horby-eslov",
        version=1,
        name="Höör, Hörby och Eslöv",
        advisors=list(advisors),
        posts=1.5,
        shares={"1267": 24, "1266": 26, "1285": 50},
        valid_from=date(2026, 1, 1),
    )


def schedule(of: str = "maria-ek", version: int = 1, **changes: object) -> directory.Schedule:
    """Weekdays 08–12 by phone, video or visit at BVC Hörby, and 13–17 by phone or video."""
    weekly = [
        block
        for weekday in range(1, 6)
        for block in (
            directory.WeeklyBlock(
                weekday=weekday,
                start=time(8),
                end=time(12),
                modalities=["video", "phone", "visit"],
                place="bvc-horby",
            ),
            directory.WeeklyBlock(weekday=weekday, start=time(13), end=time(17), modalities=["video", "phone"]),
        )
    ]
    values = {"id": of, "version": version, "advisor": of, "valid_from": date(2026, 1, 1), "weekly": weekly, **changes}
    return directory.Schedule(**values)


TYPES: dict[type[Entity], EventType] = {event.data: event for event in directory.PUBLISHES}


def basic() -> list[Entity]:
    return [*MUNICIPALITIES, UNIT, CENTRE, OFFERING, advisor(), pool("maria-ek"), schedule()]


async def publish(nats_url: str, entities: Iterable[Entity]) -> None:
    """Publish state as directory does."""
    client = await nats.connect(nats_url)
    jetstream = client.jetstream()
    for entity in entities:
        event = TYPES[type(entity)]
        payload = event.encode(event_id=uuid4(), entity_id=entity.id, data=entity, now=NOW)
        await jetstream.publish(event.subject(entity.id), payload)
    await client.close()

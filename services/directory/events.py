"""What directory publishes: the whole state of each entity, versioned, on `state.directory.<entity>.<id>`.

`version` rises by one with each change of an entity; a reader ignores a version that is not above the one it has.
An entity that has ended is published once more with `ended: true` and stays readable.
"""

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, WithJsonSchema

from kit.events import EventData, EventType

Modality = Literal["video", "phone", "visit"]
Language = Annotated[str, Field(pattern="^[a-z]{2,3}$", description="ISO 639", examples=["sv"])]
Id = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}$", examples=["hoor-horby-eslov"])]
MunicipalityCode = Annotated[str, Field(pattern="^[0-9]{4}$", description="SCB code", examples=["1267"])]
# JSON Schema's own `time` demands an offset from UTC, which a wall time must not have.
WallTime = Annotated[
    time,
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:00$",
            "description": "local wall time",
            "examples": ["09:00:00"],
        }
    ),
]
Minutes = Annotated[int, Field(ge=0, le=24 * 60)]


class Text(EventData):
    """A text in Swedish and, where there is one, in English."""

    sv: str
    en: str | None = None


class Entity(EventData):
    """What every entity has."""

    id: Id
    version: int = Field(ge=1)
    ended: bool = False


class Municipality(Entity):
    """`id` is the SCB code."""

    id: MunicipalityCode
    slug: Id = Field(description="its name in page addresses", examples=["horby"])
    name: str
    accent: str = Field(pattern="^#[0-9a-f]{6}$", description="accent colour, contrast checked against white")
    concern_url: str = Field(description="where a report of concern for a child is made")
    phone: str = Field(description="for those who would rather call; E.164")


class Unit(Entity):
    """A branch (verksamhet) under one board: the boundary of secrecy."""

    municipality: MunicipalityCode
    name: str
    board: str


class Centre(Entity):
    """A child-health centre (BVC), family centre or other place."""

    municipality: MunicipalityCode
    name: str
    kind: Literal["bvc", "family_centre", "other"]
    address: str
    attached_to_family_centre: bool
    hsa_id: str | None = None


class Advisor(Entity):
    name: str
    profession: Literal["kurator", "familjebehandlare", "boendestodjare", "foraldraradgivare"]
    unit: Id = Field(description="the employing unit")
    languages: list[Language]
    modalities: list[Modality]


class Pool(Entity):
    """Municipalities that share advisors under an agreement (avtalssamverkan, KL 9:37)."""

    name: str
    advisors: list[Id]
    posts: float = Field(gt=0, allow_inf_nan=False, description="full-time posts (FTE)")
    shares: dict[MunicipalityCode, int] = Field(description="percent per municipality; they add up to 100")
    release_days: int = Field(7, ge=0, le=28)
    period: Literal["iso_week", "four_weeks"] = "iso_week"
    valid_from: date
    valid_until: date | None = Field(None, description="last day")


class WeeklyBlock(EventData):
    """Working time that repeats weekly, in local wall time; never across midnight."""

    weekday: int = Field(ge=1, le=7, description="ISO: Monday is 1")
    start: WallTime
    end: WallTime
    modalities: list[Modality]
    place: Id | None = Field(None, description="a centre: where visits are met")


class ScheduleException(EventData):
    """`leave` takes working time away, `extra` adds it; whole days where no times are given."""

    kind: Literal["leave", "extra"]
    first: date
    last: date
    start: WallTime | None = None
    end: WallTime | None = None
    modalities: list[Modality] = Field(default_factory=list)
    place: Id | None = None


class Schedule(Entity):
    """When an advisor works. An advisor may have several, one after the other or side by side."""

    advisor: Id
    zone: str = Field("Europe/Stockholm", description="IANA zone of all wall times")
    valid_from: date
    valid_until: date | None = Field(None, description="last day")
    works_on_holidays: bool = Field(False, description="Swedish public and de-facto holidays are closed otherwise")
    weekly: list[WeeklyBlock]
    exceptions: list[ScheduleException] = Field(default_factory=list)


class Ages(EventData):
    """Whole years, both ends included; `expecting` where parents-to-be are welcome."""

    first: int = Field(ge=0, le=20)
    last: int = Field(ge=0, le=20)
    expecting: bool


class Offering(Entity):
    """What can be booked (insats)."""

    name: Text
    summary: Text
    kind: Literal["conversation", "course", "lecture", "drop_in", "joint_visit"]
    regime: Literal["universal", "assessed"]
    documentation: Literal["anonymous", "minimal", "elsewhere"]
    retention_days: int | None = Field(
        None,
        ge=1,
        le=3650,
        description="days from the last visit until a family's identity is erased; 365 where it is not said, "
        "and never more than 30 where the documentation is anonymous",
    )
    unit: Id
    units: dict[MunicipalityCode, Id] = Field(
        default_factory=dict,
        description="the unit that answers for the families of a municipality, where that is not `unit`",
    )
    municipalities: list[MunicipalityCode]
    advisors: list[Id]
    duration: Annotated[int, Field(gt=0, le=8 * 60, description="minutes")]
    buffer_before: Minutes = 0
    buffer_after: Minutes = 0
    starts_every: Annotated[int, Field(gt=0, le=8 * 60, description="minutes between possible starts")]
    modalities: list[Modality]
    ages: Ages
    languages: list[Language]
    horizon_days: int = Field(42, ge=1, le=90)
    lead_time_hours: int = Field(24, ge=0, le=14 * 24)
    cancel_limit_hours: int = Field(24, ge=0, le=14 * 24)
    practical: Text | None = Field(None, description="when and where, for what is not booked by time")
    self_booking: bool = Field(description="whether parents book it themselves")


class Grant(EventData):
    """A role: advisor, coordinator and reviewer for a unit, nurse for a centre, operator for the whole installation."""

    role: Literal["advisor", "coordinator", "nurse", "reviewer", "operator"]
    unit: Id | None = None
    centre: Id | None = None


class Staff(Entity):
    """Whoever may sign in, and what for. A pooled advisor holds one role for a unit of each municipality."""

    name: str
    identity: str = Field(
        min_length=1,
        max_length=255,
        description="what the identity provider calls this person: an HSA-id, or its own id for a program",
        examples=["SE2321000131-P000000000001"],
    )
    advisor: Id | None = Field(None, description="the advisor whose working days are this person's own")
    grants: list[Grant]
    sessions_after: AwareDatetime | None = Field(None, description="sessions that began before this instant are over")


def _state(name: str, data: type[Entity], **examples: Entity) -> EventType:
    return EventType("state", "directory", name, data, examples=examples)


MUNICIPALITY = _state(
    "municipality",
    Municipality,
    horby=Municipality(
        id="1266",
        version=1,
        slug="horby",
        name="Hörby",
        accent="#1f5f3f",
        concern_url="https://www.horby.se/orosanmalan",
        phone="+46415378000",
    ),
)
UNIT = _state(
    "unit",
    Unit,
    support=Unit(id="hoor-familjestod", version=1, municipality="1267", name="Familjestöd", board="Socialnämnden"),
)
CENTRE = _state(
    "centre",
    Centre,
    bvc=Centre(
        id="bvc-horby",
        version=2,
        municipality="1266",
        name="BVC Hörby",
        kind="bvc",
        address="Vårdvägen 1, Hörby",
        attached_to_family_centre=False,
    ),
)
ADVISOR = _state(
    "advisor",
    Advisor,
    pooled=Advisor(
        id="maria-ek",
        version=1,
        name="Maria Ek",
        profession="foraldraradgivare",
        unit="hoor-familjestod",
        languages=["sv", "en"],
        modalities=["video", "phone", "visit"],
    ),
)
POOL = _state(
    "pool",
    Pool,
    three=Pool(
        id="hoor-horby-eslov",
        version=1,
        name="Höör, Hörby och Eslöv",
        advisors=["maria-ek"],
        posts=1.5,
        shares={"1267": 24, "1266": 26, "1285": 50},
        valid_from=date(2026, 1, 1),
    ),
)
SCHEDULE = _state(
    "schedule",
    Schedule,
    mondays=Schedule(
        id="maria-ek-2026",
        version=3,
        advisor="maria-ek",
        valid_from=date(2026, 8, 1),
        valid_until=date(2027, 6, 30),
        weekly=[
            WeeklyBlock(
                weekday=1, start=time(9), end=time(12), modalities=["visit", "phone", "video"], place="bvc-horby"
            ),
        ],
        exceptions=[ScheduleException(kind="leave", first=date(2026, 12, 21), last=date(2027, 1, 8))],
    ),
)
OFFERING = _state(
    "offering",
    Offering,
    talk=Offering(
        id="foraldrasamtal",
        version=1,
        name=Text(sv="Föräldrasamtal", en="Parent talk"),
        summary=Text(sv="Prata med en föräldrarådgivare.", en="Talk with a parent advisor."),
        kind="conversation",
        regime="universal",
        documentation="anonymous",
        unit="hoor-familjestod",
        municipalities=["1267", "1266", "1285"],
        advisors=["maria-ek"],
        duration=45,
        buffer_after=15,
        starts_every=60,
        modalities=["video", "phone", "visit"],
        ages=Ages(first=0, last=6, expecting=True),
        languages=["sv", "en"],
        self_booking=True,
    ),
    shared=Offering(
        id="foraldrasamtal-hoor-horby",
        version=1,
        name=Text(sv="Föräldrasamtal", en="Parent talk"),
        summary=Text(sv="Prata med en föräldrarådgivare.", en="Talk with a parent advisor."),
        kind="conversation",
        regime="universal",
        documentation="anonymous",
        unit="hoor-familjestod",
        units={"1266": "horby-foraldrastod"},
        municipalities=["1267", "1266"],
        advisors=["maria-ek"],
        duration=45,
        starts_every=60,
        modalities=["video"],
        ages=Ages(first=0, last=6, expecting=True),
        languages=["sv"],
        self_booking=True,
    ),
)
STAFF = _state(
    "staff",
    Staff,
    pooled=Staff(
        id="maria-ek",
        version=2,
        name="Maria Ek",
        identity="SE2321000131-P000000000001",
        advisor="maria-ek",
        grants=[Grant(role="advisor", unit="hoor-familjestod"), Grant(role="nurse", centre="bvc-horby")],
        sessions_after=datetime(2026, 3, 2, 7, tzinfo=UTC),
    ),
)

PUBLISHES = (MUNICIPALITY, UNIT, CENTRE, ADVISOR, POOL, SCHEDULE, OFFERING, STAFF)

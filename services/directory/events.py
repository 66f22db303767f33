"""What directory publishes: the whole state of each entity, versioned, on `state.directory.<entity>.<id>`.

`version` rises by one with each change of an entity; a reader ignores a version that is not above the one it has.
An entity that has ended is published once more with `ended: true` and stays readable.
"""

from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, WithJsonSchema

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


def _midnight(given: Any) -> Any:
    """Midnight at the end of a day as `time` can have it, however it was written."""
    return time.min if isinstance(given, str) and given.strip().replace(".", ":") in ("24:00", "24:00:00") else given


EndTime = Annotated[
    time,
    BeforeValidator(_midnight),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:00$",
            "description": "local wall time; 00:00:00 is midnight at the end of the day",
            "examples": ["12:00:00"],
        }
    ),
]
Minutes = Annotated[int, Field(ge=0, le=24 * 60)]
# The terms of an agreement, which an amendment sets anew.
Posts = Annotated[float, Field(gt=0, allow_inf_nan=False, description="full-time posts (FTE)")]
Shares = Annotated[dict[MunicipalityCode, int], Field(description="percent per municipality; they add up to 100")]
ReleaseDays = Annotated[
    int, Field(ge=0, le=28, description="from so many days ahead anyone in the pool may take a time")
]
SharingPeriod = Literal["iso_week", "four_weeks"]
CarryOver = Annotated[
    int,
    Field(
        ge=0,
        le=100,
        description="percent of one period's entitlement: as much unused time at most is carried over as credit",
    ),
]


class Text(EventData):
    """A text in Swedish and, where there is one, in English."""

    sv: str
    en: str | None = None


class Entity(EventData):
    """What every entity has."""

    id: Id
    version: int = Field(ge=1)
    ended: bool = False


class Denominator(EventData):
    """How many children live there, or are enrolled there: what figures per 1,000 children are divided by."""

    children: int = Field(ge=1)
    source: str = Field(description="who counted, and whom", examples=["SCB, barn 0–6 år"])
    as_of: date = Field(description="the day for which they were counted")


class PersonalData(EventData):
    """What families are told where their details are asked for (article 13 of the GDPR). Legal references in it are the
    municipality's own; where nothing is written, readers say what is so everywhere.
    """

    controller: str | None = Field(None, description="who is responsible", examples=["Socialnämnden i Hörbys kommun"])
    organisation_number: str | None = Field(None, description="of who is responsible", examples=["212000-1116"])
    email: str | None = Field(None, description="where the controller is reached")
    officer_email: str | None = Field(None, description="where the data protection officer is reached")
    officer_phone: str | None = Field(None, description="the same; E.164")
    purpose: Text | None = Field(None, description="what the details are used for, in whole sentences")
    ground: Text | None = Field(None, description="the legal ground, in whole sentences")
    authority: Text | None = Field(None, description="with whom to complain, and how; IMY where it is not said")


class Municipality(Entity):
    """`id` is the SCB code."""

    id: MunicipalityCode
    slug: Id = Field(description="its name in page addresses", examples=["horby"])
    name: str
    accent: str = Field(pattern="^#[0-9a-f]{6}$", description="accent colour, contrast checked against white")
    concern_url: str = Field(description="where a report of concern for a child is made")
    phone: str = Field(description="for those who would rather call; E.164")
    denominators: list[Denominator] = Field(default_factory=list, description="one a day at most")
    personal_data: PersonalData | None = None


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
    denominators: list[Denominator] = Field(default_factory=list, description="one a day at most")


class Advisor(Entity):
    name: str
    profession: Literal["kurator", "familjebehandlare", "boendestodjare", "foraldraradgivare"]
    unit: Id = Field(description="the employing unit")
    languages: list[Language]
    modalities: list[Modality]


class Amendment(EventData):
    """New terms of an agreement, all of them, from a day on (tilläggsavtal)."""

    valid_from: date = Field(description="the first day on which they hold")
    posts: Posts
    shares: Shares
    release_days: ReleaseDays = 7
    period: SharingPeriod = "iso_week"
    carry_over: CarryOver = 0


class Pool(Entity):
    """Municipalities that share advisors under an agreement (avtalssamverkan, KL 9:37).

    Its own terms hold from `valid_from` until the day before the first amendment, and each amendment's until the day
    before the next. Those of the past stay written, so that what was shared then can be computed again.
    """

    name: str
    advisors: list[Id]
    posts: Posts
    shares: Shares
    release_days: ReleaseDays = 7
    period: SharingPeriod = "iso_week"
    carry_over: CarryOver = 0
    valid_from: date
    valid_until: date | None = Field(None, description="last day")
    notice_days: int | None = Field(
        None,
        ge=0,
        le=3650,
        description="days of notice with which a municipality leaves without the others' yes; where it is not said, "
        "all must agree",
    )
    amendments: list[Amendment] = Field(default_factory=list, description="in the order of their days")


class WeeklyBlock(EventData):
    """Working time that repeats weekly, in local wall time; never across midnight."""

    weekday: int = Field(ge=1, le=7, description="ISO: Monday is 1")
    start: WallTime
    end: EndTime
    modalities: list[Modality]
    place: Id | None = Field(None, description="a centre: where visits are met")


class ScheduleException(EventData):
    """`leave` takes working time away, `extra` adds it; whole days where no times are given.

    Times are those of each day, or with `through` those at which one long leave begins on the first day and ends on the
    last.
    """

    kind: Literal["leave", "extra"]
    first: date
    last: date
    start: WallTime | None = None
    end: EndTime | None = None
    through: bool = False
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


class Register(EventData):
    """All entities of a kind that there are, ended ones too: told after them when an epoch of the register begins.

    What a reader knows of an earlier epoch and is not among them is no more.
    """

    kind: str = Field(examples=["schedule"])
    ids: list[Id]


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
    counted=Municipality(
        id="1285",
        version=2,
        slug="eslov",
        name="Eslöv",
        accent="#1f5f3f",
        concern_url="https://www.eslov.se/orosanmalan",
        phone="+46413620000",
        denominators=[Denominator(children=2500, source="Exempel", as_of=date(2025, 12, 31))],
    ),
    informing=Municipality(
        id="1267",
        version=3,
        slug="hoor",
        name="Höör",
        accent="#3d5a12",
        concern_url="https://www.hoor.se/orosanmalan",
        phone="+46413280000",
        personal_data=PersonalData(
            controller="Socialnämnden i Höörs kommun",
            organisation_number="212000-1116",
            email="socialnamnden@hoor.example",
            officer_email="dataskydd@hoor.example",
            officer_phone="+46413280001",
            purpose=Text(sv="Vi använder uppgifterna för att ge stöd.", en="We use the details to give support."),
            ground=Text(sv="Artikel 6.1 e i dataskyddsförordningen.", en="Article 6(1)(e) of the GDPR."),
            authority=Text(sv="Integritetsskyddsmyndigheten, imy@imy.se", en="The authority IMY, imy@imy.se"),
        ),
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
    counted=Centre(
        id="bvc-hoor",
        version=3,
        municipality="1267",
        name="BVC Höör",
        kind="bvc",
        address="Friskgatan 6, Höör",
        attached_to_family_centre=False,
        denominators=[
            Denominator(children=1100, source="Exempel", as_of=date(2024, 12, 31)),
            Denominator(children=1150, source="Exempel", as_of=date(2025, 12, 31)),
        ],
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
    amended=Pool(
        id="hoor-horby",
        version=4,
        name="Höör och Hörby",
        advisors=["maria-ek"],
        posts=1.0,
        shares={"1267": 50, "1266": 50},
        carry_over=25,
        valid_from=date(2026, 1, 1),
        valid_until=date(2028, 12, 31),
        amendments=[
            Amendment(
                valid_from=date(2027, 1, 1),
                posts=1.5,
                shares={"1267": 30, "1266": 30, "1285": 40},
                release_days=14,
                period="four_weeks",
                carry_over=50,
            ),
            Amendment(valid_from=date(2028, 1, 1), posts=1.5, shares={"1267": 35, "1266": 30, "1285": 35}),
        ],
    ),
    with_notice=Pool(
        id="lund-burlov",
        version=2,
        name="Lund och Burlöv",
        advisors=["maria-ek"],
        posts=1.0,
        shares={"1281": 60, "1231": 40},
        valid_from=date(2026, 1, 1),
        notice_days=180,
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
    away=Schedule(
        id="maria-ek-2027",
        version=2,
        advisor="maria-ek",
        valid_from=date(2027, 8, 1),
        weekly=[WeeklyBlock(weekday=2, start=time(9), end=time(16), modalities=["video"])],
        exceptions=[
            ScheduleException(
                kind="leave",
                first=date(2027, 9, 6),
                last=date(2027, 9, 8),
                start=time(13),
                end=time(17),
                through=True,
            )
        ],
    ),
    evenings=Schedule(
        id="maria-ek-kvallar",
        version=1,
        advisor="maria-ek",
        valid_from=date(2026, 8, 1),
        weekly=[WeeklyBlock(weekday=2, start=time(20), end=time(0), modalities=["video"])],
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

REGISTER = EventType(
    "state",
    "directory",
    "register",
    Register,
    examples={"units": Register(kind="unit", ids=["hoor-familjestod", "horby-foraldrastod"])},
)

PUBLISHES = (MUNICIPALITY, UNIT, CENTRE, ADVISOR, POOL, SCHEDULE, OFFERING, STAFF, REGISTER)

"""The fields of directory's state that booking reads, its numbers within the bounds that directory has for them."""

from datetime import date, time, timedelta
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field

from booking.sharing.rules import Terms
from kit import staff
from kit.events import Read
from kit.language import Language

Modality = Literal["video", "phone", "visit"]
Minutes = Annotated[int, Field(ge=0, le=24 * 60)]
Hours = Annotated[int, Field(ge=0, le=14 * 24)]


class Text(Read):
    sv: str
    en: str | None = None

    def in_language(self, language: Language) -> str:
        """The English text where there is one and it is asked for, else the Swedish."""
        return self.en if language == "en" and self.en else self.sv


class Entity(Read):
    """What every entity has. A newer version replaces an older one whole."""

    id: str
    version: int
    ended: bool = False


class Register(Read):
    """All entities of a kind that a register holds, ended ones too."""

    kind: str
    ids: tuple[str, ...]


class Denominator(Read):
    """How many children there are, by which source and on which day: figures per 1,000 are divided by it."""

    children: int = Field(ge=1)
    source: str
    as_of: date


class PersonalData(Read):
    """What a municipality itself tells families of how it handles their details; `booking.families.texts` has the
    rest.
    """

    controller: str | None = None
    organisation_number: str | None = None
    email: str | None = None
    officer_email: str | None = None
    officer_phone: str | None = None
    purpose: Text | None = None
    ground: Text | None = None
    authority: Text | None = None


class Municipality(Entity):
    slug: str
    name: str
    accent: str
    concern_url: str
    phone: str
    denominators: tuple[Denominator, ...] = ()
    personal_data: PersonalData | None = None


class Unit(Entity):
    municipality: str
    # Copies of before do not hold it.
    name: str = ""


class Centre(Entity):
    name: str
    address: str
    municipality: str
    denominators: tuple[Denominator, ...] = ()


class Advisor(Entity):
    name: str
    unit: str
    languages: tuple[str, ...]
    modalities: tuple[Modality, ...]


class Amendment(Read):
    """The terms of an agreement from a day on. Shares and carry-over are percent."""

    valid_from: date
    shares: dict[str, Annotated[int, Field(ge=1, le=100)]] = Field(min_length=1)
    release_days: int = Field(7, ge=0, le=28)
    period: Literal["iso_week", "four_weeks"] = "iso_week"
    carry_over: int = Field(0, ge=0, le=100)


class Pool(Entity, Amendment):
    """An agreement: its first terms are its own, later ones its amendments."""

    name: str
    advisors: tuple[str, ...]
    valid_until: date | None = None
    amendments: tuple[Amendment, ...] = ()

    def terms(self) -> list[Terms]:
        """What the agreement says, from the first day to the last, in order."""
        each = sorted((self, *self.amendments), key=lambda terms: terms.valid_from)
        ends = [later.valid_from - timedelta(days=1) for later in each[1:]] + [self.valid_until or date.max]
        return [
            Terms(one.valid_from, last, one.shares, one.release_days, one.period, one.carry_over)
            for one, last in zip(each, ends, strict=True)
            if one.valid_from <= last
        ]


class WeeklyBlock(Read):
    weekday: int = Field(ge=1, le=7)
    start: time
    end: time
    modalities: tuple[Modality, ...]
    place: str | None = None


class ScheduleException(Read):
    """Of a leave that goes `through`, `start` is of the first day and `end` of the last; otherwise both are of each."""

    kind: Literal["leave", "extra"]
    first: date
    last: date
    start: time | None = None
    end: time | None = None
    through: bool = False
    modalities: tuple[Modality, ...] = ()
    place: str | None = None

    def hours(self, day: date) -> tuple[time, time]:
        """The wall times between which it holds on one of its days; midnight as an end is that at the day's end."""
        start = self.start if not self.through or day == self.first else None
        end = self.end if not self.through or day == self.last else None
        return start or time.min, time.min if end is None else end


class Schedule(Entity):
    advisor: str
    zone: str
    valid_from: date
    valid_until: date | None = None
    works_on_holidays: bool = False
    weekly: tuple[WeeklyBlock, ...]
    exceptions: tuple[ScheduleException, ...] = ()


class Ages(Read):
    first: int = Field(ge=0, le=20)
    last: int = Field(ge=0, le=20)
    expecting: bool


class Offering(Entity):
    """Durations and buffers are minutes."""

    name: Text
    summary: Text
    kind: Literal["conversation", "course", "lecture", "drop_in", "joint_visit"]
    documentation: Literal["anonymous", "minimal", "elsewhere"]
    retention_days: int | None = Field(None, ge=1, le=3650)
    unit: str
    units: dict[str, str] = Field(default_factory=dict)
    municipalities: tuple[str, ...]
    advisors: tuple[str, ...]
    duration: int = Field(gt=0, le=8 * 60)
    buffer_before: Minutes = 0
    buffer_after: Minutes = 0
    starts_every: int = Field(gt=0, le=8 * 60)
    modalities: tuple[Modality, ...]
    ages: Ages
    horizon_days: int = Field(ge=1, le=90)
    lead_time_hours: Hours
    cancel_limit_hours: Hours
    practical: Text | None = None
    self_booking: bool

    @classmethod
    @lru_cache(maxsize=1024)
    def stored(cls, document: str) -> "Offering":
        """The offering of a stored document. Documents are few and change seldom, so each is parsed once."""
        return cls.model_validate_json(document)


class Staff(Entity, staff.Staff):
    """Whoever may sign in, and what for."""

"""What must be true of the register as a whole. Pure: a register goes in, what it breaches comes out.

Only live entities are judged. All wall times of one schedule are of its zone, all dates are local days.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import cache
from itertools import combinations
from typing import Any
from unicodedata import category
from zoneinfo import available_timezones

from directory.events import (
    Advisor,
    Centre,
    Entity,
    Municipality,
    Offering,
    Pool,
    Schedule,
    ScheduleException,
    Staff,
    Unit,
    WeeklyBlock,
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS_SV = ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag")
MODALITIES_SV = {"video": "video", "phone": "telefon", "visit": "besök"}
ROLES_SV = {
    "advisor": "rådgivare",
    "coordinator": "samordnare",
    "nurse": "sjuksköterska",
    "reviewer": "granskare",
    "operator": "driftansvarig",
}
# What kinds are called in Swedish, in a sentence: `det finns ingen mottagning bvc-horby`.
KINDS_SV = {
    "municipality": "kommunen",
    "unit": "verksamheten",
    "centre": "mottagningen",
    "advisor": "rådgivaren",
    "pool": "samverkan",
    "schedule": "arbetstiden",
    "offering": "insatsen",
    "staff": "medarbetaren",
}
MIN_CONTRAST = 4.5
# Longest for which an anonymous offering may know who somebody is, after the last visit.
ANONYMOUS_DAYS = 30
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")

_zones = cache(available_timezones)

PathOf = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """A field of an entity; an empty path is the entity itself."""

    kind: str
    id: str
    path: PathOf = ()


@dataclass(frozen=True)
class Breach:
    """A rule that does not hold, in both languages, and the places where it can be put right, the likeliest first."""

    sv: str
    en: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Register:
    """Entities by kind and id. `unreadable` are those that are named somewhere but could not be understood:
    nothing is concluded from their absence.
    """

    municipality: dict[str, Municipality] = field(default_factory=dict)
    unit: dict[str, Unit] = field(default_factory=dict)
    centre: dict[str, Centre] = field(default_factory=dict)
    advisor: dict[str, Advisor] = field(default_factory=dict)
    pool: dict[str, Pool] = field(default_factory=dict)
    schedule: dict[str, Schedule] = field(default_factory=dict)
    offering: dict[str, Offering] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    unreadable: set[tuple[str, str]] = field(default_factory=set)

    def of(self, kind: str) -> dict[str, Any]:
        """The entities of one kind, ended ones too."""
        made: dict[str, Any] = getattr(self, kind)
        return made

    def live(self, kind: str) -> list[Any]:
        """The entities of one kind that have not ended, by id."""
        return [e for _, e in sorted(self.of(kind).items()) if not e.ended]


def breaches(register: Register) -> Iterator[Breach]:
    """Every rule that the register breaks."""
    yield from _references(register)
    for kind, check in _CHECKS.items():
        for entity in register.live(kind):
            yield from check(register, entity)
    for kind in _CHECKS:
        for entity in register.of(kind).values():
            yield from _writable(entity)
    yield from _slugs(register)
    yield from _one_person_each(register)
    yield from _one_pool_at_a_time(register)
    yield from _one_place_at_a_time(register)


def contrast_with_white(colour: str) -> float:
    """The contrast ratio of WCAG 2.1 between `#rrggbb` and white, 1 to 21."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - WCAG's numbers

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included; `last` is None where there is no end."""

    first: date
    last: date | None

    def shared(self, other: "Period") -> "Period | None":
        """The days of both, None where there are none."""
        ends = [p.last for p in (self, other) if p.last is not None]
        both = Period(max(self.first, other.first), min(ends) if ends else None)
        return None if both.last is not None and both.last < both.first else both

    def has(self, weekday: int) -> bool:
        """Whether it holds a day of this ISO weekday."""
        return self.last is None or (self.last - self.first).days >= (weekday - self.first.isoweekday()) % 7


def period(entity: Pool | Schedule) -> Period:
    """The days on which a pool or a schedule is valid."""
    return Period(entity.valid_from, entity.valid_until)


def clash(one: WeeklyBlock, other: WeeklyBlock, both: Period | None) -> bool:
    """Whether two blocks of one advisor share a minute within `both`, the days on which both their schedules hold."""
    return (
        both is not None
        and one.weekday == other.weekday
        and one.start < other.end
        and other.start < one.end
        and both.has(one.weekday)
    )


def reach(register: Register, advisor: Advisor) -> set[str]:
    """The codes of the municipalities whose families the advisor may meet: the employer's, and the pools'."""
    made = {
        code
        for pool in register.live("pool")
        if advisor.id in pool.advisors
        for code, share in pool.shares.items()
        if share
    }
    if unit := register.unit.get(advisor.unit):
        made.add(unit.municipality)
    return made


def _working(register: Register, advisor_id: str) -> Advisor | None:
    advisor = register.advisor.get(advisor_id)
    return None if advisor is None or advisor.ended else advisor


def _named(entity: Entity, *path: str | int) -> Place:
    return Place(type(entity).__name__.lower(), entity.id, path)


def _said(names: Sequence[str]) -> str:
    return ", ".join(names)


def _block(block: WeeklyBlock) -> str:
    return f"{WEEKDAYS[block.weekday - 1]} {block.start:%H:%M}–{block.end:%H:%M}"


def _block_sv(block: WeeklyBlock) -> str:
    return f"{WEEKDAYS_SV[block.weekday - 1]} {block.start:%H.%M}–{block.end:%H.%M}"


def _references_of(entity: Entity) -> Iterator[tuple[PathOf, str, str]]:
    """Path, kind and id of everything that an entity refers to."""
    match entity:
        case Unit() | Centre():
            yield ("municipality",), "municipality", entity.municipality
        case Advisor():
            yield ("unit",), "unit", entity.unit
        case Pool():
            yield from ((("advisors", n), "advisor", a) for n, a in enumerate(entity.advisors))
            yield from ((("shares", code), "municipality", code) for code in entity.shares)
        case Schedule():
            yield ("advisor",), "advisor", entity.advisor
            for name in ("weekly", "exceptions"):
                parts = enumerate(getattr(entity, name))
                yield from (((name, n, "place"), "centre", part.place) for n, part in parts if part.place)
        case Offering():
            yield ("unit",), "unit", entity.unit
            yield from ((("units", code), "unit", unit) for code, unit in entity.units.items())
            yield from ((("municipalities", n), "municipality", m) for n, m in enumerate(entity.municipalities))
            yield from ((("advisors", n), "advisor", a) for n, a in enumerate(entity.advisors))
        case Staff():
            yield from _references_of_staff(entity)


def _references_of_staff(entity: Staff) -> Iterator[tuple[PathOf, str, str]]:
    if entity.advisor:
        yield ("advisor",), "advisor", entity.advisor
    for n, grant in enumerate(entity.grants):
        if grant.unit:
            yield ("grants", n, "unit"), "unit", grant.unit
        if grant.centre:
            yield ("grants", n, "centre"), "centre", grant.centre


def _references(register: Register) -> Iterator[Breach]:
    for kind in _CHECKS:
        for entity in register.live(kind):
            for path, wanted, wanted_id in _references_of(entity):
                found = register.of(wanted).get(wanted_id)
                if found is None and (wanted, wanted_id) not in register.unreadable:
                    yield Breach(
                        f"{KINDS_SV[wanted]} {wanted_id} finns inte, varken här eller i registret: rätta id:t, eller "
                        "lägg till det som saknas",
                        f"there is no {wanted} {wanted_id}, neither in these files nor in the register: "
                        f"correct the id, or add the {wanted}",
                        (_named(entity, *path),),
                    )
                elif found is not None and found.ended:
                    yield Breach(
                        f"{KINDS_SV[kind]} {entity.id} hänvisar till {KINDS_SV[wanted]} {wanted_id}, som är avslutad: "
                        "ta bort hänvisningen där, eller avsluta den också",
                        f"{kind} {entity.id} refers to {wanted} {wanted_id}, which has ended: "
                        f"take it away there, or end the {kind} too",
                        (_named(entity, *path), _named(found, "ended")),
                    )


def _listed(entity: Entity, *names: str, empty: bool = False) -> Iterator[Breach]:
    """Lists have something in them, unless `empty` is allowed, and nothing twice."""
    for name in names:
        values = getattr(entity, name)
        if not values and not empty:
            yield Breach("välj minst en", f"{name} is empty: name at least one", (_named(entity, name),))
        for n, value in enumerate(values):
            if value in values[:n]:
                sv = f"{value} finns två gånger: ta bort den ena"
                yield Breach(sv, f"{name} has {value} twice: take one away", (_named(entity, name, n),))


def _writable(entity: Entity) -> Iterator[Breach]:
    """No text has a sign that people cannot type, some of which PostgreSQL cannot keep."""
    for path, text in _texts(entity.model_dump(), ()):
        if any(category(sign) in ("Cc", "Cs") and sign not in "\n\t" for sign in text):
            yield Breach(
                "texten innehåller ett styrtecken: skriv den på nytt",
                "the text has a control character in it: write it anew",
                (_named(entity, *path),),
            )


def _texts(value: Any, path: PathOf) -> Iterator[tuple[PathOf, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(inner, (*path, name))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _texts(inner, (*path, n))


def _valid(entity: Pool | Schedule) -> Iterator[Breach]:
    if entity.valid_until is not None and entity.valid_until < entity.valid_from:
        yield Breach(
            f"sista dagen ({entity.valid_until}) ligger före den första ({entity.valid_from}): rätta en av dem",
            f"valid_until ({entity.valid_until}) is before valid_from ({entity.valid_from}): swap or correct them",
            (_named(entity, "valid_until"),),
        )


def _municipality(_: Register, entity: Municipality) -> Iterator[Breach]:
    ratio = contrast_with_white(entity.accent)
    if ratio < MIN_CONTRAST:
        yield Breach(
            f"färgen {entity.accent} har kontrasten {ratio:.2f} mot vitt, och minst {MIN_CONTRAST} behövs för att text "
            "ska gå att läsa: välj en mörkare",
            f"accent {entity.accent} has a contrast of {ratio:.2f} against white, and at least {MIN_CONTRAST} is "
            "needed for text to be read: choose a darker colour",
            (_named(entity, "accent"),),
        )
    if not entity.concern_url.startswith("https://"):
        yield Breach(
            "adressen måste vara hel och börja med https://",
            "concern_url must be a whole address that begins with https://",
            (_named(entity, "concern_url"),),
        )
    if not PHONE.fullmatch(entity.phone):
        yield Breach(
            "numret måste skrivas som +46415378000",
            "phone must be written like +46415378000",
            (_named(entity, "phone"),),
        )


def _nothing(_: Register, __: Entity) -> Iterator[Breach]:
    yield from ()


def _advisor(_: Register, entity: Advisor) -> Iterator[Breach]:
    yield from _listed(entity, "languages", "modalities")


def _pool(_: Register, entity: Pool) -> Iterator[Breach]:
    yield from _listed(entity, "advisors")
    yield from _valid(entity)
    for code, share in entity.shares.items():
        if share < 1:
            yield Breach(
                f"kommunen {code} har andelen {share}: ge den minst 1 procent, eller utelämna den",
                f"municipality {code} has a share of {share}: give it at least 1 percent, or leave it out",
                (_named(entity, "shares", code),),
            )
    total = sum(entity.shares.values())
    if total != 100:  # noqa: PLR2004 - percent
        yield Breach(
            f"andelarna blir tillsammans {total} procent, inte 100",
            f"shares add up to {total}, not to 100 percent",
            (_named(entity, "shares"),),
        )


def _schedule(register: Register, entity: Schedule) -> Iterator[Breach]:
    yield from _valid(entity)
    if entity.zone not in _zones():
        yield Breach(
            f"tidszonen {entity.zone} finns inte: skriv en som Europe/Stockholm",
            f"there is no time zone {entity.zone}: write one like Europe/Stockholm",
            (_named(entity, "zone"),),
        )
    advisor = _working(register, entity.advisor)
    for n, block in enumerate(entity.weekly):
        yield from _times(entity, ("weekly", n), block.start, block.end)
        if not block.modalities:
            yield Breach(
                "passet har inget sätt att mötas: välj minst ett",
                "the block has no modalities: name at least one",
                (_named(entity, "weekly", n),),
            )
        yield from _lacking(entity, ("weekly", n), block.modalities, advisor)
    for n, exception in enumerate(entity.exceptions):
        yield from _exception(entity, ("exceptions", n), exception)
        yield from _lacking(entity, ("exceptions", n), exception.modalities, advisor)


def _exception(entity: Schedule, where: PathOf, exception: ScheduleException) -> Iterator[Breach]:
    if exception.last < exception.first:
        yield Breach(
            f"sista dagen ({exception.last}) ligger före den första ({exception.first}): rätta en av dem",
            f"last ({exception.last}) is before first ({exception.first}): swap or correct them",
            (_named(entity, *where, "last"),),
        )
    if exception.start is not None and exception.end is not None:
        yield from _times(entity, where, exception.start, exception.end)
    elif exception.start is not None or exception.end is not None:
        yield Breach(
            "ange både när det börjar och slutar, eller inget av dem för hela dagars frånvaro",
            "give both start and end, or neither for whole days of leave",
            (_named(entity, *where),),
        )
    elif exception.kind == "extra":
        yield Breach(
            "extra tid behöver en tid när den börjar och en när den slutar",
            "extra time needs a start and an end",
            (_named(entity, *where),),
        )
    if exception.kind == "extra" and not exception.modalities:
        yield Breach(
            "extra tid behöver sätt att mötas: välj minst ett",
            "extra time needs modalities: name at least one",
            (_named(entity, *where),),
        )
    if exception.kind == "leave" and (exception.modalities or exception.place):
        yield Breach(
            "frånvaro har varken sätt att mötas eller plats: ta bort dem",
            "leave has neither modalities nor place: take them away",
            (_named(entity, *where),),
        )


def _times(entity: Schedule, where: PathOf, start: time, end: time) -> Iterator[Breach]:
    for name, value in (("start", start), ("end", end)):
        if value.tzinfo is not None or value.second or value.microsecond:
            yield Breach(
                "skriv en lokal tid som 09:00",
                f'{name} must be a local time like "09:00"',
                (_named(entity, *where, name),),
            )
            return
    if end == start:
        yield Breach(
            f"passet är tomt: det börjar och slutar {start:%H.%M}",
            f"the block is empty: it starts and ends at {start:%H:%M}",
            (_named(entity, *where, "end"),),
        )
    elif end < start:
        yield Breach(
            f"passet slutar ({end:%H.%M}) innan det börjar ({start:%H.%M}): rätta det, eller skriv det som två pass om "
            "det fortsätter efter midnatt",
            f"the block ends ({end:%H:%M}) before it starts ({start:%H:%M}): correct it, or, if it goes on after "
            "midnight, write it as two blocks",
            (_named(entity, *where, "end"),),
        )


def _lacking(entity: Schedule, where: PathOf, modalities: Sequence[str], advisor: Advisor | None) -> Iterator[Breach]:
    for n, modality in enumerate(modalities):
        if advisor is not None and modality not in advisor.modalities:
            offered = _said([MODALITIES_SV[m] for m in advisor.modalities])
            yield Breach(
                f"arbetstiden {entity.id} har {MODALITIES_SV[modality]}, som {advisor.name} inte erbjuder ({offered}): "
                "ta bort det där, eller lägg till det hos rådgivaren",
                f"schedule {entity.id} has {modality}, which advisor {advisor.id} does not offer "
                f"({_said(advisor.modalities)}): take it away there, or add it to the advisor",
                (_named(entity, *where, "modalities", n), _named(advisor, "modalities")),
            )


def _offering(register: Register, entity: Offering) -> Iterator[Breach]:
    yield from _listed(entity, "municipalities", "modalities", "languages")
    yield from _listed(entity, "advisors", empty=not entity.self_booking and entity.kind != "joint_visit")
    if entity.kind == "joint_visit" and len(entity.advisors) == 1:
        yield Breach(
            "ett gemensamt besök behöver minst två rådgivare",
            "a joint visit needs at least two advisors",
            (_named(entity, "advisors"),),
        )
    for name in ("duration", "buffer_before", "buffer_after", "starts_every"):
        if getattr(entity, name) % 5:
            minutes = getattr(entity, name)
            yield Breach(
                f"{minutes} minuter går inte jämnt upp i 5: välj till exempel {minutes - minutes % 5 + 5}",
                f"{name} is {minutes} minutes: choose a multiple of 5",
                (_named(entity, name),),
            )
    if entity.ages.last < entity.ages.first:
        yield Breach(
            f"åldrarna slutar vid {entity.ages.last}, innan de börjar vid {entity.ages.first}: rätta en av dem",
            f"ages end at {entity.ages.last}, before they begin at {entity.ages.first}: swap or correct them",
            (_named(entity, "ages"),),
        )
    if not entity.self_booking and entity.practical is None:
        yield Breach(
            "skriv hur man gör för att komma, eftersom föräldrar inte bokar det själva",
            "practical is missing: say what to do to come, as parents cannot book it themselves",
            (_named(entity, "practical"),),
        )
    yield from _kept(entity)
    yield from _answering(register, entity)
    yield from _able(register, entity)


def _kept(entity: Offering) -> Iterator[Breach]:
    if entity.documentation == "anonymous" and (entity.retention_days or 0) > ANONYMOUS_DAYS:
        yield Breach(
            f"där dokumentationen är anonym sparas familjens uppgifter högst {ANONYMOUS_DAYS} dagar: sänk antalet, "
            "eller ta bort det",
            f"retention_days is at most {ANONYMOUS_DAYS} where documentation is anonymous: lower it, or take it away",
            (_named(entity, "retention_days"),),
        )


def _answering(register: Register, entity: Offering) -> Iterator[Breach]:
    """A municipality's families are answered for by a unit of its own."""
    for code, unit_id in entity.units.items():
        where = _named(entity, "units", code)
        if code not in entity.municipalities:
            yield Breach(
                f"kommunen {code} är inte bland dem som insatsen gäller: ta bort dess verksamhet, eller välj kommunen",
                f"units names {code}, which is not among the municipalities: take it away",
                (where,),
            )
            continue
        unit = register.unit.get(unit_id)
        if unit is not None and unit.municipality != code:
            yield Breach(
                f"verksamheten {unit.name} hör till kommunen {unit.municipality} och kan inte svara för {code}: välj "
                "en av dess egna",
                f"unit {unit_id} belongs to municipality {unit.municipality} and cannot answer for {code}: "
                f"name a unit of {code}",
                (where, _named(unit, "municipality")),
            )


def _able(register: Register, entity: Offering) -> Iterator[Breach]:
    """Advisors can do what the offering promises: somebody in it can, or in a joint visit everybody."""
    everybody = entity.kind == "joint_visit"
    advisors = [advisor for a in entity.advisors if (advisor := _working(register, a))]
    if len(advisors) < len(entity.advisors) or not advisors:
        return  # The reference itself is the fault, and what the others can do is a second question.
    able: list[tuple[str, Sequence[str], Callable[[Advisor], set[str]], str]] = [
        ("modalities", entity.modalities, lambda a: set(a.modalities), "offers"),
        ("languages", entity.languages, lambda a: set(a.languages), "speaks"),
    ]
    known_pools = not any(kind == "pool" for kind, _ in register.unreadable)
    if known_pools and all(a.unit in register.unit for a in advisors):
        able.append(("municipalities", entity.municipalities, lambda a: reach(register, a), "reaches"))
    for name, promised, can, verb in able:
        for n, value in enumerate(promised):
            unable = [a for a in advisors if value not in can(a)]
            if len(unable) == len(advisors) or (everybody and unable):
                who_sv, who = ("inte alla", "not every") if everybody else ("ingen", "no")
                verb_sv, remedy_sv, remedy = _WORDS[name]
                yield Breach(
                    f"{who_sv} av rådgivarna i insatsen {entity.id} {verb_sv} {MODALITIES_SV.get(value, value)} "
                    f"({_said([a.name for a in unable])}): {remedy_sv}",
                    f"{who} advisor of offering {entity.id} {verb} {value} ({_said([a.id for a in unable])}): {remedy}",
                    (
                        _named(entity, name, n),
                        *(_named(a, name if name != "municipalities" else "unit") for a in unable),
                        *(_named(p) for p in register.pool.values() if name == "municipalities"),
                    ),
                )
        for n, advisor in enumerate(advisors):
            if promised and not can(advisor) & set(promised):
                yield Breach(
                    f"{advisor.name} {_WORDS[name][0]} inget av det som insatsen {entity.id} gäller "
                    f"({_said([MODALITIES_SV.get(p, p) for p in promised])}): ta bort rådgivaren där, eller "
                    "ändra insatsen",
                    f"advisor {advisor.id} {verb} none of the {name} of offering {entity.id} ({_said(promised)}): "
                    f"take the advisor away there, or correct {name}",
                    (_named(entity, "advisors", n), _named(advisor)),
                )


# By what is promised: the verb in Swedish, and what can be done in Swedish and in English.
_WORDS = {
    "modalities": (
        "erbjuder",
        "ta bort det där, eller lägg till det hos en rådgivare",
        "take it away there, or add it to an advisor",
    ),
    "languages": (
        "talar",
        "ta bort det där, eller lägg till det hos en rådgivare",
        "take it away there, or add it to an advisor",
    ),
    "municipalities": (
        "når",
        (
            "en rådgivare når kommunen där hon är anställd och dem som har en andel i samverkan, så ta bort kommunen, "
            "välj en annan rådgivare, eller lägg till en i samverkan"
        ),
        (
            "an advisor reaches the municipality of the employing unit and those of a pool, so take the municipality "
            "away, name another advisor, or add one to the pool"
        ),
    ),
}


# What each role is held for.
_SCOPE = {"advisor": "unit", "coordinator": "unit", "reviewer": "unit", "nurse": "centre", "operator": None}
_SCOPE_WORDS = {
    "unit": ("en verksamhet och inget annat", "a unit and nothing else"),
    "centre": ("en mottagning och inget annat", "a centre and nothing else"),
    None: (
        "hela installationen: välj varken verksamhet eller mottagning",
        "the whole installation, so name no unit or centre",
    ),
}


def _staff(_: Register, entity: Staff) -> Iterator[Breach]:
    for n, grant in enumerate(entity.grants):
        wanted = _SCOPE[grant.role]
        given = [name for name in ("unit", "centre") if getattr(grant, name)]
        if given != ([wanted] if wanted else []):
            what_sv, what = _SCOPE_WORDS[wanted]
            yield Breach(
                f"rollen {ROLES_SV[grant.role]} gäller {what_sv}",
                f"the role {grant.role} is held for {what}",
                (_named(entity, "grants", n),),
            )
        if grant in entity.grants[:n]:
            yield Breach(
                f"rollen {ROLES_SV[grant.role]} finns två gånger: ta bort den ena",
                f"the role {grant.role} is given twice: take one away",
                (_named(entity, "grants", n),),
            )


def _one_person_each(register: Register) -> Iterator[Breach]:
    """An identity signs one person in, and an advisor's days are one person's own."""
    for one, other in combinations(register.live("staff"), 2):
        for name in ("identity", "advisor"):
            if getattr(one, name) is not None and getattr(one, name) == getattr(other, name):
                what = "samma identitet" if name == "identity" else f"rådgivaren {one.advisor}"
                yield Breach(
                    f"medarbetarna {one.id} och {other.id} har båda {what}: ändra den ena",
                    f"staff {one.id} and {other.id} both have the {name} {getattr(one, name)}: change one of them",
                    (_named(other, name), _named(one, name)),
                )


def _slugs(register: Register) -> Iterator[Breach]:
    for one, other in combinations(register.live("municipality"), 2):
        if one.slug == other.slug:
            yield Breach(
                f"kommunerna {one.id} och {other.id} har båda adressen {one.slug}: ändra den ena",
                f"municipalities {one.id} and {other.id} both have the slug {one.slug}: change one of them",
                (_named(other, "slug"), _named(one, "slug")),
            )


def _one_pool_at_a_time(register: Register) -> Iterator[Breach]:
    for one, other in combinations(register.live("pool"), 2):
        if period(one).shared(period(other)) is None:
            continue
        for n, advisor in enumerate(other.advisors):
            if advisor in one.advisors:
                yield Breach(
                    f"rådgivaren {advisor} är med i {one.name} och {other.name} på samma gång: behåll den ena, eller "
                    "låt den ena ta slut innan den andra börjar",
                    f"advisor {advisor} is in the pools {one.id} and {other.id} at the same time: keep one, or let "
                    "one end before the other begins",
                    (_named(other, "advisors", n), _named(one, "advisors", one.advisors.index(advisor))),
                )


def _one_place_at_a_time(register: Register) -> Iterator[Breach]:
    of: dict[str, list[Schedule]] = {}
    for schedule in register.live("schedule"):
        of.setdefault(schedule.advisor, []).append(schedule)
    for schedules in of.values():
        for one, other in combinations(schedules, 2):
            if one.zone != other.zone and period(one).shared(period(other)):
                yield Breach(
                    f"arbetstiderna {one.id} och {other.id} för {one.advisor} gäller på samma gång i olika tidszoner: "
                    "ge dem samma",
                    f"schedules {one.id} and {other.id} of advisor {one.advisor} hold at the same time in different "
                    "zones: give them the same one",
                    (_named(other, "zone"), _named(one, "zone"), _named(other), _named(one)),
                )
        blocks = [(s, n, block) for s in schedules for n, block in enumerate(s.weekly) if _sound(block)]
        for (first, m, one_block), (second, n, other_block) in combinations(blocks, 2):
            if clash(one_block, other_block, period(first).shared(period(second))):
                yield Breach(
                    f"{_block_sv(other_block)} i arbetstiden {second.id} krockar med {_block_sv(one_block)} i "
                    f"arbetstiden {first.id}, och {first.advisor} kan bara vara på ett ställe: ändra en av dem",
                    f"{_block(other_block)} in schedule {second.id} overlaps {_block(one_block)} in schedule "
                    f"{first.id}, and advisor {first.advisor} can be in one place only: change one of them",
                    (_named(second, "weekly", n), _named(first, "weekly", m)),
                )


def _sound(block: WeeklyBlock) -> bool:
    """Whether its times can be compared with others: a fault in them is told by itself."""
    return block.start.tzinfo is None and block.end.tzinfo is None and block.start < block.end


_CHECKS: dict[str, Callable[[Register, Any], Iterator[Breach]]] = {
    "municipality": _municipality,
    "unit": _nothing,
    "centre": _nothing,
    "advisor": _advisor,
    "pool": _pool,
    "schedule": _schedule,
    "offering": _offering,
    "staff": _staff,
}

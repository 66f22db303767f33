"""What must be true of an offering, and of those who are to give it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from directory.events import Advisor, Offering, Pool
from directory.rules.common import listed
from directory.rules.pools import reach
from directory.rules.register import MODALITIES_SV, Breach, Register, Unread, as_far_as_read, named, said, working

# Longest for which an anonymous offering may know who somebody is, after the last visit.
ANONYMOUS_DAYS = 30


def offering(pools: Mapping[str, Sequence[Pool]], register: Register, entity: Offering) -> Iterator[Breach]:
    """It can be given by those who are named, for those it is for, in whole steps of five minutes.

    `pools` are those that each advisor is in.
    """
    steps = ("duration", "buffer_before", "buffer_after", "starts_every")
    yield from as_far_as_read(
        listed(entity, "municipalities", "modalities", "languages"),
        _given(entity),
        *(_stepped(entity, name) for name in steps),
        _aged(entity),
        _found_out(entity),
        _kept(entity),
        _bookable(entity),
        _answered_for(register, entity),
        *(_answering(register, entity, code) for code in as_far_as_read(_named_for(entity))),
        _able(pools, register, entity),
    )


def _given(entity: Offering) -> Iterator[Breach]:
    yield from listed(entity, "advisors", empty=not entity.self_booking and entity.kind != "joint_visit")
    if entity.kind == "joint_visit" and len(entity.advisors) == 1:
        yield Breach(
            "ett gemensamt besök behöver minst två rådgivare",
            "a joint visit needs at least two advisors",
            (named(entity, "advisors"),),
        )


def _stepped(entity: Offering, name: str) -> Iterator[Breach]:
    minutes = getattr(entity, name)
    if minutes % 5:
        yield Breach(
            f"{minutes} minuter går inte jämnt upp i 5: välj till exempel {minutes - minutes % 5 + 5}",
            f"{name} is {minutes} minutes: choose a multiple of 5",
            (named(entity, name),),
        )


def _aged(entity: Offering) -> Iterator[Breach]:
    if entity.ages.last < entity.ages.first:
        yield Breach(
            f"åldrarna slutar vid {entity.ages.last}, innan de börjar vid {entity.ages.first}: rätta en av dem",
            f"ages end at {entity.ages.last}, before they begin at {entity.ages.first}: swap or correct them",
            (named(entity, "ages"),),
        )


def _found_out(entity: Offering) -> Iterator[Breach]:
    if not entity.self_booking and entity.practical is None:
        yield Breach(
            "skriv hur man gör för att komma, eftersom föräldrar inte bokar det själva",
            "practical is missing: say what to do to come, as parents cannot book it themselves",
            (named(entity, "practical"),),
        )


def _kept(entity: Offering) -> Iterator[Breach]:
    if entity.documentation == "anonymous" and (entity.retention_days or 0) > ANONYMOUS_DAYS:
        yield Breach(
            f"där dokumentationen är anonym sparas familjens uppgifter högst {ANONYMOUS_DAYS} dagar: sänk antalet, "
            "eller ta bort det",
            f"retention_days is at most {ANONYMOUS_DAYS} where documentation is anonymous: lower it, or take it away",
            (named(entity, "retention_days"),),
        )


def _bookable(entity: Offering) -> Iterator[Breach]:
    """Between the first instant that can be booked and the last there is some time."""
    if entity.self_booking and entity.lead_time_hours >= 24 * entity.horizon_days:
        yield Breach(
            f"det går att boka {entity.horizon_days * 24} timmar framåt, och {entity.lead_time_hours} timmar är "
            "framförhållning, så ingen tid går att boka: sänk framförhållningen, eller öka antalet dagar",
            f"lead_time_hours is {entity.lead_time_hours}, and times can be booked {entity.horizon_days * 24} hours "
            "ahead, so that no time can be: lower it, or raise horizon_days",
            (named(entity, "lead_time_hours"),),
        )


def _answered_for(register: Register, entity: Offering) -> Iterator[Breach]:
    """A municipality's families are answered for by a unit of its own, always named where `unit` is not."""
    owner = register.unit.get(entity.unit)
    for code in entity.municipalities if owner else ():
        if code not in entity.units and owner is not None and owner.municipality != code:
            town = register.municipality.get(code)
            yield Breach(
                f"ingen verksamhet svarar för familjerna i {town.name if town else code}: välj en av dess egna",
                f"units does not say which unit answers for the families of {code}: name one of its own",
                (named(entity, "units", code),),
            )


def _named_for(entity: Offering) -> Iterator[str]:
    yield from entity.units


def _answering(register: Register, entity: Offering, code: str) -> Iterator[Breach]:
    where = named(entity, "units", code)
    unit = register.unit.get(entity.units[code])
    if code not in entity.municipalities:
        yield Breach(
            f"kommunen {code} är inte bland dem som insatsen gäller: ta bort dess verksamhet, eller välj kommunen",
            f"units names {code}, which is not among the municipalities: take it away",
            (where,),
        )
    elif unit is not None and unit.municipality != code:
        yield Breach(
            f"verksamheten {unit.name} hör till kommunen {unit.municipality} och kan inte svara för {code}: välj "
            "en av dess egna",
            f"unit {unit.id} belongs to municipality {unit.municipality} and cannot answer for {code}: "
            f"name a unit of {code}",
            (where, named(unit, "municipality")),
        )


def _able(pools: Mapping[str, Sequence[Pool]], register: Register, entity: Offering) -> Iterator[Breach]:
    """Advisors can do what the offering promises: somebody in it can, or in a joint visit everybody."""
    advisors = [advisor for a in entity.advisors if (advisor := working(register, a))]
    if len(advisors) < len(entity.advisors) or not advisors:
        return  # The reference itself is the fault, and what the others can do is a second question.

    def reached(advisor: Advisor) -> set[str]:
        if advisor.unit not in register.unit or not _are_known(register):
            raise Unread
        return reach(register, advisor, pools)

    able = [
        _promised(register, entity, advisors, "modalities", lambda advisor: set(advisor.modalities)),
        _promised(register, entity, advisors, "languages", lambda advisor: set(advisor.languages)),
        _promised(register, entity, advisors, "municipalities", reached),
    ]
    yield from as_far_as_read(*able)


def _are_known(register: Register) -> bool:
    """Whether it is known which advisors each pool has."""
    unread = [register.pool.get(pool) for kind, pool in register.unreadable if kind == "pool"]
    return all(pool is not None and "advisors" in vars(pool) for pool in unread)


def _promised(
    register: Register, entity: Offering, advisors: Sequence[Advisor], name: str, can: Callable[[Advisor], set[str]]
) -> Iterator[Breach]:
    promised: Sequence[str] = getattr(entity, name)
    able = {advisor.id: can(advisor) for advisor in advisors}
    everybody = entity.kind == "joint_visit"
    verb_sv, verb, remedy_sv, remedy = _WORDS[name]
    for n, value in enumerate(promised):
        unable = [a for a in advisors if value not in able[a.id]]
        if len(unable) == len(advisors) or (everybody and unable):
            who_sv, who = ("inte alla", "not every") if everybody else ("ingen", "no")
            yield Breach(
                f"{who_sv} av rådgivarna i insatsen {entity.id} {verb_sv} {MODALITIES_SV.get(value, value)} "
                f"({said([a.name for a in unable])}): {remedy_sv}",
                f"{who} advisor of offering {entity.id} {verb} {value} ({said([a.id for a in unable])}): {remedy}",
                (
                    named(entity, name, n),
                    *(named(a, name if name != "municipalities" else "unit") for a in unable),
                    *(named(p) for p in register.pool.values() if name == "municipalities"),
                ),
            )
    for n, advisor in enumerate(advisors):
        if promised and not able[advisor.id] & set(promised):
            yield Breach(
                f"{advisor.name} {verb_sv} inget av det som insatsen {entity.id} gäller "
                f"({said([MODALITIES_SV.get(p, p) for p in promised])}): ta bort rådgivaren där, eller "
                "ändra insatsen",
                f"advisor {advisor.id} {verb} none of the {name} of offering {entity.id} ({said(promised)}): "
                f"take the advisor away there, or correct {name}",
                (named(entity, "advisors", n), named(advisor)),
            )


# By what is promised: the verb in Swedish and in English, and what can be done in both.
_WORDS = {
    "modalities": (
        "erbjuder",
        "offers",
        "ta bort det där, eller lägg till det hos en rådgivare",
        "take it away there, or add it to an advisor",
    ),
    "languages": (
        "talar",
        "speaks",
        "ta bort det där, eller lägg till det hos en rådgivare",
        "take it away there, or add it to an advisor",
    ),
    "municipalities": (
        "når",
        "reaches",
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

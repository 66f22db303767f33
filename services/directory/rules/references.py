"""Whatever is referred to is there, and has not ended."""

from collections.abc import Iterator

from directory.events import Advisor, Centre, Entity, Offering, Pool, Schedule, Staff, Unit
from directory.rules.register import Breach, PathOf, Register, named

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
            for n, amendment in enumerate(entity.amendments):
                yield from ((("amendments", n, "shares", code), "municipality", code) for code in amendment.shares)
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


def references(register: Register) -> Iterator[Breach]:
    """Every reference of a live entity is to a live entity."""
    for kind, kind_sv in KINDS_SV.items():
        for entity in register.live(kind):
            for path, wanted, wanted_id in _references_of(entity):
                found = register.of(wanted).get(wanted_id)
                if found is None and (wanted, wanted_id) not in register.unreadable:
                    yield Breach(
                        f"{KINDS_SV[wanted]} {wanted_id} finns inte, varken här eller i registret: rätta id:t, eller "
                        "lägg till det som saknas",
                        f"there is no {wanted} {wanted_id}, neither in these files nor in the register: "
                        f"correct the id, or add the {wanted}",
                        (named(entity, *path),),
                    )
                elif found is not None and found.ended:
                    yield Breach(
                        f"{kind_sv} {entity.id} hänvisar till {KINDS_SV[wanted]} {wanted_id}, som är avslutad: "
                        "ta bort hänvisningen där, eller avsluta den också",
                        f"{kind} {entity.id} refers to {wanted} {wanted_id}, which has ended: "
                        f"take it away there, or end the {kind} too",
                        (named(entity, *path), named(found, "ended")),
                    )

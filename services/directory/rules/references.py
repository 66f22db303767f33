"""Whatever is referred to is there, and has not ended."""

from collections.abc import Callable, Iterator, Sequence

from directory.events import Advisor, Centre, Entity, Offering, Pool, Schedule, Staff, Unit
from directory.rules.register import Breach, PathOf, Register, as_far_as_read, named
from kit.events import EventData

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


Reference = tuple[PathOf, str, str]


def _references_of(entity: Entity) -> Iterator[Reference]:
    """Path, kind and id of everything that an entity refers to."""
    found: Sequence[Iterator[Reference]] = ()
    match entity:
        case Unit() | Centre():
            found = (_one(entity, (), "municipality", "municipality"),)
        case Advisor():
            found = (_one(entity, (), "unit", "unit"),)
        case Pool():
            amended = _rows(entity, "amendments", (_keys, "shares", "municipality"))
            found = (_each(entity, (), "advisors", "advisor"), _keys(entity, (), "shares", "municipality"), amended)
        case Schedule():
            placed = (_rows(entity, name, (_one, "place", "centre")) for name in ("weekly", "exceptions"))
            found = (_one(entity, (), "advisor", "advisor"), *placed)
        case Offering():
            found = (
                _one(entity, (), "unit", "unit"),
                _values(entity, (), "units", "unit"),
                _each(entity, (), "municipalities", "municipality"),
                _each(entity, (), "advisors", "advisor"),
            )
        case Staff():
            held = _rows(entity, "grants", (_one, "unit", "unit"), (_one, "centre", "centre"))
            found = (_one(entity, (), "advisor", "advisor"), held)
    return as_far_as_read(*found)


def _one(data: EventData, path: PathOf, name: str, kind: str) -> Iterator[Reference]:
    if value := getattr(data, name):
        yield (*path, name), kind, value


def _each(data: EventData, path: PathOf, name: str, kind: str) -> Iterator[Reference]:
    yield from (((*path, name, n), kind, value) for n, value in enumerate(getattr(data, name)))


def _keys(data: EventData, path: PathOf, name: str, kind: str) -> Iterator[Reference]:
    yield from (((*path, name, key), kind, key) for key in getattr(data, name))


def _values(data: EventData, path: PathOf, name: str, kind: str) -> Iterator[Reference]:
    yield from (((*path, name, key), kind, value) for key, value in getattr(data, name).items())


def _rows(
    data: EventData, name: str, *fields: tuple[Callable[..., Iterator[Reference]], str, str]
) -> Iterator[Reference]:
    for n, row in enumerate(getattr(data, name)):
        yield from as_far_as_read(*(of(row, (name, n), field, kind) for of, field, kind in fields))


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

"""What must be true of advisors and staff."""

from collections.abc import Iterator
from itertools import combinations

from directory.events import Advisor, Staff
from directory.rules.common import listed
from directory.rules.register import Breach, Register, as_far_as_read, grouped, named

ROLES_SV = {
    "advisor": "rådgivare",
    "coordinator": "samordnare",
    "nurse": "sjuksköterska",
    "reviewer": "granskare",
    "operator": "driftansvarig",
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


def advisor(_: Register, entity: Advisor) -> Iterator[Breach]:
    """There is a language and a way to meet."""
    yield from listed(entity, "languages", "modalities")


def staff(_: Register, entity: Staff) -> Iterator[Breach]:
    """Each role is held for what roles of its kind are held for."""
    yield from as_far_as_read(*(_grant(entity, n) for n in range(len(entity.grants))))


def _grant(entity: Staff, n: int) -> Iterator[Breach]:
    grant = entity.grants[n]
    wanted = _SCOPE[grant.role]
    given = [name for name in ("unit", "centre") if getattr(grant, name)]
    if given != ([wanted] if wanted else []):
        what_sv, what = _SCOPE_WORDS[wanted]
        yield Breach(
            f"rollen {ROLES_SV[grant.role]} gäller {what_sv}",
            f"the role {grant.role} is held for {what}",
            (named(entity, "grants", n),),
        )
    if grant in entity.grants[:n]:
        yield Breach(
            f"rollen {ROLES_SV[grant.role]} finns två gånger: ta bort den ena",
            f"the role {grant.role} is given twice: take one away",
            (named(entity, "grants", n),),
        )


def one_person_each(register: Register) -> Iterator[Breach]:
    """An identity signs one person in, and an advisor's days are one person's own."""
    live: list[Staff] = register.live("staff")
    alike = {
        "identity": grouped(live, lambda one: [one.identity]),
        "advisor": grouped(live, lambda one: [one.advisor] if one.advisor else []),
    }
    for name, groups in alike.items():
        for group in groups.values():
            for one, other in combinations(group, 2):
                what = "samma identitet" if name == "identity" else f"rådgivaren {one.advisor}"
                yield Breach(
                    f"medarbetarna {one.id} och {other.id} har båda {what}: ändra den ena",
                    f"staff {one.id} and {other.id} both have the {name} {getattr(one, name)}: change one of them",
                    (named(other, name), named(one, name)),
                )

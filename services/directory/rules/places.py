"""What must be true of municipalities and centres."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import combinations, count

from directory.events import Centre, Denominator, Municipality, PersonalData
from directory.rules.register import Breach, Register, as_far_as_read, grouped, named
from kit import addresses

MIN_CONTRAST = 4.5
ORGANISATION = re.compile(r"[0-9]{6}-[0-9]{4}")
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


def contrast_with_white(colour: str) -> float:
    """The contrast ratio of WCAG 2.1 between `#rrggbb` and white, 1 to 21."""

    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - WCAG's numbers

    red, green, blue = (linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def municipality(_: Register, entity: Municipality) -> Iterator[Breach]:
    """Its colour can carry text, and its address and number can be used as they are."""
    yield from as_far_as_read(
        _counted(entity), _contrasting(entity), _led_to(entity), _called(entity, "phone"), _reached(entity)
    )


def _contrasting(entity: Municipality) -> Iterator[Breach]:
    ratio = contrast_with_white(entity.accent)
    if ratio < MIN_CONTRAST:
        yield Breach(
            f"färgen {entity.accent} har kontrasten {ratio:.2f} mot vitt, och minst {MIN_CONTRAST} behövs för att text "
            "ska gå att läsa: välj en mörkare",
            f"accent {entity.accent} has a contrast of {ratio:.2f} against white, and at least {MIN_CONTRAST} is "
            "needed for text to be read: choose a darker colour",
            (named(entity, "accent"),),
        )


def _led_to(entity: Municipality) -> Iterator[Breach]:
    if not entity.concern_url.startswith("https://"):
        yield Breach(
            "adressen måste vara hel och börja med https://",
            "concern_url must be a whole address that begins with https://",
            (named(entity, "concern_url"),),
        )


def _called(entity: Municipality, *path: str) -> Iterator[Breach]:
    told = entity.personal_data if len(path) > 1 else entity
    number = getattr(told, path[-1])
    if number is not None and not PHONE.fullmatch(number):
        yield Breach(
            "numret måste skrivas som +46415378000",
            f"{path[-1]} must be written like +46415378000",
            (named(entity, *path),),
        )


def _reached(entity: Municipality) -> Iterator[Breach]:
    """Families can write and call where they are told to, and know whom they have before them."""
    if told := entity.personal_data:
        yield from as_far_as_read(
            _numbered(entity, told),
            *(_written_to(entity, told, name) for name in ("email", "officer_email")),
            _called(entity, "personal_data", "officer_phone"),
        )


def _numbered(entity: Municipality, told: PersonalData) -> Iterator[Breach]:
    if told.organisation_number is not None and not ORGANISATION.fullmatch(told.organisation_number):
        yield Breach(
            "organisationsnumret måste skrivas som 212000-1116",
            "organisation_number must be written like 212000-1116",
            (named(entity, "personal_data", "organisation_number"),),
        )


def _written_to(entity: Municipality, told: PersonalData, name: str) -> Iterator[Breach]:
    try:
        addresses.email(getattr(told, name) or "any@example.org", utf8=True)
    except ValueError:
        yield Breach(
            "adressen måste skrivas som dataskydd@kommunen.se",
            f"{name} must be written like dataskydd@kommunen.se",
            (named(entity, "personal_data", name),),
        )


def centre(_: Register, entity: Centre) -> Iterator[Breach]:
    """Its children are counted once a day at most."""
    yield from _counted(entity)


def _counted(entity: Municipality | Centre) -> Iterator[Breach]:
    """Of two counts of one day, nobody could say which one figures are divided by."""
    first: dict[date, int] = {}
    for n, day in as_far_as_read(*map(_day, count(), entity.denominators)):
        if first.setdefault(day, n) != n:
            yield Breach(
                f"barnen är räknade två gånger den {day}: behåll den siffra som gäller",
                f"the children are counted twice on {day}: keep the number that holds",
                (named(entity, "denominators", n, "as_of"),),
            )


def _day(n: int, denominator: Denominator) -> Iterator[tuple[int, date]]:
    yield n, denominator.as_of


def one_slug_each(register: Register) -> Iterator[Breach]:
    """An address leads to one municipality."""
    for alike in grouped(register.live("municipality"), lambda municipality: [municipality.slug]).values():
        for one, other in combinations(alike, 2):
            yield Breach(
                f"kommunerna {one.id} och {other.id} har båda adressen {one.slug}: ändra den ena",
                f"municipalities {one.id} and {other.id} both have the slug {one.slug}: change one of them",
                (named(other, "slug"), named(one, "slug")),
            )

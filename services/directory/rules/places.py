"""What must be true of municipalities and centres."""

import re
from collections.abc import Iterator
from itertools import combinations

from directory.events import Centre, Municipality
from directory.rules.register import Breach, Register, named

MIN_CONTRAST = 4.5
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
    yield from _counted(entity)
    ratio = contrast_with_white(entity.accent)
    if ratio < MIN_CONTRAST:
        yield Breach(
            f"färgen {entity.accent} har kontrasten {ratio:.2f} mot vitt, och minst {MIN_CONTRAST} behövs för att text "
            "ska gå att läsa: välj en mörkare",
            f"accent {entity.accent} has a contrast of {ratio:.2f} against white, and at least {MIN_CONTRAST} is "
            "needed for text to be read: choose a darker colour",
            (named(entity, "accent"),),
        )
    if not entity.concern_url.startswith("https://"):
        yield Breach(
            "adressen måste vara hel och börja med https://",
            "concern_url must be a whole address that begins with https://",
            (named(entity, "concern_url"),),
        )
    if not PHONE.fullmatch(entity.phone):
        yield Breach(
            "numret måste skrivas som +46415378000",
            "phone must be written like +46415378000",
            (named(entity, "phone"),),
        )


def centre(_: Register, entity: Centre) -> Iterator[Breach]:
    """Its children are counted once a day at most."""
    yield from _counted(entity)


def _counted(entity: Municipality | Centre) -> Iterator[Breach]:
    """Of two counts of one day, nobody could say which one figures are divided by."""
    days = [denominator.as_of for denominator in entity.denominators]
    for n, day in enumerate(days):
        if day in days[:n]:
            yield Breach(
                f"barnen är räknade två gånger den {day}: behåll den siffra som gäller",
                f"the children are counted twice on {day}: keep the number that holds",
                (named(entity, "denominators", n, "as_of"),),
            )


def one_slug_each(register: Register) -> Iterator[Breach]:
    """An address leads to one municipality."""
    for one, other in combinations(register.live("municipality"), 2):
        if one.slug == other.slug:
            yield Breach(
                f"kommunerna {one.id} och {other.id} har båda adressen {one.slug}: ändra den ena",
                f"municipalities {one.id} and {other.id} both have the slug {one.slug}: change one of them",
                (named(other, "slug"), named(one, "slug")),
            )

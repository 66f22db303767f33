"""What all pages for staff have in common: the way to each of them, for whoever's roles lead there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from kit.access import Person
from kit.staff import Role


@dataclass(frozen=True)
class Way:
    """A link in the head of every page for staff."""

    path: str
    text: str
    roles: tuple[Role, ...]


WAYS = (
    Way("/arbetsdag", "way_day", ("advisor",)),
    Way("/arbetsvecka", "way_week", ("advisor",)),
    Way("/ej-nadda", "way_unreached", ("advisor",)),
    Way("/katalog", "way_register", ("coordinator", "operator")),
    Way("/telefonbokning", "way_phone", ("advisor", "coordinator")),
    Way("/samverkan", "way_agreements", ("coordinator",)),
    Way("/simulering", "way_simulation", ("coordinator",)),
    Way("/siffror", "way_figures", ("coordinator",)),
    Way("/granskning", "way_review", ("reviewer",)),
)
TEXTS: Mapping[str, tuple[str, str]] = {
    "staff_site": ("Samtid för personal", "Samtid for staff"),
    "ways": ("Sidor för personal", "Pages for staff"),
    "way_start": ("Till startsidan", "To the start page"),
    "way_booking": ("Till bokningen", "To the booking"),
    "way_day": ("Min dag", "My day"),
    "way_week": ("Min vecka", "My week"),
    "way_unreached": ("Ej nådda", "Not reached"),
    "way_phone": ("Boka åt en familj", "Book for a family"),
    "way_register": ("Katalog", "Register"),
    "way_agreements": ("Samverkan", "Agreements"),
    "way_simulation": ("Simulering", "Simulation"),
    "way_figures": ("Siffror", "Figures"),
    "way_review": ("Granskning", "Review"),
    "concern_staff": ("Orolig för ett barn? Gör en orosanmälan", "Worried about a child? Make a report of concern"),
    "sign_out": ("Logga ut", "Sign out"),
    "signed_in_as": ("Inloggad som {name}", "Signed in as {name}"),
    "sign_in": ("Logga in", "Sign in"),
    "sign_in_beside": ("Logga in i en ny flik", "Sign in in a new tab"),
}


def ways(person: Person) -> tuple[Way, ...]:
    """Where the person's roles lead."""
    return tuple(way for way in WAYS if person.has(*way.roles))


# The page of one booking, and what is done to it from there.
_BOOKING = re.compile(r"((?:/arbetsdag)?/bokning/[^/]+)/.+")
_NOT_FOUND = 404


def booking_of(path: str, status: int) -> str | None:
    """The page of the booking that something was to be done with, unless that is what was not found."""
    booking = _BOOKING.fullmatch(path)
    return booking[1] if booking and status != _NOT_FOUND else None


def back(person: Person | None, path: str, query: str, status: int) -> tuple[str, str] | None:
    """The nearest page above an address that was refused, with the key of what the link to it says.

    Never the address itself: where there is no other, the head of the page leads on.
    """
    known = ways(person) if person else ()
    if booking := booking_of(path, status):
        return booking, "way_booking"
    for way in known:
        if path.startswith(f"{way.path}/") or (path == way.path and query):
            return way.path, way.text
    start = known[0].path if known else "/logga-in"
    return (start, "way_start") if path != start else None

"""How long a family's identity is kept, and who is of protected identity: pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from booking.slots.reads import Offering
from kit.refusal import Invalid, Refusal

# Two levels that are not the same before the law: a note that a file is to be handled with care, and an address that
# the population register itself hides. Samtid does the same for both, and keeps them apart.
Protection = Literal["none", "sekretessmarkering", "skyddad_folkbokforing"]

ANONYMOUS_DAYS = 30
DEFAULT_DAYS = 365


class StillBooked(Refusal):
    code = "still-booked"
    sv = ("Det finns en tid som inte har varit än", "Avboka den först, så kan uppgifterna raderas.")
    en = ("There is a time that is still to come", "Cancel it first, and the details can be erased.")


class FamilyErased(Refusal):
    code = "family-erased"
    sv = ("Familjens uppgifter är raderade", "Boka som för en ny familj.")
    en = ("The family's details are erased", "Book as for a new family.")


class ContactUnreadable(Refusal):
    """For a family that is kept and whose key is lost, or another one's."""

    code = "contact-unreadable"
    sv = ("Familjens uppgifter går inte att läsa", "Säg till driften. Boka så länge som för en ny familj.")
    en = ("The family's details cannot be read", "Tell those who run the system. Book as for a new family meanwhile.")


class ContactChanged(Refusal):
    code = "contact-changed"
    sv = ("Familjens uppgifter ändrades just nu", "Försök igen.")
    en = ("The family's details were changed just now", "Try again.")


class ProtectedFamily(Refusal):
    status = 403
    code = "protected-family"
    sv = ("Ring oss om dina uppgifter", "Det du vill veta lämnar vi ut på telefon, inte här.")
    en = ("Call us about your details", "What you want to know we tell you by telephone, not here.")


class PhoneNeeded(Invalid):
    """A telephone talk was asked for by a family that gave no number to call. `field` is where a request has it."""

    code = "phone-needed"
    sv = ("Skriv numret som rådgivaren ska ringa", "Ett samtal på telefon behöver ett telefonnummer.")
    en = ("Write the number that the advisor is to call", "A talk by telephone needs a telephone number.")

    def __init__(self, field: str) -> None:
        super().__init__([(field, f"{self.sv[0]}.", f"{self.en[0]}.")])


class PhoneNotNeeded(Invalid):
    """A number came along that nobody asked for: taken without a word, it would seem to replace the one there is."""

    code = "phone-not-needed"
    sv = ("Numret behövs inte", "Vi frågar bara efter det när en tid flyttas till telefon och vi inte har något.")
    en = ("The number is not needed", "It is asked for only where a time moves to telephone and none is kept.")

    def __init__(self, field: str) -> None:
        sv = "Numret sparades inte. Ring oss om det du gav tidigare har ändrats."
        super().__init__([(field, sv, "The number was not kept. Call us if the one that you gave has changed.")])


@dataclass(frozen=True)
class Rule:
    """For how many days a family's identity is kept after its last visit; `name` stands in the log of erasures."""

    name: str
    days: int


@dataclass(frozen=True)
class Visit:
    """A booking of a family. `end` and `changed_at` are instants in UTC; `offering` is None where nothing is known."""

    offering: Offering | None
    status: str
    end: datetime
    changed_at: datetime


def is_protected(protection: Protection) -> bool:
    """Whether nobody but named staff sees the family, and nothing is told outside."""
    return protection != "none"


def mails_known(*, unproved: bool, called: bool) -> bool:
    """Whether a booking by staff for a known family is told to its address, unless they choose otherwise.

    Not to one that somebody wrote on the web who has not shown to be reached so, where there is a number too, which may
    be another's: whoever is called by it would be given away.
    """
    return not (unproved and called)


def rule_of(offering: Offering | None) -> Rule:
    """The rule of an offering; of one that is not known, the general one."""
    if offering is None:
        return Rule("general", DEFAULT_DAYS)
    if offering.documentation == "anonymous":
        days = min(offering.retention_days or ANONYMOUS_DAYS, ANONYMOUS_DAYS)
        return Rule("anonymous", days)
    if offering.retention_days is None:
        return Rule("general", DEFAULT_DAYS)
    return Rule("offering", offering.retention_days)


def due(visits: Sequence[Visit], created_at: datetime, now: datetime) -> Rule | None:
    """The rule by which a family's identity must go at `now`, or None while one of its visits still needs it.

    Days count from the end of a visit, or from when it was cancelled; without any visit, from when the family was
    made known. While a time is still to come nothing goes.
    """
    if still_booked(visits, now):
        return None
    ends = [(_over(visit) + timedelta(days=rule_of(visit.offering).days), rule_of(visit.offering)) for visit in visits]
    last, rule = max(ends, key=lambda end: end[0], default=(created_at + timedelta(days=DEFAULT_DAYS), rule_of(None)))
    return rule if now >= last else None


def still_booked(visits: Sequence[Visit], now: datetime) -> bool:
    """Whether a time is still to come."""
    return any(visit.status == "confirmed" and visit.end > now for visit in visits)


def _over(visit: Visit) -> datetime:
    return min(visit.end, visit.changed_at) if visit.status == "cancelled" else visit.end

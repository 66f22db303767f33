"""What may be booked, moved and cancelled: pure functions, each refusal named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from booking.sharing import rules as sharing
from booking.sharing.rules import Charge, Share
from booking.slots import rules as slots
from booking.slots.reads import Offering
from booking.slots.rules import Free, Moving, NotOffered, Place, SlotFacts, Times
from kit import addresses, names
from kit.language import Language, day_text, phone_text
from kit.refusal import Invalid, Refusal

# So long before it notification sends the last reminder: whoever books later gets none.
LAST_REMINDER = timedelta(hours=24)


class SlotTaken(Refusal):
    code = "slot-taken"
    sv = ("Tiden är inte längre ledig", "Någon annan hann före. Välj en annan tid, de närmaste står här.")
    en = ("The time is no longer free", "Somebody else was first. Choose another time, the nearest are listed.")

    def __init__(self, alternatives: Sequence[Free] = (), moving: Moving | None = None) -> None:
        super().__init__()
        self.alternatives = alternatives
        # The booking that was to be moved, whose own time is not what is in the way.
        self.moving = moving


class NotYetOpen(SlotTaken):
    """The municipality has used its share of that period; from `opens`, a local day, the time is anybody's."""

    code = "not-yet-open"
    sv = ("Tiden går inte att boka än", "Kommunens del av de dagarna är bokad. Välj en annan tid.")
    en = ("The time cannot be booked yet", "Your municipality's part of those days is booked. Choose another time.")

    def __init__(self, opens: date, alternatives: Sequence[Free] = ()) -> None:
        super().__init__(alternatives)
        self.opens = opens

    def text(self, language: Language) -> tuple[str, str]:
        """Title and detail, with the day on which the time opens."""
        title, detail = super().text(language)
        day = day_text(self.opens, language)
        later = (
            f"Är den kvar {day} kan du boka den då." if language == "sv" else f"If it is left on {day}, book it then."
        )
        return title, f"{detail} {later}"


class TooSoon(Refusal):
    code = "too-soon"
    sv = ("Tiden ligger för nära", "Välj en senare tid, eller ring oss.")
    en = ("The time is too soon", "Choose a later time, or call us.")


class Over(TooSoon):
    """For staff, who need no lead time and have nobody to call."""

    sv = ("Tiden har redan börjat", "Välj en senare tid.")
    en = ("The time has already begun", "Choose a later time.")


class TooFarAhead(Refusal):
    code = "too-far-ahead"
    sv = ("Tiden går inte att boka än", "Välj en tidigare tid.")
    en = ("The time cannot be booked yet", "Choose an earlier time.")


class HoldGone(Refusal):
    code = "hold-gone"
    sv = ("Reservationen gäller inte längre", "Välj tiden igen om den är ledig, eller en annan.")
    en = ("The hold is no longer valid", "Choose the time again if it is free, or another one.")


class CallUs(Refusal):
    """What can be had by telephone instead: `phone` is the municipality's number (E.164), None where it is unknown."""

    def __init__(self, phone: str | None) -> None:
        super().__init__()
        self.phone = phone

    def text(self, language: Language) -> tuple[str, str]:
        """Title and detail, with the number to call."""
        title, detail = super().text(language)
        if self.phone is None:
            return title, detail
        return title, f"{detail} {'Ring' if language == 'sv' else 'Call'} {phone_text(self.phone, language)}."


class TooManyHolds(CallUs):
    status = 429
    code = "too-many-holds"
    sv = (
        "Just nu är många tider reserverade från din uppkoppling",
        "Andra kan dela den med dig. Vänta tio minuter och försök igen. Vill du inte vänta bokar vi åt dig.",
    )
    en = (
        "Many times are held from your connection right now",
        "Others may share it with you. Wait ten minutes and try again. If you would rather not wait, we book for you.",
    )
    headers = {"Retry-After": "600"}  # noqa: RUF012 - never changed


class TooManyBookings(CallUs):
    status = 429
    code = "too-many-bookings"
    sv = (
        "Just nu bokas ovanligt många tider från din uppkoppling",
        "Andra kan dela den med dig. Försök igen om en timme. Vill du inte vänta bokar vi åt dig.",
    )
    en = (
        "Unusually many times are being booked from your connection",
        "Others may share it with you. Try again in an hour. If you would rather not wait, we book for you.",
    )
    headers = {"Retry-After": "3600"}  # noqa: RUF012 - never changed


class CallToBook(CallUs):
    """Too many bookings to come were made with the number or address. It does not say so: whoever asks may be anybody,
    and whether somebody has booked is for that one to know.
    """

    code = "call-to-book"
    sv = (
        "Den här gången går det inte att boka på webben",
        "Har du redan en bokning kan du flytta den. Annars bokar vi åt dig.",
    )
    en = (
        "It cannot be booked on the web this time",
        "If you have a booking already, you can move it. Otherwise we book for you.",
    )


class ProofNeeded(Refusal):
    """Unusually many times are being booked by nobody who is known. `proof` is what the code that was sent by a
    `channel` is confirmed by; None where none was sent yet. `phone` is the municipality's, E.164.
    """

    status = 403
    code = "proof-needed"
    sv = (
        "Visa att uppgifterna är dina",
        "Just nu bokas ovanligt många tider. Vi har skickat en kod. När du har skrivit den kan du boka.",
    )
    en = (
        "Show that the details are yours",
        "Unusually many times are being booked right now. We have sent a code. When you have written it, you can book.",
    )

    def __init__(self, phone: str | None, municipality: str) -> None:
        super().__init__()
        self.phone = phone
        self.municipality = municipality
        self.proof: UUID | None = None
        self.channel: Literal["email", "sms"] | None = None


class UnknownBooking(Refusal):
    status = 404
    code = "unknown-booking"
    sv = ("Bokningen hittades inte", "Kontrollera länken i din bekräftelse.")
    en = ("There is no such booking", "Check the link in your confirmation.")
    onward = ("/mina-bokningar", "mine_link")


class NotChangeable(Refusal):
    code = "not-changeable"
    sv = ("Bokningen kan inte längre ändras", "Den är avbokad eller har redan börjat. Boka en ny tid.")
    en = ("The booking can no longer be changed", "It is cancelled or has already begun. Book a new time.")


class NoLongerOffered(Refusal):
    """For another time of a booking whose offering has ended: the booking itself stands, and its page leads on."""

    code = "no-longer-offered"
    sv = ("Insatsen erbjuds inte längre", "Tiden går inte att flytta. Avboka den, eller boka något annat.")
    en = ("This is no longer offered", "The time cannot be moved. Cancel it, or book something else.")


class KeyReused(Refusal):
    status = 422
    code = "idempotency-key-reused"
    sv = ("Nyckeln har använts till en annan begäran", "Använd en ny Idempotency-Key för en ny bokning.")
    en = ("The key was used for another request", "Use a new Idempotency-Key for a new booking.")


class TwinUnderWay(Refusal):
    code = "request-under-way"
    sv = ("Samma begäran behandlas redan", "Försök igen om en sekund med samma nyckel.")
    en = ("The same request is under way", "Try again in a second with the same key.")
    headers = {"Retry-After": "1"}  # noqa: RUF012 - never changed


# Why staff cancel. Codes, so that nothing about a person is written: that an advisor is away, never of what.
Reason = Literal["advisor_away", "family_asked", "double", "other"]


@dataclass(frozen=True)
class Start:
    """A start that the rules allow, with all that a booking keeps of it."""

    offering: Offering
    times: Times
    day: date
    zone: str
    place: Place | None
    advisor_name: str
    advisor: str
    municipality: str
    # The one that answers for the municipality's families.
    unit: str
    modality: str
    # What the municipality's share is charged; None where the advisor is not shared.
    charge: Charge | None


def allow_start(
    facts: SlotFacts,
    *,
    advisor: str,
    municipality: str,
    modality: str,
    start: datetime,
    now: datetime,
    by_staff: bool = False,
) -> Start:
    """The start, if it can be booked for the municipality in this modality; whether it is free is not asked here, nor
    whether the municipality's share allows for it: the transaction that books decides both.

    Staff need no lead time, for they can tell the advisor.
    Raises NotOffered, SlotTaken (the advisor is not open then), TooSoon, TooFarAhead, or Invalid for the modality: what
    the time does not offer, a visit without a place included.
    """
    offering = facts.offering
    if offering is None or facts.municipality is None or municipality not in offering.municipalities:
        raise NotOffered
    if not offering.self_booking:
        raise NotOffered
    if start < (now if by_staff else slots.earliest(offering, now)):
        raise Over if by_staff else TooSoon
    if start > slots.latest(offering, now):
        raise TooFarAhead
    wanted = slots.times(offering, start)
    block = facts.block
    if block is None or facts.unit is None or not slots.is_on_grid(offering, block, wanted):
        raise SlotTaken
    if modality not in facts.modalities or modality not in facts.ways:
        raise invalid("modality", "Välj ett sätt som tiden erbjuder.", "Choose a way that this time offers.")
    if facts.pool and facts.share is None:
        # Nobody has worked out yet what the municipality may use: until then it may use nothing.
        raise SlotTaken
    return Start(
        offering=offering,
        times=wanted,
        day=block.day,
        zone=block.zone,
        place=facts.place if modality == "visit" else None,
        advisor_name=facts.advisor_name or "",
        advisor=advisor,
        municipality=municipality,
        unit=facts.unit,
        modality=modality,
        charge=charge(facts.share, municipality, wanted, block.day, now) if facts.share else None,
    )


def charge(share: Share, municipality: str, wanted: Times, day: date, now: datetime) -> Charge:
    """What a start on a local day costs a municipality's share, and whether it is anybody's by `now`."""
    released = sharing.is_released(day, sharing.today(now), share.release_days)
    opens = sharing.opens(day, share.release_days)
    return Charge(share.pool, share.period, municipality, wanted.minutes, released, opens)


def allow_child(offering: Offering, *, age: int | None, expecting: bool) -> None:
    """Raise Invalid unless the offering is for this child. `age` is in whole years."""
    ages = offering.ages
    if expecting and not ages.expecting:
        raise invalid("expecting", "Insatsen är inte för väntande föräldrar.", "This is not for parents-to-be.")
    if age is not None and not ages.first <= age <= ages.last:
        raise invalid(
            "child.age",
            f"Insatsen är för barn {ages.first}–{ages.last} år.",
            f"This is for children aged {ages.first}–{ages.last}.",
        )


def invalid(field: str, sv: str, en: str) -> Invalid:
    """A refusal of one field, with its message in both languages."""
    return Invalid(fields=[(field, sv, en)])


def allow_change(status: str, start: datetime, now: datetime) -> None:
    """Raise NotChangeable unless a booking can still be moved or cancelled: confirmed, and not begun."""
    if status != "confirmed" or start <= now:
        raise NotChangeable


def is_late(offering: Offering | None, start: datetime, now: datetime) -> bool:
    """Whether a cancellation at `now` falls within the offering's limit. One that is unknown counts as late."""
    return offering is None or now > start - timedelta(hours=offering.cancel_limit_hours)


# As such numbers are written, whatever the digits; and those of a day, with 60 added in coordination numbers.
_PERSONAL_NUMBER = re.compile(r"(?:\d{2})?\d{6}-?\d{4}")
_OF_A_DAY = re.compile(r"(?:18|19|20)?\d{2}(?:0[1-9]|1[0-2])(?:[06][1-9]|[1278]\d|[39][01])\d{4}")


# What an address says that only some mail servers can send to; which server there is, the settings say.
NEEDS_UTF8 = (
    "Vi kan inte mejla till adresser med å, ä, ö eller liknande före @. Skriv en annan e-postadress eller ett nummer.",
    "We cannot send mail to addresses with å, ä, ö or the like before the @. Write another address, or a number.",
)


def allow_email(email: str | None, *, utf8: bool) -> None:
    """Raise Invalid for an address that the mail server cannot send to; see `kit.addresses`."""
    if email:
        try:
            addresses.email(email, utf8=utf8)
        except addresses.NeedsUtf8:
            raise invalid("contact.email", *NEEDS_UTF8) from None


def holds_personal_number(text: str) -> bool:
    """Whether a text looks as if it holds a Swedish personal number (personnummer) or coordination number, which we do
    not want: with whatever dash or spaces, and in whatever digits.
    """
    parts = (run[i:j] for run in names.plain_digits(text) for i in range(len(run)) for j in range(i + 1, len(run) + 1))
    return any(_PERSONAL_NUMBER.fullmatch("-".join(part)) or _OF_A_DAY.fullmatch("".join(part)) for part in parts)

"""When a contact counts as proved, and how often somebody may ask for a code. Pure: no I/O, no clock."""

import math
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from booking.bookings.rules import CallUs
from kit.refusal import Invalid, Refusal

# By which way a code goes: to a number or to an address.
Channel = Literal["email", "sms"]

DIGITS = 6
# A code is valid for so long, and for so many tries.
VALID = timedelta(minutes=10)
TRIES = 5
# What a contact has proved in a browser lasts so long there.
LASTS = timedelta(minutes=30)
# What is kept of a proof, and then nothing.
KEPT = timedelta(days=1)
# Of what has been, so much is shown; and of all so many.
SHOWN_PAST = timedelta(days=30)
SHOWN = 100
# To one number or address: so many codes within so long.
MOST: Sequence[tuple[int, timedelta]] = ((3, timedelta(hours=1)), (6, timedelta(days=1)))
# The calling code of most families' country.
HOME = 46


class TooManyCodes(CallUs):
    """`wait` is how long it takes until it is worth asking again. It does not say to whom too many were sent."""

    status = 429
    code = "too-many-codes"
    sv = ("Vi kan inte skicka fler koder just nu", "Försök igen senare. Vill du inte vänta hjälper vi dig på telefon.")
    en = ("We cannot send more codes just now", "Try again later. If you would rather not wait, we help you by phone.")

    def __init__(self, phone: str | None, wait: timedelta) -> None:
        super().__init__(phone)
        self.headers = {"Retry-After": str(max(1, math.ceil(wait.total_seconds())))}


class CodeGone(Refusal):
    """For a code that is over, used, tried too often, or followed by a newer one; and for one that never was."""

    code = "code-gone"
    sv = ("Koden gäller inte längre", "Be om en ny kod.")
    en = ("The code is no longer valid", "Ask for a new code.")


class NotProved(Refusal):
    """For a token that is over or ended, or never was."""

    status = 404
    code = "not-proved"
    sv = ("Det har gått för lång tid", "Be om en ny kod.")
    en = ("It has been too long", "Ask for a new code.")


class WrongCode(Invalid):
    code = "wrong-code"
    sv = ("Koden stämmer inte", "Läs den igen i vårt senaste meddelande.")
    en = ("That is not the code", "Read it again in our latest message.")

    def __init__(self) -> None:
        super().__init__([("code", ". ".join(self.sv), ". ".join(self.en))])


class OtherKind(Invalid):
    """A number takes the place of a number, and an address that of an address: two contacts may be two people's."""

    code = "other-kind"
    sv = ("Skriv ett av samma slag", "Ett nummer byts mot ett nummer, och en adress mot en adress.")
    en = ("Write one of the same kind", "A number is changed for a number, and an address for an address.")

    def __init__(self) -> None:
        super().__init__([("contact", ". ".join(self.sv), ". ".join(self.en))])


class SameContact(Invalid):
    """For a contact that is to take its own place."""

    code = "same-contact"
    sv = ("Skriv ett annat än det du har", "Det här är redan ditt. Inget behöver bytas.")
    en = ("Write another than the one you have", "This is yours already. Nothing needs changing.")

    def __init__(self) -> None:
        super().__init__([("contact", ". ".join(self.sv), ". ".join(self.en))])


class NoSms(Invalid):
    """For a number that takes no text message: it says nothing of whether somebody booked with it."""

    code = "no-sms"
    sv = ("Numret kan inte ta emot sms", "Skriv ett mobilnummer eller en e-postadress, eller ring oss.")
    en = ("The number cannot get text messages", "Write a mobile number or an e-mail address, or call us.")

    def __init__(self, field: str) -> None:
        super().__init__([(field, ". ".join(self.sv), ". ".join(self.en))])


class Unprovable(Invalid):
    """For who is to prove a contact and gave none that a code can be sent to."""

    code = "unprovable"
    sv = (
        "Skriv ett mobilnummer eller en e-postadress",
        "Just nu bokas ovanligt många tider. Därför skickar vi en kod innan vi bokar, och hit går det inte.",
    )
    en = (
        "Write a mobile number or an e-mail address",
        "Unusually many times are being booked. So we send a code before we book, and here we cannot.",
    )

    def __init__(self) -> None:
        super().__init__([("contact.phone", ". ".join(self.sv), ". ".join(self.en))])


def code(keyed: bytes) -> str:
    """The code that a keyed hash of a proof's id stands for. It is stored nowhere, and made anew when it is needed."""
    return str(int.from_bytes(keyed, "big") % 10**DIGITS).zfill(DIGITS)


def digits(typed: str) -> str:
    """The digits of a code as somebody typed it, with spaces or without."""
    return "".join(str(unicodedata.decimal(each)) for each in typed if each.isdecimal())


def wait(asked: Sequence[datetime], now: datetime) -> timedelta | None:
    """How long until one more code may be asked for a contact, for which some were at these instants; None for now."""
    waits = []
    for most, within in MOST:
        lately = sorted((at for at in asked if at > now - within), reverse=True)
        if len(lately) >= most:
            waits.append(lately[most - 1] + within - now)
    return max(waits, default=None)


def until_tomorrow(now: datetime) -> timedelta:
    """How long a day in UTC still lasts."""
    return datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), now.tzinfo) - now


def until_next_hour(now: datetime) -> timedelta:
    """How long an hour of the clock still lasts."""
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) - now

"""A message in words: mail with a calendar file, or a short text, in the family's language."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from kit import addresses, calendar
from kit.language import Language, phone_text, when_text
from notification import gsm
from notification.contact import Changed, Code, Contact, Protected
from notification.rules import Kind

TEMPLATES = Environment(
    loader=PackageLoader("notification"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


# A short text is paid for by its parts.
MOST_PARTS = 2
# In characters: what is left of a name at least.
SHORT = 16


@dataclass(frozen=True)
class Words:
    """What differs between kinds: the subject in front of the time, the first sentence, and the short text's start."""

    subject: str
    lead: str
    short: str


WORDS: dict[Language, dict[Kind, Words]] = {
    "sv": {
        "confirmation": Words("Din tid är bokad", "Din tid är bokad. Välkommen!", "Din tid är bokad"),
        "change": Words("Din nya tid", "Din tid är flyttad. Det här är den nya tiden.", "Din tid är flyttad. Ny tid"),
        "cancellation": Words("Din tid är avbokad", "Din tid är avbokad.", "Din tid är avbokad"),
        "reminder_5d": Words("Påminnelse om din tid", "Det här är en påminnelse om din tid.", "Påminnelse om din tid"),
        "reminder_24h": Words("Snart är det dags", "Snart är det dags för din tid. Välkommen!", "Snart är det dags"),
    },
    "en": {
        "confirmation": Words("Your time is booked", "Your time is booked. Welcome!", "Your time is booked"),
        "change": Words(
            "Your new time", "Your booking has been moved. This is the new time.", "Your booking is moved. New time"
        ),
        "cancellation": Words("Your booking is cancelled", "Your booking is cancelled.", "Your booking is cancelled"),
        "reminder_5d": Words("A reminder of your time", "This is a reminder of your time.", "A reminder of your time"),
        "reminder_24h": Words("See you soon", "Your time is coming up. Welcome!", "Your time is coming up"),
    },
}

# All that a family of protected identity is ever sent: whoever else reads it learns neither of what nor of whom.
NOTICE: dict[Language, Words] = {
    "sv": Words("Du har ett meddelande", "Du har ett meddelande.", "Ring {number}."),
    "en": Words("You have a message", "You have a message.", "Call {number}."),
}

# The code stands in no subject: mail servers log those.
CODE: dict[Language, Words] = {
    "sv": Words(
        "Din kod",
        "Din kod är {code}. Den gäller i tio minuter.\n\nGe den aldrig till någon annan, inte heller till oss. Har du"
        " inte bett om den behöver du inte göra något.",
        "{town}: Din kod är {code}. Den gäller i 10 minuter. Ge den aldrig till någon annan, inte heller till oss.",
    ),
    "en": Words(
        "Your code",
        "Your code is {code}. It is valid for ten minutes.\n\nNever give it to anybody, not even to us. If you have not"
        " asked for it you need not do anything.",
        "{town}: Your code is {code}. It is valid for 10 minutes. Never give it to anybody, not even to us.",
    ),
}

CHANGED: dict[Language, Words] = {
    "sv": Words(
        "Dina kontaktuppgifter är ändrade",
        "Meddelanden om dina bokningar går inte längre hit, för att kontaktuppgifterna har ändrats med en kod som"
        " skickades hit. Var det inte du? Ring oss.",
        "{town}: Kontaktuppgifterna för dina bokningar är ändrade. Var det inte du? Ring oss{help}.",
    ),
    "en": Words(
        "Your contact details are changed",
        "Messages about your bookings no longer come here, because the contact details were changed by a code that"
        " was sent here. Was it not you? Call us.",
        "{town}: The contact details of your bookings are changed. Was it not you? Call us{help}.",
    ),
}

COMMON: dict[Language, dict[str, str]] = {
    "sv": {
        "hello": "Hej",
        "when": "När",
        "what": "Vad",
        "with": "Med",
        "how": "Hur",
        "where": "Var",
        "reference": "Bokningsnummer",
        "video": "Videosamtal",
        "phone": "Telefonsamtal",
        "visit": "Besök",
        # As the booking's own page says: booking.bookings.texts.
        "video_next": "Rådgivaren hör av sig med hur du ansluter till videosamtalet.",
        "phone_next": "Rådgivaren ringer dig på det nummer du lämnade.",
        "move": "Flytta eller avboka tiden",
        "give": "Passar tiden inte längre? Om du avbokar kan en annan familj få den.",
        "again": "Du är välkommen att boka en ny tid när det passar dig.",
        "book": "Boka en ny tid",
        "questions": "Frågor? Ring",
        "short_move": "Flytta eller avboka",
        "town": "{of} kommun",
    },
    "en": {
        "hello": "Hello",
        "when": "When",
        "what": "What",
        "with": "With",
        "how": "How",
        "where": "Where",
        "reference": "Reference",
        "video": "Video call",
        "phone": "Phone call",
        "visit": "Visit",
        "video_next": "The advisor gets in touch about how to join the video call.",
        "phone_next": "The advisor calls you on the number that you gave.",
        "move": "Move or cancel the time",
        "give": "Does the time no longer suit you? If you cancel, it can go to another family.",
        "again": "You are welcome to book a new time whenever it suits you.",
        "book": "Book a new time",
        "questions": "Questions? Call",
        "short_move": "Move or cancel",
        "town": "{of} municipality",
    },
}


def mail(
    kind: Kind,
    contact: Contact,
    *,
    message: UUID,
    booking: UUID,
    sender: str,
    domain: str,
    public_url: str,
    now: datetime,
    utf8: bool = False,
) -> EmailMessage:
    """The mail for a contact. Raises ValueError where its address cannot be mailed; see `kit.addresses` for `utf8`.

    The Message-ID is made of the message's id alone, so that a mail that is sent twice can be known for the same.
    """
    words = WORDS[contact.language][kind]
    values = _values(kind, contact, public_url)
    made = EmailMessage()
    made["Subject"] = f"{words.subject}: {values['when']}"
    made["From"] = sender
    made["To"] = addresses.header(contact.email or "", utf8=utf8)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{message}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made["Samtid-Reference"] = contact.reference
    made.set_content(TEMPLATES.get_template("mail.txt").render(values), cte="quoted-printable")
    html = TEMPLATES.get_template("mail.html").render(values)
    made.add_alternative(html, subtype="html", cte="quoted-printable")
    made.add_attachment(
        _calendar(kind, contact, booking, values, public_url, now),
        maintype="text",
        subtype="calendar",
        filename="bokning.ics" if contact.language == "sv" else "booking.ics",
        params={"method": "PUBLISH", "charset": "utf-8"},
    )
    # Last: what is set before the content becomes a header of its first part, or is lost.
    made["Content-Language"] = contact.language
    return made


def sms(kind: Kind, contact: Contact, *, public_url: str) -> str:
    """The same facts in a few words, in the characters of a plain SMS and at most `MOST_PARTS` of it.

    First goes what the page says too, then names are shortened, the longest first, and last goes whom to call. The link
    stays whole.
    """
    values = _values(kind, contact, public_url)
    names = {
        "town": COMMON[contact.language]["town"].format(of=of(contact.municipality, contact.language)),
        "advisor": contact.advisor,
        "place": contact.place or "",
    }
    names = {name: gsm.plain(text) for name, text in names.items()}
    asides = ["next", "give", "help"]
    while True:
        text = gsm.plain(TEMPLATES.get_template("sms.txt").render({**values, **names, "asides": asides})).strip()
        if gsm.parts(text) <= MOST_PARTS:
            return text
        longest = max(names, key=lambda name: len(names[name]))
        if len(asides) > 1:
            asides.pop(0)
        elif len(names[longest]) > SHORT:
            names[longest] = gsm.shorter(names[longest])
        elif asides:
            asides.clear()
        else:
            return text


def notice(
    contact: Protected, *, message: UUID, sender: str, domain: str, now: datetime, utf8: bool = False
) -> EmailMessage:
    """The mail for a family of protected identity: the same words whatever has happened, and nothing attached.

    Raises ValueError where its address cannot be mailed.
    """
    made = EmailMessage()
    made["Subject"] = NOTICE[contact.language].subject
    made["From"] = sender
    made["To"] = addresses.header(contact.email or "", utf8=utf8)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{message}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(notice_text(contact) + "\n", cte="quoted-printable")
    made["Content-Language"] = contact.language
    return made


def notice_text(contact: Protected) -> str:
    """The same as a short text."""
    words = NOTICE[contact.language]
    number = phone_text(contact.help_phone, contact.language) if contact.help_phone else None
    return f"{words.lead} {words.short.format(number=number)}" if number else words.lead


def code_text(code: Code | Changed, language: Language, sender: str) -> str:
    """A code, or that a contact was changed, as a short text, in one part.

    It begins with the municipality's name or, of several, with `sender`.
    """
    town = COMMON[language]["town"].format(of=of(code.municipality, language)) if code.municipality else sender
    words, said = _of_proof(code, language)
    while True:
        text = gsm.plain(words.short.format(town=town, **said))
        if gsm.parts(text) == 1 or len(town) <= SHORT:
            return text
        town = gsm.shorter(town)


def code_mail(
    code: Code | Changed,
    language: Language,
    *,
    proof: UUID,
    name: str,
    sender: str,
    domain: str,
    now: datetime,
    utf8: bool = False,
) -> EmailMessage:
    """The same as a mail, with the code in its body alone. `name` is the service's; raises as `mail`."""
    words, said = _of_proof(code, language)
    town = COMMON[language]["town"].format(of=of(code.municipality, language)) if code.municipality else name
    lines = [town, "", words.lead.format(**said)]
    if code.help_phone:
        lines += ["", f"{COMMON[language]['questions']} {phone_text(code.help_phone, language)}"]
    made = EmailMessage()
    made["Subject"] = words.subject
    made["From"] = sender
    made["To"] = addresses.header(code.to, utf8=utf8)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{proof}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("\n".join(lines) + "\n", cte="quoted-printable")
    made["Content-Language"] = language
    return made


def _of_proof(told: Code | Changed, language: Language) -> tuple[Words, dict[str, str]]:
    if isinstance(told, Code):
        return CODE[language], {"code": told.code}
    help_phone = f" {phone_text(told.help_phone, language)}" if told.help_phone else ""
    return CHANGED[language], {"help": help_phone}


def of(town: str, language: Language) -> str:
    """`Eslövs`, `Hörby`: a municipality's name as it stands before the word for it."""
    ends_alone = town.casefold().endswith(("a", "e", "i", "o", "u", "y", "å", "ä", "ö", "s", "x", "z"))
    return town if language == "en" or ends_alone else f"{town}s"


def _values(kind: Kind, contact: Contact, public_url: str) -> dict[str, object]:
    common = COMMON[contact.language]
    return {
        "kind": kind,
        "words": WORDS[contact.language][kind],
        "common": common,
        "contact": contact,
        "when": when_text(contact.start, contact.end, ZoneInfo(contact.zone), contact.language),
        "how": common[contact.modality],
        "next": None if kind == "cancellation" else common.get(f"{contact.modality}_next"),
        "help": phone_text(contact.help_phone, contact.language) if contact.help_phone else None,
        "book_url": contact.book_url or (public_url if contact.language == "sv" else f"{public_url}/en"),
    }


def _calendar(
    kind: Kind, contact: Contact, booking: UUID, values: dict[str, object], public_url: str, now: datetime
) -> bytes:
    """Without the manage link: a calendar is often shared, and whoever has the link can cancel."""
    common = COMMON[contact.language]
    lines = [values["how"], values["next"], f"{common['reference']}: {contact.reference}"]
    if values["help"]:
        lines.append(f"{common['questions']} {contact.municipality}, {values['help']}")
    return calendar.event(
        uid=f"{booking}@samtid",
        sequence=contact.sequence,
        start=contact.start,
        end=contact.end,
        zone=contact.zone,
        summary=f"{contact.offering}, {contact.advisor}",
        description="\n".join(str(line) for line in lines if line),
        location=contact.place,
        cancelled=kind == "cancellation",
        organizer=public_url,
        now=now,
    )

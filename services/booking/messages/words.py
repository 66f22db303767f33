"""How a message stands, in words. Pure."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from booking.messages.tables import Message
from booking.messages.texts import TEXTS
from kit.language import Language, clock_text, day_text

# A text by its key, in the reader's language.
Text = Callable[..., str]
# Codes that a server gives, which may say that the address is wrong.
_OF_ADDRESS = {"smtp": ("550", "551", "552", "553", "554", "556"), "sms": ("400", "422")}
_ABOUT = {"smtp": "code_smtp_address", "sms": "code_sms_number"}


@dataclass(frozen=True)
class Line:
    """What message it is, and what has become of it."""

    what: str
    said: str


def lines(messages: Iterable[Message], text: Text, language: Language, zone: ZoneInfo) -> list[Line]:
    """The messages in words, in their order; `zone` is where times are told."""
    return [Line(text(f"message_{m.kind}"), _said(m, text, language, zone)) for m in messages]


def _said(message: Message, text: Text, language: Language, zone: ZoneInfo) -> str:
    way = text(f"by_{message.channel}") if message.channel else ""
    if message.status == "sent" and message.sent_at:
        return text("message_sent", when=moment(message.sent_at, zone, language), way=way).rstrip()
    why = reason(message, text) if message.code else ""
    if message.status == "pending":
        when = moment(message.next_attempt_at or message.due_at, zone, language)
        return text("message_failing", why=why, when=when) if why else text("message_due", when=when)
    return text(f"message_{message.status}", why=why)


def reason(message: Message, text: Text) -> str:
    """Why a message was not sent, by the code that it has."""
    code = message.code or ""
    if f"code_{code}" in TEXTS:
        return text(f"code_{code}", code=code)
    if found := re.fullmatch(r"(smtp|sms)_(\w+)", code):
        server, said = found[1], found[2]
        wrong = message.status == "dead" and said in _OF_ADDRESS[server]
        return text(_ABOUT[server] if wrong else f"code_{server}", code=said)
    return text("code_other", code=code)


def moment(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """`måndag 30 mars kl. 09.00`: an instant where it is told."""
    day, clock = day_text(at.astimezone(zone).date(), language), clock_text(at, zone, language)
    return f"{day} kl. {clock}" if language == "sv" else f"{day}, {clock}"

"""E-mail over SMTP and SMS over a 46elks-shaped API. Both say what became of a message in the same three ways.

They return where it was taken, raise TryLater where it may be taken another time, and Refused where the one whom it is
for never will: a refusal of us (our address, our password, our text) must not cost a single family its message.
What a server answers is not passed on beyond its code: it may repeat the address.
"""

import asyncio
import re
from email.message import EmailMessage
from uuid import UUID

import aiosmtplib
import httpx

from notification.rules import Refused, TryLater
from notification.settings import Settings

TIMEOUT_SECONDS = 15
# What a server says of a recipient: no such mailbox, not here, full, not a name, takes no mail at all (RFC 7504).
OF_RECIPIENT = frozenset({550, 551, 552, 553, 556})
PERMANENT = range(500, 600)
# The class, subject and detail of an enhanced status code (RFC 3463), with which a reply may begin.
ENHANCED = re.compile(r"\s*5\.(\d{1,3})\.(\d{1,3})\b")
ADDRESS, MAILBOX = 1, 2
# Of the address class, but said of the sender.
OF_SENDER = frozenset({7, 8})
# Of the network, but said by some where they know no such recipient.
NOBODY_THERE = (4, 1)
# Without such a code these words say that a server means us: our name, our amount, our standing.
MAIL_OF_US = re.compile(
    r"relay|rcpthosts|auth|sender|spf|dkim|dmarc|black ?list|block|spam|quota|limit|too many|policy|denied|listed",
    re.IGNORECASE,
)
# A server may repeat whom it speaks of, and any word can be part of that.
REPEATED = re.compile(r"\S+@\S+")
# What an SMS provider answers to a request that is not as it should be: the number is not, where the answer speaks of
# it and of nothing of ours.
SMS_REFUSED = (400, 422)
OF_NUMBER = re.compile(r"""\b(number|recipient|destination|msisdn|(tele)?phone|nummer)\b|(^|["'])to\b""", re.IGNORECASE)
SMS_OF_US = re.compile(
    r"\b(from|sender|originator|messages?|text|body|encoding|credits?|credentials?|key|user ?name|password|funds"
    r"|balance|account|auth\w*|limit\w*|rate|quota|exceeded|temporar\w*)\b",
    re.IGNORECASE,
)


async def send_mail(settings: Settings, mail: EmailMessage) -> None:
    """Hand a mail to the SMTP server."""
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    server = aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        use_tls=settings.smtp_tls == "tls",
        start_tls=settings.smtp_tls == "starttls",
        username=settings.smtp_username,
        password=password,
        timeout=TIMEOUT_SECONDS,
    )
    taken = False
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS), server:
            await server.send_message(mail)
            taken = True
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _refusal(error.recipients[0], OF_RECIPIENT) from None
    except aiosmtplib.SMTPDataError as error:
        raise _refusal(error, frozenset()) from None
    except aiosmtplib.SMTPResponseException as error:
        raise TryLater(f"smtp_{error.code}") from None
    except aiosmtplib.SMTPNotSupported:
        raise TryLater("smtp_not_supported") from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        # A server that took the mail and then says goodbye too slowly would get it again and again.
        if not taken:
            raise TryLater(f"smtp_{type(error).__name__}") from None


def _refusal(error: aiosmtplib.SMTPResponseException, final: frozenset[int]) -> TryLater | Refused:
    """Final where the server speaks of the recipient: by its enhanced code, or without one by `final` and its words."""
    code = f"smtp_{error.code}"
    if error.code not in PERMANENT:
        return TryLater(code)
    if found := ENHANCED.match(error.message):
        subject, detail = int(found[1]), int(found[2])
        of_address = subject == ADDRESS and detail not in OF_SENDER
        of_recipient = of_address or subject == MAILBOX or (subject, detail) == NOBODY_THERE
    else:
        of_recipient = error.code in final and not MAIL_OF_US.search(REPEATED.sub("", error.message))
    return Refused(code) if of_recipient else TryLater(code)


async def send_sms(settings: Settings, http: httpx.AsyncClient, *, to: str, text: str, message: UUID) -> None:
    """Hand a text to the SMS provider; `message` lets a provider that looks at it know a repetition."""
    try:
        # What httpx is told holds for each read, and a provider that drips would never be given up.
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await http.post(
                f"{settings.sms_url}/a1/sms",
                data={"from": settings.sms_from, "to": to, "message": text},
                auth=(settings.sms_username, settings.sms_password.get_secret_value()),
                headers={"Idempotency-Key": str(message)},
                timeout=TIMEOUT_SECONDS,
            )
    except (httpx.HTTPError, TimeoutError) as error:
        raise TryLater(f"sms_{type(error).__name__}") from None
    if answer.is_success:
        return
    said = answer.text
    of_number = answer.status_code in SMS_REFUSED and OF_NUMBER.search(said) and not SMS_OF_US.search(said)
    raise (Refused if of_number else TryLater)(f"sms_{answer.status_code}")

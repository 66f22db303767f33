"""E-mail over SMTP and SMS over a 46elks-shaped API. Both say what became of a message in the same three ways.

They return where it was taken, raise TryLater where it may be taken another time, and Refused where it never will.
What a server answers is not passed on beyond its code: it may repeat the address.
"""

import asyncio
from email.message import EmailMessage
from uuid import UUID

import aiosmtplib
import httpx

from notification.rules import Refused, TryLater
from notification.settings import Settings

TIMEOUT_SECONDS = 15
PERMANENT = range(500, 600)
# What an SMS provider says of the number or the text; everything else is about our account or its own state.
SMS_REFUSED = (400, 422)


async def send_mail(settings: Settings, mail: EmailMessage) -> None:
    """Hand a mail to the SMTP server."""
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await aiosmtplib.send(
                mail,
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                use_tls=settings.smtp_tls == "tls",
                start_tls=settings.smtp_tls == "starttls",
                username=settings.smtp_username,
                password=password,
                timeout=TIMEOUT_SECONDS,
            )
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _refusal(error.recipients[0].code) from None
    except (aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPConnectResponseError, aiosmtplib.SMTPHeloError) as error:
        # A refusal of us, not of the message: a wrong password must not cost a single family its mail.
        raise TryLater(f"smtp_{error.code}") from None
    except aiosmtplib.SMTPResponseException as error:
        raise _refusal(error.code) from None
    except aiosmtplib.SMTPNotSupported:
        raise Refused("smtp_not_supported") from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise TryLater(f"smtp_{type(error).__name__}") from None


def _refusal(code: int) -> TryLater | Refused:
    return Refused(f"smtp_{code}") if code in PERMANENT else TryLater(f"smtp_{code}")


async def send_sms(settings: Settings, http: httpx.AsyncClient, *, to: str, text: str, message: UUID) -> None:
    """Hand a text to the SMS provider; `message` lets a provider that looks at it know a repetition."""
    try:
        answer = await http.post(
            f"{settings.sms_url}/a1/sms",
            data={"from": settings.sms_from, "to": to, "message": text},
            auth=(settings.sms_username, settings.sms_password.get_secret_value()),
            headers={"Idempotency-Key": str(message)},
            timeout=TIMEOUT_SECONDS,
        )
    except httpx.HTTPError as error:
        raise TryLater(f"sms_{type(error).__name__}") from None
    if answer.is_success:
        return
    kind = Refused if answer.status_code in SMS_REFUSED else TryLater
    raise kind(f"sms_{answer.status_code}")

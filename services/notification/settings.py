"""How notification reaches families."""

from email.headerregistry import Address
from email.utils import parseaddr
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from kit import addresses, settings


class Settings(settings.MailSettings):
    """In production the mail server must be spoken to over TLS and the SMS provider over https."""

    smtp_host: str
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_tls: Literal["none", "starttls", "tls"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = Field(description="sender of all mail: Name <address@domain>")
    sms_url: str = Field(description="base address of a 46elks-shaped API, without /a1/sms")
    sms_username: str = ""
    sms_password: SecretStr = SecretStr("")
    sms_from: str = Field("Samtid", pattern=r"^([A-Za-z][A-Za-z0-9]{2,10}|\+[0-9]{4,15})$")

    @property
    def service_name(self) -> str:
        """What a message calls its sender that is no one municipality's."""
        return parseaddr(self.mail_from)[0] or "Samtid"

    @field_validator("mail_from")
    @classmethod
    def _mailable(cls, sender: str, given: ValidationInfo) -> str:
        name, address = parseaddr(sender)
        try:
            made = addresses.header(address, utf8=bool(given.data.get("mail_utf8")))
        except ValueError:
            raise ValueError("MAIL_FROM has no address that can be mailed") from None
        return str(Address(name, made.username, made.domain))

    @property
    def mail_domain(self) -> str:
        """The domain of the sender, which Message-IDs end with."""
        return parseaddr(self.mail_from)[1].partition("@")[2]

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if self.environment == "production" and (self.smtp_tls == "none" or not self.sms_url.startswith("https://")):
            raise ValueError("production needs SMTP_TLS=starttls or tls, and an SMS_URL that begins with https://")
        return self

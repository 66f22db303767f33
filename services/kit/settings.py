"""What every service is told from outside, read from the environment and nowhere else."""

from datetime import timedelta
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kit.oidc import Provider
from kit.session import Sealer, Sessions

if TYPE_CHECKING:
    from kit.app import Clock

# Several values in one variable, with spaces between, as OpenID Connect writes lists itself.
Words = Annotated[tuple[str, ...], NoDecode]

# A secret of real use is made by chance: it holds no words, and more than a few different bytes.
_WORDS = (b"secret", b"change", b"password", b"default", b"example", b"hemlig")
_DIFFERENT = 10


def safe_secret(path: Path, given: ValidationInfo) -> Path:
    """The path of a file that holds a secret. Raises ValueError for one that is short, or guessable in real use."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if len(secret) < 32:  # noqa: PLR2004 - 256 bits, as what is made from it
        raise ValueError(f"{path} must hold at least 32 bytes")
    if is_real(given) and (len(set(secret)) < _DIFFERENT or any(word in secret.lower() for word in _WORDS)):
        raise ValueError(f"{path} holds no secret made by chance: make one with `openssl rand -hex 32`")
    return path


def is_real(given: ValidationInfo) -> bool:
    """Whether a setting is for real use, where unsafe values are refused. So it is if the environment is unknown."""
    return given.data.get("environment") not in ("demo", "test")


class Settings(BaseSettings):
    """Settings that all services share. A service adds its own fields; names are environment variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", validate_default=True, env_ignore_empty=True)

    environment: Literal["production", "demo", "test"] = "production"
    database_url: str = Field(description="postgresql://user:password@host:port/database of this service")
    nats_url: str = Field(description="nats://host:port")
    nats_seed_file: Path | None = Field(None, description="file with the NKey seed of this service's NATS user")
    public_url: str = Field(
        "http://127.0.0.1:8000", description="the address that parents see, without a trailing slash"
    )
    trusted_proxies: str = Field(
        "127.0.0.1", description="addresses and networks, with commas between, whose X-Forwarded-For is believed"
    )
    database_pool: int = Field(10, ge=1, description="connections to PostgreSQL per process")

    @field_validator("public_url")
    @classmethod
    def _encrypted(cls, url: str, given: ValidationInfo) -> str:
        if is_real(given) and not url.startswith("https://"):
            raise ValueError("outside demo and test PUBLIC_URL must begin with https://")
        return url

    @field_validator("trusted_proxies")
    @classmethod
    def _known(cls, proxies: str, given: ValidationInfo) -> str:
        if proxies == "*":
            if is_real(given):
                raise ValueError("outside demo and test TRUSTED_PROXIES must name the proxies: with * anybody is one")
            return proxies
        for proxy in proxies.split(","):
            if ip_network(proxy.strip()).prefixlen == 0 and is_real(given):
                raise ValueError("outside demo and test TRUSTED_PROXIES must name the proxies, not everybody")
        return proxies

    @cached_property
    def nats_seed(self) -> str | None:
        """The NKey seed, or None where the server asks for no key (tests)."""
        return self.nats_seed_file.read_text().strip() if self.nats_seed_file else None


class PublicSettings(Settings):
    """Settings of a service that the public reaches. Limits are for one client, which is one address."""

    reads_per_minute: int = Field(300, ge=1, description="searches and pages that a client may ask for")
    writes_per_minute: int = Field(60, ge=1, description="requests of a client that may change something")


class ApartSettings(PublicSettings):
    """Settings of a service whose open routes log in to its database as a role of their own."""

    public_database_url: str = Field(
        description="postgresql://user:password@host:port/database of this service, as the role for who is not staff"
    )
    public_database_pool: int = Field(10, ge=1, description="connections to PostgreSQL per process of that role")


class MailSettings(Settings):
    """What is said once of the mail server: the form that takes an address and the sender must not differ."""

    mail_utf8: bool = Field(
        False, description="whether the mail server has SMTPUTF8, and mails addresses with letters like å before the @"
    )


class StaffSettings(PublicSettings):
    """Settings of a service that staff sign in to."""

    session_key_file: Path = Field(
        description="file with the secret that sessions are sealed with, the same for all services, 32+ bytes; "
        "older secrets may follow on lines of their own while they are replaced"
    )
    session_idle_minutes: int = Field(30, ge=1, le=120, description="how long a session lasts without a request")
    session_hours: int = Field(10, ge=1, le=24, description="how long a session lasts at most")
    oidc_issuer: str | None = Field(None, description="who says who staff are: the issuer, as its tokens name it")
    oidc_client_id: str | None = Field(None, description="what the issuer calls this installation")
    oidc_identity_claim: str = Field("sub", min_length=1, description="the claim that the register knows staff by")
    oidc_organisations: Words = Field(
        (), description="where the claim holds person@organisation: the organisations whose people these are"
    )
    oidc_acr: Words = Field((), description="the levels of assurance that suffice, best first; any if none is named")
    oidc_audience: str | None = Field(
        None, description="what access tokens for the API must be made for; without it no token is accepted"
    )

    @field_validator("session_key_file")
    @classmethod
    def _made_by_chance(cls, path: Path, given: ValidationInfo) -> Path:
        return safe_secret(path, given)

    @field_validator("oidc_issuer")
    @classmethod
    def _trusted(cls, issuer: str | None, given: ValidationInfo) -> str | None:
        if is_real(given) and not (issuer or "").startswith("https://"):
            raise ValueError("outside demo and test OIDC_ISSUER must begin with https://: nobody could sign in safely")
        return issuer

    @field_validator("oidc_client_id")
    @classmethod
    def _named(cls, client_id: str | None, given: ValidationInfo) -> str | None:
        if given.data.get("oidc_issuer") and not client_id:
            raise ValueError("OIDC_CLIENT_ID must be set where OIDC_ISSUER is")
        return client_id

    @field_validator("oidc_organisations", "oidc_acr", mode="before")
    @classmethod
    def _words(cls, given: Any) -> Any:
        return tuple(given.split()) if isinstance(given, str) else given

    @field_validator("oidc_audience")
    @classmethod
    def _not_the_client(cls, audience: str | None, given: ValidationInfo) -> str | None:
        if audience and audience == given.data.get("oidc_client_id"):
            raise ValueError("OIDC_AUDIENCE must not be OIDC_CLIENT_ID, or an ID token would pass for an access token")
        return audience

    @cached_property
    def sessions(self) -> Sessions:
        """Begins and reads sessions."""
        return Sessions(
            Sealer(self.session_key_file.read_text().split()),
            idle=timedelta(minutes=self.session_idle_minutes),
            longest=timedelta(hours=self.session_hours),
        )

    def provider(self, clock: "Clock", *, client_secret: str | None = None, scope: str = "openid") -> Provider | None:
        """Who says who staff are; None where no issuer is set, which only demo and test allow."""
        if self.oidc_issuer is None or self.oidc_client_id is None:
            return None
        return Provider(
            issuer=self.oidc_issuer,
            client_id=self.oidc_client_id,
            client_secret=client_secret,
            clock=clock,
            scope=scope,
            identity_claim=self.oidc_identity_claim,
            organisations=self.oidc_organisations,
            acr=self.oidc_acr,
            audience=self.oidc_audience,
        )

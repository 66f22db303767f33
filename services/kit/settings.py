"""What every service is told from outside, read from the environment and nowhere else."""

from datetime import timedelta
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.session import Sealer, Sessions

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

    model_config = SettingsConfigDict(frozen=True, extra="ignore", validate_default=True)

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


class StaffSettings(PublicSettings):
    """Settings of a service that staff sign in to."""

    session_key_file: Path = Field(
        description="file with the secret that sessions are sealed with, the same for all services, 32+ bytes; "
        "older secrets may follow on lines of their own while they are replaced"
    )
    session_idle_minutes: int = Field(30, ge=1, le=120, description="how long a session lasts without a request")
    session_hours: int = Field(10, ge=1, le=24, description="how long a session lasts at most")

    @field_validator("session_key_file")
    @classmethod
    def _made_by_chance(cls, path: Path, given: ValidationInfo) -> Path:
        return safe_secret(path, given)

    @cached_property
    def sessions(self) -> Sessions:
        """Begins and reads sessions."""
        return Sessions(
            Sealer(self.session_key_file.read_text().split()),
            idle=timedelta(minutes=self.session_idle_minutes),
            longest=timedelta(hours=self.session_hours),
        )

"""What every service is told from outside, read from the environment and nowhere else."""

from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


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

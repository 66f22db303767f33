"""What every service is told from outside, read from the environment and nowhere else."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings that all services share. A service adds its own fields; names are environment variables."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Literal["production", "demo", "test"] = "production"
    database_url: str = Field(description="postgresql://user:password@host:port/database of this service")
    nats_url: str = Field(description="nats://host:port")
    nats_seed_file: Path | None = Field(None, description="file with the NKey seed of this service's NATS user")
    public_url: str = Field(
        "http://127.0.0.1:8000", description="the address that parents see, without a trailing slash"
    )
    database_pool: int = Field(10, ge=1, description="connections to PostgreSQL per process")

    @cached_property
    def nats_seed(self) -> str | None:
        """The NKey seed, or None where the server asks for no key (tests)."""
        return self.nats_seed_file.read_text().strip() if self.nats_seed_file else None

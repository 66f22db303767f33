"""Booking's own settings."""

from functools import cached_property
from pathlib import Path

from pydantic import Field

from kit.settings import Settings as CommonSettings


class Settings(CommonSettings):
    """Times are minutes."""

    manage_secret_file: Path = Field(description="file with the secret that manage links are made from, 32+ bytes")
    hold_minutes: int = Field(10, ge=1, description="how long a hold lasts, counted from its last extension")
    hold_longest_minutes: int = Field(30, ge=1, description="how long a hold can be extended to, from its start")
    holds_per_client: int = Field(6, ge=1, description="live holds that one client may have")
    holds_per_client_and_offering: int = Field(3, ge=1, description="live holds of one client for one offering")

    @cached_property
    def manage_secret(self) -> bytes:
        """The secret. Raises ValueError where it is too short to be one."""
        secret = self.manage_secret_file.read_bytes().strip()
        if len(secret) < 32:  # noqa: PLR2004 - 256 bits, as the HMAC that uses it
            raise ValueError(f"{self.manage_secret_file} must hold at least 32 bytes")
        return secret

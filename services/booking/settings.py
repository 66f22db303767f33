"""Booking's own settings."""

from functools import cached_property
from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from kit import addresses
from kit.settings import ApartSettings, MailSettings, StaffSettings, is_real, safe_secret
from kit.vault.sealing import Masters


class Settings(StaffSettings, ApartSettings, MailSettings):
    """Times are minutes."""

    manage_secret_file: Path = Field(description="file with the secret that manage links are made from, 32+ bytes")
    vault_url: str = Field(description="postgresql://user:password@host:port/database of the store of families' keys")
    master_key_file: Path = Field(
        description="file with the master key that families' keys are wrapped with, 32+ bytes in hexadecimal; "
        "older ones may follow on lines of their own while they are replaced"
    )
    hold_minutes: int = Field(10, ge=1, description="how long a hold lasts, counted from its last extension")
    hold_longest_minutes: int = Field(30, ge=1, description="how long a hold can be extended to, from its start")
    # A family holds one time; a library, a waiting room and a mobile operator's customers share an address.
    holds_per_client: int = Field(40, ge=1, description="live holds that one client may have")
    bookings_per_hour: int = Field(30, ge=1, description="bookings that one client may ask for in an hour")
    bookings_ahead: int = Field(
        2, ge=1, description="bookings to come of one offering that are made with one number or address, staff's apart"
    )
    unproved_bookings: int = Field(
        10,
        ge=0,
        description="bookings of one offering that families make in a day, from which on they prove their contact "
        "before, unless that is no more than a usual day's four times, or a twentieth of what there is",
    )
    codes_per_hour: int = Field(20, ge=1, description="codes to prove a contact that one client may ask for in an hour")
    codes_home_per_day: int = Field(2000, ge=0, description="codes that are sent to Swedish numbers in a day")
    codes_abroad_per_day: int = Field(
        50, ge=0, description="codes that are sent to each other country's numbers in a day"
    )
    guesses_per_minute: int = Field(10, ge=1, description="manage links that do not exist, tried by one client")
    accessibility_email: str = Field(
        "tillganglighet@example.se", description="where readers tell of pages that they cannot use"
    )
    accessibility_phone: str | None = Field(
        None, pattern=r"^\+[0-9]{6,15}$", description="the same by telephone, E.164; not told of where it is not set"
    )

    @field_validator("manage_secret_file")
    @classmethod
    def _safe(cls, path: Path, given: ValidationInfo) -> Path:
        return safe_secret(path, given)

    @field_validator("master_key_file")
    @classmethod
    def _unwraps(cls, path: Path, given: ValidationInfo) -> Path:
        Masters(safe_secret(path, given).read_text().split())
        return path

    @field_validator("accessibility_email")
    @classmethod
    def _read_by_somebody(cls, address: str, given: ValidationInfo) -> str:
        try:
            # Readers write to it from anywhere: it must not need more of their mail server than any other.
            read = addresses.email(address, utf8=False)
        except ValueError:
            raise ValueError("ACCESSIBILITY_EMAIL is no address that can be mailed") from None
        if is_real(given) and read.endswith("@example.se"):
            raise ValueError("outside demo and test ACCESSIBILITY_EMAIL must be an address that somebody reads")
        return read

    @cached_property
    def masters(self) -> Masters:
        """The master keys."""
        return Masters(self.master_key_file.read_text().split())

    @cached_property
    def manage_secret(self) -> bytes:
        """The secret that manage links are made from."""
        return self.manage_secret_file.read_bytes().strip()

"""Directory's own settings: it is where staff sign in."""

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from kit.settings import StaffSettings, is_real


class Settings(StaffSettings):
    """What the identity provider asks of whoever sends people to it."""

    oidc_scope: str = Field("openid", pattern=r"^openid( [!-~]+)*$", description="what the provider is asked to tell")
    oidc_client_secret_file: Path | None = Field(
        None, description="file with the secret that the provider gave to this installation"
    )

    @field_validator("oidc_client_secret_file")
    @classmethod
    def _given(cls, path: Path | None, given: ValidationInfo) -> Path | None:
        if path is None:
            if is_real(given):
                raise ValueError("outside demo and test OIDC_CLIENT_SECRET_FILE must name a file")
            return None
        try:
            secret = path.read_text().strip()
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from error
        if not secret and is_real(given):
            raise ValueError(f"{path} is empty")
        return path

    @property
    def oidc_client_secret(self) -> str | None:
        """The secret; None for a public client, which only demo and test allow."""
        return (self.oidc_client_secret_file and self.oidc_client_secret_file.read_text().strip()) or None

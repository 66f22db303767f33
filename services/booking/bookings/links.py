"""Manage links: whoever holds the link manages the booking. Only the token's hash is stored.

The token is made from the booking's id with a secret, so that a reminder can carry the link days later although the
database cannot give it away.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from uuid import UUID

from kit.language import Language


@dataclass(frozen=True)
class Links:
    """`secret` is at least 32 bytes; `public_url` has no trailing slash."""

    secret: bytes
    public_url: str

    def keyed_hash(self, purpose: str, text: bytes) -> bytes:
        """What is stored instead of a text that must be recognised but not read."""
        return hmac.digest(self.secret, purpose.encode() + b"\0" + text, "sha256")

    def token(self, booking: UUID) -> str:
        """The token of a booking: 256 bits, safe in an address."""
        return base64.urlsafe_b64encode(self.keyed_hash("manage", booking.bytes)).decode().rstrip("=")

    def url(self, booking: UUID, language: Language) -> str:
        """The address of the page where a booking is managed, in the family's language."""
        return self.page(f"/bokning/{self.token(booking)}", language)

    def page(self, path: str, language: Language) -> str:
        """The whole address of a page, in the family's language."""
        return f"{self.public_url}{'/en' if language == 'en' else ''}{path}"


def token_hash(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()

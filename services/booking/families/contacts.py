"""Who a family is and how it is reached: sealed with the family's own key, and nowhere readable without it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from kit import addresses
from kit.vault import sealing
from kit.vault.store import DataKey, Vault


@dataclass(frozen=True)
class Contact:
    """Who books. `phone` is E.164."""

    name: str
    phone: str | None
    email: str | None
    language: Literal["sv", "en"]

    @property
    def gets_messages(self) -> bool:
        """Whether there is a way to send anything: a mail, or an SMS to a number that takes one."""
        return bool(self.email or (self.phone and addresses.takes_sms(self.phone)))

    def told(self, *, by_email: bool) -> "Contact":
        """The contact as a booking's messages may use it."""
        return self if by_email else replace(self, email=None)


@dataclass(frozen=True)
class Fingerprints:
    """By what a contact is found without being read, and told from another: of its number, and of its address."""

    phone: bytes | None
    email: bytes | None


@dataclass(frozen=True)
class Sealed:
    """A contact as it is stored. `key.id` is the family's id."""

    key: DataKey
    sealed: bytes
    fingerprints: Fingerprints


async def fingerprints(vault: Vault, contact: Contact, now: datetime) -> Fingerprints:
    """The fingerprints of a contact. Raises KeysUnavailable, but not for who took a key from the store before."""
    return Fingerprints(
        await of_phone(vault, contact.phone, now) if contact.phone else None,
        await vault.fingerprint("email", contact.email.casefold(), now) if contact.email else None,
    )


async def of_phone(vault: Vault, number: str, now: datetime) -> bytes:
    """The fingerprint of a telephone number (E.164). Raises KeysUnavailable as `fingerprints` does."""
    return await vault.fingerprint("phone", number, now)


async def seal(vault: Vault, key: DataKey, contact: Contact, now: datetime) -> Sealed:
    """A contact with the family's own key. Raises KeysUnavailable, but not for who took the key from the store now."""
    fields = {"name": contact.name, "phone": contact.phone, "email": contact.email}
    return Sealed(key, sealing.seal(key.key, key.id, fields), await fingerprints(vault, contact, now))


def unseal(key: bytes, family: UUID, sealed: bytes, language: Literal["sv", "en"]) -> Contact:
    """The contact of a family. Raises UnreadableError."""
    fields = sealing.unseal(key, family, sealed)
    return Contact(fields["name"], fields["phone"], fields["email"], language)

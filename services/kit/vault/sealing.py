"""What is encrypted, and how: AES-256-GCM throughout, a random nonce of 96 bits, and one byte that names the format.

A family's fields are sealed with a data key of its own; the data key is kept wrapped with a master key. Both are bound
to the family's id, so that neither can be put in another's place.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_FORMAT = b"\x01"
_NONCE_BYTES = 12
# Sealed texts are filled up to a multiple of this, so that their length tells little of a name's.
_FILLED_BYTES = 64


class UnreadableError(RuntimeError):
    """What was sealed cannot be opened: another key, another id, or bytes that were changed. Says nothing of either."""


def new_key() -> bytes:
    """A data key."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, owner: UUID, fields: Mapping[str, Any]) -> bytes:
    """Fields that JSON can express, readable only with `key` and for `owner`."""
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    return _encrypt(key, owner, text.ljust(-(-len(text) // _FILLED_BYTES) * _FILLED_BYTES))


def unseal(key: bytes, owner: UUID, sealed: bytes) -> dict[str, Any]:
    """The fields that were sealed. Raises UnreadableError."""
    found: dict[str, Any] = json.loads(_decrypt(key, owner, sealed))
    return found


class Masters:
    """The master keys: the first one wraps, and all unwrap, so that a new one can be put in front of an old one."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """`secrets` are hexadecimal, 32 bytes or more each. Raises ValueError for others, and where there is none."""
        try:
            raw = [bytes.fromhex(secret) for secret in secrets]
        except ValueError:
            raise ValueError("a master key is hexadecimal: make one with `openssl rand -hex 32`") from None
        if not raw or any(len(secret) < KEY_BYTES for secret in raw):
            raise ValueError("a master key has at least 32 bytes: make one with `openssl rand -hex 32`")
        # The name is made from the secret by a one-way function: it tells which key wrapped, and nothing of the key.
        self._keys = {_derived(secret, b"name")[:8].hex(): _derived(secret, b"wrap") for secret in raw}
        self.present = next(iter(self._keys))

    def wrap(self, owner: UUID, key: bytes) -> bytes:
        """A data key, readable only with the present master key."""
        return _encrypt(self._keys[self.present], owner, key)

    def unwrap(self, owner: UUID, wrapped: bytes, master: str) -> bytes:
        """The data key. `master` is the name of the key that wrapped it. Raises UnreadableError."""
        if master not in self._keys:
            raise UnreadableError(f"the master key {master} is not among those that were given")
        return _decrypt(self._keys[master], owner, wrapped)


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"samtid master key " + purpose).derive(secret)


def _encrypt(key: bytes, owner: UUID, text: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, text, _FORMAT + owner.bytes)


def _decrypt(key: bytes, owner: UUID, sealed: bytes) -> bytes:
    if sealed[:1] != _FORMAT:
        raise UnreadableError("not of a format that is known")
    nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, text, _FORMAT + owner.bytes)
    except (InvalidTag, ValueError):
        raise UnreadableError("sealed with another key, for somebody else, or changed since") from None

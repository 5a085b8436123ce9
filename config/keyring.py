"""Encryption at rest and keyed hashes, from one root secret split by purpose (HKDF, RFC 5869).

Two roots exist: SECRET_KEY (key secrets, contents, recipients) and SEALING_KEY (DKIM private keys). Each may be a comma
list of base64 values: the first writes, all read, so that a root can be rotated. Knows nothing of what it protects.
"""

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from messages.text import TextError

ROOT_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 4
_IDENTITY_BYTES = 8


class KeyringError(TextError):
    """A root secret is unusable, or none of them opens a value. Names neither."""


def _derive(root: bytes, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), ROOT_BYTES, salt=None, info=b"notify-relay " + purpose.encode()).derive(root)


class Cipher:
    """AES-256-GCM for one purpose: key id (4 octets), nonce (12), ciphertext, tag (16)."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._by_id = {hashlib.sha256(key).digest()[:_ID_BYTES]: AESGCM(key) for key in reversed(keys)}
        self.id = hashlib.sha256(keys[0]).digest()[:_ID_BYTES]  # stands in front of all that it encrypts
        self._aead = self._by_id[self.id]

    def encrypt(self, plain: bytes, row_id: bytes) -> bytes:
        """`row_id` binds the value to its row: moved to another one it no longer opens."""
        nonce = os.urandom(_NONCE_BYTES)
        return self.id + nonce + self._aead.encrypt(nonce, plain, row_id)

    def decrypt(self, value: bytes, row_id: bytes) -> bytes:
        """Raises KeyringError when no configured root opens the value."""
        aead = self._by_id.get(value[:_ID_BYTES])
        if aead is None:
            raise KeyringError("a stored value was encrypted with a key that is not configured")
        start = _ID_BYTES + _NONCE_BYTES
        try:
            return aead.decrypt(value[_ID_BYTES:start], value[start:], row_id)
        except (InvalidTag, ValueError):  # the second: cut off within its nonce
            raise KeyringError("a stored value does not open: damaged, or from another row") from None


class Hasher:
    """HMAC-SHA256 for one purpose: equal values can be found, nobody without the root can guess them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def hash(self, value: str) -> bytes:
        return hmac.digest(self._keys[0], value.encode("utf-8", "surrogateescape"), "sha256")

    def candidates(self, value: str) -> tuple[bytes, ...]:
        """The hashes under every configured root, current first: what a look-up must try during a rotation."""
        raw = value.encode("utf-8", "surrogateescape")
        return tuple(hmac.digest(key, raw, "sha256") for key in self._keys)


class Keyring:
    """One root secret (or several during a rotation), split per purpose."""

    def __init__(self, roots: Sequence[bytes]) -> None:
        if not roots or any(len(root) != ROOT_BYTES for root in roots):
            raise KeyringError("a root secret is base64 of {octets} octets", octets=ROOT_BYTES)
        self._roots = tuple(roots)

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """From a comma list of base64 values. Raises KeyringError."""
        try:
            return cls([base64.b64decode(part.strip(), validate=True) for part in text.split(",")])
        except binascii.Error:
            raise KeyringError("a root secret is base64 of {octets} octets", octets=ROOT_BYTES) from None

    @staticmethod
    def generate() -> str:
        return base64.b64encode(os.urandom(ROOT_BYTES)).decode("ascii")

    @property
    def ids(self) -> tuple[str, ...]:
        """What tells its roots apart, the one that writes first; nobody can tell a root from it."""
        return tuple(_derive(root, "identity")[:_IDENTITY_BYTES].hex() for root in self._roots)

    def cipher(self, purpose: str) -> Cipher:
        return Cipher([_derive(root, purpose) for root in self._roots])

    def hasher(self, purpose: str) -> Hasher:
        return Hasher([_derive(root, "hash " + purpose) for root in self._roots])

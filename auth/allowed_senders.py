"""The senders that a key allows: whom its mail may say it is from. Encrypted, for they are people's addresses.

Knows nothing of messages.
"""

from collections.abc import Collection
from uuid import UUID

from auth import senders
from auth.errors import ALLOWED_NOT_ASCII, AuthError
from config.encrypted import row_id
from config.keyring import Cipher

NOBODY = "@invalid"  # in the clear beside what is encrypted: a version before, which cannot read it, would allow anyone


def parse(text: str) -> str:
    """As in `senders`. Raises AuthError."""
    if not text.rpartition("@")[0].isascii():  # no message may name it, and in lower case some become ASCII
        raise AuthError(ALLOWED_NOT_ASCII)
    return senders.parse(text)


def seal(allowed: Collection[str], key_id: UUID, by: Cipher) -> bytes | None:
    """As the table keeps them; None for no limit."""
    return by.encrypt(" ".join(allowed).encode(), row_id(key_id)) if allowed else None


def unseal(kept: bytes | None, clear: str, key_id: UUID, by: Cipher) -> frozenset[str]:
    """`clear` is what a version before kept. Raises KeyringError."""
    text = clear if kept is None else by.decrypt(kept, row_id(key_id)).decode()
    return frozenset(text.split())

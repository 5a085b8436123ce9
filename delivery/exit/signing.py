"""Station 7, sealed: the DKIM signature goes on in the worker, just before the provider call.

Private keys are opened here and nowhere else: door processes never hold the sealing key.
"""

import asyncio
from collections.abc import Callable
from math import inf

import dkim

from auth.domains import names
from config.database import Database
from config.keyring import Keyring
from config.settings import Email
from messages.email.dkim import SigningKey, sign

_KEEP_SECONDS = 60.0  # a rotated key is in use at the latest after this
_THREAD_BYTES = 256 * 1024


class SignatureInvalid(Exception):  # noqa: N818
    """Our own signature does not verify: the message must not leave like this."""


class Signer:
    """Signs contents with their domain's key. `now` gives seconds since the epoch."""

    def __init__(self, database: Database, sealing: Keyring, email: Email, now: Callable[[], float]) -> None:
        self._database = database
        self._sealing = sealing
        self._email = email
        self._now = now
        self._keys: dict[str, tuple[float, SigningKey | None]] = {}

    async def key(self, domain: str) -> SigningKey | None:
        """The domain's active key; None when it has none."""
        loaded_at, key = self._keys.get(domain, (-inf, None))
        if not 0 <= self._now() - loaded_at <= _KEEP_SECONDS:  # below 0: the clock was set back
            async with self._database.read() as connection:
                key = await names.signing_key(connection, self._sealing, domain, self._email)
            self._keys[domain] = (self._now(), key)
        return key

    async def seal(self, content: bytes, key: SigningKey) -> bytes:
        """The content with our DKIM-Signature in front."""
        if len(content) > _THREAD_BYTES:
            return await asyncio.to_thread(self._seal, content, key)
        return self._seal(content, key)

    def _seal(self, content: bytes, key: SigningKey) -> bytes:
        return sign(content, key, self._now()) + content

    async def verify(self, sealed: bytes, key: SigningKey) -> None:
        """Checks our newest signature with an independent implementation. Raises SignatureInvalid."""
        record = key.record.encode()

        def check() -> bool:
            try:
                return bool(dkim.verify(sealed, dnsfunc=lambda *_args, **_kwargs: record))  # type: ignore[no-untyped-call]
            except (
                dkim.MessageFormatError
            ):  # header fields that dkimpy does not take: no verdict, and nothing against us
                return True
            except Exception:  # it raises nearly anything on odd input
                return False

        if not await asyncio.to_thread(check):
            raise SignatureInvalid

"""Files on disk instead of the world: for a first start, for tests, and for a look at what SES would be given."""

import asyncio
import json
import os
from abc import abstractmethod
from pathlib import Path
from uuid import UUID

from config.providers import EmailProvider
from delivery.providers.base import Begun, Receipt, Throttled, nothing
from messages.message import Message
from messages.sms.alphabet import encoding_of
from messages.status import Status


class _Outbox:
    """The files are on the disk, not in its cache, before a send returns: its row says delivered from then on.
    Readable by the owner only. Raises Throttled while the directory cannot be written.
    """

    name = EmailProvider.OUTBOX.value
    idempotent = True  # the same names again
    paced = False

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @abstractmethod
    def _files(self, message: Message, content: bytes, attempt_id: UUID, origin: str | None) -> dict[str, bytes]:
        """By their suffixes, in the order in which they are written."""

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        files = self._files(message, content, attempt_id, origin)
        try:
            await asyncio.to_thread(self._write, str(message.id), str(attempt_id), files)
        except OSError:  # a full or read-only disk: no fault of the message, and nobody else's can be written either
            raise Throttled("outbox_not_writable", 10) from None
        return Receipt(provider_id=str(message.id), status=Status.DELIVERED)

    def message_id(self, provider_id: str) -> str | None:
        return None

    async def greet(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def _write(self, name: str, attempt: str, files: dict[str, bytes]) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for suffix, octets in files.items():
            # The attempt is part of the temporary name: two attempts at one message may meet.
            temporary = self._directory / f".{name}{suffix}.{attempt}"
            try:
                _write_through(temporary, octets)
                temporary.rename(self._directory / f"{name}{suffix}")
            finally:
                temporary.unlink(missing_ok=True)
        _flush(self._directory)


class OutboxProvider(_Outbox):
    """Of email: `<id>.eml` (the octets as given) and then `<id>.json` (the envelope); who sees the second has both."""

    def _files(self, message: Message, content: bytes, attempt_id: UUID, origin: str | None) -> dict[str, bytes]:
        envelope = {
            "id": str(message.id),
            "reverse_path": message.reverse_path,
            "rcpt_to": [str(message.recipient)],
            **_whose(message, attempt_id),
        }
        return {".eml": content, ".json": json.dumps(envelope).encode()}


class SmsOutboxProvider(_Outbox):
    """Of texts: `<id>.sms.json`."""

    def _files(self, message: Message, content: bytes, attempt_id: UUID, origin: str | None) -> dict[str, bytes]:
        body = content.decode()
        text = {
            "id": str(message.id),
            "to": str(message.recipient),
            "from": origin,
            "body": body,
            "parts": message.billable_units,
            "encoding": encoding_of(body).value,
            **_whose(message, attempt_id),
        }
        return {".sms.json": json.dumps(text).encode()}


def _whose(message: Message, attempt_id: UUID) -> dict[str, object]:
    return {
        "service_id": str(message.service_id),
        "key_type": message.key_type.value,
        "tags": {"message_id": str(message.id), "attempt_id": str(attempt_id)},
    }


def _write_through(path: Path, octets: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def _flush(directory: Path) -> None:
    """Makes the renames last."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

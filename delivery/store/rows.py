"""Message <-> row: where personal data is encrypted on the way in and opened on the way out."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from config.keyring import Keyring
from messages.address import Address
from messages.message import Channel, KeyType, Lane, Message
from messages.status import Status

# A 25 MB row holds SQLite's only write lock for 150 ms; parts of this size a few milliseconds each.
PART_BYTES = 256 * 1024

_PLAIN = (
    *("id", "group_id", "service_id", "key_id", "template_id", "template_version", "job_id", "content_id"),
    *("reference", "original_message_id", "signing_domain", "content_bytes", "provider_id", "billable_units"),
    *("created_at", "scheduled_for", "sent_at", "completed_at", "expires_at"),
)


class Codec:
    """Encrypts and opens what the tables hold. One per store."""

    def __init__(self, keyring: Keyring) -> None:
        self._recipient = keyring.cipher("recipient")
        self._reverse_path = keyring.cipher("reverse path")
        self._subject = keyring.cipher("subject")
        self._content = keyring.cipher("content")
        self._hasher = keyring.hasher("recipient")

    def message_row(self, message: Message) -> dict[str, Any]:
        row_id = message.id.bytes
        row: dict[str, Any] = {name: getattr(message, name) for name in _PLAIN}
        row |= {
            "key_type": message.key_type.value,
            "channel": message.channel.value,
            "lane": message.lane.value,
            "status": message.status.value,
            "reverse_path": self._reverse_path.encrypt(message.reverse_path.encode(), row_id),
            "recipient": self._recipient.encrypt(str(message.recipient).encode(), row_id),
            "recipient_hash": self._hasher.hash(message.recipient.key),
            "subject": self._subject.encrypt(message.subject.encode("utf-8", "replace"), row_id),
        }
        return row

    def message(self, row: Row[Any]) -> Message:
        fields = row._mapping
        row_id = fields["id"].bytes
        return Message(
            **{name: fields[name] for name in _PLAIN},
            key_type=KeyType(fields["key_type"]),
            channel=Channel(fields["channel"]),
            lane=Lane(fields["lane"]),
            status=Status(fields["status"]),
            reverse_path=self._reverse_path.decrypt(fields["reverse_path"], row_id).decode(),
            recipient=Address.parse(self._recipient.decrypt(fields["recipient"], row_id).decode()),
            subject=self._subject.decrypt(fields["subject"], row_id).decode(),
        )

    def content_rows(self, content_id: UUID, content: bytes) -> Iterator[dict[str, Any]]:
        for part, start in enumerate(range(0, max(len(content), 1), PART_BYTES)):
            data = self._content.encrypt(content[start : start + PART_BYTES], _part_id(content_id, part))
            yield {"id": content_id, "part": part, "data": data}

    def content_part(self, content_id: UUID, part: int, data: bytes) -> bytes:
        return self._content.decrypt(data, _part_id(content_id, part))


def _part_id(content_id: UUID, part: int) -> bytes:
    return content_id.bytes + part.to_bytes(4, "big")

"""Message <-> row: where personal data is encrypted on the way in and opened on the way out."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from config.keyring import Keyring
from delivery.store.base import Event, EventKind, Group
from messages.address import Address
from messages.message import Channel, ContentKind, IdempotencyKey, KeyType, Lane, Message
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
        self._detail = keyring.cipher("event detail")
        self._hasher = keyring.hasher("recipient")
        self._idempotency = keyring.hasher("idempotency")

    def message_row(self, message: Message) -> dict[str, Any]:
        row_id = message.id.bytes
        row: dict[str, Any] = {name: getattr(message, name) for name in _PLAIN}
        row |= {
            "key_type": message.key_type.value,
            "channel": message.channel.value,
            "lane": message.lane.value,
            "status": message.status.value,
            "content_kind": message.content_kind.value,
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
            content_kind=ContentKind(fields["content_kind"]),
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

    def recipient_hashes(self, address_key: str) -> tuple[bytes, ...]:
        """What a recipient is found by, under every root."""
        return self._hasher.candidates(address_key)

    # -- idempotency keys ------------------------------------------------------------------------------------------

    def idempotency_candidates(self, service_id: UUID, key: IdempotencyKey | None) -> tuple[tuple[UUID, bytes], ...]:
        """The service and the hashes of the key under every root, the writing one first; empty: there is none."""
        if key is None:
            return ()
        return tuple((service_id, key_hash) for key_hash in self._idempotency.candidates(key.key))

    def idempotency_name(self, group: Group) -> tuple[UUID, bytes] | None:
        return next(iter(self.idempotency_candidates(group.messages[0].service_id, group.idempotency)), None)

    def idempotency_row(self, group: Group) -> dict[str, Any]:
        assert group.idempotency is not None
        first = group.messages[0]
        return {
            "service_id": first.service_id,
            "key_hash": self._idempotency.hash(group.idempotency.key),
            "recipient_hash": b"",
            "body_hash": self._idempotency.hash(group.idempotency.body_hash.hex()),
            "message_id": first.id,
            "created_at": first.created_at,
        }

    def is_same_body(self, key: IdempotencyKey | None, body_hash: bytes | None) -> bool:
        return key is not None and body_hash in self._idempotency.candidates(key.body_hash.hex())

    # -- events ----------------------------------------------------------------------------------------------------

    def event_row(self, event: Event, message_id: UUID | None, now: float) -> dict[str, Any]:
        detail = event.detail and self._detail.encrypt(event.detail.encode("utf-8", "replace"), event.id.bytes)
        return {
            "id": event.id,
            "message_id": message_id,
            "kind": event.kind.value,
            "provider": event.provider,
            "provider_id": event.provider_id,
            "status": event.status and event.status.value,
            "reason": event.reason,
            "detail": detail or None,
            "at": event.at,
            "received_at": now,
        }

    def event(self, row: Any) -> Event:
        return Event(
            id=row.id,
            kind=EventKind(row.kind),
            provider=row.provider,
            provider_id=row.provider_id,
            message_id=row.message_id,
            attempt_id=None,
            at=row.at,
            status=row.status and Status(row.status),
            reason=row.reason,
            detail=row.detail and self._detail.decrypt(row.detail, row.id.bytes).decode(),
        )


def _part_id(content_id: UUID, part: int) -> bytes:
    return content_id.bytes + part.to_bytes(4, "big")

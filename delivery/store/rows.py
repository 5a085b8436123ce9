"""Message <-> row: where personal data is encrypted on the way in and opened on the way out."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from config.encrypted import cipher, hasher, row_id
from config.keyring import Keyring
from delivery.store.base import Carriage, Event, EventKind
from delivery.store.tables import contents, events, messages
from messages.message import (
    Channel,
    ContentKind,
    Door,
    Dsn,
    IdempotencyKey,
    KeyType,
    Lane,
    Message,
    Occasion,
    recipient_of,
)
from messages.status import Status

# A 25 MB row holds SQLite's only write lock for 150 ms; parts of this size a few milliseconds each.
PART_BYTES = 256 * 1024

_PLAIN = (
    *("id", "group_id", "service_id", "key_id", "template_id", "template_version", "job_id", "content_id", "sender_id"),
    *("reference", "original_message_id", "signing_domain", "content_bytes", "provider_id", "billable_units"),
    *("created_at", "scheduled_for", "sent_at", "completed_at", "expires_at", "created_by"),
)


Name = tuple[UUID, bytes, bytes]  # in `idempotency`: a service, the hashes of its key and of a recipient


class Codec:
    """Encrypts and opens what the tables hold. One per process."""

    def __init__(self, keyring: Keyring) -> None:
        self._recipient = cipher(messages.c.recipient, keyring)
        self._reverse_path = cipher(messages.c.reverse_path, keyring)
        self._subject = cipher(messages.c.subject, keyring)
        self._content = cipher(contents.c.data, keyring)
        self._dsn = cipher(messages.c.dsn, keyring)
        self._detail = cipher(events.c.detail, keyring)
        self._hasher = hasher(messages.c.recipient, keyring)
        self._idempotency = keyring.hasher("idempotency")

    def message_row(self, message: Message) -> dict[str, Any]:
        bound_to = row_id(message.id)
        row: dict[str, Any] = {name: getattr(message, name) for name in _PLAIN}
        row |= {
            "key_type": message.key_type.value,
            "channel": message.channel.value,
            "door": message.door.value,
            "lane": message.lane.value,
            "status": message.status.value,
            "content_kind": message.content_kind.value,
            "reverse_path": self._reverse_path.encrypt(message.reverse_path.encode(), bound_to),
            "recipient": self._recipient.encrypt(str(message.recipient).encode(), bound_to),
            "recipient_hash": self._hasher.hash(message.recipient.key),
            "subject": self._subject.encrypt(message.subject.encode("utf-8", "replace"), bound_to),
            "dsn": message.dsn and self._dsn.encrypt(message.dsn.to_json().encode(), bound_to),
            "notify": ",".join(sorted(message.notify)) or None,
        }
        return row

    def message(self, row: Row[Any]) -> Message:
        fields = row._mapping
        bound_to = row_id(fields["id"])
        return Message(
            **{name: fields[name] for name in _PLAIN},
            key_type=KeyType(fields["key_type"]),
            channel=Channel(fields["channel"]),
            door=Door(fields["door"]),
            lane=Lane(fields["lane"]),
            status=Status(fields["status"]),
            content_kind=ContentKind(fields["content_kind"]),
            reverse_path=self._reverse_path.decrypt(fields["reverse_path"], bound_to).decode(),
            recipient=recipient_of(
                Channel(fields["channel"]), self._recipient.decrypt(fields["recipient"], bound_to).decode()
            ),
            subject=self._subject.decrypt(fields["subject"], bound_to).decode(),
            dsn=fields["dsn"] and Dsn.from_json(self._dsn.decrypt(fields["dsn"], bound_to).decode()),
            notify=frozenset(map(Occasion, fields["notify"].split(","))) if fields["notify"] else frozenset(),
        )

    def content_rows(self, content_id: UUID, content: bytes) -> Iterator[dict[str, Any]]:
        for part, start in enumerate(range(0, max(len(content), 1), PART_BYTES)):
            data = self._content.encrypt(content[start : start + PART_BYTES], row_id(content_id, part))
            yield {"id": content_id, "part": part, "data": data}

    def content_part(self, content_id: UUID, part: int, data: bytes) -> bytes:
        return self._content.decrypt(data, row_id(content_id, part))

    def recipient_hashes(self, recipient_key: str) -> tuple[bytes, ...]:
        """What a recipient is found by, under every root."""
        return self._hasher.candidates(recipient_key)

    # -- idempotency keys ------------------------------------------------------------------------------------------

    def idempotency_names(self, service_id: UUID, key: IdempotencyKey, recipient: str) -> tuple[Name, ...]:
        """What `IdempotencyKey.names` is found by, under every root, the writing one first."""
        keys = self._idempotency.candidates(key.key)
        recipients = self._idempotency.candidates(recipient) if recipient else (b"",) * len(keys)
        return tuple((service_id, *pair) for pair in zip(keys, recipients, strict=True))

    def idempotency_bodies(self, key: IdempotencyKey) -> tuple[bytes | None, ...]:
        """The hash of what a key came with, under every root; None for a key that comes with anything."""
        hashes = self._idempotency.candidates((key.body_hash or b"").hex())
        return hashes if key.body_hash is not None else (None,) * len(hashes)

    def idempotency_rows(self, message: Message, key: IdempotencyKey, recipient: str) -> dict[Name, dict[str, Any]]:
        """A message's rows by their names, one under every root: who knows only one of them finds it, too."""
        names = self.idempotency_names(message.service_id, key, recipient)
        return {
            name: {
                "service_id": message.service_id,
                "key_hash": name[1],
                "recipient_hash": name[2],
                "body_hash": body,
                "message_id": message.id,
                "created_at": message.created_at,
            }
            for name, body in zip(names, self.idempotency_bodies(key), strict=True)
        }

    # -- events ----------------------------------------------------------------------------------------------------

    def event_row(self, event: Event, message_id: UUID | None, now: float) -> dict[str, Any]:
        detail = event.detail and self._detail.encrypt(event.detail.encode("utf-8", "replace"), row_id(event.id))
        return {
            "id": event.id,
            "message_id": message_id,
            "kind": event.kind.value,
            "provider": event.provider,
            "provider_id": event.provider_id,
            "status": event.status and event.status.value,
            "reason": event.reason,
            "detail": detail or None,
            "carriage": event.carriage and event.carriage.to_json(),
            "several": event.several,
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
            detail=row.detail and self._detail.decrypt(row.detail, row_id(row.id)).decode(),
            carriage=row.carriage and Carriage.from_json(row.carriage),
        )

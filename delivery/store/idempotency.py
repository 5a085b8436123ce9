"""Idempotency keys: what was stored before is not stored again, exact over all processes.

A key uses up names: one for a whole submission, or one for each of its recipients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from config.database import Database
from delivery.store.base import Group, Repeated, StoreUnavailable
from delivery.store.rows import Codec, Name
from delivery.store.tables import idempotency
from messages.message import IdempotencyKey, Message
from messages.recipient import Recipient

_COLUMNS = (idempotency.c.service_id, idempotency.c.key_hash, idempotency.c.recipient_hash)
_TAKEN = {
    "postgresql": postgresql.insert(idempotency).on_conflict_do_nothing().returning(*_COLUMNS),
    "sqlite": sqlite.insert(idempotency).on_conflict_do_nothing().returning(*_COLUMNS),
}
_GIVEN_BACK = delete(idempotency).where(*(column == bindparam(f"b_{column.name}") for column in _COLUMNS))
# Column by column: a list of rows to find makes SQLite read the whole table.
_USED = select(idempotency).where(
    idempotency.c.service_id.in_(bindparam("services", expanding=True)),
    idempotency.c.key_hash.in_(bindparam("keys", expanding=True)),
    idempotency.c.recipient_hash.in_(bindparam("recipients", expanding=True)),
)
_AT_ONCE = 500  # recipients that one statement asks for


class Idempotency:
    """Held by doors."""

    def __init__(self, database: Database, codec: Codec) -> None:
        self._database = database
        self._codec = codec

    async def repeated(self, service_id: UUID, key: IdempotencyKey, recipients: Sequence[Recipient]) -> Repeated | None:
        """What Putting.put would raise for this key; None when it would store something. A read."""
        return await self._database.query(lambda c: _repeated(c, self._codec, service_id, key, recipients))


@dataclass(frozen=True, slots=True)
class _Slot:
    """A message, and the rows that name it: under every root, so that a process that knows one of them meets it."""

    message: Message  # for a whole submission its first
    rows: Mapping[Name, Mapping[str, Any]]


class Names:
    """The names that the groups of one batch use up: taken before anything else is locked, and in one order."""

    def __init__(self, connection: Connection, codec: Codec, groups: Sequence[Group]) -> None:
        self._connection = connection
        self._codec = codec
        self._groups = groups
        self._slots = [_slots(codec, group) for group in groups]
        self._rows: dict[Name, Mapping[str, Any]] = {}  # as they were put there: for the first who asks
        for slots in reversed(self._slots):
            for slot in slots:
                self._rows |= slot.rows
        self._free = self._take()
        self._kept: dict[Name, Mapping[str, Any]] = {}

    def _take(self) -> set[Name]:
        if not self._rows:
            return set()
        rows = [self._rows[name] for name in sorted(self._rows)]
        taken = self._connection.execute(_TAKEN[self._connection.dialect.name], rows)
        return {(row.service_id, row.key_hash, row.recipient_hash) for row in taken}

    def new(self, at: int) -> tuple[Message, ...] | Exception:
        """The messages of a group that were not stored before, by another process or for a group before it."""
        group = self._groups[at]
        if group.idempotency is None:
            return group.messages
        new = [slot.message for slot in self._slots[at] if not any(map(self._is_used, slot.rows))]
        if not new:
            return self._repeated(self._slots[at][0], group.idempotency)
        return tuple(new) if group.idempotency.is_per_recipient else group.messages

    def _is_used(self, name: Name) -> bool:
        return name in self._kept or name not in self._free

    def _repeated(self, slot: _Slot, key: IdempotencyKey) -> Exception:
        rows = [self._kept[name] for name in slot.rows if name in self._kept]
        rows = rows or list(_used(self._connection, [name for name in slot.rows if name not in self._free]).values())
        if not rows:  # forgotten in this very moment: asked again, the key is free
            return StoreUnavailable()
        return Repeated(rows[0]["message_id"], rows[0]["body_hash"] in self._codec.idempotency_bodies(key))

    def keep(self, at: int, stored: Sequence[Message]) -> None:
        """These messages of a group are stored: their names are used."""
        if slots := self._slots[at]:
            ids = {message.id for message in stored}
            self._kept |= {name: row for slot in slots if slot.message.id in ids for name, row in slot.rows.items()}

    def give_back(self) -> None:
        """Ends the batch: a name whose group was refused is free again, or goes to the group that came after it."""
        wrong = [name for name in sorted(self._free) if self._kept.get(name) is not self._rows[name]]
        if not wrong:
            return
        names = [{f"b_{column.name}": value for column, value in zip(_COLUMNS, name, strict=True)} for name in wrong]
        self._connection.execute(_GIVEN_BACK, names)
        if again := [self._kept[name] for name in wrong if name in self._kept]:
            self._connection.execute(insert(idempotency), again)


def _repeated(
    connection: Connection, codec: Codec, service_id: UUID, key: IdempotencyKey, recipients: Sequence[Recipient]
) -> Repeated | None:
    first: Mapping[Any, Any] | None = None
    wanted = list(dict.fromkeys(key.names(recipient) for recipient in recipients))
    for at in range(0, len(wanted), _AT_ONCE):
        names = [codec.idempotency_names(service_id, key, recipient) for recipient in wanted[at : at + _AT_ONCE]]
        used = _used(connection, [name for each in names for name in each])
        rows = [next((used[name] for name in each if name in used), None) for each in names]
        if None in rows:
            return None
        first = first or rows[0]
    if first is None:
        return None
    return Repeated(first["message_id"], first["body_hash"] in codec.idempotency_bodies(key))


def _used(connection: Connection, names: Sequence[Name]) -> dict[Name, Mapping[Any, Any]]:
    """The rows of one service's names; a few more may be among them."""
    service_ids, keys, recipients = (sorted(set(values)) for values in zip(*names, strict=True))
    found = connection.execute(_USED, {"services": service_ids, "keys": keys, "recipients": recipients})
    return {(row.service_id, row.key_hash, row.recipient_hash): row._mapping for row in found}


def _slots(codec: Codec, group: Group) -> Sequence[_Slot]:
    key = group.idempotency
    if key is None:
        return ()
    first: dict[str, Message] = {}
    for message in group.messages:
        first.setdefault(key.names(message.recipient), message)
    return [_Slot(message, codec.idempotency_rows(message, key, recipient)) for recipient, message in first.items()]

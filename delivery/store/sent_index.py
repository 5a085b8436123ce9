"""Whose a message was, when its row is gone: a complaint that comes after retention still finds its service.

Written when a row is retired, so sending costs nothing for it. It holds nobody's address, and goes by itself.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Double, Index, LargeBinary, Table, Text, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from config.database import Id, metadata
from delivery.store.base import SENT_INDEX_SECONDS
from messages.message import Channel, KeyType

sent_index = Table(
    "sent_index",
    metadata,
    Column("provider_id", Text, primary_key=True),
    Column("message_id", Id, nullable=False),
    Column("service_id", Id, nullable=False),
    Column("key_type", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient_hash", LargeBinary),  # as of messages; null: the person asked to be forgotten
    Column("sent_at", Double, nullable=False, index=True),
    sqlite_with_rowid=False,
)
_c = sent_index.c
_KNOWN = _c.recipient_hash.is_not(None)
Index("sent_index_recipient", _c.recipient_hash, sqlite_where=_KNOWN, postgresql_where=_KNOWN)

_KEPT = {
    "postgresql": postgresql.insert(sent_index).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(sent_index).on_conflict_do_nothing(),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What is left of a message; a Follower meets it in place of the message's row."""

    id: UUID
    service_id: UUID
    key_type: KeyType
    channel: Channel
    recipient_hash: bytes | None
    provider_id: str
    sent_at: float


def keep(connection: Connection, rows: Collection[Any]) -> None:
    """Of messages, in the transaction that drops them: those that a provider took."""
    names = ("provider_id", "service_id", "key_type", "channel", "recipient_hash", "sent_at")
    sent = [row._mapping for row in rows if row.provider_id is not None and row.sent_at is not None]
    if sent:
        values = [{name: row[name] for name in names} | {"message_id": row["id"]} for row in sent]
        connection.execute(_KEPT[connection.dialect.name], values)


def find(connection: Connection, provider_ids: Collection[str]) -> dict[str, Sent]:
    """By what the provider calls them."""
    asked = select(sent_index).where(_c.provider_id.in_(sorted(provider_ids)))
    rows = connection.execute(asked) if provider_ids else ()
    return {row.provider_id: _sent(row) for row in rows}


def forget(connection: Connection, now: float, limit: int) -> int:
    """Drops at most `limit` that are past their time; how many."""
    chosen = select(_c.provider_id).where(_c.sent_at < now - SENT_INDEX_SECONDS).limit(limit)
    return connection.execute(delete(sent_index).where(_c.provider_id.in_(chosen))).rowcount


def _sent(row: Any) -> Sent:
    return Sent(
        id=row.message_id,
        service_id=row.service_id,
        key_type=KeyType(row.key_type),
        channel=Channel(row.channel),
        recipient_hash=None if row.recipient_hash is None else bytes(row.recipient_hash),
        provider_id=row.provider_id,
        sent_at=row.sent_at,
    )

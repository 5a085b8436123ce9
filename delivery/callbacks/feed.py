"""What a service is told, for whoever asks instead of listening: the same things, in the order of their commits."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from config.database import Database
from delivery.callbacks.bodies import Told
from delivery.callbacks.sources import Sources
from delivery.store.base import CallbackKind
from delivery.store.tables import callbacks
from messages.message import KeyType, first_id
from messages.status import Status


class Feed:
    """Held by the door that shows it; all of it are reads."""

    def __init__(self, database: Database, sources: Sources) -> None:
        self._database = database
        self._sources = sources

    async def page(
        self, service_id: UUID, key_type: KeyType, after: int, since: float, limit: int
    ) -> tuple[list[Mapping[str, Any]], int | None]:
        """At most `limit` things behind the position `after`, made at `since` or later, and the last one's position.

        None when there is nothing yet. Nothing appears later in front of what was given: delivery.callbacks.telling.
        """
        asked = _page(service_id, key_type, after, since, limit)
        rows = await self._database.rows(asked)
        told = [_told(row) for row in rows]
        fields = await self._sources.fields(told)
        return _events(told, fields), rows[-1].position if rows else None


def _events(told: Sequence[Told], fields: Mapping[UUID, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Under the id that its call has. What can not be read is passed over, as in every list."""
    return [
        {"event_id": str(each.id), "type": each.kind.value, **fields[each.id]} for each in told if each.id in fields
    ]


def _page(service_id: UUID, key_type: KeyType, after: int, since: float, limit: int) -> Select[Any]:
    c = callbacks.c
    columns = (c.id, c.position, c.kind, c.message_id, c.source_id, c.status, c.reason, c.at)
    mine = (c.service_id == service_id, c.key_type == key_type.value, c.position > after, c.id >= first_id(since))
    return select(*columns).where(*mine).order_by(c.position).limit(limit)


def _told(row: Any) -> Told:
    status = None if row.status is None else Status(row.status)
    return Told(row.id, CallbackKind(row.kind), row.message_id, row.source_id, status, row.reason, row.at)

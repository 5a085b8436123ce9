"""What messages say, encrypted; large ones part by part, so that nobody waits long for SQLite's only write lock."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, insert, select

from config.database import Database
from config.keyring import KeyringError
from delivery.store.rows import PART_BYTES, Codec
from delivery.store.tables import contents

_PARTS_AT_ONCE = 4  # 1 MiB of content, as quick; one part each cost half as much again in transactions


def is_large(content: bytes) -> bool:
    """Whether it goes in before its messages, in transactions of its own."""
    return len(content) > PART_BYTES


class Contents:
    """Held by who stores contents, builds them or shows them."""

    def __init__(self, database: Database, codec: Codec) -> None:
        self._database = database
        self._codec = codec
        self._log = structlog.get_logger("store")

    async def load(self, content_ids: Collection[UUID]) -> dict[UUID, bytes | None]:
        """Contents by id; one that retention dropped is missing, one that does not open (damaged) is None. A read."""
        statement = select(contents).where(contents.c.id.in_(content_ids)).order_by(contents.c.id, contents.c.part)
        parts: dict[UUID, list[tuple[int, bytes]]] = {}
        for content_id, part, data in await self._database.rows(statement):
            parts.setdefault(content_id, []).append((part, data))
        return {content_id: self._open(content_id, found) for content_id, found in parts.items()}

    async def first_part(self, content_id: UUID) -> bytes | None:
        """Its first PART_BYTES, or all of a smaller one; None: retention dropped it, or it does not open. A read."""
        first = (contents.c.id == content_id) & (contents.c.part == 0)
        data = await self._database.query(lambda c: c.scalar(select(contents.c.data).where(first)))
        return None if data is None else self._open(content_id, [(0, data)])

    def _open(self, content_id: UUID, parts: Sequence[tuple[int, bytes]]) -> bytes | None:
        try:
            return b"".join(self._codec.content_part(content_id, part, data) for part, data in parts)
        except KeyringError:
            self._log.error("store.unreadable", content_id=str(content_id))
            return None

    async def put_parts(self, content_id: UUID, content: bytes) -> None:
        """Stores a large content, a few parts in a transaction: one that no message follows is an orphan.

        Retiring.sweep takes those.
        """
        parts = self._codec.content_rows(content_id, content)
        while some := list(islice(parts, _PARTS_AT_ONCE)):
            await self._database.transact(partial(_insert, some))


def put(connection: Connection, codec: Codec, small: Iterable[tuple[UUID, bytes]]) -> None:
    """Stores contents that are not large, inside the write transaction of their messages."""
    if rows := [row for content_id, content in small for row in codec.content_rows(content_id, content)]:
        _insert(rows, connection)


def _insert(rows: list[dict[str, Any]], connection: Connection) -> None:
    connection.execute(insert(contents), rows)

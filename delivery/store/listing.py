"""A service's messages page by page, newest first, filtered by what no index knows: status, channel, key, template.

An index for each filter would be written with every message and every move of a status. Instead each page looks at a
bounded number of messages, in the order of the service's (or the recipient's) index, and says how far back it came.
Days and months of which the counts say that a key or a template has nothing in them are left out.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select, select

from config.database import Database
from delivery.store import leaping, searching
from delivery.store.base import Page, Search
from delivery.store.rows import Codec
from delivery.store.searching import Searching
from delivery.store.tables import messages
from messages.message import first_id, id_time

LOOK = 8_000  # messages that one statement looks at: some 20 ms
LOOKS = 4  # statements of one page: a filter that fits next to nothing costs so much, and no more


class Listing:
    """Held by whoever shows a service its messages; all of it are reads."""

    def __init__(self, database: Database, codec: Codec, look: int = LOOK) -> None:
        self._database = database
        self._codec = codec
        self._searching = Searching(database, codec)
        self._look = look

    async def page(self, search: Search, size: int, older_than: UUID | None = None) -> Page:
        """At most `size` messages of the service that `search` names, of those that are older than the one given."""
        hashes = self._codec.recipient_hashes(search.recipient) if search.recipient is not None else ()
        rows, reached = await self._database.query(lambda c: self._read(c, search, hashes, size + 1, older_than))
        found = tuple(self._searching.opened(rows[:size]))
        if len(rows) > size:
            return Page(found, older_than=rows[size - 1].id)
        return Page(found, reached, id_time(reached) if reached else None)

    def _read(
        self, connection: Connection, search: Search, hashes: Sequence[bytes], wanted: int, before: UUID | None
    ) -> tuple[list[Row[Any]], UUID | None]:
        """The rows; and the last message that was looked at, where they are too few and older ones are left."""
        if search.group_id is not None:  # few, and found by their own index
            return [*connection.execute(_between(search, hashes, None, before, wanted)).all()], None
        rows: list[Row[Any]] = []
        for _ in range(LOOKS):
            reached = connection.scalar(_reached(search, hashes, before, self._look))
            rows += connection.execute(_between(search, hashes, reached, before, wanted - len(rows))).all()
            if reached is None or len(rows) == wanted:
                return rows, None
            before = leaping.latest(connection, search, reached)
            if before is None:
                return rows, None
        return rows, before


def _reached(search: Search, hashes: Sequence[bytes], before: UUID | None, look: int) -> Select[UUID]:
    """The message that is so many back; none where there are fewer. Read from the index alone."""
    c = messages.c
    led = c.recipient_hash.in_(hashes) if hashes else c.service_id == search.service_id
    asked = select(c.id).where(led).order_by(c.id.desc()).offset(look - 1).limit(1)
    if before is not None:
        asked = asked.where(c.id < before)
    return asked if search.since is None else asked.where(c.id >= first_id(search.since))


def _between(
    search: Search, hashes: Sequence[bytes], first: UUID | None, before: UUID | None, wanted: int
) -> Select[Any]:
    asked = searching.statement(search, hashes, wanted)
    if first is not None:
        asked = asked.where(messages.c.id >= first)
    return asked if before is None else asked.where(messages.c.id < before)

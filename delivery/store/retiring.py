"""What is dropped when its time is over, in steps of some milliseconds: nobody waits long for what they lock.

What goes is chosen outside the write transactions, by the order of ids: each sweep looks at a row once. Terms stand in
delivery/terms.py.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, not_, select, tuple_

from auth import limits
from auth.notices import notices
from auth.services import services
from config.database import Database
from delivery.store import inbound, sent_index
from delivery.store.base import CONTENT_SECONDS, ROW_SECONDS
from delivery.store.mail_answers import KEPT_SECONDS, mail_answers
from delivery.store.tables import attempts, callbacks, contents, events, idempotency, messages, queue
from messages.message import first_id

START = UUID(int=0)
_AT_ONCE = 500  # rows that one write transaction drops: a few milliseconds
_MESSAGES_AT_ONCE = 100  # they have seven indexes
_BYTES_AT_ONCE = 1024 * 1024  # of contents
_LOOKED_AT = 2000  # ids that one read walks over
_DAY_SECONDS = 86_400
_ORPHAN_SECONDS = 3600.0  # no door takes so long from a large content to its messages
_ORPHANS_SECONDS = 25 * 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """How many went, and where the walk goes on; None: it is at its end."""

    gone: int
    after: UUID | None


class Retiring:
    """Held by the worker that keeps the time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def contents(self, now: float, after: UUID = START, limit: int = _LOOKED_AT) -> Step:
        """Walks over `limit` contents: what no service keeps, and no queued message needs, goes."""
        shortest = await self._database.query(lambda c: c.scalar(select(func.min(services.c.content_days))))
        until = first_id(now - (shortest or CONTENT_SECONDS / _DAY_SECONDS) * _DAY_SECONDS)
        return await self._walk(after, until, not_(_needed(now)), limit)

    async def orphans(self, now: float, after: UUID = START, limit: int = _LOOKED_AT) -> Step:
        """Likewise over those of the last day: what no message points at, a crash left behind."""
        lonely = ~select(messages.c.id).where(messages.c.content_id == contents.c.id).exists()
        since, until = first_id(now - _ORPHANS_SECONDS), first_id(now - _ORPHAN_SECONDS)
        return await self._walk(max(after, since), until, lonely, limit)

    async def _walk(self, after: UUID, until: UUID, useless: ColumnElement[bool], limit: int) -> Step:
        c = contents.c
        asked = select(c.id, useless).where(c.part == 0, c.id > after, c.id < until).order_by(c.id).limit(limit)
        seen = [tuple(row) for row in await self._database.rows(asked)]
        gone = await self.drop([content_id for content_id, is_useless in seen if is_useless])
        return Step(gone, seen[-1][0] if len(seen) == limit else None)

    async def drop(self, content_ids: list[UUID]) -> int:
        """These contents, large ones part by part, the first part last: until then they are found again."""
        c = contents.c
        for some in _some(content_ids, _AT_ONCE):
            sizes = select(c.id, c.part, func.length(c.data)).where(c.id.in_(some)).order_by(c.part.desc())
            parts = await self._database.query(partial(_all, sizes))
            for portion in _portions(parts):
                await self._delete(contents, tuple_(c.id, c.part).in_(portion))
        return len(content_ids)

    async def rows(self, now: float, limit: int = _MESSAGES_AT_ONCE) -> int:
        """Drops at most `limit` messages past their time, with all that hangs on them; their counts stay.

        What is needed to know whose a late complaint is goes into `sent_index`.
        """
        m = messages.c
        waiting = select(queue.c.message_id).where(queue.c.message_id == m.id).exists()
        columns = (m.id, m.provider_id, m.service_id, m.key_type, m.channel, m.recipient_hash, m.sent_at)
        old = select(*columns).where(m.id < first_id(now - ROW_SECONDS), ~waiting).order_by(m.id).limit(limit)
        rows = await self._database.rows(old)
        if rows:
            await self._database.transact(lambda connection: _retire(connection, rows))
        return len(rows)

    async def forget(self, now: float, limit: int = _AT_ONCE) -> int:
        """Drops at most `limit` of each other kind of row that is past its time; how many of all went."""
        gone = 0
        for work in _others(now, limit):
            gone += await self._database.transact(work)
        async with self._database.write() as connection:
            await limits.forget(connection, now)
        return gone

    async def _delete(self, table: Table, which: ColumnElement[bool]) -> int:
        return await self._database.transact(lambda connection: connection.execute(delete(table).where(which)).rowcount)


def _needed(now: float) -> ColumnElement[bool]:
    """By a message that is young enough for its service, or that waits."""
    m, is_mine = messages.c, messages.c.content_id == contents.c.id
    young = m.created_at > now - services.c.content_days * _DAY_SECONDS
    kept = select(m.id).join_from(messages, services, services.c.id == m.service_id).where(is_mine, young)
    queued = select(m.id).join(queue, queue.c.message_id == m.id).where(is_mine)
    return kept.exists() | queued.exists()


def _all(asked: Select[Any], connection: Connection) -> Sequence[Any]:
    return connection.execute(asked).all()


def _retire(connection: Connection, rows: Sequence[Any]) -> None:
    """Messages first, as all who write several."""
    ids = [row.id for row in rows]
    sent_index.keep(connection, rows)
    connection.execute(delete(messages).where(messages.c.id.in_(ids)))
    for table in (attempts, events, callbacks):
        connection.execute(delete(table).where(table.c.message_id.in_(ids)))


def _others(now: float, limit: int) -> Iterator[Callable[[Connection], int]]:
    before = now - CONTENT_SECONDS
    past = (
        (idempotency, idempotency.c.created_at < before),
        (callbacks, callbacks.c.id < first_id(before)),
        (notices, notices.c.ended_at < now - ROW_SECONDS),
        (mail_answers, mail_answers.c.received_at < now - KEPT_SECONDS),
    )
    for table, is_past in past:
        yield partial(_forget, table, select(*table.primary_key).where(is_past).limit(limit))
    yield lambda connection: inbound.forget(connection, now, limit)
    yield lambda connection: sent_index.forget(connection, now, limit)


def _forget(table: Table, chosen: Select[Any], connection: Connection) -> int:
    return connection.execute(delete(table).where(tuple_(*table.primary_key).in_(chosen))).rowcount


def _some(ids: list[UUID], limit: int) -> Iterator[list[UUID]]:
    for start in range(0, len(ids), limit):
        yield ids[start : start + limit]


def _portions(parts: Iterable[Any]) -> Iterator[list[tuple[UUID, int]]]:
    """(id, part) of what is to go, about so many octets at a time."""
    portion: list[tuple[UUID, int]] = []
    size = 0
    for content_id, part, length in parts:
        portion.append((content_id, part))
        size += length
        if size >= _BYTES_AT_ONCE or len(portion) == _AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion

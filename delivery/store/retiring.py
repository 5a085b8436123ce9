"""What is dropped when its time is over: contents, idempotency keys, callbacks, inbound texts, limit windows."""

from uuid import UUID

from sqlalchemy import Select, delete, select, tuple_

from auth import limits
from config.database import Database
from delivery.store import inbound
from delivery.store.tables import callbacks, contents, idempotency, messages, queue
from messages.message import first_id

_AT_ONCE = 500  # rows that one write transaction drops: a few milliseconds


class Retiring:
    """Held by the worker that keeps the time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def sweep(self, content_before: float, now: float, limit: int = _AT_ONCE) -> int:
        """Drops at most `limit` contents: made before `content_before`, or pointed at by no message (a day back).

        Returns how many went. Contents of queued messages stay.
        """
        # Chosen outside the write transaction: nobody waits while we look, and what is chosen can only stay useless.
        async with self._database.read() as connection:
            chosen = list(await connection.scalars(_useless(content_before, now).limit(limit)))
        if chosen:
            async with self._database.write() as connection:
                await connection.execute(delete(contents).where(contents.c.id.in_(chosen)))
        return len(chosen)

    async def forget(self, before: float, now: float, limit: int = _AT_ONCE) -> int:
        """Drops past limit windows, and at most `limit` each of idempotency keys, callbacks and inbound texts.

        Those that were made before then; callbacks also while they wait. Returns how many of the latter three went.
        """
        keys = select(*idempotency.primary_key).where(idempotency.c.created_at < before).limit(limit)
        told = select(callbacks.c.id).where(callbacks.c.id < first_id(before)).limit(limit)
        async with self._database.write() as connection:
            old_keys = delete(idempotency).where(tuple_(*idempotency.primary_key).in_(keys))
            gone = (await connection.execute(old_keys)).rowcount
            gone += (await connection.execute(delete(callbacks).where(callbacks.c.id.in_(told)))).rowcount
            gone += await connection.run_sync(inbound.forget, first_id(before), limit)
            await limits.forget(connection, now)
        return gone


def _useless(content_before: float, now: float) -> Select[tuple[UUID]]:
    """Contents past their time, and those of the last day that no message points at: a crash left them behind."""
    mine = messages.c.content_id == contents.c.id
    queued = select(messages.c.id).join(queue, queue.c.message_id == messages.c.id).where(mine)
    old = contents.c.id < first_id(content_before)
    recent = contents.c.id.between(first_id(now - 25 * 3600), first_id(now - 3600))
    orphan = recent & ~select(messages.c.id).where(mine).exists()
    return select(contents.c.id).where(contents.c.part == 0, (old & ~queued.exists()) | orphan)

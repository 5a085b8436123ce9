"""What people do to the queue, each in the transaction of whoever asks: hold, release, retry."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from delivery.queue.turns import EVERYTHING
from delivery.store.tables import holds, messages, queue


async def hold(connection: AsyncConnection, service_id: UUID | None) -> bool:
    """Stops claims for a service (None: for all); whether that is new."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(holds).values(service_id=service_id or EVERYTHING).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount > 0


async def release(connection: AsyncConnection, service_id: UUID | None) -> bool:
    """Ends such a hold, and no other; whether there was one."""
    statement = delete(holds).where(holds.c.service_id == (service_id or EVERYTHING))
    return (await connection.execute(statement)).rowcount > 0


async def retry(connection: AsyncConnection, now: float, service_id: UUID | None = None) -> int:
    """Makes deferred and throttled messages due now, not scheduled or parked ones; returns how many."""
    statement = update(queue).where(
        queue.c.owner.is_(None),
        queue.c.parked.is_(False),
        queue.c.line.is_(None),
        queue.c.available_at > now,
        ~scheduled(now),
    )
    if service_id is not None:
        statement = statement.where(queue.c.service_id == service_id)
    return (await connection.execute(statement.values(available_at=now))).rowcount


def scheduled(now: float) -> ColumnElement[bool]:
    """Whether a row of the queue waits for the time that its sender named."""
    return select(messages.c.id).where(messages.c.id == queue.c.message_id, messages.c.scheduled_for > now).exists()

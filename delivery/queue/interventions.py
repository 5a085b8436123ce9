"""What people do to the queue, each in the transaction of whoever asks: hold, release, retry, cancel."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Connection, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import INSERT
from delivery.backoff import back_seconds
from delivery.queue.base import Hold, HoldReason
from delivery.queue.turns import EVERYTHING
from delivery.store import slowing
from delivery.store.base import APART, Settlement
from delivery.store.moving import Follower, locked, settle
from delivery.store.reputations import slowed_keys
from delivery.store.tables import NOT_BEGUN, holds, messages, queue
from messages.message import Lane
from messages.status import Status


async def hold(
    connection: AsyncConnection,
    service_id: UUID | None,
    now: float,
    lanes: Collection[Lane] = tuple(Lane),
    reason: HoldReason = HoldReason.OPERATOR,
) -> bool:
    """Stops claims of these lanes of a service (None: of all); whether any of that is new."""
    owner = service_id or EVERYTHING
    rows = [{"service_id": owner, "rank": lane.rank, "reason": reason.value, "since": now} for lane in lanes]
    return (
        await connection.execute(INSERT[connection.dialect.name](holds).values(rows).on_conflict_do_nothing())
    ).rowcount > 0


async def release(
    connection: AsyncConnection,
    service_id: UUID | None,
    lanes: Collection[Lane] = tuple(Lane),
    reason: HoldReason | None = None,
) -> bool:
    """Ends such holds, whatever their reason where none is named, and no other ones; whether there was one."""
    mine = (holds.c.service_id == (service_id or EVERYTHING), holds.c.rank.in_([lane.rank for lane in lanes]))
    statement = delete(holds).where(*mine)
    if reason is not None:
        statement = statement.where(holds.c.reason == reason.value)
    return (await connection.execute(statement)).rowcount > 0


async def held(connection: AsyncConnection, service_id: UUID | None = None) -> list[Hold]:
    """Every hold; or a service's, with those of all services. The oldest first."""
    asked = select(holds).order_by(holds.c.since, holds.c.service_id, holds.c.rank, holds.c.reason)
    if service_id is not None:
        asked = asked.where(holds.c.service_id.in_((service_id, EVERYTHING)))
    return [
        Hold(
            None if row.service_id == EVERYTHING else row.service_id,
            Lane.of(row.rank),
            HoldReason(row.reason),
            row.since,
        )
        for row in await connection.execute(asked)
    ]


async def reasons(connection: AsyncConnection, service_id: UUID) -> list[HoldReason]:
    """Why something of a service is held, alone or with all others."""
    return sorted({each.reason for each in await held(connection, service_id)})


def to_be_retried(now: float) -> ColumnElement[bool]:
    """Of a row in the queue: deferred and throttled messages, not scheduled, slowed, parked ones, or those in line."""
    q = queue.c
    return and_(to_be_held(), q.available_at > now, ~scheduled(now), ~_slowed())


def to_be_held() -> ColumnElement[bool]:
    """Likewise: what nobody has claimed, and nobody holds apart; not what is parked or in line."""
    q = queue.c
    return and_(q.owner.is_(None), q.parked.is_(False), q.line.is_(None), q.available_at < APART)


def to_be_released() -> ColumnElement[bool]:
    """Likewise: what is held apart."""
    return queue.c.available_at == APART


async def hold_apart(connection: AsyncConnection, message_ids: Collection[UUID]) -> int:
    """Stops claims of these messages, whatever else is held; returns of how many."""
    statement = update(queue).where(queue.c.message_id.in_(message_ids), to_be_held())
    return (await connection.execute(statement.values(available_at=APART))).rowcount


async def release_apart(connection: AsyncConnection, now: float, message_ids: Collection[UUID]) -> int:
    """They are due now, or when their senders named; what a slowed key sent, at its pace again. Returns how many."""
    return await connection.run_sync(_release_apart, now, message_ids)


def _release_apart(connection: Connection, now: float, message_ids: Collection[UUID]) -> int:
    m, q = messages.c, queue.c
    apart = (q.message_id.in_(message_ids), to_be_released())
    theirs = select(q.message_id, m.key_id, q.rank).join(messages, m.id == q.message_id).where(*apart, _slowed())
    rows = connection.execute(theirs.order_by(m.key_id, q.rank, q.message_id)).all()
    due: dict[UUID, float] = {}
    for (key_id, rank), of_one in groupby(rows, key=lambda row: (row.key_id, row.rank)):
        ids = [row.message_id for row in of_one]
        due |= zip(ids, slowing.places(connection, key_id, Lane.of(rank), len(ids), now), strict=True)
    named = select(m.scheduled_for).where(m.id == q.message_id, m.scheduled_for > now).scalar_subquery()
    released = connection.execute(update(queue).where(*apart).values(available_at=func.coalesce(named, now))).rowcount
    paced = update(queue).where(q.message_id == bindparam("b_message"), q.owner.is_(None))
    paced = paced.where(q.available_at < bindparam("b_due")).values(available_at=bindparam("b_due"))
    if due:
        connection.execute(paced, [{"b_message": each, "b_due": at} for each, at in sorted(due.items())])
    return released


def to_be_cancelled() -> ColumnElement[bool]:
    """Likewise: of which no attempt is under way, or ended nobody knows how."""
    return queue.c.attempt_id.is_(None)


def to_be_expired(now: float, unknown_wait_seconds: float) -> ColumnElement[bool]:
    """Likewise: past its time, and nobody has it, nor waits for news of it."""
    q = queue.c
    is_nobodys = and_(q.owner.is_(None), q.attempt_id.is_(None))
    is_free = and_(NOT_BEGUN, or_(is_nobodys, q.available_at <= now))
    return and_(or_(is_free, _is_left(now - unknown_wait_seconds)), _of_message(messages.c.expires_at) <= now)


async def park_left(
    connection: AsyncConnection, message_ids: Collection[UUID], now: float, unknown_wait_seconds: float
) -> set[UUID]:
    """Those of them whose owner died, or was away, while it sent them; in a held lane no claim does it. Which."""
    mine = (queue.c.message_id.in_(message_ids), _is_left(now - unknown_wait_seconds))
    until = now + back_seconds(unknown_wait_seconds)
    parked = update(queue).where(*mine).values(owner=None, parked=True, available_at=until)
    return set(await connection.scalars(parked.returning(queue.c.message_id)))


def _is_left(since: float) -> ColumnElement[bool]:
    """Its owner died while it sent it: the lease has been over since then."""
    return and_(~NOT_BEGUN, queue.c.available_at <= since)


async def retry(connection: AsyncConnection, now: float, message_ids: Collection[UUID]) -> int:
    """Makes those of them that are `to_be_retried` due now; returns how many."""
    statement = update(queue).where(queue.c.message_id.in_(message_ids), to_be_retried(now))
    return (await connection.execute(statement.values(available_at=now))).rowcount


async def cancel(
    connection: AsyncConnection, message_ids: Collection[UUID], now: float, followers: Sequence[Follower]
) -> set[UUID]:
    """Ends those of the messages that no attempt was made for or is under way; returns which.

    A worker that has claimed one, and not begun, finds it gone: of an attempt and this, one comes first and holds.
    """
    return await connection.run_sync(_cancel, message_ids, now, followers)


def _cancel(
    connection: Connection, message_ids: Collection[UUID], now: float, followers: Sequence[Follower]
) -> set[UUID]:
    rows = {each: row for each, row in locked(connection, message_ids).items() if row.status == Status.CREATED}
    # An unknown end keeps its attempt's id: what may have left is not taken back.
    waiting = delete(queue).where(queue.c.message_id == bindparam("message"), to_be_cancelled())
    # One by one, in the order of all who take several: with nothing but the right to delete them.
    chosen = [each for each in sorted(rows) if connection.execute(waiting, {"message": each}).rowcount]
    ends = [Settlement(each, Status.CANCELLED, now) for each in chosen]
    return {moved.message_id for moved in settle(connection, rows, ends, followers)}


def scheduled(now: float) -> ColumnElement[bool]:
    """Whether a row of the queue waits for the time that its sender named."""
    return func.coalesce(_of_message(messages.c.scheduled_for), 0.0) > now


def _slowed() -> ColumnElement[bool]:
    """Whether a row of the queue waits for a place that its slowed key was given, and was not tried since."""
    return and_(queue.c.attempts == 0, _of_message(messages.c.key_id).in_(select(slowed_keys.c.key_id)))


def _of_message(column: Column[Any]) -> ColumnElement[Any]:
    """Of a row of the queue. A value, and no EXISTS, for which PostgreSQL reads all messages that there are."""
    return select(column).where(messages.c.id == queue.c.message_id).correlate(queue).scalar_subquery()

"""The queue in SQLite and PostgreSQL. The two differ in the claim only."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Database
from delivery.queue.base import Claim, Depth
from delivery.store.tables import holds, queue
from messages.message import Lane

_LANE = {lane.rank: lane for lane in Lane}
_EVERYTHING = UUID(int=0)


class SqlQueue:
    """Implements delivery.queue.base.Queue. See there for what each method promises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, owner: str, limit: int, now: float, lease_seconds: float, unknown_wait_seconds: float
    ) -> list[Claim]:
        if not await self._anything_due(now):
            return []  # an idle worker never takes the write lock
        claims: list[Claim] = []
        async with self._database.write() as connection:
            for rank in sorted(_LANE):
                if len(claims) >= limit:
                    break
                claims += await self._claim_lane(
                    connection, rank, owner, limit - len(claims), now, lease_seconds, unknown_wait_seconds
                )
        return claims

    async def _anything_due(self, now: float) -> bool:
        # Per lane, so that the index (rank, available_at) answers at once.
        due = [_due(rank, now) for rank in sorted(_LANE)]
        statement = select(*(select(queue.c.message_id).where(*where).limit(1).scalar_subquery() for where in due))
        async with self._database.read() as connection:
            return any(found is not None for found in (await connection.execute(statement)).one())

    async def _claim_lane(
        self,
        connection: AsyncConnection,
        rank: int,
        owner: str,
        limit: int,
        now: float,
        lease_seconds: float,
        unknown_wait_seconds: float,
    ) -> list[Claim]:
        due = select(queue.c.message_id).where(*_due(rank, now)).order_by(queue.c.available_at).limit(limit)
        if not self._database.is_sqlite:
            # Rows that another worker is claiming at this moment are passed over, not waited for. On SQLite the write
            # transaction is exclusive already.
            due = due.with_for_update(skip_locked=True)
        statement = (
            update(queue)
            .where(queue.c.message_id.in_(due))
            .values(owner=owner, available_at=now + lease_seconds)
            .returning(queue.c.message_id, queue.c.attempts, queue.c.attempt_id, queue.c.attempted_at, queue.c.parked)
        )
        claims, dead = [], []
        for row in await connection.execute(statement):
            if row.attempt_id is not None and not row.parked:
                dead.append((row.message_id, row.attempted_at + unknown_wait_seconds))
            else:
                claims.append(Claim(row.message_id, _LANE[rank], row.attempts, unknown=row.parked))
        for message_id, until in dead:
            park = update(queue).where(queue.c.message_id == message_id)
            await connection.execute(park.values(owner=None, parked=True, available_at=until))
        return claims

    async def release(self, owner: str, now: float) -> int:
        async with self._database.write() as connection:
            statement = update(queue).where(queue.c.owner == owner).values(owner=None, available_at=now)
            return (await connection.execute(statement)).rowcount

    async def give_back(self, message_ids: Sequence[UUID], until: float) -> None:
        async with self._database.write() as connection:
            statement = update(queue).where(queue.c.message_id.in_(message_ids))
            await connection.execute(statement.values(owner=None, available_at=until))

    async def hold(self, service_id: UUID | None) -> None:
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        async with self._database.write() as connection:
            await connection.execute(
                insert(holds).values(service_id=service_id or _EVERYTHING).on_conflict_do_nothing()
            )

    async def unhold(self, service_id: UUID | None) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(holds).where(holds.c.service_id == (service_id or _EVERYTHING)))

    async def retry(self, now: float, service_id: UUID | None = None) -> int:
        statement = update(queue).where(
            queue.c.owner.is_(None), queue.c.attempts > 0, queue.c.parked.is_(False), queue.c.available_at > now
        )
        if service_id is not None:
            statement = statement.where(queue.c.service_id == service_id)
        async with self._database.write() as connection:
            return (await connection.execute(statement.values(available_at=now))).rowcount

    async def depth(self, now: float) -> dict[Lane, Depth]:
        statement = (
            select(queue.c.rank, func.count(), func.min(queue.c.available_at))
            .where(queue.c.available_at <= now)
            .group_by(queue.c.rank)
        )
        async with self._database.read() as connection:
            found = {rank: Depth(count, now - oldest) for rank, count, oldest in await connection.execute(statement)}
        return {lane: found.get(lane.rank, Depth(0, 0.0)) for lane in Lane}


def _due(rank: int, now: float) -> tuple[ColumnElement[bool], ...]:
    held = select(holds.c.service_id)
    everything = select(holds.c.service_id).where(holds.c.service_id == _EVERYTHING)
    return (
        queue.c.rank == rank,
        queue.c.available_at <= now,
        queue.c.service_id.not_in(held),
        ~everything.exists(),
    )

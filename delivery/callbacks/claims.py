"""Callback rows: who sends which, and what came of it. On SQLite and PostgreSQL with the same statements.

A claim leases a row and counts the attempt; the count also tells a late owner's word from that of the next one.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Database, is_outage
from delivery.callbacks.calls import CallOutcome
from delivery.commit import GroupCommit
from delivery.store.tables import callback_urls, callbacks
from messages.message import first_id
from messages.status import FINAL, MOVES, Status

_DAY_SECONDS = 86400.0
GIVE_UP_SECONDS = _DAY_SECONDS  # after the row was made


@dataclass(frozen=True, slots=True)
class CallbackClaim:
    """A row that is ours until `until`."""

    id: UUID
    service_id: UUID
    message_id: UUID
    status: Status
    reason: str | None
    at: float
    attempt: int  # 1 or more
    until: float

    @property
    def gives_up_at(self) -> float:
        return (self.id.int >> 80) / 1000 + GIVE_UP_SECONDS  # RFC 9562 5.7: its first 48 bits are when it was made


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a claim; `until` is set for DEFERRED only."""

    claim: CallbackClaim
    outcome: CallOutcome
    at: float
    reason: str | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a service is still to hear, and what it missed."""

    waiting: int
    failed_last_day: int
    last_outcome: str | None  # of the newest callback that was tried, in the last two days


class Claims:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._due_services = _due_services()
        self._claim_of_service = _claim_of_service(skip_locked=not database.is_sqlite)
        self._verdicts: GroupCommit[Verdict, None] = GroupCommit(database.transact, _write, is_outage=is_outage)

    async def claim(
        self, owner: str, limit: int, per_service: int, under_way: Mapping[UUID, int], now: float, lease_seconds: float
    ) -> list[CallbackClaim]:
        """At most `limit` due rows, and of a service at most `per_service` with those it has `under_way`.

        Each row has one owner at a time, whatever the number of processes; one whose owner died is free again when its
        lease has run out. A row waits for those that tell an earlier status of the same message.
        """
        due: list[UUID] = await self._database.query(lambda c: list(c.scalars(self._due_services, {"now": now})))
        # Who has the fewest calls under way comes first: receivers that hang do not keep the others waiting.
        services = sorted(
            (service for service in due if under_way.get(service, 0) < per_service),
            key=lambda service: (under_way.get(service, 0), random.random()),  # noqa: S311
        )[:limit]
        if not services:
            return []  # an idle sender never takes the write lock
        share = max(1, limit // len(services))
        wanted = {service: min(share, per_service - under_way.get(service, 0)) for service in services}
        values = {"now": now, "owner": owner, "until": now + lease_seconds}
        return await self._database.transact(partial(self._claim, wanted, values))

    def _claim(
        self, wanted: Mapping[UUID, int], values: Mapping[str, Any], connection: Connection
    ) -> list[CallbackClaim]:
        claims = []
        for service, limit in wanted.items():
            rows = connection.execute(self._claim_of_service, {**values, "service": service, "limit": limit})
            claims += [_opened(row) for row in rows]
        return claims

    async def record(self, verdict: Verdict) -> None:
        """Writes what came of a claim, unless the row has another owner by now. Concurrent calls share a commit."""
        await self._verdicts.submit(verdict)

    async def drain(self) -> None:
        """Returns when all that was recorded is written."""
        await self._verdicts.drain()

    async def end_removed(self, now: float) -> int:
        """Ends the rows of services that have no callback URL any more; returns how many."""
        orphan = callbacks.c.available_at.is_not(None) & callbacks.c.service_id.not_in(
            select(callback_urls.c.service_id)
        )
        if await self._database.query(lambda c: c.scalar(select(callbacks.c.id).where(orphan).limit(1))) is None:
            return 0
        ended = {"available_at": None, "owner": None, "ended_at": now, "outcome": CallOutcome.REMOVED.value}
        statement = update(callbacks).where(orphan).values(ended)
        return await self._database.transact(lambda c: c.execute(statement).rowcount)


async def backlog(connection: AsyncConnection, service_id: UUID, now: float) -> Backlog:
    """What is shown to people. A read."""
    c = callbacks.c
    # A row ends about a day after it was made at the latest, and ids sort by that time.
    recent = c.id >= first_id(now - 2 * _DAY_SECONDS)
    mine = c.service_id == service_id
    waiting = select(func.count()).where(mine, c.available_at.is_not(None))
    missed = c.outcome.startswith(CallOutcome.FAILED.value) & (c.ended_at > now - _DAY_SECONDS)
    failed = select(func.count()).where(mine, recent, missed)
    last = select(c.outcome).where(mine, recent, c.outcome.is_not(None)).order_by(c.id.desc()).limit(1)
    return Backlog(
        (await connection.execute(waiting)).scalar_one(),
        (await connection.execute(failed)).scalar_one(),
        await connection.scalar(last),
    )


def _opened(row: Any) -> CallbackClaim:
    return CallbackClaim(
        row.id, row.service_id, row.message_id, Status(row.status), row.reason, row.at, row.attempts, row.until
    )


def _due(row: FromClause) -> ColumnElement[bool]:
    """Due, and nothing that the same message told before is still to be told."""
    other = callbacks.alias("earlier")
    # Statuses only move on, and never twice to the same one: which is earlier stands in the table of legal moves.
    moved_on = or_(
        *(
            and_(row.c.status == new.value, other.c.status.in_([old.value for old in FINAL if new in MOVES[old]]))
            for new in FINAL
        )
    )
    earlier = select(other.c.id).where(other.c.message_id == row.c.message_id, other.c.available_at.is_not(None))
    return and_(row.c.available_at <= bindparam("now", type_=Double), ~earlier.where(moved_on).exists())


def _due_services() -> Select[Any]:
    row = callbacks.alias("due")
    any_due = select(row.c.id).where(row.c.service_id == callback_urls.c.service_id, _due(row)).exists()
    return select(callback_urls.c.service_id).where(any_due)


def _claim_of_service(*, skip_locked: bool) -> Any:
    row = callbacks.alias("due")
    due = select(row.c.id).where(row.c.service_id == bindparam("service"), _due(row)).order_by(row.c.available_at)
    due = due.limit(bindparam("limit", type_=Integer))
    if skip_locked:
        # Rows that another sender is claiming at this moment are passed over, not waited for. On SQLite the write
        # transaction is exclusive already.
        due = due.with_for_update(skip_locked=True, of=row)
    c = callbacks.c
    return (
        update(callbacks)
        .where(c.id.in_(due))
        .values(owner=bindparam("owner"), available_at=bindparam("until", type_=Double), attempts=c.attempts + 1)
        .returning(
            c.id, c.service_id, c.message_id, c.status, c.reason, c.at, c.attempts, c.available_at.label("until")
        )
    )


_VERDICT = (
    update(callbacks)
    .where(
        callbacks.c.id == bindparam("b_id"),
        callbacks.c.attempts == bindparam("b_attempt"),
        callbacks.c.available_at.is_not(None),
    )
    .values(
        owner=None, available_at=bindparam("b_until"), ended_at=bindparam("b_ended_at"), outcome=bindparam("b_outcome")
    )
)


def _write(connection: Connection, verdicts: Sequence[Verdict]) -> Sequence[Exception | None]:
    # One order for all writers, or two of them could lock each other out.
    connection.execute(_VERDICT, [_row(verdict) for verdict in sorted(verdicts, key=lambda each: each.claim.id)])
    return [None] * len(verdicts)


def _row(verdict: Verdict) -> dict[str, Any]:
    outcome = verdict.outcome.value
    return {
        "b_id": verdict.claim.id,
        "b_attempt": verdict.claim.attempt,
        "b_until": verdict.until,
        "b_ended_at": verdict.at if verdict.until is None else None,
        "b_outcome": f"{outcome} {verdict.reason}" if verdict.reason else outcome,
    }

"""Callback rows: who sends which, and what came of it. On SQLite and PostgreSQL with the same statements.

A claim leases a row and counts the attempt; the count also tells a late owner's word from that of the next one.
"""

import random
from collections import Counter
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
    Text,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Database, is_outage
from delivery.callbacks import health
from delivery.callbacks.bodies import Told
from delivery.callbacks.calls import CallOutcome
from delivery.callbacks.health import Call
from delivery.callbacks.owner import Change, Inform, nobody
from delivery.commit import GroupCommit
from delivery.store.base import CONTENT_SECONDS, CallbackKind
from delivery.store.tables import callback_urls, callbacks
from messages.message import first_id, id_time
from messages.status import Status

_DAY_SECONDS = 86400.0
GIVE_UP_SECONDS = _DAY_SECONDS  # after the row was made, and its URL failed last
KEPT_SECONDS = CONTENT_SECONDS  # after that it waits for no URL: then its feed has forgotten it, too


@dataclass(frozen=True, slots=True)
class CallbackClaim:
    """A row that is ours until `until`."""

    service_id: UUID
    told: Told
    attempt: int  # 1 or more
    until: float
    probe: bool = False  # of a URL that is suspended

    @property
    def id(self) -> UUID:
        return self.told.id

    @property
    def url(self) -> tuple[UUID, CallbackKind]:
        return self.service_id, self.told.kind

    @property
    def made_at(self) -> float:
        return id_time(self.id)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a claim; `until` is set for DEFERRED only.

    `called` is False where the receiver was not asked; `seconds` is how long the call took.
    """

    claim: CallbackClaim
    outcome: CallOutcome
    at: float
    reason: str | None = None
    until: float | None = None
    called: bool = True
    http_status: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a service is still to hear at a URL, and what it missed."""

    waiting: int
    failed_last_day: int
    last_outcome: str | None  # of the newest callback that was tried, in the last two days


@dataclass(frozen=True, slots=True)
class _DueUrl:
    service_id: UUID
    kind: str
    url: str
    suspended: bool


class Claims:
    """One per process. `inform` is told of each URL that is suspended or resumed, in the transaction that does it."""

    def __init__(self, database: Database, inform: Inform = nobody) -> None:
        self._database = database
        self._due_urls = _due_urls()
        self._claim_of_url = _claim_of_url(skip_locked=not database.is_sqlite)
        self._verdicts: GroupCommit[Verdict, Change | None] = GroupCommit(
            database.transact, partial(_write, inform), is_outage=is_outage
        )

    async def claim(
        self, owner: str, limit: int, per_service: int, under_way: Mapping[UUID, int], now: float, lease_seconds: float
    ) -> list[CallbackClaim]:
        """At most `limit` due rows, and of a service at most `per_service` with those it has `under_way`.

        Each row has one owner at a time, whatever the number of processes; one whose owner died is free again when its
        lease has run out. A row waits for those that its URL is to be told earlier of the same message. Of a URL that
        is suspended one row is given, when it is time to probe.
        """
        rows = await self._database.query(lambda c: c.execute(self._due_urls, {"now": now}).all())
        # Who has the fewest calls under way comes first: receivers that hang do not keep the others waiting.
        due = sorted(
            (_DueUrl(*row) for row in rows if under_way.get(row.service_id, 0) < per_service),
            key=lambda url: (under_way.get(url.service_id, 0), random.random()),  # noqa: S311
        )[:limit]
        if not due:
            return []  # an idle sender never takes the write lock
        values = {"now": now, "owner": owner, "until": now + lease_seconds}
        wanted = _shares(due, limit, per_service, under_way)
        return await self._database.transact(partial(self._claim, wanted, values))

    def _claim(
        self, wanted: Sequence[tuple[_DueUrl, int]], values: Mapping[str, Any], connection: Connection
    ) -> list[CallbackClaim]:
        claims = []
        for url, limit in wanted:
            if url.suspended and not health.take_probe(connection, url.service_id, url.kind, values):
                continue
            of_url = {"service": url.service_id, "kind_of_url": url.kind, "url": url.url, "limit": limit}
            claims += [
                _opened(row, url.suspended) for row in connection.execute(self._claim_of_url, {**values, **of_url})
            ]
        return claims

    async def record(self, verdict: Verdict) -> Change | None:
        """Writes what came of a claim, unless the row has another owner by now. Concurrent calls share a commit.

        Returns whether its URL was suspended or resumed by it.
        """
        return await self._verdicts.submit(verdict)

    async def drain(self) -> None:
        """Returns when all that was recorded is written."""
        await self._verdicts.drain()

    async def end_removed(self, now: float) -> int:
        """Ends the rows of which there is no callback URL any more; returns how many."""
        c = callback_urls.c
        there = select(c.id).where(c.service_id == callbacks.c.service_id, c.kind == callbacks.c.kind)
        orphan = callbacks.c.available_at.is_not(None) & ~there.exists()
        if await self._database.query(lambda c: c.scalar(select(callbacks.c.id).where(orphan).limit(1))) is None:
            return 0
        ended = {"available_at": None, "owner": None, "ended_at": now, "outcome": CallOutcome.REMOVED.value}
        statement = update(callbacks).where(orphan).values(ended)
        return await self._database.transact(lambda c: c.execute(statement).rowcount)


async def backlog(connection: AsyncConnection, service_id: UUID, kind: CallbackKind, now: float) -> Backlog:
    """What is shown to people. A read."""
    c = callbacks.c
    # A row ends about a day after it was made at the latest, and ids sort by that time.
    recent = c.id >= first_id(now - 2 * _DAY_SECONDS)
    mine = and_(c.service_id == service_id, c.kind == kind.value)
    waiting = select(func.count()).where(mine, c.available_at.is_not(None))
    missed = c.outcome.startswith(CallOutcome.FAILED.value) & (c.ended_at > now - _DAY_SECONDS)
    failed = select(func.count()).where(mine, recent, missed)
    last = select(c.outcome).where(mine, recent, c.outcome.is_not(None)).order_by(c.id.desc()).limit(1)
    return Backlog(
        (await connection.execute(waiting)).scalar_one(),
        (await connection.execute(failed)).scalar_one(),
        await connection.scalar(last),
    )


def _shares(
    due: Sequence[_DueUrl], limit: int, per_service: int, under_way: Mapping[UUID, int]
) -> list[tuple[_DueUrl, int]]:
    share = max(1, limit // len(due))
    taken: Counter[UUID] = Counter(under_way)
    shares = []
    for url in due:
        number = min(1 if url.suspended else share, per_service - taken[url.service_id])
        if number > 0:  # a service has one share for all its URLs
            taken[url.service_id] += number
            shares.append((url, number))
    return shares


def _opened(row: Any, probe: bool) -> CallbackClaim:
    status = None if row.status is None else Status(row.status)
    told = Told(row.id, CallbackKind(row.kind), row.message_id, row.source_id, status, row.reason, row.at)
    return CallbackClaim(row.service_id, told, row.attempts, row.until, probe)


def _due(row: FromClause, url: ColumnElement[str]) -> ColumnElement[bool]:
    """Due, and nothing that is earlier in the feed is still to be told to that URL of the same message."""
    other, theirs = callbacks.alias("earlier"), callback_urls.alias("theirs")
    # Statuses of a message move one after the other, each in its transaction: their positions are in order.
    before = or_(other.c.position < row.c.position, and_(other.c.position == row.c.position, other.c.id < row.c.id))
    same_url = and_(theirs.c.service_id == other.c.service_id, theirs.c.kind == other.c.kind, theirs.c.url == url)
    waiting = and_(other.c.message_id == row.c.message_id, other.c.available_at.is_not(None))
    # The offset keeps PostgreSQL from joining each row with all that wait: those of its message are found by index.
    earlier = select(other.c.id).where(waiting, before, same_url).offset(0).correlate(row, callback_urls)
    return and_(row.c.available_at <= bindparam("now", type_=Double), ~earlier.exists())


def _due_urls() -> Select[Any]:
    row, c = callbacks.alias("due"), callback_urls.c
    any_due = select(row.c.id).where(row.c.service_id == c.service_id, row.c.kind == c.kind, _due(row, c.url)).exists()
    callable_ = or_(c.suspended_at.is_(None), c.probe_at <= bindparam("now", type_=Double))
    suspended = c.suspended_at.is_not(None)
    return select(c.service_id, c.kind, c.url, suspended.label("suspended")).where(callable_, any_due)


def _claim_of_url(*, skip_locked: bool) -> Any:
    row = callbacks.alias("due")
    of_url = and_(row.c.service_id == bindparam("service"), row.c.kind == bindparam("kind_of_url"))
    due = select(row.c.id).where(of_url, _due(row, bindparam("url", type_=Text))).order_by(row.c.available_at)
    due = due.limit(bindparam("limit", type_=Integer))
    if skip_locked:
        # Rows that another sender is claiming at this moment are passed over, not waited for. On SQLite the write
        # transaction is exclusive already.
        due = due.with_for_update(skip_locked=True, of=row)
    c = callbacks.c
    told = (c.id, c.service_id, c.kind, c.message_id, c.source_id, c.status, c.reason, c.at)
    return (
        update(callbacks)
        .where(c.id.in_(due))
        .values(owner=bindparam("owner"), available_at=bindparam("until", type_=Double), attempts=c.attempts + 1)
        .returning(*told, c.attempts, c.available_at.label("until"))
    )


_VERDICT = (
    update(callbacks)
    .where(
        callbacks.c.id == bindparam("b_id"),
        callbacks.c.attempts == bindparam("b_attempt"),
        callbacks.c.available_at.is_not(None),
    )
    .values(
        owner=None,
        available_at=bindparam("b_until"),
        ended_at=bindparam("b_ended_at"),
        outcome=bindparam("b_outcome"),
        called_at=func.coalesce(bindparam("b_called_at", type_=Double), callbacks.c.called_at),
        seconds=func.coalesce(bindparam("b_seconds", type_=Double), callbacks.c.seconds),
        http_status=bindparam("b_http_status", type_=Integer),
    )
)


def _write(inform: Inform, connection: Connection, verdicts: Sequence[Verdict]) -> Sequence[Change | Exception | None]:
    # One order for all writers, or two of them could lock each other out: rows, then URLs.
    connection.execute(_VERDICT, [_row(verdict) for verdict in sorted(verdicts, key=lambda each: each.claim.id)])
    calls = [
        Call(*each.claim.url, each.at, each.outcome is CallOutcome.DONE, each.reason, each.claim.probe)
        for each in verdicts
        if each.called
    ]
    changes = health.note(connection, calls, inform)
    return [changes.pop(verdict.claim.url, None) for verdict in verdicts]  # told to one of them


def _row(verdict: Verdict) -> dict[str, Any]:
    outcome = verdict.outcome.value
    return {
        "b_id": verdict.claim.id,
        "b_attempt": verdict.claim.attempt,
        "b_until": verdict.until,
        "b_ended_at": verdict.at if verdict.until is None else None,
        "b_outcome": f"{outcome} {verdict.reason}" if verdict.reason else outcome,
        "b_called_at": verdict.at if verdict.called else None,  # else the last call stays what it was
        "b_seconds": verdict.seconds if verdict.called else None,
        "b_http_status": verdict.http_status,
    }

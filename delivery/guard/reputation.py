"""Looks at what came back of each service's mail, and holds its lanes, warns, and lifts what it held.

Figures are those of the mail that was accepted in the last day: what was delivered or put off for good as the counts
have it, and what bounced or was complained of. Test keys are in none of them. A hold and its letter are written in the
transaction of the judgement, with an entry of the audit.
"""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Row, delete, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import audit, notices
from auth.audit import Actor
from auth.notices import Kind, Notice
from config.database import INSERT, Database
from delivery.figures.tables import count_changes, counts
from delivery.guard.judging import NONE, WINDOW_SECONDS, Figures, Reputation
from delivery.metrics import GuardMetrics
from delivery.queue import interventions
from delivery.queue.base import HoldReason
from delivery.store.reputations import Level, Measure, reputation_changes, reputations
from messages.message import Channel, KeyType, Lane
from messages.status import Status

ACTOR = Actor("relay", "guard")
HELD_LANES = (Lane.NORMAL, Lane.BULK)  # one-time codes go on
_KEPT_SECONDS = 2 * WINDOW_SECONDS
_HOUR_SECONDS = 3600  # the shortest time that `counts` tells apart
_Key = tuple[UUID, Measure]


class ReputationGuard:
    """One process of all machines is at it at a time."""

    def __init__(self, database: Database, metrics: GuardMetrics, now: Callable[[], float]) -> None:
        self._database = database
        self._metrics = metrics
        self._now = now
        self._log = structlog.get_logger("guard")

    async def step(self) -> None:
        """Judges every service of which something came back, or that was judged before."""
        now = self._now()
        figures, known = await self._database.query(lambda connection: _read(connection, now))
        for key in sorted(figures.keys() | known.keys()):
            before = known.get(key) or Reputation(*key)
            if before.level is not Level.FINE or _is_news(before, figures.get(key, NONE), now):
                await self._judge(before, figures.get(key, NONE), now)
        await self._database.transact(lambda connection: _forget(connection, now))

    async def _judge(self, before: Reputation, figures: Figures, now: float) -> None:
        reason = HoldReason(before.measure.value)
        async with self._database.write() as connection:
            is_held = any(each.reason is reason for each in await interventions.held(connection, before.service_id))
            after = before.judged(figures, now, still_held=is_held)
            if after == before:
                return
            await connection.run_sync(_keep, after)
            if after.level is Level.HELD:
                await interventions.hold(connection, after.service_id, now, HELD_LANES, reason)
            elif before.level is Level.HELD and is_held:
                await interventions.release(connection, after.service_id, reason=reason)
            if before.level is not Level.HELD or is_held:  # of what an operator released nobody needs to be told
                await _tell(connection, before, after)
        self._metrics.judgements.labels(after.measure.value, after.level.value).inc()
        said = {"service_id": str(after.service_id), "measure": after.measure.value, "bad": figures.bad}
        self._log.warning("guard.judged", **said, sent=figures.sent, before=before.level.value, after=after.level.value)


def _is_news(before: Reputation, figures: Figures, now: float) -> bool:
    return before.judged(figures, now, still_held=True) != before


async def _tell(connection: AsyncConnection, before: Reputation, after: Reputation) -> None:
    """The owner and the operators, by letters, of a warning, a hold and its end; the audit of holds."""
    change = "lifted" if before.level is Level.HELD else after.level.value
    if change == Level.FINE.value:
        return
    said: dict[str, Any] = {"measure": after.measure.value, "change": change}
    said |= {"bad": after.figures.bad, "sent": after.figures.sent}
    if change == "lifted":
        said["still"] = await interventions.reasons(connection, after.service_id)
    about = f"{after.service_id} {after.measure} {change} {after.since}"
    notice = Notice(Kind.REPUTATION, about, after.service_id, said, after.since)
    await connection.run_sync(notices.note, [notice])
    if change == Level.WARNED.value:
        return
    lanes = {"lanes": [lane.value for lane in HELD_LANES], "reason": after.measure.value}
    await audit.add(
        connection,
        ACTOR,
        after.since,
        action="queue.release" if change == "lifted" else "queue.hold",
        object_kind="queue",
        object_id=after.service_id,
        service_id=after.service_id,
        before=lanes if change == "lifted" else None,
        after=None if change == "lifted" else lanes | {"bad": after.figures.bad, "sent": after.figures.sent},
    )


# -- In a transaction ----------------------------------------------------------------------------------------------
def _read(connection: Connection, now: float) -> tuple[dict[_Key, Figures], dict[_Key, Reputation]]:
    since = int(now - WINDOW_SECONDS)
    c = reputation_changes.c
    told = select(c.service_id, c.measure, func.sum(c.messages)).where(c.start >= since)
    bad = {
        (service_id, Measure(measure)): int(number)
        for service_id, measure, number in connection.execute(told.group_by(c.service_id, c.measure))
    }
    known = {
        (each.service_id, each.measure): each for each in map(_reputation, connection.execute(select(reputations)))
    }
    others = _not_bounced(connection, {service_id for service_id, _ in bad.keys() | known.keys()}, since)
    figures = {}
    for service_id, measure in bad.keys() | known.keys():
        sent = others.get(service_id, 0) + bad.get((service_id, Measure.BOUNCES), 0)
        figures[service_id, measure] = Figures(bad.get((service_id, measure), 0), sent)
    return figures, known


def _not_bounced(connection: Connection, service_ids: Collection[UUID], since: int) -> dict[UUID, int]:
    """Emails of that time whose end is known and was no permanent bounce. What was never sent counts for nothing.

    An hour of which a part is of that time counts as a whole: what came back of that part does.
    """
    ends = [Status.DELIVERED.value, Status.TEMPORARY_FAILURE.value]
    asked = union_all(
        *(
            select(c.service_id, func.sum(c.messages))
            .where(c.service_id.in_(service_ids), c.start > since - _HOUR_SECONDS, c.status.in_(ends))
            .where(c.channel == Channel.EMAIL.value, c.key_type != KeyType.TEST.value)
            .group_by(c.service_id)
            for c in (counts.c, count_changes.c)
        )
    )
    found: dict[UUID, int] = {}
    for service_id, number in connection.execute(asked) if service_ids else ():
        found[service_id] = found.get(service_id, 0) + int(number)
    return found


def _reputation(row: Row[Any]) -> Reputation:
    return Reputation(
        row.service_id,
        Measure(row.measure),
        Level(row.level),
        row.since,
        Figures(row.bad, row.sent),
        row.acted_at,
        Figures(row.forgiven_bad, row.forgiven_sent),
    )


def _keep(connection: Connection, judged: Reputation) -> None:
    row = {
        "service_id": judged.service_id,
        "measure": judged.measure.value,
        "level": judged.level.value,
        "since": judged.since,
        "bad": judged.figures.bad,
        "sent": judged.figures.sent,
        "acted_at": judged.acted_at,
        "forgiven_bad": judged.forgiven.bad,
        "forgiven_sent": judged.forgiven.sent,
    }
    statement = INSERT[connection.dialect.name](reputations).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=list(reputations.primary_key), set_=row))


def _forget(connection: Connection, now: float) -> None:
    connection.execute(delete(reputation_changes).where(reputation_changes.c.start < int(now - _KEPT_SECONDS)))
    settled = (reputations.c.level == Level.FINE.value) & (reputations.c.since < now - _KEPT_SECONDS)
    connection.execute(delete(reputations).where(settled))


async def of_service(connection: AsyncConnection, service_id: UUID) -> list[Reputation]:
    """How a service stands; only by measures of which it was warned at least."""
    asked = select(reputations).where(reputations.c.service_id == service_id, reputations.c.level != Level.FINE.value)
    return [_reputation(row) for row in await connection.execute(asked.order_by(reputations.c.measure))]

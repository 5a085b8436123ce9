"""What workers write: attempts that begin, and what came of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Connection, Double, bindparam, case, delete, insert, or_, select, update

from config.database import Database, is_outage
from delivery.commit import GroupCommit
from delivery.store.base import Attempt, Outcome, Record, Settlement
from delivery.store.moving import Follower, advanced, locked, settle, write
from delivery.store.tables import NOT_BEGUN, attempts, messages, queue
from messages.status import FINAL, Status

_ATTEMPT: BindParameter[Any] = bindparam("b_attempt")
_AT: BindParameter[Any] = bindparam("b_at", type_=Double)
_MESSAGE: BindParameter[Any] = bindparam("b_message")

_RELAYED = (
    update(messages)
    .where(messages.c.id == _MESSAGE)
    .values(
        provider_id=bindparam("b_provider_id"),
        # An event may have overtaken us and settled it: it was sent before that, and never goes backwards.
        sent_at=case((messages.c.completed_at < _AT, messages.c.completed_at), else_=_AT),
        status=advanced(Status.SENDING),
    )
)
_ENDED = (
    update(attempts)
    # An event may have told already that the provider took it: our own doubt does not undo that.
    .where(attempts.c.id == _ATTEMPT, or_(attempts.c.outcome.is_(None), attempts.c.outcome != Outcome.RELAYED.value))
    .values(ended_at=bindparam("b_at"), outcome=bindparam("b_outcome"), reason=bindparam("b_reason"))
)
_ORPHANED = (
    update(attempts)
    .where(attempts.c.message_id == _MESSAGE, attempts.c.ended_at.is_(None))
    .values(ended_at=bindparam("b_at"), outcome=Outcome.UNKNOWN.value, reason="worker_died")
)
_REMOVED = delete(attempts).where(attempts.c.id == _ATTEMPT)
_UNQUEUED = delete(queue).where(queue.c.message_id == _MESSAGE)
_ATTEMPTED = (
    update(queue)
    .where(queue.c.message_id == _MESSAGE)
    .values(
        attempt_id=_ATTEMPT,
        attempted_at=bindparam("b_at"),
        attempts=bindparam("b_number"),
        parked=False,
        available_at=bindparam("b_lease_until"),
    )
)
# Only the attempt's own end may give the message back: a slow worker must not disturb its successor.
_GIVEN_BACK = (
    update(queue)
    .where(queue.c.message_id == _MESSAGE, queue.c.attempt_id == _ATTEMPT)
    .values(
        attempt_id=None,
        attempted_at=None,
        owner=None,
        parked=False,
        available_at=bindparam("b_until"),
        attempts=queue.c.attempts - bindparam("b_refund"),
    )
)
_PARKED = (
    update(queue)
    .where(queue.c.message_id == _MESSAGE, queue.c.attempt_id == _ATTEMPT)
    .values(owner=None, parked=True, available_at=bindparam("b_until"))
)


@dataclass(frozen=True, slots=True)
class _Start:
    """Attempts whose calls begin together."""

    attempts: Sequence[Attempt]
    owner: str
    lease_until: float


class Attempting:
    """Held by workers."""

    def __init__(self, database: Database, followers: Sequence[Follower]) -> None:
        self._records: GroupCommit[Record, None] = GroupCommit(
            database.transact, partial(_record_all, followers), is_outage=is_outage
        )
        self._starts: GroupCommit[_Start, set[UUID]] = GroupCommit(database.transact, _start_all, is_outage=is_outage)

    async def drain(self) -> None:
        """Returns when all that was submitted is written."""
        await self._records.drain()

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        """Commits that these attempts are about to start, and leases their messages until `lease_until`.

        Concurrent calls share a commit.

        Returns the messages that `owner` still holds and that no other attempt of that number was made for: only those
        may be sent. The others' leases ran out meanwhile.
        """
        return await self._starts.submit(_Start(attempts, owner, lease_until))

    async def record(self, record: Record) -> None:
        """Writes what came of an attempt; concurrent calls share a commit.

        A message that is known to have left, by whichever attempt, neither fails nor goes back into the queue.
        """
        await self._records.submit(record)


def _start_all(connection: Connection, starts: Sequence[_Start]) -> Sequence[set[UUID]]:
    """Those of each start that may begin."""
    wanted = sorted(((each, start) for start in starts for each in start.attempts), key=lambda pair: pair[0].message_id)
    made = _owned(connection, [each.message_id for each, _ in wanted], {start.owner for start in starts})
    mine = []
    for each, start in wanted:
        # An owner that claimed it twice (its first lease ran out) has one attempt of that number, not two.
        if made.get(each.message_id) == (start.owner, each.number - 1):
            made[each.message_id] = (start.owner, each.number)
            mine.append((each, start))
    if again := [each for each, _ in mine if each.number > 1]:
        rows = [{"b_message": each.message_id, "b_at": each.started_at} for each in again]
        connection.execute(_ORPHANED, rows)
    if mine:
        connection.execute(insert(attempts), [_attempt_row(each) for each, _ in mine])
        connection.execute(_ATTEMPTED, [_lease_row(each, start.lease_until) for each, start in mine])
    begun = {each.id for each, _ in mine}
    return [{each.message_id for each in start.attempts if each.id in begun} for start in starts]


def _owned(connection: Connection, message_ids: Sequence[UUID], owners: Collection[str]) -> dict[UUID, tuple[str, int]]:
    """Whose each message is, of these owners, and how many attempts were made for it; nobody else's to change."""
    columns = (queue.c.message_id, queue.c.owner, queue.c.attempts)
    owned = select(*columns).where(queue.c.message_id.in_(message_ids), queue.c.owner.in_(owners))
    if connection.dialect.name == "postgresql":
        owned = owned.order_by(queue.c.message_id).with_for_update()
    return {row.message_id: (row.owner, row.attempts) for row in connection.execute(owned)}


def _record_all(
    followers: Sequence[Follower], connection: Connection, records: Sequence[Record]
) -> Sequence[Exception | None]:
    """Messages first, in one order, then queue, then attempts, as all who write several of them."""
    told, records = len(records), sorted(records, key=lambda record: record.message_id)
    rows: Mapping[UUID, Any] = {}
    if any(each.status is not Status.SENDING for each in records):  # else the updates themselves take them in order
        rows = locked(connection, [each.message_id for each in records])
    if begun := _begun(connection, [each.message_id for each in records if each.attempt_id is None]):
        records = [each for each in records if each.attempt_id is not None or each.message_id not in begun]
    by = {outcome: [each for each in records if each.outcome is outcome] for outcome in Outcome}
    relayed, final = by[Outcome.RELAYED], by[Outcome.FAILED] + by[Outcome.EXPIRED] + by[Outcome.STOPPED]
    write(connection, _RELAYED, map(_record_row, relayed), "b_message", "b_provider_id", "b_at")
    sent = {each.message_id for each in relayed}
    if ends := _ends(rows, relayed, final):
        settle(connection, rows, ends, followers, sent)
    given_back = by[Outcome.THROTTLED] + by[Outcome.DEFERRED]
    write(connection, _GIVEN_BACK, map(_record_row, given_back), "b_message", "b_attempt", "b_until", "b_refund")
    write(connection, _PARKED, map(_record_row, by[Outcome.UNKNOWN]), "b_message", "b_attempt", "b_until")
    write(connection, _UNQUEUED, map(_record_row, relayed + final), "b_message")
    ended = relayed + by[Outcome.FAILED] + by[Outcome.DEFERRED] + by[Outcome.UNKNOWN]
    write(connection, _ENDED, map(_record_row, ended), "b_attempt", "b_at", "b_outcome", "b_reason")
    write(connection, _ORPHANED, map(_record_row, by[Outcome.EXPIRED] + by[Outcome.STOPPED]), "b_message", "b_at")
    write(connection, _REMOVED, map(_record_row, by[Outcome.THROTTLED]), "b_attempt")
    return [None] * told


def _begun(connection: Connection, message_ids: Sequence[UUID]) -> set[UUID]:
    """Those that somebody took over meanwhile and calls with: who found them expired or stopped came too late."""
    if not message_ids:
        return set()
    begun = select(queue.c.message_id).where(queue.c.message_id.in_(message_ids), ~NOT_BEGUN)
    if connection.dialect.name == "postgresql":
        begun = begun.order_by(queue.c.message_id).with_for_update()
    return set(connection.scalars(begun))


def _ends(rows: Mapping[UUID, Any], relayed: Sequence[Record], final: Sequence[Record]) -> list[Settlement]:
    """What the provider knows already; and what failed, unless it left with an earlier attempt, as an event told."""
    left = {each.message_id for each in relayed}
    left |= {message_id for message_id, row in rows.items() if row.provider_id is not None}
    ends = [Settlement(r.message_id, r.status, r.at, r.reason) for r in relayed if r.status in FINAL and r.status]
    failed = [each for each in final if each.message_id not in left]
    ends += [Settlement(r.message_id, r.status or Status.TECHNICAL_FAILURE, r.at, r.reason) for r in failed]
    return ends


def _record_row(record: Record) -> dict[str, Any]:
    return {
        "b_message": record.message_id,
        "b_attempt": record.attempt_id,
        "b_at": record.at,
        "b_outcome": record.outcome.value,
        "b_reason": record.reason,
        "b_provider_id": record.provider_id,
        "b_until": record.until,
        "b_refund": 1 if record.outcome is Outcome.THROTTLED else 0,
    }


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    names = ("id", "message_id", "number", "provider", "started_at")
    return {name: getattr(attempt, name) for name in names}


def _lease_row(attempt: Attempt, lease_until: float) -> dict[str, Any]:
    return {
        "b_message": attempt.message_id,
        "b_attempt": attempt.id,
        "b_number": attempt.number,
        "b_at": attempt.started_at,
        "b_lease_until": lease_until,
    }

"""Lines of texts that wait for the pace of what they leave from: one for each origination identity.

A slot and the text that leaves in it are given out in one transaction, at most `HORIZON_SECONDS` ahead: a one-time code
takes the very next one, however many wait. Slots follow each other by the database's clock (SQLite: this machine's), so
that all workers of all machines keep one pace; who dies with a slot leaves a gap. In a line the lanes come one after
the other, in a lane the services in turn, by parts: each text stands at a `turn`, behind its service's last one or at
the head of the line, whichever is later (self-clocked fair queueing).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, exists, func, or_, select, update

from config.database import Database
from delivery.library.origination import origination_identities
from delivery.queue.base import Claim, HoldReason, LineSlot
from delivery.queue.clock import Clock, interval_seconds, tolerance_seconds
from delivery.queue.turns import EVERYTHING
from delivery.store.tables import NOT_BEGUN, holds, messages, queue
from messages.message import Channel, Lane, Message

HORIZON_SECONDS = 0.5
# Further ahead than this no slot was ever given out, also to those who missed theirs: the clock was set back.
_AHEAD_SECONDS, _AHEAD_PARTS = 60.0, 100
_identities = origination_identities.c

_IN_LINE = exists().where(queue.c.line == _identities.id)
_WAITING = select(_identities.id, _identities.next_at, _identities.held_until).where(_IN_LINE)
_PACE = select(origination_identities).where(_identities.id == bindparam("b_line")).with_for_update()
_LINED_UP = (
    update(queue)
    .where(
        queue.c.message_id == bindparam("b_message"),
        queue.c.owner == bindparam("b_owner"),
        NOT_BEGUN,  # claimed twice by one owner: the older claim disturbs no call of the newer
    )
    .values(
        owner=None,
        line=bindparam("b_line"),
        turn=func.coalesce(queue.c.turn, bindparam("b_turn")),  # who had one before keeps it
        available_at=bindparam("b_until"),  # claimed then, it ends as expired
    )
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line in which somebody waits, and in how many seconds its next slot comes."""

    line: UUID
    seconds: float


class Lines:
    """Held by workers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = Clock()

    async def line_up(self, places: Sequence[tuple[Message, UUID]], owner: str) -> None:
        """Puts messages that `owner` has claimed into the lines of these identities, until they expire."""
        await self._database.transact(lambda connection: _line_up(connection, places, owner))

    async def waiting(self) -> list[Waiting]:
        """A read."""

        def ask(connection: Connection) -> list[Waiting]:
            now, rows = self._clock.read(connection), connection.execute(_WAITING).all()
            return [Waiting(row.id, max(row.next_at, row.held_until) - now) for row in rows]

        return await self._database.query(ask)

    async def claim(self, line: UUID, limit: int, owner: str, lease_until: float) -> list[Claim]:
        """Up to `limit` messages with their slots, as far as the horizon; each to one owner until its lease ends."""
        return await self._database.transact(
            lambda connection: _claim(connection, self._clock, line, limit, owner, lease_until)
        )

    async def another(self, slot: LineSlot, parts: int) -> LineSlot | None:
        """The next slot for who missed his; None: there is no such identity any more."""
        return await self._database.transact(lambda connection: _another(connection, self._clock, slot, parts))

    async def hold(self, line: UUID, seconds: float) -> None:
        """Gives out no slots for so long."""

        def write(connection: Connection) -> None:
            until = self._clock.read(connection) + seconds
            statement = update(origination_identities).where(_identities.id == line, _identities.held_until < until)
            connection.execute(statement.values(held_until=until))

        await self._database.transact(write)


def dissolved(line: UUID, now: float) -> Any:
    """The statement that sends all who wait in a line to choose again."""
    return update(queue).where(queue.c.line == line).values(line=None, turn=None, available_at=now)


def parts_of(message: Message) -> int:
    return max(message.billable_units, 1)


# -- In a transaction ----------------------------------------------------------------------------------------------
def _line_up(connection: Connection, places: Sequence[tuple[Message, UUID]], owner: str) -> None:
    rows: list[dict[str, Any]] = []
    ordered = sorted(places, key=lambda place: (place[1], place[0].lane.rank, place[0].service_id, place[0].id))
    for (line, rank, service_id), of_one in groupby(
        ordered, key=lambda place: (place[1], place[0].lane.rank, place[0].service_id)
    ):
        turn = _begin(connection, line, rank, service_id)
        for message, _ in of_one:
            turn += parts_of(message)
            rows.append(
                {
                    "b_message": message.id,
                    "b_owner": owner,
                    "b_line": line,
                    "b_turn": turn,
                    "b_until": message.expires_at,
                }
            )
    if rows:
        connection.execute(_LINED_UP, sorted(rows, key=lambda row: row["b_message"]))


def _begin(connection: Connection, line: UUID, rank: int, service_id: UUID) -> float:
    """Where a service's next text stands behind: its own last one, or the head of the line."""
    of_lane = select(func.max(queue.c.turn)).where(queue.c.line == line, queue.c.rank == rank)
    last = connection.scalar(of_lane.where(queue.c.service_id == service_id))
    head = connection.scalar(select(func.min(queue.c.turn)).where(queue.c.line == line, queue.c.rank == rank))
    return max(last or 0.0, head or 0.0)


def _claim(connection: Connection, clock: Clock, line: UUID, limit: int, owner: str, lease_until: float) -> list[Claim]:
    pace = _pace(connection, clock, line)
    if pace is None:
        return []
    room = math.ceil((HORIZON_SECONDS - pace.seconds) / pace.interval)
    rows = _first(connection, line, min(room, limit)) if room > 0 else []
    held = [row.message_id for row in rows if row.held]
    if held:  # they wait where no one is claimed, and line up again when the hold ends
        leaving = update(queue).where(queue.c.message_id.in_(held)).values(line=None, available_at=pace.now)
        connection.execute(leaving)
    claims = []
    for row in rows:
        if not row.held and pace.seconds < HORIZON_SECONDS:
            slot = pace.take(max(row.billable_units, 1))
            claims.append(
                Claim(row.message_id, Lane.of(row.rank), Channel(row.channel), row.attempts, row.parked, slot=slot)
            )
    if claims:
        taken = queue.c.message_id.in_([claim.message_id for claim in claims])
        connection.execute(update(queue).where(taken).values(owner=owner, line=None, available_at=lease_until))
        pace.write(connection)
    return claims


def _first(connection: Connection, line: UUID, number: int) -> Sequence[Any]:
    """Who comes next, and whether somebody holds them."""
    theirs = or_(holds.c.service_id == queue.c.service_id, holds.c.service_id == EVERYTHING)
    held = exists().where(theirs, holds.c.rank == queue.c.rank, holds.c.reason == HoldReason.OPERATOR.value)
    columns = (
        queue.c.message_id,
        queue.c.rank,
        queue.c.channel,
        queue.c.attempts,
        queue.c.parked,
        messages.c.billable_units,
    )
    statement = (
        select(*columns, held.label("held"))
        .join_from(queue, messages, messages.c.id == queue.c.message_id)
        .where(queue.c.line == line, queue.c.owner.is_(None))
        .order_by(queue.c.rank, queue.c.turn, queue.c.message_id)
        .limit(number)
        .with_for_update(of=queue, skip_locked=True)
    )
    return connection.execute(statement).all()


def _another(connection: Connection, clock: Clock, slot: LineSlot, parts: int) -> LineSlot | None:
    pace = _pace(connection, clock, slot.line)
    if pace is None:
        return None
    found = pace.take(parts)
    pace.write(connection)
    return found


@dataclass(slots=True)
class _Pace:
    """One identity's, locked until the transaction ends. `seconds` is when the next slot comes, from now."""

    line: UUID
    origin: str
    interval: float  # between two parts
    seconds: float
    now: float  # by the database's clock
    at: float  # the same moment by time.monotonic()

    def take(self, parts: int) -> LineSlot:
        slot = LineSlot(self.at + self.seconds, tolerance_seconds(self.interval), self.line, self.origin)
        self.seconds += parts * self.interval
        return slot

    def write(self, connection: Connection) -> None:
        statement = update(origination_identities).where(_identities.id == self.line)
        connection.execute(statement.values(next_at=self.now + self.seconds))


def _pace(connection: Connection, clock: Clock, line: UUID) -> _Pace | None:
    row = connection.execute(_PACE, {"b_line": line}).one_or_none()
    if row is None:
        return None
    now = clock.read(connection)  # locked: the time at which nobody else can take any more
    interval = interval_seconds(row.parts_per_second)
    seconds = max(row.next_at, row.held_until) - now
    if row.next_at - now > _AHEAD_SECONDS + _AHEAD_PARTS * interval:
        seconds = max(row.held_until - now, 0.0)
    return _Pace(line, row.identity, interval, max(seconds, 0.0), now, now - clock.offset)

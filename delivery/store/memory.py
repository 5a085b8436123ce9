"""The store in memory: for tests of the parts around it, held to the same suite as the SQL one."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from auth import limits
from delivery.settle import moves
from delivery.store.base import Attempt, Group, History, Outcome, Record, Settlement
from messages.message import KeyType, Message, new_id
from messages.status import FINAL, Status, advance


@dataclass(slots=True)
class Waiting:
    """A queue row."""

    service_id: UUID
    rank: int
    available_at: float
    owner: str | None = None
    attempts: int = 0
    attempt_id: UUID | None = None
    attempted_at: float = 0.0
    parked: bool = False

    def free(self, until: float) -> None:
        self.owner, self.available_at = None, until


@dataclass(slots=True)
class Memory:
    """What MemoryStore and MemoryQueue share, as the SQL ones share a database."""

    messages: dict[UUID, Message] = field(default_factory=dict)
    reasons: dict[UUID, str | None] = field(default_factory=dict)
    contents: dict[UUID, bytes] = field(default_factory=dict)
    waiting: dict[UUID, Waiting] = field(default_factory=dict)
    attempts: dict[UUID, Attempt] = field(default_factory=dict)
    counters: Counter[tuple[UUID, KeyType, Status]] = field(default_factory=Counter)
    used: Counter[limits.Window] = field(default_factory=Counter)
    held: set[UUID | None] = field(default_factory=set)


class MemoryStore:
    """Implements delivery.store.base.Store. Nothing awaits inside a method, so each is one transaction."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def put(self, group: Group) -> None:
        memory, now = self._memory, group.messages[0].created_at
        refused = limits.count(memory.used, group.charges, len(group.messages), now)
        if refused is not None:
            raise refused
        memory.contents[group.messages[0].content_id] = group.content
        for message in group.messages:
            memory.messages[message.id] = message
            due = message.scheduled_for or message.created_at
            memory.waiting[message.id] = Waiting(message.service_id, message.lane.rank, due)
            memory.counters[message.service_id, message.key_type, Status.CREATED] += 1

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
        return {m: self._memory.messages[m] for m in message_ids if m in self._memory.messages}

    async def contents(self, content_ids: Collection[UUID]) -> dict[UUID, bytes | None]:
        return {c: self._memory.contents[c] for c in content_ids if c in self._memory.contents}

    async def attempt(self, attempts: Sequence[Attempt], owner: str, lease_until: float) -> set[UUID]:
        waiting, started = self._memory.waiting, set()
        for attempt in attempts:
            row = waiting.get(attempt.message_id)
            if row is None or row.owner != owner or row.attempts != attempt.number - 1:
                continue
            for old in self._attempts_of(attempt.message_id):
                if old.ended_at is None:
                    self._end(old, attempt.started_at, Outcome.UNKNOWN, "worker_died")
            self._memory.attempts[attempt.id] = attempt
            row.attempts, row.parked, row.available_at = attempt.number, False, lease_until
            row.attempt_id, row.attempted_at = attempt.id, attempt.started_at
            started.add(attempt.message_id)
        return started

    async def record(self, record: Record) -> None:
        attempt = self._memory.attempts.get(record.attempt_id) if record.attempt_id else None
        if attempt is not None and record.outcome is Outcome.THROTTLED:
            del self._memory.attempts[attempt.id]
        elif attempt is not None:
            self._end(attempt, record.at, record.outcome, record.reason)
        if record.outcome in (Outcome.FAILED, Outcome.EXPIRED):
            self._memory.waiting.pop(record.message_id, None)
            self._settle([Settlement(record.message_id, Status.TECHNICAL_FAILURE, record.at, record.reason)])
        elif record.outcome is Outcome.RELAYED:
            self._relayed(record)
        else:
            self._back_in_line(record)

    def _relayed(self, record: Record) -> None:
        self._memory.waiting.pop(record.message_id, None)
        message = self._memory.messages[record.message_id]
        self._memory.messages[message.id] = message.evolve(
            status=advance(message.status, Status.SENDING), provider_id=record.provider_id, sent_at=record.at
        )
        if record.status in FINAL and record.status is not None:
            self._settle([Settlement(message.id, record.status, record.at, record.reason)])

    def _back_in_line(self, record: Record) -> None:
        row = self._memory.waiting.get(record.message_id)
        if row is None or row.attempt_id != record.attempt_id or record.until is None:
            return
        row.free(record.until)
        row.parked = record.outcome is Outcome.UNKNOWN
        if not row.parked:
            row.attempt_id = None
            row.attempts -= record.outcome is Outcome.THROTTLED

    async def settle(self, settlements: Sequence[Settlement]) -> int:
        return self._settle(settlements)

    def _settle(self, settlements: Iterable[Settlement]) -> int:
        memory = self._memory
        taken = moves({message_id: message.status for message_id, message in memory.messages.items()}, settlements)
        for move in taken:
            message = memory.messages[move.message_id].evolve(status=move.new, completed_at=move.at)
            memory.messages[message.id] = message
            memory.reasons[message.id] = move.reason
            memory.counters[message.service_id, message.key_type, move.new] += 1
        return len(taken)

    async def history(self, message_id: UUID) -> History | None:
        message = self._memory.messages.get(message_id)
        if message is None:
            return None
        tries = sorted(self._attempts_of(message_id), key=lambda attempt: attempt.number)
        row = self._memory.waiting.get(message_id)
        return History(
            message, self._memory.reasons.get(message_id), tuple(tries), None if row is None else row.available_at
        )

    async def group(self, group_id: UUID) -> list[UUID]:
        return sorted(message.id for message in self._memory.messages.values() if message.group_id == group_id)

    async def counts(self, service_id: UUID) -> dict[Status, int]:
        totals: Counter[Status] = Counter()
        for (holder, key_type, status), count in self._memory.counters.items():
            if holder == service_id and key_type is not KeyType.TEST:
                totals[status] += count
        return dict(totals)

    async def sweep(self, content_before: float, now: float, limit: int = 500) -> int:
        memory = self._memory
        messages = memory.messages.values()
        pointed_at = {message.content_id for message in messages}
        queued = {message.content_id for message in messages if message.id in memory.waiting}
        old, orphan = new_id(content_before, bytes(10)), new_id(now - 3600, bytes(10))
        gone = [c for c in memory.contents if (c < old and c not in queued) or (c < orphan and c not in pointed_at)]
        for content_id in gone[:limit]:
            del memory.contents[content_id]
        return len(gone[:limit])

    def _attempts_of(self, message_id: UUID) -> list[Attempt]:
        return [attempt for attempt in self._memory.attempts.values() if attempt.message_id == message_id]

    def _end(self, attempt: Attempt, at: float, outcome: Outcome, reason: str | None) -> None:
        self._memory.attempts[attempt.id] = replace(attempt, ended_at=at, outcome=outcome, reason=reason)

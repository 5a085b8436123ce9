"""The store in memory: for tests of the parts around it, held to the same suite as the SQL one. Tells no callbacks."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from auth import limits
from delivery.settle import moves
from delivery.store.base import (
    Attempt,
    Event,
    Fate,
    Found,
    Group,
    History,
    Learned,
    Moved,
    Outcome,
    Record,
    Repeated,
    Search,
    Settlement,
)
from delivery.store.settling import PARKED_SECONDS, TIMED_OUT
from messages.address import Address
from messages.message import IdempotencyKey, KeyType, Message, new_id
from messages.status import FINAL, Status, advance


@dataclass(slots=True)
class Waiting:
    """A queue row."""

    service_id: UUID
    rank: int
    available_at: float
    test: bool = False
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
    events: dict[UUID, tuple[Event, UUID | None, float]] = field(default_factory=dict)  # whose, and when it came
    idempotency: dict[tuple[UUID, str, str], tuple[UUID, bytes | None]] = field(default_factory=dict)
    held: set[UUID | None] = field(default_factory=set)


class MemoryStore:
    """Implements delivery.store.base.Store. Nothing awaits inside a method, so each is one transaction."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def put(self, group: Group) -> tuple[Message, ...]:
        memory, first, key = self._memory, group.messages[0], group.idempotency
        names = self._unused_names(group)
        if key is not None and not names:
            used = memory.idempotency[first.service_id, key.key, key.names(first.recipient)]
            raise Repeated(used[0], used[1] == key.body_hash)
        new = tuple(names.values()) if key is not None and key.is_per_recipient else group.messages
        refused = limits.count(memory.used, group.charges, len(new), first.created_at)
        if refused is not None:
            raise refused
        if key is not None:
            memory.idempotency |= {name: (message.id, key.body_hash) for name, message in names.items()}
        memory.contents[first.content_id] = group.content
        for message in new:
            memory.messages[message.id] = message
            due = message.scheduled_for or message.created_at
            memory.waiting[message.id] = Waiting(
                message.service_id, message.lane.rank, due, message.key_type is KeyType.TEST
            )
            memory.counters[message.service_id, message.key_type, Status.CREATED] += 1
        return new

    def _unused_names(self, group: Group) -> dict[tuple[UUID, str, str], Message]:
        """What the group's key uses up and nobody used before."""
        key, found = group.idempotency, dict[tuple[UUID, str, str], Message]()
        if key is None:
            return found
        for message in group.messages:
            name = (message.service_id, key.key, key.names(message.recipient))
            if name not in self._memory.idempotency:
                found.setdefault(name, message)
        return found

    async def repeated(self, service_id: UUID, key: IdempotencyKey, recipients: Sequence[Address]) -> Repeated | None:
        used = [self._memory.idempotency.get((service_id, key.key, key.names(each))) for each in recipients]
        first = used[0] if used and None not in used else None
        return first and Repeated(first[0], first[1] == key.body_hash)

    async def load(self, message_ids: Sequence[UUID]) -> dict[UUID, Message]:
        return {m: self._memory.messages[m] for m in message_ids if m in self._memory.messages}

    async def contents(self, content_ids: Collection[UUID]) -> dict[UUID, bytes | None]:
        return {c: self._memory.contents[c] for c in content_ids if c in self._memory.contents}

    async def sent_as(self, message: Message, originals: Sequence[str]) -> dict[str, str]:
        found = {}
        for each in sorted(self._memory.messages.values(), key=lambda each: each.id):
            to_reader = each.service_id == message.service_id and each.recipient.key == message.recipient.key
            if to_reader and each.provider_id and each.original_message_id in originals:
                found[each.original_message_id] = each.provider_id
        return {original: provider_id for original, provider_id in found.items() if original}

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
        elif attempt is not None and attempt.outcome is not Outcome.RELAYED:
            self._end(attempt, record.at, record.outcome, record.reason)
        if record.outcome in (Outcome.FAILED, Outcome.EXPIRED):
            self._memory.waiting.pop(record.message_id, None)
            if self._memory.messages[record.message_id].provider_id is None:
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

    async def settle(self, settlements: Sequence[Settlement]) -> tuple[Moved, ...]:
        return self._settle(settlements)

    def _settle(self, settlements: Iterable[Settlement]) -> tuple[Moved, ...]:
        memory, moved = self._memory, list[Moved]()
        taken = moves({message_id: message.status for message_id, message in memory.messages.items()}, settlements)
        for move in taken:
            message = memory.messages[move.message_id].evolve(status=move.new, completed_at=move.at)
            memory.messages[message.id] = message
            memory.reasons[message.id] = move.reason
            if move.old in FINAL:
                memory.counters[message.service_id, message.key_type, move.old] -= 1
            memory.counters[message.service_id, message.key_type, move.new] += 1
            who = (message.id, message.service_id, message.channel, message.lane)
            moved.append(Moved(*who, move.new, message.created_at, move.at, move.reason))
        return tuple(moved)

    async def learn(self, events: Sequence[Event], now: float) -> Learned:
        fates, moved = list[Fate](), list[Moved]()
        for event in events:
            owner = self._owner(event)
            parked = event.id in self._memory.events and self._memory.events[event.id][1] is None
            if event.id in self._memory.events and not (parked and owner):
                fates.append(Fate.REPEATED)
                continue
            self._memory.events[event.id] = event, owner, now
            if owner is not None and self._memory.messages[owner].provider_id is None:
                self._adopt(owner, event)
            change = self._told(owner, event) if owner else ()
            moved += change
            fates.append(Fate.SETTLED if change else Fate.KEPT if owner else Fate.PARKED)
        return Learned(tuple(fates), tuple(moved))

    def _owner(self, event: Event) -> UUID | None:
        messages = self._memory.messages
        if event.message_id in messages:
            return event.message_id
        return next((m.id for m in messages.values() if m.provider_id == event.provider_id), None)

    def _adopt(self, message_id: UUID, event: Event) -> None:
        message = self._memory.messages[message_id]
        self._memory.messages[message_id] = message.evolve(
            status=advance(message.status, Status.SENDING),
            provider_id=event.provider_id,
            sent_at=message.sent_at or event.at,
        )
        attempt = self._memory.attempts.get(event.attempt_id) if event.attempt_id else None
        if attempt is not None and attempt.outcome in (None, Outcome.UNKNOWN):
            self._end(attempt, event.at, Outcome.RELAYED, None)
        self._memory.waiting.pop(message_id, None)

    def _told(self, owner: UUID, event: Event) -> tuple[Moved, ...]:
        if event.status not in FINAL or event.status is None:
            return ()
        return self._settle([Settlement(owner, event.status, event.at, event.reason)])

    async def match_parked(self, now: float) -> tuple[Moved, ...]:
        moved: list[Moved] = []
        for event, owner, received_at in list(self._memory.events.values()):
            found = self._owner(event) if owner is None else None
            if found is not None:
                self._memory.events[event.id] = event, found, received_at
                moved += self._told(found, event)
            elif owner is None and received_at < now - PARKED_SECONDS:
                del self._memory.events[event.id]
        return tuple(moved)

    async def time_out(self, sent_before: float, now: float, limit: int = 500) -> tuple[Moved, ...]:
        waiting = [m for m in self._memory.messages.values() if m.status is Status.SENDING]
        late = [m for m in waiting if m.sent_at is not None and m.sent_at < sent_before]
        return self._settle(Settlement(m.id, Status.TEMPORARY_FAILURE, now, TIMED_OUT) for m in late[:limit])

    async def find(self, search: Search, limit: int) -> list[Found]:
        memory = self._memory
        found = sorted((m for m in memory.messages.values() if self._fits(m, search)), key=lambda m: m.id, reverse=True)
        return [Found(message, memory.reasons.get(message.id)) for message in found[:limit]]

    def _fits(self, message: Message, search: Search) -> bool:
        wanted = ("original_message_id", "reference", "group_id", "service_id", "key_type")
        equal = all(getattr(search, name) in (None, getattr(message, name)) for name in wanted)
        older = self._memory.messages.get(search.older_than) if search.older_than else None
        older = None if older is None or search.service_id not in (None, older.service_id) else older
        return (
            equal
            and search.message_id in (None, message.id)
            and search.recipient in (None, message.recipient.key)
            and (not search.channels or message.channel in search.channels)
            and (not search.statuses or message.status in search.statuses)
            and (search.since is None or message.created_at >= search.since)
            and (search.until is None or message.created_at <= search.until)
            and (search.older_than is None or (older is not None and message.id < older.id))
            and (search.jobs or message.job_id is None)
        )

    async def history(self, message_id: UUID) -> History | None:
        message = self._memory.messages.get(message_id)
        if message is None:
            return None
        tries = sorted(self._attempts_of(message_id), key=lambda attempt: attempt.number)
        row = self._memory.waiting.get(message_id)
        told = [event for event, owner, _ in self._memory.events.values() if owner == message_id]
        events = tuple(replace(e, message_id=message_id, attempt_id=None) for e in sorted(told, key=lambda e: e.at))
        waiting_until = None if row is None else row.available_at
        return History(message, self._memory.reasons.get(message_id), tuple(tries), waiting_until, events)

    async def group(self, group_id: UUID) -> list[UUID]:
        return sorted(message.id for message in self._memory.messages.values() if message.group_id == group_id)

    async def counts(self, service_id: UUID) -> dict[Status, int]:
        totals: Counter[Status] = Counter()
        for (holder, key_type, status), count in self._memory.counters.items():
            if holder == service_id and key_type is not KeyType.TEST:
                totals[status] += count
        return {status: total for status, total in totals.items() if total}

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

    async def forget(self, before: float, now: float, limit: int = 500) -> int:
        return 0

    def _attempts_of(self, message_id: UUID) -> list[Attempt]:
        return [attempt for attempt in self._memory.attempts.values() if attempt.message_id == message_id]

    def _end(self, attempt: Attempt, at: float, outcome: Outcome, reason: str | None) -> None:
        self._memory.attempts[attempt.id] = replace(attempt, ended_at=at, outcome=outcome, reason=reason)

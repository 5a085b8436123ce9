"""What is to be recorded of a worker's calls if it dies now, in memory that outlives it.

An attempt on disk says that its call may have been made. Of a worker that was killed its successor learns here which
were not begun, and what was answered: only calls that were under way wait for an event.
"""

import json
from collections.abc import Iterable
from mmap import mmap
from uuid import UUID

from delivery.store.base import Attempt, Outcome, Record
from messages.status import Status

_SLOT_OCTETS = 512
_HEAD_OCTETS = 3  # the state, then how long the record is
_FREE, _RECORD, _CALLING = range(3)


class Calls:
    """One per worker process, on the memory of its predecessor: what that left stays until it is forgotten.

    An attempt for which there is no room has nothing noted, and waits for an event if the worker dies.
    """

    def __init__(self, memory: mmap) -> None:
        self._memory = memory
        self._slots: dict[UUID, int] = {}  # by attempt
        self._free: list[int] = []
        self.left: list[Record] = []  # what the predecessor had to record when it died
        for slot in range(0, len(memory), _SLOT_OCTETS):
            self._inherit(slot)

    def _inherit(self, slot: int) -> None:
        if self._memory[slot] != _RECORD:
            self._free.append(slot)
            return
        start = slot + _HEAD_OCTETS
        length = int.from_bytes(self._memory[slot + 1 : start])
        attempt_id, record = _parsed(self._memory[start : start + length])
        self._slots[attempt_id] = slot
        self.left.append(record)

    def attempt(self, attempts: Iterable[Attempt]) -> None:
        """These are about to be on disk; none of their calls is made yet."""
        for each in attempts:
            if self._free:
                self._slots[each.id] = self._free.pop()
                at = each.started_at
                self.end(Record(each.message_id, each.id, Outcome.THROTTLED, at, reason="worker_died", until=at))

    def begin(self, attempt_id: UUID) -> None:
        """Its call is made now."""
        if (slot := self._slots.get(attempt_id)) is not None:
            self._memory[slot] = _CALLING

    def end(self, record: Record) -> None:
        """This came of it."""
        assert record.attempt_id is not None
        slot, octets = self._slots.get(record.attempt_id), _octets(record)
        if slot is not None and len(octets) <= _SLOT_OCTETS - _HEAD_OCTETS:
            start = slot + _HEAD_OCTETS
            self._memory[slot] = _CALLING  # until the record is whole
            self._memory[slot + 1 : start] = len(octets).to_bytes(_HEAD_OCTETS - 1)
            self._memory[start : start + len(octets)] = octets
            self._memory[slot] = _RECORD

    def forget(self, attempt_ids: Iterable[UUID]) -> None:
        """What came of them is on disk, or they are not."""
        for attempt_id in attempt_ids:
            if (slot := self._slots.pop(attempt_id, None)) is not None:
                self._memory[slot] = _FREE
                self._free.append(slot)


def _octets(record: Record) -> bytes:
    ids, status = (str(record.message_id), str(record.attempt_id)), record.status and record.status.value
    said = (record.outcome.value, record.at, status, record.provider_id, record.reason, record.until)
    return json.dumps((*ids, *said)).encode()


def _parsed(octets: bytes) -> tuple[UUID, Record]:
    message_id, attempt_id, outcome, at, status, *said = json.loads(octets)
    ids = UUID(message_id), UUID(attempt_id)
    return ids[1], Record(*ids, Outcome(outcome), at, Status(status) if status else None, *said)

"""What a dead worker's successor learns of its calls."""

from mmap import PAGESIZE, mmap
from uuid import UUID, uuid4

import pytest

from delivery.exit.calls import Calls
from delivery.store.base import Attempt, Outcome, Record
from messages.status import Status

AT = 1_000.5


def _attempt() -> Attempt:
    return Attempt(uuid4(), uuid4(), 1, "ses", AT)


def _left(memory: mmap) -> list[Record]:
    return Calls(memory).left


@pytest.fixture
def memory() -> mmap:
    return mmap(-1, PAGESIZE)


def test_whose_call_was_not_begun_is_given_back_at_once(memory: mmap) -> None:
    attempt = _attempt()
    Calls(memory).attempt([attempt])
    [record] = _left(memory)
    assert (record.message_id, record.attempt_id) == (attempt.message_id, attempt.id)
    assert (record.outcome, record.until) == (Outcome.THROTTLED, AT)


def test_nothing_is_known_of_a_call_under_way(memory: mmap) -> None:
    calls, attempt = Calls(memory), _attempt()
    calls.attempt([attempt])
    calls.begin(attempt.id)
    assert _left(memory) == []


def _records(message_id: UUID, attempt_id: UUID) -> list[Record]:
    return [
        Record(message_id, attempt_id, Outcome.RELAYED, AT, status=Status.SENDING, provider_id="0100-é-000"),
        Record(message_id, attempt_id, Outcome.FAILED, AT, status=Status.PERMANENT_FAILURE, reason="ses_rejected"),
        Record(message_id, attempt_id, Outcome.UNKNOWN, AT, reason="aws_no_answer", until=AT + 180),
        Record(message_id, attempt_id, Outcome.DEFERRED, AT, reason="aws_refused", until=AT + 0.1),
    ]


@pytest.mark.parametrize("which", range(4))
def test_an_answer_is_read_as_it_was(memory: mmap, which: int) -> None:
    calls, attempt = Calls(memory), _attempt()
    calls.attempt([attempt])
    calls.begin(attempt.id)
    record = _records(attempt.message_id, attempt.id)[which]
    calls.end(record)
    assert _left(memory) == [record]


def test_what_is_on_disk_is_not_told_again(memory: mmap) -> None:
    calls, attempts = Calls(memory), [_attempt(), _attempt()]
    calls.attempt(attempts)
    calls.forget([attempts[0].id])
    calls.forget([attempts[0].id])
    assert [record.attempt_id for record in _left(memory)] == [attempts[1].id]


def test_what_was_left_stays_until_it_is_forgotten(memory: mmap) -> None:
    attempt = _attempt()
    Calls(memory).attempt([attempt])
    successor, others = Calls(memory), [_attempt() for _ in range(100)]
    successor.attempt(others)
    assert attempt.id in {record.attempt_id for record in _left(memory)}
    successor.forget([attempt.id, *(each.id for each in others)])
    assert _left(memory) == []


def test_whom_there_is_no_room_for_is_as_if_its_call_was_under_way(memory: mmap) -> None:
    calls, attempts = Calls(memory), [_attempt() for _ in range(100)]
    calls.attempt(attempts)
    noted = len(_left(memory))
    assert 0 < noted < 100
    for each in attempts:
        calls.begin(each.id)
        calls.end(_records(each.message_id, each.id)[0])
    assert len(_left(memory)) == noted
    calls.forget(each.id for each in attempts)
    calls.attempt(attempts[-noted:])
    assert len(_left(memory)) == noted


def test_an_answer_that_is_too_long_is_not_half_told(memory: mmap) -> None:
    calls, attempt = Calls(memory), _attempt()
    calls.attempt([attempt])
    calls.begin(attempt.id)
    calls.end(Record(attempt.message_id, attempt.id, Outcome.RELAYED, AT, provider_id="x" * 600))
    assert _left(memory) == []

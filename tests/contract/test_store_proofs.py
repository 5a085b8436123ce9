"""An event proves that its attempt was taken: whatever else is under way, the message is not sent once more."""

import os
from dataclasses import replace

import pytest

from delivery.queue.base import Queue
from delivery.store.base import Attempt, EventKind, Fate, Outcome, Record
from messages.message import Message, new_id
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import event, history, started


async def doubted_and_sent_again(store: Store, queue: Queue, sent: Message) -> tuple[Attempt, Attempt]:
    """The first attempt's answer was lost, the second is under way."""
    old = await started(store, queue, sent)
    await store.attempting.record(Record(sent.id, old.id, Outcome.UNKNOWN, NOW + 1, reason="timeout", until=NOW + 2))
    await queue.claim("w", 1, NOW + 3, 60, 0)
    new = Attempt(new_id(NOW + 3, os.urandom(10)), sent.id, 2, "ses", NOW + 3)
    await store.attempting.attempt([new], "w", NOW + 63)
    return old, new


async def test_an_event_of_an_older_attempt_leaves_the_one_under_way_alone(store: Store, queue: Queue) -> None:
    sent = message()
    old, new = await doubted_and_sent_again(store, queue, sent)

    await store.settling.learn([event(EventKind.SEND, message_id=sent.id, attempt_id=old.id)], NOW + 4)
    await store.attempting.record(
        Record(sent.id, new.id, Outcome.RELAYED, NOW + 5, status=Status.SENDING, provider_id="p-2")
    )

    assert [each.outcome for each in (await history(store, sent)).attempts] == [Outcome.RELAYED, Outcome.RELAYED]


@pytest.mark.parametrize("outcome", [Outcome.THROTTLED, Outcome.DEFERRED, Outcome.UNKNOWN, Outcome.FAILED, None])
async def test_what_an_event_proved_to_have_left_is_not_sent_again_however_the_next_attempt_ends(
    store: Store, queue: Queue, outcome: Outcome | None
) -> None:
    sent = message()
    old, new = await doubted_and_sent_again(store, queue, sent)

    await store.settling.learn([event(EventKind.SEND, message_id=sent.id, attempt_id=old.id)], NOW + 4)
    if outcome is not None:  # else its worker died
        until = None if outcome is Outcome.FAILED else NOW + 9
        await store.attempting.record(Record(sent.id, new.id, outcome, NOW + 5, reason="r", until=until))

    assert await queue.claim("w", 1, NOW + 9999, 60, 0) == []
    assert await queue.claim("w", 1, NOW + 9999 + 61, 60, 0) == []
    found = await history(store, sent)
    assert (found.message.status, found.waiting_until) == (Status.SENDING, None)


async def test_what_an_event_proved_to_have_left_does_not_expire(store: Store, queue: Queue) -> None:
    sent = message()
    old = await started(store, queue, sent)
    await store.settling.learn([event(EventKind.SEND, message_id=sent.id, attempt_id=old.id)], NOW + 4)

    await store.attempting.record(
        Record(sent.id, None, Outcome.EXPIRED, NOW + 5, reason="expired")
    )  # seen before the event

    assert (await history(store, sent)).message.status is Status.SENDING


async def test_an_event_that_is_told_with_a_tag_the_second_time_is_parked_no_longer(store: Store, queue: Queue) -> None:
    sent = message()
    attempt = await started(store, queue, sent)
    await store.attempting.record(
        Record(sent.id, attempt.id, Outcome.UNKNOWN, NOW + 1, reason="timeout", until=NOW + 180)
    )
    untagged = event(EventKind.DELIVERY, Status.DELIVERED)
    assert (await store.settling.learn([untagged], NOW + 2)).fates == (Fate.PARKED,)

    tagged = replace(untagged, message_id=sent.id, attempt_id=attempt.id)
    assert (await store.settling.learn([tagged], NOW + 3)).fates == (Fate.SETTLED,)

    found = await history(store, sent)
    assert (found.message.status, found.waiting_until) == (Status.DELIVERED, None)
    assert (await store.settling.learn([tagged, untagged], NOW + 3)).fates == (Fate.REPEATED, Fate.REPEATED)
    assert await store.settling.match_parked(NOW + 4) == ()

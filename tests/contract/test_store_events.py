"""What every store makes of provider events and of searches."""

import asyncio
import os
from typing import Any
from uuid import UUID, uuid4

from delivery.queue.base import Queue
from delivery.store.base import (
    Carriage,
    EventKind,
    Fate,
    Outcome,
    Record,
    Search,
)
from messages.address import Address
from messages.message import Channel, KeyType, Message, new_id
from messages.phone import PhoneNumber
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import event, history, put, relayed, started

# -- Events --------------------------------------------------------------------------------------------------------


async def test_a_delivery_settles_the_message_and_stands_in_its_history(store: Store, queue: Queue) -> None:
    sent = message()
    await relayed(store, queue, sent)
    told = event(EventKind.DELIVERY, Status.DELIVERED, message_id=sent.id, detail="250 ok <reader@example.org>")

    learned = await store.settling.learn([told], NOW + 9)

    assert learned.fates == (Fate.SETTLED,)
    assert [(each.message_id, each.status) for each in learned.moved] == [(sent.id, Status.DELIVERED)]
    found = await history(store, sent)
    assert (found.message.status, found.message.completed_at) == (Status.DELIVERED, NOW + 5)
    assert found.events == (told,)


async def test_an_event_that_is_told_again_changes_nothing(store: Store, queue: Queue) -> None:
    sent = message()
    await relayed(store, queue, sent)
    told = event(EventKind.DELIVERY, Status.DELIVERED, message_id=sent.id)

    first = await store.settling.learn([told, told], NOW)
    again = await store.settling.learn([told], NOW)

    assert first.fates == (Fate.SETTLED, Fate.REPEATED)
    assert again.fates == (Fate.REPEATED,)
    assert (again.moved, len((await history(store, sent)).events)) == ((), 1)


async def test_a_bounce_after_a_delivery_ends_as_a_failure_and_both_are_kept(store: Store, queue: Queue) -> None:
    sent = message()
    await relayed(store, queue, sent)
    await store.settling.learn([event(EventKind.DELIVERY, Status.DELIVERED, message_id=sent.id)], NOW)
    bounce = event(EventKind.BOUNCE, Status.PERMANENT_FAILURE, message_id=sent.id, reason="no-email", at=NOW + 9)

    learned = await store.settling.learn([bounce], NOW)

    found = await history(store, sent)
    assert learned.fates == (Fate.SETTLED,)
    assert (found.message.status, found.reason) == (Status.PERMANENT_FAILURE, "no-email")
    assert [each.kind for each in found.events] == [EventKind.DELIVERY, EventKind.BOUNCE]
    counts = await store.counts(sent.service_id)
    assert counts == {Status.CREATED: 1, Status.PERMANENT_FAILURE: 1}


async def test_what_may_not_undo_an_end_is_kept_only(store: Store, queue: Queue) -> None:
    sent = message()
    await relayed(store, queue, sent)
    await store.settling.learn([event(EventKind.DELIVERY, Status.DELIVERED, message_id=sent.id)], NOW)
    out_of_office = event(EventKind.BOUNCE, Status.TEMPORARY_FAILURE, message_id=sent.id, reason="general")

    assert (await store.settling.learn([out_of_office], NOW)).fates == (Fate.KEPT,)
    assert (await history(store, sent)).message.status is Status.DELIVERED


async def test_without_a_tag_the_message_is_found_by_the_providers_id(store: Store, queue: Queue) -> None:
    sent = message()
    await relayed(store, queue, sent, "p-7")

    learned = await store.settling.learn([event(EventKind.DELIVERY, Status.DELIVERED, provider_id="p-7")], NOW)

    assert learned.fates == (Fate.SETTLED,)


async def test_an_event_that_overtakes_the_record_settles_the_message(store: Store, queue: Queue) -> None:
    sent = message()
    attempt = await started(store, queue, sent)
    told = event(EventKind.DELIVERY, Status.DELIVERED, message_id=sent.id, attempt_id=attempt.id)

    await store.settling.learn([told], NOW)
    late = Record(sent.id, attempt.id, Outcome.RELAYED, NOW + 6, status=Status.SENDING, provider_id="p-1")
    await store.attempting.record(late)

    found = await history(store, sent)
    assert (found.message.status, found.message.provider_id, found.waiting_until) == (Status.DELIVERED, "p-1", None)
    assert [each.outcome for each in found.attempts] == [Outcome.RELAYED]


async def test_an_event_adopts_an_attempt_of_which_the_answer_was_lost(store: Store, queue: Queue) -> None:
    sent = message()
    attempt = await started(store, queue, sent)
    await store.attempting.record(
        Record(sent.id, attempt.id, Outcome.UNKNOWN, NOW + 1, reason="timeout", until=NOW + 180)
    )

    await store.settling.learn([event(EventKind.SEND, message_id=sent.id, attempt_id=attempt.id)], NOW + 2)

    found = await history(store, sent)
    assert (found.message.status, found.message.provider_id, found.waiting_until) == (Status.SENDING, "p-1", None)
    assert [each.outcome for each in found.attempts] == [Outcome.RELAYED]
    assert await queue.claim("w", 1, NOW + 9999, 60, 0) == []


async def test_a_doubt_that_is_written_after_the_event_does_not_send_the_message_again(
    store: Store, queue: Queue
) -> None:
    sent = message()
    attempt = await started(store, queue, sent)

    await store.settling.learn([event(EventKind.SEND, message_id=sent.id, attempt_id=attempt.id)], NOW)
    await store.attempting.record(
        Record(sent.id, attempt.id, Outcome.UNKNOWN, NOW + 1, reason="timeout", until=NOW + 180)
    )

    assert await queue.claim("w", 1, NOW + 9999, 60, 0) == []
    assert [each.outcome for each in (await history(store, sent)).attempts] == [Outcome.RELAYED]


async def test_an_event_that_is_nobodys_is_parked_until_its_message_is_known(store: Store, queue: Queue) -> None:
    sent = message()
    told = event(EventKind.DELIVERY, Status.DELIVERED, provider_id="p-9")

    assert (await store.settling.learn([told], NOW)).fates == (Fate.PARKED,)
    assert await store.settling.match_parked(NOW + 1) == ()
    await relayed(store, queue, sent, "p-9")
    moved = await store.settling.match_parked(NOW + 2)

    assert [(each.message_id, each.status) for each in moved] == [(sent.id, Status.DELIVERED)]
    assert [each.kind for each in (await history(store, sent)).events] == [EventKind.DELIVERY]
    assert await store.settling.match_parked(NOW + 3) == ()


async def test_what_is_parked_for_more_than_a_day_goes(store: Store, queue: Queue) -> None:
    sent = message()
    await store.settling.learn([event(EventKind.DELIVERY, Status.DELIVERED, provider_id="p-9")], NOW)
    await store.settling.match_parked(NOW + 86_401)
    await relayed(store, queue, sent, "p-9")

    assert await store.settling.match_parked(NOW + 86_402) == ()


async def test_a_message_of_which_no_end_was_told_times_out(store: Store, queue: Queue) -> None:
    old = NOW - 73 * 3600
    silent = message(id=new_id(old, os.urandom(10)), created_at=old)
    await relayed(store, queue, silent)
    await store.settling.learn([event(EventKind.SEND, message_id=silent.id, at=old)], NOW)
    recent, done = message(), message(id=new_id(old, os.urandom(10)), created_at=old)
    await relayed(store, queue, recent, "p-2")
    await relayed(store, queue, done, "p-3")
    await store.settle(done.id, Status.DELIVERED, NOW)

    moved = await store.settling.time_out(NOW + 2, NOW + 3)

    assert [each.message_id for each in moved if each.message_id != recent.id] == [silent.id]
    assert (await history(store, silent)).message.status is Status.TEMPORARY_FAILURE


async def test_a_text_of_which_no_end_was_told_times_out_as_mail_does(store: Store, queue: Queue) -> None:
    sent = message(channel=Channel.SMS, recipient=PhoneNumber("+16135550100"))
    await relayed(store, queue, sent)
    taken = event(EventKind.SEND, message_id=sent.id, carriage=Carriage("Rogers", "CA", "GSM", 1, 0.00581, 0.0))
    await store.settling.learn([taken], NOW)

    assert await store.settling.time_out(NOW, NOW + 9, 10) == ()
    (moved,) = await store.settling.time_out(NOW + 2, NOW + 9, 10)

    assert (moved.status, moved.reason) == (Status.TEMPORARY_FAILURE, "no-event")
    assert (await history(store, sent)).events == (taken,)


async def test_events_of_many_messages_at_once_settle_each(store: Store, queue: Queue) -> None:
    sent = [message() for _ in range(20)]
    for number, each in enumerate(sent):
        await relayed(store, queue, each, f"p-{number}")
    told = [event(EventKind.DELIVERY, Status.DELIVERED, message_id=each.id) for each in sent]

    await asyncio.gather(
        *(store.settling.learn([one, other], NOW) for one, other in zip(told, told[::-1], strict=True))
    )

    assert await store.counts(sent[0].service_id) == {Status.CREATED: 1, Status.DELIVERED: 1}
    assert {(await history(store, each)).message.status for each in sent} == {Status.DELIVERED}


# -- Searches ------------------------------------------------------------------------------------------------------


def at(seconds: float, **changes: Any) -> Message:
    return message(id=new_id(NOW + seconds, os.urandom(10)), created_at=NOW + seconds, **changes)


async def found(store: Store, limit: int = 10, **wanted: Any) -> list[UUID]:
    return [each.message.id for each in await store.searching.find(Search(**wanted), limit)]


async def test_messages_are_found_by_each_thing_known_of_them_newest_first(store: Store) -> None:
    service, group = uuid4(), uuid4()
    shared: dict[str, Any] = {"service_id": service, "reference": "r" * 300, "original_message_id": "<a@b.c>"}
    old, new = (at(n, **shared, group_id=group, recipient="Reader@example.org") for n in (1, 2))
    other = at(3, reference="r" * 200, recipient="other@example.org")
    await put(store, old, new, other)

    for wanted in (
        {"recipient": Address.parse("reader@EXAMPLE.org").key},
        {"original_message_id": "<a@b.c>"},
        {"reference": "r" * 300},
        {"group_id": group},
        {"service_id": service},
        {"service_id": service, "since": NOW, "until": NOW + 2},
    ):
        assert await found(store, **wanted) == [new.id, old.id], wanted


async def test_a_search_is_narrowed_by_all_that_is_given(store: Store) -> None:
    service = uuid4()
    live, test = at(1, service_id=service), at(2, service_id=service, key_type=KeyType.TEST)
    job = at(3, service_id=service, job_id=uuid4())
    await put(store, live, test, job)
    await store.settle(live.id, Status.DELIVERED, NOW)

    assert await found(store, service_id=service, key_type=KeyType.TEST) == [test.id]
    assert await found(store, service_id=service, message_id=live.id) == [live.id]
    assert await found(store, service_id=uuid4(), message_id=live.id) == []
    assert await found(store, service_id=service, statuses=frozenset({Status.DELIVERED})) == [live.id]
    assert await found(store, service_id=service, channels=frozenset({Channel.SMS})) == []
    assert await found(store, service_id=service, jobs=False) == [test.id, live.id]
    assert await found(store, service_id=service, since=NOW + 3) == [job.id]
    assert await found(store, 2, service_id=service) == [job.id, test.id]
    assert await found(store, service_id=service, older_than=job.id) == [test.id, live.id]


async def test_older_than_an_unknown_or_foreign_message_there_is_nothing(store: Store) -> None:
    mine, foreign = at(1, service_id=UUID(int=3)), at(2)
    await put(store, mine, foreign)

    assert await found(store, service_id=UUID(int=3), older_than=uuid4()) == []
    assert await found(store, service_id=UUID(int=3), older_than=foreign.id) == []

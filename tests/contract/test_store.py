"""One behaviour suite for every store."""

import asyncio
import os
from dataclasses import replace
from uuid import UUID

import pytest

from auth.limits import Charge
from delivery.queue.base import Queue
from delivery.store.base import Attempt, Group, Outcome, Record
from delivery.store.retiring import Step
from messages import reply
from messages.address import Address
from messages.message import Dsn, KeyType, Message, new_id
from messages.reply import Refused
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of


async def claimed(store: Store, queue: Queue, *messages: Message, owner: str = "w") -> list[Attempt]:
    """Puts, claims and starts an attempt for each."""
    for each in messages:
        await store.putting.put(group_of((each,), b"hello"))
    await queue.claim(owner, 100, NOW, 60, 180)
    attempts = [Attempt(new_id(NOW, os.urandom(10)), each.id, 1, "ses", NOW) for each in messages]
    await store.attempting.attempt(attempts, owner, NOW + 60)
    return attempts


def record(attempt: Attempt, outcome: Outcome, **values: object) -> Record:
    return Record(attempt.message_id, attempt.id, outcome, NOW + 1, **values)  # type: ignore[arg-type]


async def test_a_put_message_is_loaded_back_equal(store: Store) -> None:
    sent = message(reference="r-1", original_message_id="<a@b.c>", recipient=Address.parse("Zoë@exämple.com"))
    asked = message(dsn=Dsn(ret="FULL", envid='é "1"', notify=("SUCCESS", "DELAY"), orcpt="rfc822;zoe@example.com"))
    await store.putting.put(group_of((sent,), b"hello"))
    await store.putting.put(group_of((asked,), b"hello"))

    assert await store.searching.load([sent.id, asked.id]) == {sent.id: sent, asked.id: asked}
    assert await store.contents.load({sent.content_id}) == {sent.content_id: b"hello"}


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, 900_000])
async def test_content_of_any_size_comes_back_whole(store: Store, size: int) -> None:
    sent, content = message(), os.urandom(size)
    await store.putting.put(group_of((sent,), content))

    assert (await store.contents.load({sent.content_id}))[sent.content_id] == content


async def test_messages_of_a_group_share_one_content_and_are_found_by_it(store: Store) -> None:
    first = message()
    second = message(group_id=first.group_id, content_id=first.content_id)
    await store.putting.put(group_of((first, second), b"shared"))

    assert await store.searching.group(first.group_id) == sorted([first.id, second.id])
    assert await store.contents.load({first.content_id}) == {first.content_id: b"shared"}


async def test_a_group_by_two_channels_stores_both_contents_at_once(store: Store) -> None:
    mail = message()
    texts = [message(group_id=mail.group_id, recipient=each) for each in ("b@example.org", "c@example.org")]
    texts = [replace(each, content_id=texts[0].content_id) for each in texts]
    large = os.urandom(600_000)
    await store.putting.put(Group((mail, *texts), {mail.content_id: large, texts[0].content_id: b"recipe"}))

    found = await store.contents.load({mail.content_id, texts[0].content_id})
    assert found == {mail.content_id: large, texts[0].content_id: b"recipe"}
    assert len(await store.searching.group(mail.group_id)) == 3


async def test_many_puts_at_once_are_all_stored(store: Store) -> None:
    sent = [message() for _ in range(60)]
    await asyncio.gather(*(store.putting.put(group_of((each,), b"x")) for each in sent))

    assert set(await store.searching.load([each.id for each in sent])) == {each.id for each in sent}


async def test_a_cancelled_put_is_stored_whole_or_not_at_all(store: Store) -> None:
    first = message()
    second = message(group_id=first.group_id, content_id=first.content_id)
    task = asyncio.create_task(store.putting.put(group_of((first, second), b"x")))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.putting.put(group_of((message(),), b"x"))  # whatever was under way is over when this is

    assert len(await store.searching.group(first.group_id)) in (0, 2)


async def test_a_limit_takes_exactly_its_number_and_stores_nothing_of_what_it_refuses(store: Store) -> None:
    charge = Charge(UUID(int=1), 86400, 5, reply.SERVICE_LIMIT)
    groups = [group_of((message(), message()), b"x", (charge,)) for _ in range(4)]
    results = await asyncio.gather(*(store.putting.put(group) for group in groups), return_exceptions=True)

    refused = [group for group, result in zip(groups, results, strict=True) if isinstance(result, Refused)]
    assert [result for result in results if isinstance(result, tuple)] == [group.messages for group in groups[:2]]
    for group in refused:
        assert await store.searching.load([each.id for each in group.messages]) == {}
    await store.putting.put(group_of((message(),), b"x", (charge,)))  # 5 of 5
    with pytest.raises(Refused, match=r"^451 4\.7\.1 limit of 5 messages a day .* lifts at 20"):
        await store.putting.put(group_of((message(),), b"x", (charge,)))


async def test_a_limit_lifts_with_the_next_window(store: Store) -> None:
    charge = Charge(UUID(int=2), 60, 1, reply.KEY_LIMIT)
    await store.putting.put(group_of((message(),), b"x", (charge,)))
    with pytest.raises(Refused):
        await store.putting.put(group_of((message(created_at=NOW + 59),), b"x", (charge,)))
    await store.putting.put(group_of((message(created_at=NOW + 60),), b"x", (charge,)))


async def test_a_relayed_message_is_sending_with_its_provider_id(store: Store, queue: Queue) -> None:
    (attempt,) = await claimed(store, queue, message())
    await store.attempting.record(record(attempt, Outcome.RELAYED, status=Status.SENDING, provider_id="p-1"))

    history = await store.searching.history(attempt.message_id)
    assert history is not None
    assert (history.message.status, history.message.provider_id) == (Status.SENDING, "p-1")
    assert [(each.outcome, each.ended_at) for each in history.attempts] == [(Outcome.RELAYED, NOW + 1)]
    assert history.waiting_until is None
    assert await queue.claim("w", 10, NOW + 10_000, 60, 0) == []


async def test_what_was_sent_to_a_recipient_before_is_found_by_its_message_ids(store: Store, queue: Queue) -> None:
    service, reader = UUID(int=7), Address.parse("Reader@example.org")
    mine = {"service_id": service, "recipient": reader}
    first = message(**mine, original_message_id="<a@x>")
    again = message(**mine, original_message_id="<a@x>", id=new_id(NOW + 1, os.urandom(10)))
    long = message(**mine, original_message_id=f"<{'b' * 240}@x>")
    others = [
        message(service_id=UUID(int=8), recipient=reader, original_message_id="<a@x>"),
        message(service_id=service, recipient=Address.parse("other@example.org"), original_message_id="<a@x>"),
        message(**mine, original_message_id=f"<{'b' * 240}@y>"),
    ]
    for number, attempt in enumerate(await claimed(store, queue, first, *others, long, again)):
        await store.attempting.record(
            record(attempt, Outcome.RELAYED, status=Status.SENDING, provider_id=f"p-{number}")
        )
    waiting = message(**mine, original_message_id="<c@x>")
    await store.putting.put(group_of((waiting,), b"hello"))

    answer = message(service_id=service, recipient=Address.parse("reader@example.org"))
    found = await store.searching.sent_as(answer, ["<a@x>", "<c@x>", f"<{'b' * 240}@x>", "<d@x>"])
    assert found == {"<a@x>": "p-5", f"<{'b' * 240}@x>": "p-4"}


async def test_a_provider_that_knows_the_end_settles_at_once(store: Store, queue: Queue) -> None:
    (attempt,) = await claimed(store, queue, message())
    await store.attempting.record(record(attempt, Outcome.RELAYED, status=Status.DELIVERED, provider_id="p-1"))

    history = await store.searching.history(attempt.message_id)
    assert history is not None
    assert (history.message.status, history.message.completed_at) == (Status.DELIVERED, NOW + 1)


async def test_a_failed_message_ends_as_technical_failure_with_its_reason(store: Store, queue: Queue) -> None:
    (attempt,) = await claimed(store, queue, message())
    await store.attempting.record(record(attempt, Outcome.FAILED, reason="message_rejected"))

    history = await store.searching.history(attempt.message_id)
    assert history is not None
    assert (history.message.status, history.reason) == (Status.TECHNICAL_FAILURE, "message_rejected")
    assert await queue.claim("w", 10, NOW + 10_000, 60, 0) == []


async def test_an_expired_message_ends_without_an_attempt(store: Store, queue: Queue) -> None:
    sent = message()
    await store.putting.put(group_of((sent,), b"x"))
    await queue.claim("w", 1, NOW, 60, 0)
    await store.attempting.record(Record(sent.id, None, Outcome.EXPIRED, NOW + 1, reason="expired"))

    history = await store.searching.history(sent.id)
    assert history is not None
    assert (history.message.status, history.reason) == (Status.TECHNICAL_FAILURE, "expired")
    assert history.attempts == ()


async def test_a_deferred_message_waits_until_its_time_and_counts_the_attempt(store: Store, queue: Queue) -> None:
    (attempt,) = await claimed(store, queue, message())
    await store.attempting.record(record(attempt, Outcome.DEFERRED, reason="connection", until=NOW + 30))

    assert await queue.claim("w", 10, NOW + 29, 60, 180) == []
    (claim,) = await queue.claim("w", 10, NOW + 30, 60, 180)
    assert (claim.attempts, claim.unknown) == (1, False)


async def test_a_throttled_message_costs_no_attempt(store: Store, queue: Queue) -> None:
    (attempt,) = await claimed(store, queue, message())
    await store.attempting.record(record(attempt, Outcome.THROTTLED, reason="rate", until=NOW + 2))

    (claim,) = await queue.claim("w", 10, NOW + 2, 60, 180)
    assert (claim.attempts, claim.unknown) == (0, False)
    history = await store.searching.history(attempt.message_id)
    assert history is not None
    assert history.attempts == ()


async def test_an_unknown_attempt_is_parked_and_then_sent_again(store: Store, queue: Queue) -> None:
    (attempt,) = await claimed(store, queue, message())
    await store.attempting.record(record(attempt, Outcome.UNKNOWN, reason="read_timeout", until=NOW + 181))

    assert await queue.claim("w", 10, NOW + 180, 60, 180) == []
    (claim,) = await queue.claim("w", 10, NOW + 181, 60, 180)
    assert (claim.attempts, claim.unknown) == (1, True)


async def test_an_attempt_is_refused_to_an_owner_whose_lease_went_to_another(store: Store, queue: Queue) -> None:
    sent = message()
    await store.putting.put(group_of((sent,), b"x"))
    await queue.claim("slow", 1, NOW, 60, 0)
    await queue.claim("quick", 1, NOW + 60, 60, 0)
    attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", NOW)

    assert await store.attempting.attempt([attempt], "slow", NOW + 120) == set()
    assert await store.attempting.attempt([attempt], "quick", NOW + 120) == {sent.id}


async def test_a_late_outcome_of_an_old_attempt_leaves_the_new_one_alone(store: Store, queue: Queue) -> None:
    (old,) = await claimed(store, queue, message())
    await queue.claim("other", 1, NOW + 60, 60, 0)  # its owner seemed dead: parked
    await queue.claim("other", 1, NOW + 60, 60, 0)
    new = Attempt(new_id(NOW, os.urandom(10)), old.message_id, 2, "ses", NOW + 60)
    await store.attempting.attempt([new], "other", NOW + 120)
    await store.attempting.record(record(old, Outcome.DEFERRED, until=NOW + 61))

    assert await queue.claim("w", 1, NOW + 62, 60, 0) == []


async def test_a_dead_workers_attempt_is_closed_as_unknown_when_the_message_is_sent_again(
    store: Store, queue: Queue
) -> None:
    (old,) = await claimed(store, queue, message())
    await queue.claim("other", 1, NOW + 60, 60, 0)
    await queue.claim("other", 1, NOW + 60, 60, 0)
    await store.attempting.attempt(
        [Attempt(new_id(NOW, os.urandom(10)), old.message_id, 2, "ses", NOW + 60)], "other", NOW + 99
    )

    history = await store.searching.history(old.message_id)
    assert history is not None
    assert [(each.number, each.outcome) for each in history.attempts] == [(1, Outcome.UNKNOWN), (2, None)]


async def test_a_told_end_follows_the_table_of_moves(store: Store) -> None:
    sent = message()
    await store.putting.put(group_of((sent,), b"x"))

    assert [m.status for m in await store.settle(sent.id, Status.DELIVERED, NOW + 5)] == ["delivered"]
    assert await store.settle(sent.id, Status.TEMPORARY_FAILURE, NOW + 6) == ()
    assert len(await store.settle(sent.id, Status.PERMANENT_FAILURE, NOW + 7, "bounce")) == 1
    assert await store.settle(UUID(int=0), Status.DELIVERED, NOW) == ()
    history = await store.searching.history(sent.id)
    assert history is not None
    assert (history.message.status, history.reason) == (Status.PERMANENT_FAILURE, "bounce")


async def test_a_services_messages_are_counted_by_status_test_keys_apart(store: Store, queue: Queue) -> None:
    service = UUID(int=99)
    attempts = await claimed(store, queue, message(service_id=service), message(service_id=service))
    await store.putting.put(group_of((message(service_id=service, key_type=KeyType.TEST),), b"x"))
    await store.attempting.record(record(attempts[0], Outcome.FAILED, reason="x"))

    assert await store.counts(service) == {Status.CREATED: 2, Status.TECHNICAL_FAILURE: 1}


async def test_sweep_drops_old_contents_but_never_one_that_waits_in_the_queue(store: Store, queue: Queue) -> None:
    old = NOW - 10 * 86400
    waiting = message(content_id=new_id(old, os.urandom(10)))
    done = message(content_id=new_id(old, os.urandom(10)))
    fresh = message()
    (attempt,) = await claimed(store, queue, done)
    await store.attempting.record(record(attempt, Outcome.RELAYED, status=Status.SENDING, provider_id="p"))
    await store.putting.put(group_of((waiting,), b"x"))
    await store.putting.put(group_of((fresh,), b"x"))

    assert await store.retiring.contents(NOW) == Step(1, None)
    kept = await store.contents.load({waiting.content_id, done.content_id, fresh.content_id})
    assert set(kept) == {waiting.content_id, fresh.content_id}


async def test_sweep_drops_what_a_crash_left_behind_and_only_that(store: Store) -> None:
    """A large content goes in before its messages: dying in between leaves it without any."""
    left_behind = message(content_id=new_id(NOW - 7200, os.urandom(10)), created_at=NOW - 7200)
    under_way = message(content_id=new_id(NOW - 60, os.urandom(10)), created_at=NOW - 60)
    charge = Charge(UUID(int=5), 86400, 0, reply.SERVICE_LIMIT)
    for each in (left_behind, under_way):
        with pytest.raises(Refused):
            await store.putting.put(group_of((each,), b"x" * 300_000, (charge,)))
    assert await store.retiring.orphans(NOW) == Step(1, None)

    kept = await store.contents.load({left_behind.content_id, under_way.content_id})
    assert set(kept) == {under_way.content_id}


async def test_sweep_walks_on_where_it_stopped(store: Store, queue: Queue) -> None:
    old = [message(content_id=new_id(NOW - 10 * 86400 + at, os.urandom(10))) for at in range(5)]
    for attempt in await claimed(store, queue, *old):
        await store.attempting.record(record(attempt, Outcome.RELAYED, status=Status.SENDING, provider_id="p"))

    first = await store.retiring.contents(NOW, limit=3)
    assert first == Step(3, old[2].content_id)
    assert first.after
    assert await store.retiring.contents(NOW, first.after, limit=3) == Step(2, None)


async def test_history_of_an_unknown_message_is_none(store: Store) -> None:
    assert await store.searching.history(UUID(int=3)) is None

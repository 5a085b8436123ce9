"""One behaviour suite for every queue."""

import asyncio
import os
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

from config.database import Database
from delivery.queue import interventions
from delivery.queue.base import KINDS, Depth, Hold, HoldReason, Queue, Turn, Waits
from delivery.store.base import Attempt, Outcome, Record
from messages.message import Channel, KeyType, Lane, new_id
from messages.phone import PhoneNumber
from tests.contract.conftest import Pair
from tests.harness.noon import NOW, message
from tests.harness.sampled import both_databases
from tests.harness.store import Store, group_of

pytestmark = both_databases  # their claims differ

TEXTS = {kind for kind in KINDS if kind.channel is Channel.SMS}


async def hold(database: Database, service_id: UUID | None, *lanes: Lane, because: str = "operator") -> bool:
    async with database.write() as connection:
        return await interventions.hold(connection, service_id, NOW, lanes or tuple(Lane), HoldReason(because))


async def release(database: Database, service_id: UUID | None) -> bool:
    async with database.write() as connection:
        return await interventions.release(connection, service_id)


async def test_claim_gives_a_due_message_to_one_owner_only(store: Store, queue: Queue) -> None:
    sent = message()
    await store.putting.put(group_of((sent,), b"x"))

    assert [claim.message_id for claim in await queue.claim("a", 10, NOW, 60, 0)] == [sent.id]
    assert await queue.claim("b", 10, NOW, 60, 0) == []


async def test_concurrent_claims_share_the_messages_without_overlap(store: Store, queue: Queue) -> None:
    sent = [message() for _ in range(40)]
    for each in sent:
        await store.putting.put(group_of((each,), b"x"))
    rounds = await asyncio.gather(*(queue.claim(f"w{n}", 10, NOW, 60, 0) for n in range(6)))
    claims = [claim.message_id for batch in rounds for claim in batch]
    while more := await queue.claim("last", 10, NOW, 60, 0):  # PostgreSQL passes over rows in others' hands
        claims += [claim.message_id for claim in more]

    assert sorted(claims) == sorted(each.id for each in sent)


async def test_claim_respects_its_limit_and_takes_the_longest_waiting_of_a_service_first(
    store: Store, queue: Queue
) -> None:
    sent = [message(service_id=UUID(int=1), created_at=NOW - age) for age in (1, 3, 2)]
    for each in sent:
        await store.putting.put(group_of((each,), b"x"))

    claims = await queue.claim("w", 2, NOW, 60, 0)
    assert {claim.message_id for claim in claims} == {sent[1].id, sent[2].id}


async def test_claims_take_services_in_turn(store: Store, queue: Queue) -> None:
    many, few = UUID(int=1), UUID(int=2)
    for service_id, number, age in ((many, 40, 100), (few, 1, 1)):
        await _put(store, number, service_id=service_id, created_at=NOW - age)

    claims = await queue.claim("w", 4, NOW, 60, 0)
    loaded = await store.searching.load([claim.message_id for claim in claims])
    assert len(claims) == 4  # what one has not, another takes
    assert [message.service_id for message in loaded.values()].count(few) == 1


async def test_a_services_tests_have_a_turn_of_their_own(store: Store, queue: Queue) -> None:
    await _put(store, 40, service_id=UUID(int=1), key_type=KeyType.TEST, created_at=NOW - 100)
    await _put(store, 1, service_id=UUID(int=1))
    await _put(store, 1, service_id=UUID(int=2))

    loaded = await store.searching.load([each.message_id for each in await queue.claim("w", 3, NOW, 60, 0)])
    assert Counter((each.service_id.int, each.key_type) for each in loaded.values()) == {
        (1, KeyType.TEST): 1,
        (1, KeyType.NORMAL): 1,
        (2, KeyType.NORMAL): 1,
    }


async def test_everybody_is_served_before_anybody_twice_however_small_the_claims(store: Store, queue: Queue) -> None:
    turns = [(UUID(int=number), type_) for number in (1, 2, 3) for type_ in (KeyType.NORMAL, KeyType.TEST)]
    for service_id, key_type in turns:
        await _put(store, 5, service_id=service_id, key_type=key_type, created_at=NOW - 100)

    for size in (1, 1, 1, 1, 1, 1), (4, 4, 4):
        served: Counter[tuple[UUID, KeyType]] = Counter()
        for limit in size:
            claims = [each.message_id for each in await queue.claim("w", limit, NOW, 60, 0)]
            assert len(claims) == limit
            served.update((each.service_id, each.key_type) for each in (await store.searching.load(claims)).values())
        assert set(served) == set(turns)
        assert max(served.values()) - min(served.values()) <= 1


async def _put(store: Store, number: int, **changes: Any) -> None:
    for _ in range(number):
        await store.putting.put(group_of((message(**changes),), b"x"))


async def test_claim_serves_lanes_in_order(store: Store, queue: Queue) -> None:
    lanes = [Lane.BULK, Lane.NORMAL, Lane.PRIORITY]
    for lane in lanes:
        await store.putting.put(group_of((message(lane=lane, created_at=NOW - lane.rank),), b"x"))

    assert [(await queue.claim("w", 1, NOW, 60, 0))[0].lane for _ in lanes] == list(Lane)


async def test_claim_after_the_lease_ends_returns_the_message_again_at_once(store: Store, queue: Queue) -> None:
    """A worker that died between claim and attempt parks nothing."""
    await store.putting.put(group_of((message(),), b"x"))
    await queue.claim("dead", 1, NOW, 60, 180)

    assert await queue.claim("w", 1, NOW + 59, 60, 180) == []
    (claim,) = await queue.claim("w", 1, NOW + 60, 60, 180)
    assert (claim.attempts, claim.unknown) == (0, False)


async def test_claim_parks_a_message_whose_owner_died_after_its_attempt_began(store: Store, queue: Queue) -> None:
    sent = message()
    await store.putting.put(group_of((sent,), b"x"))
    await queue.claim("dead", 1, NOW, 60, 180)
    await store.attempting.attempt([Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", NOW)], "dead", NOW + 60)

    assert await queue.claim("w", 1, NOW + 60, 60, 180) == []
    assert await queue.claim("w", 1, NOW + 179, 60, 180) == []
    (claim,) = await queue.claim("w", 1, NOW + 180, 60, 180)
    assert (claim.attempts, claim.unknown) == (1, True)


async def test_a_priority_message_waits_least_for_news_of_it(store: Store, queue: Queue) -> None:
    for lane in (Lane.PRIORITY, Lane.NORMAL):
        sent = message(lane=lane)
        await store.putting.put(group_of((sent,), b"x"))
        await queue.claim("dead", 1, NOW, 60, 180)
        await store.attempting.attempt([Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", NOW)], "dead", NOW + 60)
    await queue.release("dead", NOW + 1)

    assert await queue.claim("w", 2, NOW + 2, 60, 180) == []
    assert await queue.claim("w", 2, NOW + 29, 60, 180) == []
    assert [claim.lane for claim in await queue.claim("w", 2, NOW + 30, 60, 180)] == [Lane.PRIORITY]


async def test_what_its_provider_may_be_given_twice_is_taken_over_without_a_wait(store: Store, queue: Queue) -> None:
    for key_type in (KeyType.TEST, KeyType.NORMAL):
        sent = message(key_type=key_type)
        await store.putting.put(group_of((sent,), b"x"))
        await queue.claim("dead", 1, NOW, 60, 180)
        await store.attempting.attempt([Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "any", NOW)], "dead", NOW + 60)
    await queue.release("dead", NOW + 1)

    tests = {(Channel.EMAIL, True)}
    assert await queue.claim("w", 2, NOW + 1, 60, 180, repeatable=tests) == []  # found, and due from now on
    (claim,) = await queue.claim("w", 2, NOW + 1, 60, 180, repeatable=tests)
    assert (claim.attempts, claim.unknown) == (1, True)
    assert await queue.claim("w", 2, NOW + 60, 60, 180, repeatable=tests) == []


async def test_release_ends_a_dead_owners_leases_and_nobody_elses(store: Store, queue: Queue) -> None:
    for _ in range(2):
        await store.putting.put(group_of((message(),), b"x"))
    (dead,) = await queue.claim("dead", 1, NOW, 60, 0)
    await queue.claim("alive", 1, NOW, 60, 0)

    assert await queue.release("dead", NOW + 1) == 1
    assert [claim.message_id for claim in await queue.claim("w", 10, NOW + 1, 60, 0)] == [dead.message_id]


async def test_given_back_messages_are_due_at_their_time(store: Store, queue: Queue) -> None:
    sent = message()
    await store.putting.put(group_of((sent,), b"x"))
    await queue.claim("w", 1, NOW, 60, 0)
    await queue.give_back([sent.id], NOW + 5)

    assert await queue.claim("w", 1, NOW + 4, 60, 0) == []
    assert len(await queue.claim("w", 1, NOW + 5, 60, 0)) == 1


async def test_a_scheduled_message_is_not_claimed_before_its_time(store: Store, queue: Queue) -> None:
    await store.putting.put(group_of((message(scheduled_for=NOW + 600),), b"x"))

    assert await queue.claim("w", 1, NOW + 599, 60, 0) == []
    assert len(await queue.claim("w", 1, NOW + 600, 60, 0)) == 1


async def test_a_held_service_waits_while_others_go(store: Store, queue: Queue, database: Database) -> None:
    held, other = message(service_id=UUID(int=1)), message(service_id=UUID(int=2))
    await store.putting.put(group_of((held,), b"x"))
    await store.putting.put(group_of((other,), b"x"))
    assert [await hold(database, UUID(int=1)) for _ in range(2)] == [True, False]

    assert [claim.message_id for claim in await queue.claim("w", 10, NOW, 60, 0)] == [other.id]
    assert [await release(database, UUID(int=1)) for _ in range(2)] == [True, False]
    assert [claim.message_id for claim in await queue.claim("w", 10, NOW, 60, 0)] == [held.id]


async def test_a_hold_of_everything_stops_all_claims(store: Store, queue: Queue, database: Database) -> None:
    await store.putting.put(group_of((message(),), b"x"))
    await hold(database, None)

    assert await queue.claim("w", 10, NOW, 60, 0) == []
    await release(database, None)
    assert len(await queue.claim("w", 10, NOW, 60, 0)) == 1


async def test_a_held_lane_waits_while_the_service_s_others_go(store: Store, queue: Queue, database: Database) -> None:
    mine = {lane: message(service_id=UUID(int=1), lane=lane) for lane in Lane}
    other = message(service_id=UUID(int=2), lane=Lane.BULK)
    for each in (*mine.values(), other):
        await store.putting.put(group_of((each,), b"x"))
    await hold(database, UUID(int=1), Lane.BULK, Lane.NORMAL)

    claims = await queue.claim("w", 10, NOW, 60, 0)
    assert [claim.message_id for claim in claims] == [mine[Lane.PRIORITY].id, other.id]
    async with database.write() as connection:
        await interventions.release(connection, UUID(int=1), [Lane.BULK])
    assert [claim.message_id for claim in await queue.claim("w", 10, NOW, 60, 0)] == [mine[Lane.BULK].id]


async def test_a_lane_of_all_services_is_held_for_each(store: Store, queue: Queue, database: Database) -> None:
    urgent, slow = message(lane=Lane.PRIORITY), message(lane=Lane.BULK)
    for each in (urgent, slow):
        await store.putting.put(group_of((each,), b"x"))
    await hold(database, None, Lane.BULK)

    assert [claim.message_id for claim in await queue.claim("w", 10, NOW, 60, 0)] == [urgent.id]


async def test_a_lane_goes_on_when_the_last_reason_is_gone(store: Store, queue: Queue, database: Database) -> None:
    sent = message(service_id=UUID(int=1))
    await store.putting.put(group_of((sent,), b"x"))
    await hold(database, UUID(int=1), Lane.NORMAL, because="bounces")
    await hold(database, UUID(int=1), Lane.NORMAL, because="complaints")

    async with database.write() as connection:
        assert await interventions.release(connection, UUID(int=1), reason=HoldReason.BOUNCES)
        assert await interventions.held(connection, UUID(int=1)) == [
            Hold(UUID(int=1), Lane.NORMAL, HoldReason.COMPLAINTS, NOW)
        ]
    assert await queue.claim("w", 10, NOW, 60, 0) == []
    assert await release(database, UUID(int=1))
    assert len(await queue.claim("w", 10, NOW, 60, 0)) == 1


async def test_retry_makes_deferred_and_throttled_messages_due_and_no_parked_or_scheduled_ones(
    pair: Pair, database: Database
) -> None:
    store, queue = pair.store, pair.queue
    waiting = {outcome: message() for outcome in (Outcome.DEFERRED, Outcome.THROTTLED, Outcome.UNKNOWN)}
    for outcome, sent in waiting.items():
        await store.putting.put(group_of((sent,), b"x"))
        await queue.claim("w", 1, NOW, 60, 0)
        attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", NOW)
        await store.attempting.attempt([attempt], "w", NOW + 60)
        await store.attempting.record(Record(sent.id, attempt.id, outcome, NOW, until=NOW + 900))
    scheduled = message(scheduled_for=NOW + 900)
    await store.putting.put(group_of((scheduled,), b"x"))

    async with database.write() as connection:
        everyone = [scheduled.id, *(each.id for each in waiting.values())]
        assert await interventions.retry(connection, NOW + 1, everyone) == 2
    due = {claim.message_id for claim in await queue.claim("w", 10, NOW + 1, 60, 0)}
    assert due == {waiting[Outcome.DEFERRED].id, waiting[Outcome.THROTTLED].id}


async def test_depth_tells_what_is_due_by_lane(store: Store, queue: Queue) -> None:
    await store.putting.put(group_of((message(created_at=NOW - 30),), b"x"))
    await store.putting.put(group_of((message(created_at=NOW - 10),), b"x"))
    await store.putting.put(group_of((message(lane=Lane.BULK, scheduled_for=NOW + 60),), b"x"))

    depth = await queue.depth(NOW)
    assert depth == {Lane.PRIORITY: Depth(0, 0.0), Lane.NORMAL: Depth(2, 30.0), Lane.BULK: Depth(0, 0.0)}


async def test_stats_tell_what_each_message_waits_for(pair: Pair) -> None:
    store, queue = pair.store, pair.queue
    for outcome in (Outcome.DEFERRED, Outcome.THROTTLED, Outcome.UNKNOWN):
        sent = message()
        await store.putting.put(group_of((sent,), b"x"))
        await queue.claim("w", 1, NOW, 60, 0)
        attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", NOW)
        await store.attempting.attempt([attempt], "w", NOW + 60)
        await store.attempting.record(Record(sent.id, attempt.id, outcome, NOW, until=NOW + 900))
    await store.putting.put(group_of((message(lane=Lane.BULK),), b"x"))
    await queue.claim("w", 1, NOW, 60, 0)
    await store.putting.put(group_of((message(scheduled_for=NOW + 900),), b"x"))
    await store.putting.put(group_of((message(created_at=NOW - 30),), b"x"))
    await store.putting.put(group_of((message(created_at=NOW - 10),), b"x"))

    stats = await queue.stats(NOW)
    empty = Waits(waiting=0, oldest_seconds=0.0, deferred=0, scheduled=0, parked=0, claimed=0)
    assert stats.lanes == {
        Lane.PRIORITY: empty,
        Lane.NORMAL: Waits(waiting=2, oldest_seconds=30.0, deferred=2, scheduled=1, parked=1, claimed=0),
        Lane.BULK: replace(empty, claimed=1),
    }
    assert (await queue.stats(NOW + 1000)).lanes[Lane.NORMAL] == replace(empty, waiting=6, oldest_seconds=1030.0)


async def test_stats_tell_what_is_held(queue: Queue, database: Database) -> None:
    assert (await queue.stats(NOW)).held == frozenset()
    await hold(database, UUID(int=1))
    await hold(database, None)

    assert (await queue.stats(NOW)).held == {UUID(int=1), None}


async def test_a_release_ends_no_other_hold(queue: Queue, database: Database) -> None:
    await hold(database, UUID(int=1))
    await hold(database, None)

    assert not await release(database, UUID(int=2))
    assert await release(database, None)
    assert (await queue.stats(NOW)).held == {UUID(int=1)}


async def test_what_is_not_asked_for_is_left_and_the_other_is_served_past_it(store: Store, queue: Queue) -> None:
    service = UUID(int=5)
    for at in range(80):
        await store.putting.put(group_of((message(service_id=service, created_at=NOW - 100 + at),), b"x"))
    number = PhoneNumber("+16135550100")
    text = message(service_id=service, channel=Channel.SMS, recipient=number)
    test = message(service_id=service, channel=Channel.SMS, recipient=number, key_type=KeyType.TEST)
    for each in (text, test):
        await store.putting.put(group_of((each,), b"x"))

    assert await queue.claim("a", 10, NOW, 60, 0, ()) == []
    claims = await queue.claim("a", 10, NOW, 60, 0, TEXTS)
    assert {claim.message_id for claim in claims} == {text.id, test.id}
    assert {claim.channel for claim in claims} == {Channel.SMS}
    assert {claim.channel for claim in await queue.claim("a", 10, NOW, 60, 0, KINDS - TEXTS)} == {Channel.EMAIL}


async def test_texts_of_a_service_take_turns_with_its_mail(store: Store, queue: Queue) -> None:
    """A code that somebody waits for does not stand behind thousands of letters."""
    service = UUID(int=5)
    for at in range(30):
        await store.putting.put(group_of((message(service_id=service, created_at=NOW - 100 + at),), b"x"))
    text = message(service_id=service, channel=Channel.SMS, recipient=PhoneNumber("+16135550100"))
    await store.putting.put(group_of((text,), b"x"))

    assert text.id in {claim.message_id for claim in await queue.claim("a", 10, NOW, 60, 0)}


async def test_in_a_lane_who_has_the_fewest_under_way_is_next(store: Store, queue: Queue) -> None:
    slow, quick, other = (UUID(int=number) for number in (1, 2, 3))
    for service_id in (slow, quick, other):
        await _put(store, 12, service_id=service_id, created_at=NOW - 100)
    busy = {(Lane.NORMAL, Turn(slow, False, Channel.EMAIL)): 8, (Lane.NORMAL, Turn(other, False, Channel.EMAIL)): 2}

    async def claimed(limit: int) -> Counter[UUID]:
        claims = await queue.claim("w", limit, NOW, 60, 0, under_way=busy)
        return Counter(claim.turn.service_id for claim in claims if claim.turn)

    assert await claimed(2) == {quick: 2}
    assert await claimed(10) == {quick: 6, other: 4}  # two, then both in turn
    assert (await claimed(24))[slow] == 12  # what the others have not, it takes


async def test_lanes_behind_a_full_one_are_kept_a_share(store: Store, queue: Queue) -> None:
    for lane in Lane:
        await _put(store, 40, lane=lane)

    lanes = Counter(claim.lane for claim in await queue.claim("w", 40, NOW, 60, 0))
    assert lanes == {Lane.PRIORITY: 34, Lane.NORMAL: 4, Lane.BULK: 2}

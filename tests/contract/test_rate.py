"""One rate for all workers, on SQLite and on PostgreSQL: who claims what, and when it may leave."""

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest

from config.database import Database
from delivery.providers.base import Throttled
from delivery.queue.base import Claim
from delivery.rate import shared
from delivery.rate.asking import Asking
from delivery.rate.bucket import AHEAD_SECONDS, SPAN_SECONDS, Answers, Bucket
from delivery.rate.queue import RatedQueue
from messages.message import Channel, KeyType, Lane, Message
from messages.phone import PhoneNumber
from tests.fakes.granting import SesSays
from tests.fakes.messages import make_message
from tests.harness.store import Store, group_of

ACCOUNT = "ses:ca-central-1"
RATE = 40.0


@pytest.fixture
def grant(database: Database) -> Callable[..., Any]:
    async def ask(rate: float = RATE, **quota: float) -> None:
        await Asking(database, ACCOUNT, SesSays(rate, **quota).opened, time.time).ask()

    return ask


async def put(store: Store, count: int, **changes: Any) -> list[Message]:
    made = [make_message(created_at=time.time() - 1, content_bytes=1, **changes) for _ in range(count)]
    for each in made:
        await store.putting.put(group_of((each,), b"x"))
    return made


async def claim(queue: RatedQueue, limit: int = 100, owner: str = "w", **more: Any) -> list[Claim]:
    return await queue.claim(owner, limit, time.time(), 60, 0, **more)


async def bucket(database: Database) -> Bucket:
    found = await shared.find(database, ACCOUNT)
    assert found is not None
    return found


async def test_workers_that_claim_at_once_share_one_rate(
    database: Database, store: Store, grant: Callable[..., Any]
) -> None:
    await grant()
    await put(store, 60)
    queues = [RatedQueue(database, ACCOUNT) for _ in range(4)]
    began, claims = time.monotonic(), []
    while time.monotonic() < began + 0.5:
        for found in await asyncio.gather(*(claim(each, owner=f"w{at}") for at, each in enumerate(queues))):
            claims += found
    seconds = time.monotonic() - began

    assert len({each.message_id for each in claims}) == len(claims)
    times = sorted(each.slot.at for each in claims if each.slot)
    assert len(times) == len(claims)
    assert RATE * seconds * 0.9 < len(claims) <= RATE * (seconds + AHEAD_SECONDS + SPAN_SECONDS) + 1
    assert all(b - a > 0.99 / RATE for a, b in pairwise(times))
    late = await asyncio.gather(*(each.another() for each in queues * 2))
    assert min(slot.at for slot in late if slot) > times[-1]
    assert len({slot.at for slot in late if slot}) == 8


async def test_what_is_most_urgent_when_there_is_a_place_is_claimed(
    database: Database, store: Store, grant: Callable[..., Any]
) -> None:
    await grant()
    queue = RatedQueue(database, ACCOUNT)
    await put(store, 60, lane=Lane.BULK)
    first = await claim(queue)
    assert 0 < len(first) <= RATE * (AHEAD_SECONDS + SPAN_SECONDS) + 1
    assert await claim(queue) == []
    (code,) = await put(store, 1, lane=Lane.PRIORITY)
    async with asyncio.timeout(60):
        while not (found := await claim(queue)):
            await asyncio.sleep(0.01)
    next_ = found[0]
    assert next_.message_id == code.id
    assert next_.slot
    assert next_.slot.at < time.monotonic() + AHEAD_SECONDS + SPAN_SECONDS


async def test_what_has_no_rate_is_claimed_as_ever(database: Database, store: Store, grant: Callable[..., Any]) -> None:
    await grant(rate=1.0)
    queue = RatedQueue(database, ACCOUNT)
    service = UUID(int=5)
    await put(store, 5, service_id=service)
    tests = await put(store, 5, service_id=service, key_type=KeyType.TEST)
    texts = await put(store, 5, service_id=service, channel=Channel.SMS, recipient=PhoneNumber("+16135550100"))
    claims = await claim(queue) + await claim(queue)
    free = {each.message_id for each in claims if each.slot is None}
    assert free == {each.id for each in tests + texts}
    assert len(claims) == len(free) + 1
    assert await claim(queue) == []


async def test_where_workers_are_slower_than_the_rate_texts_and_tests_have_their_turn(
    database: Database, store: Store, grant: Callable[..., Any]
) -> None:
    """There is always room for mail then: whatever else waits would wait until no mail does."""
    await grant(rate=10_000.0)
    await put(store, 40, lane=Lane.BULK)
    (code,) = await put(store, 1, lane=Lane.PRIORITY, channel=Channel.SMS, recipient=PhoneNumber("+16135550100"))
    queue = RatedQueue(database, ACCOUNT)
    found = await claim(queue, 4) + await claim(queue, 4)
    assert code.id in {each.message_id for each in found}
    assert len([each for each in found if each.slot]) == 4


async def test_what_else_is_claimed_takes_nothing_of_what_lanes_of_mail_are_owed(
    database: Database, store: Store, grant: Callable[..., Any]
) -> None:
    await grant(rate=10_000.0)
    await put(store, 40, lane=Lane.PRIORITY)
    await put(store, 40, lane=Lane.PRIORITY, key_type=KeyType.TEST)
    (bulk,) = await put(store, 1, lane=Lane.BULK)
    queue = RatedQueue(database, ACCOUNT)
    found = [each for _ in range(16) for each in await claim(queue, 4)]
    assert bulk.id in {each.message_id for each in found}  # every twentieth place of 32


@pytest.mark.parametrize("says", [0.0, None])
async def test_where_nobody_knows_the_rate_all_is_claimed(
    database: Database, store: Store, grant: Callable[..., Any], says: float | None
) -> None:
    if says is not None:
        await grant(rate=says)
    await put(store, 50)
    queue = RatedQueue(database, ACCOUNT)
    claims = await claim(queue)
    assert len(claims) == 50
    assert not any(each.slot for each in claims)
    assert await queue.another() is None


async def test_what_was_turned_away_lowers_the_rate_of_all(
    database: Database, store: Store, grant: Callable[..., Any]
) -> None:
    await grant()
    one, other = RatedQueue(database, ACCOUNT), RatedQueue(database, ACCOUNT)
    await put(store, 60)
    one.note(Answers(taken=2, turned_away=2))
    await claim(one)
    assert (await bucket(database)).allowed == RATE * 0.75
    await asyncio.sleep(0.5)
    times = sorted(each.slot.at for each in await claim(other) if each.slot)
    assert len(times) > 3
    allowed = (await bucket(database)).allowed  # a little more again, if that took a second or more
    assert RATE * 0.75 <= allowed < RATE * 0.9
    assert all(b - a > 0.99 / allowed for a, b in pairwise(times))


async def test_of_the_last_of_a_quota_bulk_waits_first_and_a_spent_one_holds_all(
    database: Database, store: Store, grant: Callable[..., Any]
) -> None:
    await grant(quota=100.0, sent=95.0)
    queue = RatedQueue(database, ACCOUNT)
    await put(store, 5, lane=Lane.BULK)
    await put(store, 5, lane=Lane.NORMAL)
    claims = await claim(queue)
    assert {each.lane for each in claims} == {Lane.NORMAL}
    assert (await bucket(database)).left == 100 - 95 - len(claims)
    queue.note(Answers(spent=True))
    await put(store, 1, lane=Lane.PRIORITY)
    await asyncio.sleep(AHEAD_SECONDS)
    assert await claim(queue) == []
    assert await claim(RatedQueue(database, ACCOUNT)) == []


async def test_one_process_asks_for_all_and_what_was_said_last_holds(database: Database) -> None:
    ses, clock = SesSays(RATE), [1_790_000_000.0]
    askers = [Asking(database, ACCOUNT, ses.opened, lambda: clock[0]) for _ in range(4)]
    await asyncio.gather(*(each.ask() for each in askers))
    assert ses.asked == 1
    clock[0] += 61
    ses.quota["MaxSendRate"] = 80.0
    await asyncio.gather(*(each.ask() for each in askers))
    assert (ses.asked, (await bucket(database)).allowed) == (2, 80.0)

    away = SesSays(RATE, error=Throttled("aws_credentials"))

    clock[0] += 61
    await Asking(database, ACCOUNT, away.opened, lambda: clock[0]).ask()
    await askers[0].ask()  # not at once again
    assert (ses.asked, (await bucket(database)).granted) == (2, 80.0)
    clock[0] += 61
    await askers[0].ask()
    assert ses.asked == 3


async def test_a_quota_of_which_nothing_was_said_for_an_hour_holds_nobody(
    database: Database, store: Store, grant: Callable[..., Any]
) -> None:
    """The right to ask was lost, say: SES itself still says when a day's quota is spent."""
    await grant(quota=100.0, sent=100.0)
    await put(store, 5)
    queue = RatedQueue(database, ACCOUNT)
    away = SesSays(RATE, error=Throttled("aws_credentials"))

    for minutes, expected in ((59, []), (122, [RATE])):
        later = time.time() + minutes * 60
        await Asking(database, ACCOUNT, away.opened, lambda later=later: later).ask()  # type: ignore[misc]
        assert [(await bucket(database)).granted for _ in (await claim(queue))[:1]] == expected

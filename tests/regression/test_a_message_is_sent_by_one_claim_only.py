"""A claim whose lease ran out counts no more, also when the same worker process claimed the message again."""

import asyncio
import os
import time
from uuid import UUID

from delivery.store.base import Attempt
from messages.message import new_id
from tests.integration.conftest import Works, works  # noqa: F401 - the fixture


def _attempt(message_id: UUID, number: int) -> Attempt:
    return Attempt(new_id(time.time(), os.urandom(10)), message_id, number, "ses", time.time())


async def test_the_older_claim_of_the_same_owner_may_not_send(works: Works) -> None:  # noqa: F811
    message = await works.put()
    now = time.time()
    (first,) = await works.queue.claim("w", 1, now + 1, 5, 180)
    (second,) = await works.queue.claim("w", 1, now + 10, 5, 180)  # the lease ran out; one process, one owner
    assert await works.store.attempting.attempt([_attempt(message.id, second.attempts + 1)], "w", now + 15) == {
        message.id
    }
    assert await works.store.attempting.attempt([_attempt(message.id, first.attempts + 1)], "w", now + 15) == set()


async def test_nor_when_both_share_a_transaction(works: Works) -> None:  # noqa: F811
    message = await works.put()
    now = time.time()
    await works.queue.claim("w", 1, now + 1, 5, 180)
    await works.queue.claim("w", 1, now + 10, 5, 180)
    one, other = [_attempt(message.id, 1)], [_attempt(message.id, 1)]
    attempting = works.store.attempting
    ours = await asyncio.gather(*(attempting.attempt(each, "w", now + 15) for each in (one, other)))
    assert sorted(map(len, ours)) == [0, 1]

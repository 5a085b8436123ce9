"""A worker that was slower than its lease gives its message back; who took it over is calling the provider by then."""

import os

from config.database import Database
from config.keyring import Keyring
from delivery.queue.sql import SqlQueue
from delivery.store.base import Attempt
from messages.message import Lane, new_id
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of


async def test_the_successors_lease_goes_on(database: Database, keyring: Keyring) -> None:
    store, queue = Store(database, keyring), SqlQueue(database)
    sent = message(lane=Lane.PRIORITY)  # it waits for less than a lease
    await store.putting.put(group_of((sent,), b"x"))
    await queue.claim("slow", 1, NOW, 60, 180)
    await queue.claim("quick", 1, NOW + 61, 60, 180)
    attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "ses", NOW + 61)
    await store.attempting.attempt([attempt], "quick", NOW + 121)

    await queue.give_back([sent.id], NOW + 62)
    for later in (63, 93, 120):  # the first would find the attempt, and park it
        assert await queue.claim("third", 1, NOW + later, 60, 180) == []
    assert await queue.claim("third", 1, NOW + 121, 60, 180) == []
    assert (
        len(await queue.claim("third", 1, NOW + 141, 60, 180)) == 1
    )  # who comes back after an outage has the time to say

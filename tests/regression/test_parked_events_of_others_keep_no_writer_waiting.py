"""SQLite has one write lock, and every few seconds it was held while all parked events were looked through."""

import asyncio
from uuid import uuid4

from config.database import Database
from config.keyring import Keyring
from delivery.store.base import Event, EventKind, Fate
from messages.status import Status
from tests.harness.noon import NOW
from tests.harness.store import Store


async def test_looking_for_messages_of_parked_events_waits_for_no_writer(database: Database, keyring: Keyring) -> None:
    store = Store(database, keyring)
    told = Event(uuid4(), EventKind.DELIVERY, "ses", "of-another-relay", None, None, NOW, Status.DELIVERED)
    assert (await store.settling.learn([told], NOW)).fates == (Fate.PARKED,)

    async with database.write():
        assert await asyncio.wait_for(store.settling.match_parked(NOW + 5), 30) == ()

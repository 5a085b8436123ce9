"""What is told of a message fits together, whatever a worker writes while it is read."""

import asyncio
import time
from threading import Thread
from typing import Any
from uuid import uuid4

from sqlalchemy import event

from config.database import Database
from config.keyring import Keyring
from delivery.store.base import Attempt, Outcome, Record
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.store import Store, group_of


async def test_a_message_that_waits_for_nobody_has_the_outcome_of_its_attempt(
    database: Database, database_url: str, keyring: Keyring
) -> None:
    now, store = time.time(), Store(database, keyring)
    message = make_message(created_at=now)
    attempt = Attempt(uuid4(), message.id, 1, "ses", now)
    await store.putting.put(group_of((message,), b"content"))
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE queue SET owner = 'worker'")
    assert await store.attempting.attempt([attempt], "worker", now + 60) == {message.id}

    @event.listens_for(database.engine.sync_engine, "after_cursor_execute")
    def _written_meanwhile(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM attempts" in statement:
            writing = Thread(target=asyncio.run, args=(_relayed(database_url, keyring, attempt),))
            writing.start()
            writing.join(60)

    history = await store.searching.history(message.id)
    assert history is not None
    told = [each.outcome for each in history.attempts]
    assert (told, history.waiting_until) == ([None], now + 60)
    history = await store.searching.history(message.id)
    assert history is not None
    assert ([each.outcome for each in history.attempts], history.waiting_until) == ([Outcome.RELAYED], None)


async def _relayed(database_url: str, keyring: Keyring, attempt: Attempt) -> None:
    database = Database(database_url)
    relayed = Record(attempt.message_id, attempt.id, Outcome.RELAYED, time.time(), Status.SENDING, provider_id="p-1")
    await Store(database, keyring).attempting.record(relayed)
    await database.close()

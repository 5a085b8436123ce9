"""A worker killed after its claim and before its attempt has sent nothing, so nothing waits to be found out.

The worker is held at exactly that point by what its next transaction needs: the write turn of SQLite, the table of
attempts of PostgreSQL. Lease and wait have their long defaults: a message that was parked could not arrive in time.
"""

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from sqlalchemy import select, text

from config.database import Database
from config.keyring import Keyring
from delivery.store.base import Outcome
from delivery.store.tables import queue
from messages.message import Message
from tests.fakes.messages import make_message
from tests.faults.conftest import Install
from tests.harness.ses_process import Ses
from tests.harness.store import Store, group_of

CONTENT = b"From: a@notification.example.ca\r\nTo: reader@example.org\r\nSubject: Hi\r\n\r\nHello\r\n"


class Missed(Exception):
    """The attempt was quicker than the lock."""


async def _claimed(database: Database, message: Message) -> bool:
    """Whether it is, and not attempted yet. Raises Missed."""
    mine = select(queue.c.owner, queue.c.attempt_id).where(queue.c.message_id == message.id)
    async with database.read() as connection:
        row = (await connection.execute(mine)).one_or_none()
    if row is None or row.attempt_id is not None:
        raise Missed
    return row.owner is not None


async def _waiting(store: Store) -> Message:
    """One that is due in a moment."""
    now = time.time()
    message = make_message(created_at=now, scheduled_for=now + 1, content_bytes=len(CONTENT))
    await store.putting.put(group_of((message,), CONTENT))
    return message


@asynccontextmanager
async def _held_at_its_attempt(database: Database, message: Message) -> AsyncIterator[None]:
    """Inside: the message is claimed, and no attempt can be written down. Raises Missed."""
    async with asyncio.timeout(60):
        if not database.is_sqlite:
            async with database.write() as connection:
                await connection.execute(text("LOCK TABLE attempts IN SHARE MODE"))
                while not await _claimed(database, message):
                    await asyncio.sleep(0.01)
                yield
            return
        turn = os.open(f"{database.engine.url.database}.turn", os.O_RDWR)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            while not await _claimed(database, message):
                fcntl.flock(turn, fcntl.LOCK_UN)  # one writer may go, then we stand in line behind it
                await asyncio.sleep(0.001)
                await asyncio.to_thread(fcntl.flock, turn, fcntl.LOCK_EX)
            yield
        finally:
            os.close(turn)


async def test_a_kill_between_claim_and_attempt_parks_nothing(install: Install, ses: Ses, database: Database) -> None:
    relay = install(PROCESSES=1)
    relay.start("--role", "worker")
    store = Store(database, Keyring.parse(relay.environment["NOTIFY_RELAY_SECRET_KEY"]))
    (worker,) = (pid for pid, name in relay.children().items() if name.startswith("worker"))
    while worker in relay.children():  # until one is met at that point: a stalled machine misses it
        message = await _waiting(store)
        with suppress(Missed):
            async with _held_at_its_attempt(database, message):
                os.kill(worker, signal.SIGKILL)
                while worker in relay.children():
                    await asyncio.sleep(0.01)

    async with asyncio.timeout(30):  # long before the lease of the dead worker ends
        while message.id not in [message_id for message_id, _ in ses.sent()]:
            await asyncio.sleep(0.05)
        while (history := await store.searching.history(message.id)) and history.waiting_until is not None:
            await asyncio.sleep(0.05)
    assert [message_id for message_id, _ in ses.sent()].count(message.id) == 1
    assert history is not None
    assert [(attempt.number, attempt.outcome) for attempt in history.attempts] == [(1, Outcome.RELAYED)]

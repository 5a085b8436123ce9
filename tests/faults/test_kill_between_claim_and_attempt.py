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
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select, text

from config.database import Database
from config.keyring import Keyring
from delivery.store.base import Outcome
from delivery.store.tables import queue
from tests.fakes.messages import make_message
from tests.faults.conftest import Install
from tests.harness.ses_process import Ses
from tests.harness.store import Store, group_of

CONTENT = b"From: a@notification.example.ca\r\nTo: reader@example.org\r\nSubject: Hi\r\n\r\nHello\r\n"


async def _owner_and_attempt(database: Database) -> tuple[str | None, object]:
    async with database.read() as connection:
        row = (await connection.execute(select(queue.c.owner, queue.c.attempt_id))).one()
    return row.owner, row.attempt_id


async def _claimed(database: Database) -> bool:
    owner, attempt_id = await _owner_and_attempt(database)
    if attempt_id is not None:
        pytest.fail("the attempt was quicker than the lock")
    return owner is not None


@asynccontextmanager
async def _held_at_its_attempt(database: Database) -> AsyncIterator[None]:
    """Inside: the one message that waits is claimed, and no attempt can be written down."""
    async with asyncio.timeout(60):
        if not database.is_sqlite:
            async with database.write() as connection:
                await connection.execute(text("LOCK TABLE attempts IN SHARE MODE"))
                while not await _claimed(database):
                    await asyncio.sleep(0.01)
                yield
            return
        turn = os.open(f"{database.engine.url.database}.turn", os.O_RDWR)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            while not await _claimed(database):
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
    now = time.time()
    message = make_message(created_at=now, scheduled_for=now + 1, content_bytes=len(CONTENT))
    await store.putting.put(group_of((message,), CONTENT))
    (worker,) = (pid for pid, name in relay.children().items() if name.startswith("worker"))
    async with _held_at_its_attempt(database):
        os.kill(worker, signal.SIGKILL)
        while worker in relay.children():
            await asyncio.sleep(0.01)

    async with asyncio.timeout(30):  # long before the lease of the dead worker ends
        while not ses.sent():
            await asyncio.sleep(0.05)
        while (history := await store.searching.history(message.id)) and history.waiting_until is not None:
            await asyncio.sleep(0.05)
    assert [message_id for message_id, _ in ses.sent()] == [message.id]
    assert history is not None
    assert [(attempt.number, attempt.outcome) for attempt in history.attempts] == [(1, Outcome.RELAYED)]

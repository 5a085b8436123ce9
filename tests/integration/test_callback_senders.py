"""More than one sender on one database, SQLite and PostgreSQL: nothing is told twice, out of order, or never."""

import asyncio
import base64
import json
import os
import signal
import time

import pytest
from prometheus_client import CollectorRegistry

from config.database import Database
from config.keyring import Keyring
from delivery.callbacks.sender import open_sender
from delivery.metrics import CallbackMetrics
from messages.status import Status
from tests.fakes.receiver import HANG, Receiver, Reply
from tests.harness.callbacks import QUIET_SECONDS, SETTINGS, CallbackDesk
from tests.harness.postgres import Postgres
from tests.harness.processes import processes
from tests.harness.store import Store


@pytest.fixture
def desk(database: Database, keyring: Keyring) -> CallbackDesk:
    return CallbackDesk(database, keyring, Store(database, keyring))


async def test_statuses_of_one_message_are_told_in_their_order(desk: CallbackDesk) -> None:
    async with Receiver([Reply(500), Reply(seconds=0.2)]) as receiver:
        sent = await desk.message(receiver.url)
        await desk.settle(sent, Status.DELIVERED, Status.PERMANENT_FAILURE)
        async with desk.sender("a"), desk.sender("b"):
            await receiver.wait(1)
            await asyncio.sleep(QUIET_SECONDS)
            assert len(receiver.told) == 1
            desk.clock.ahead_seconds += 11
            await desk.ended(sent)
    assert [json.loads(told.body)["status"] for told in receiver.told] == [
        "delivered",
        "delivered",
        "permanent-failure",
    ]


async def test_two_senders_tell_each_thing_once(desk: CallbackDesk) -> None:
    async with Receiver() as receiver:
        first = await desk.message(receiver.url)
        for _ in range(60):
            await desk.settle(await desk.message(None, service_id=first.service_id), Status.DELIVERED)
        async with desk.sender("a"), desk.sender("b"):
            await receiver.wait(60)
            await asyncio.sleep(QUIET_SECONDS)
    ids = [told.callback_id for told in receiver.told]
    assert len(ids) == len(set(ids)) == 60


def _send_until_killed(url: str, root: str) -> None:
    async def send() -> None:
        database, keyring = Database(url), Keyring.parse(root)
        async with open_sender(
            "victim",
            database=database,
            keyring=keyring,
            sources=Store(database, keyring).sources,
            settings=SETTINGS.model_copy(update={"timeout_seconds": 10}),
            metrics=CallbackMetrics(CollectorRegistry()),
            now=time.time,
        ) as sender:
            await sender.run(asyncio.Event())

    asyncio.run(send())


async def test_what_a_killed_sender_had_claimed_is_told_by_the_next(database: Database, database_url: str) -> None:
    root = base64.b64encode(os.urandom(32)).decode()
    keyring = Keyring.parse(root)
    desk = CallbackDesk(database, keyring, Store(database, keyring))
    async with Receiver([HANG]) as receiver:
        sent = await desk.delivered(receiver.url)
        victim = processes().Process(target=_send_until_killed, args=(database_url, root))
        victim.start()
        try:
            await receiver.wait(1)
        finally:
            assert victim.pid is not None
            os.kill(victim.pid, signal.SIGKILL)
            await asyncio.to_thread(victim.join, 60)
        async with desk.sender():
            await asyncio.sleep(QUIET_SECONDS)
            assert len(receiver.told) == 1  # its lease is not over
            desk.clock.ahead_seconds += 41
            record = await desk.ended(sent)
    assert (record.attempts, record.outcome) == (2, "done")
    assert receiver.told[0].callback_id == receiver.told[1].callback_id


async def test_outage_of_the_database_during_a_call_costs_no_second_call(
    own_postgres: Postgres, keyring: Keyring
) -> None:
    database = Database(own_postgres.take_migrated())
    desk = CallbackDesk(database, keyring, Store(database, keyring))
    async with Receiver([Reply(seconds=1)]) as receiver:
        sent = await desk.delivered(receiver.url)
        async with desk.sender(timeout_seconds=5):
            await receiver.wait(1)
            await asyncio.to_thread(own_postgres.halt)
            await asyncio.sleep(1.5)
            await asyncio.to_thread(own_postgres.resume)
            async with asyncio.timeout(60):
                while not desk.metric("done"):
                    await asyncio.sleep(0.05)
            await asyncio.sleep(1.5)
        record = (await desk.callbacks(sent))[-1]
    await database.close()
    assert (record.outcome, record.attempts, len(receiver.told)) == ("done", 1, 1)

"""A probe that could not be made says nothing of the URL, and the next one is another: one damaged row is not all."""

import asyncio

from sqlalchemy import update

from config.database import Database
from config.keyring import Keyring
from delivery.store.tables import callbacks, messages
from messages.status import Status
from tests.fakes.receiver import Receiver, Reply
from tests.harness.callbacks import QUIET_SECONDS, CallbackDesk
from tests.harness.store import Store

DAY = 86_400.0


async def test_the_next_one_is_probed_with(database: Database, keyring: Keyring) -> None:
    desk = CallbackDesk(database, keyring, Store(database, keyring))
    async with Receiver() as receiver:
        receiver.always = Reply(503)
        damaged = await desk.message(receiver.url)
        whole = await desk.message(None, service_id=damaged.service_id)
        async with desk.sender():
            for each in (damaged, whole):
                await desk.settle(each, Status.DELIVERED)
                await desk.deferred(each)
            desk.clock.ahead_seconds += DAY + 60
            await desk.until(lambda: suspended(desk))
            async with database.write() as connection:
                this = messages.c.id == damaged.id
                await connection.execute(update(messages).where(this).values(recipient=b"damaged"))
                first = callbacks.c.message_id == damaged.id
                await connection.execute(update(callbacks).where(first).values(available_at=0.0))
            receiver.always = Reply()
            for _ in range(4):
                desk.clock.ahead_seconds += 7200
                await asyncio.sleep(QUIET_SECONDS)
        assert (await desk.health(whole)).suspended_at is None
        assert (await desk.callbacks(whole))[-1].ended_at is not None


async def suspended(desk: CallbackDesk) -> bool:
    return bool(desk.changes("suspended"))

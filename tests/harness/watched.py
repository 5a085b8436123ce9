"""Looking on while a key is used, as its page does, over the database of a relay that runs."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select

from auth import watches
from auth.keys import keys
from auth.watches import SHARED_SECONDS, Sighting, Step
from config.database import Database
from tests.harness.relay import Credentials


async def watched(database: Database, key: Credentials, send: Callable[[], object], times: int = 1) -> list[Sighting]:
    """What the doors tell of a key while `send` is done so often: until as many messages were accepted."""
    key_id = UUID(key.key_id)
    async with database.write() as connection:
        row = (await connection.execute(select(keys).where(keys.c.id == key_id))).one()
        await watches.begin(connection, row, time.time())
    await asyncio.sleep(2 * SHARED_SECONDS)
    for _ in range(times):
        await asyncio.to_thread(send)
    async with asyncio.timeout(60):
        while True:
            async with database.read() as connection:
                found = await watches.seen(connection, key_id, time.time())
            if sum(each.step is Step.ACCEPTED for each in found) >= times:
                return found
            await asyncio.sleep(0.1)

"""A row that somebody else had locked was passed over, and could not be opened once the old root was forgotten."""

import asyncio
import time

from sqlalchemy import select

from config.database import Database
from config.keyring import Keyring
from delivery import rotation
from delivery.store.tables import messages
from tests.harness.noon import message
from tests.harness.store import Store, group_of

OLD, NEW = Keyring.generate(), Keyring.generate()


async def test_a_message_that_is_written_meanwhile_is_rotated_too(database: Database) -> None:
    sent, other = message(), message()
    for each in (sent, other):
        await Store(database, Keyring.parse(OLD)).putting.put(group_of((each,), b"hello"))
    both = Keyring.parse(f"{NEW},{OLD}")

    async with database.write() as connection:
        await connection.execute(select(messages.c.id).where(messages.c.id == sent.id).with_for_update())
        rotating = asyncio.create_task(rotation.rotate(database, both, both, time.time))
        await asyncio.sleep(0.5)
    await asyncio.wait_for(rotating, 60)

    assert set(await Store(database, Keyring.parse(NEW)).searching.load([sent.id, other.id])) == {sent.id, other.id}

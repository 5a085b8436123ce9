"""A worker that claimed a text twice, its first lease over, puts it into a line: by then it is calling its provider."""

import os

from config.database import Database
from config.keyring import Keyring
from delivery.queue.lines import Lines
from delivery.queue.sql import SqlQueue
from delivery.store.base import Attempt
from messages.message import new_id
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of
from tests.harness.texts import add_sender


async def test_nobody_else_is_given_the_text(database: Database, keyring: Keyring) -> None:
    store, queue, lines = Store(database, keyring), SqlQueue(database), Lines(database)
    line = (await add_sender(database, "+16135550100", 1000, NOW)).id
    sent = message()
    await store.putting.put(group_of((sent,), b"x"))
    await queue.claim("w", 1, NOW, 60, 180)
    await queue.claim("w", 1, NOW + 61, 60, 180)
    attempt = Attempt(new_id(NOW, os.urandom(10)), sent.id, 1, "aws", NOW + 61)
    await store.attempting.attempt([attempt], "w", NOW + 121)

    await lines.line_up([(sent, line)], "w")
    assert await lines.claim(line, 1, "other", NOW + 122) == []

"""Stores 2 KB messages as a door does; says how long each put took: python -m tests.load.writer URL SECONDS PAUSE.

Begins at the line that it reads from standard input; prints a JSON list of seconds.
"""

import asyncio
import json
import os
import random
import sys
import time
from uuid import UUID

import uvloop

from auth.limits import DAY_SECONDS, MINUTE_SECONDS, Charge
from config.database import Database
from config.keyring import Keyring
from messages.message import new_id
from messages.reply import KEY_LIMIT, SERVICE_LIMIT
from tests.fakes.messages import make_message
from tests.harness.load import html_message
from tests.harness.store import Store, group_of

_CHARGES = (
    Charge(UUID(int=1), MINUTE_SECONDS, 10**9, KEY_LIMIT),
    Charge(UUID(int=2), DAY_SECONDS, 10**9, SERVICE_LIMIT),
)


async def _write(url: str, seconds: float, pause: float) -> list[float]:
    database = Database(url)
    store, content, waits = Store(database, Keyring.parse(Keyring.generate())), html_message(), []
    await database.ping()
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if pause:
            await asyncio.sleep(random.uniform(0, 2 * pause))
        now = time.time()
        ids = {name: new_id(now, os.urandom(10)) for name in ("id", "group_id", "content_id")}
        message = make_message(service_id=UUID(int=2), content_bytes=len(content), created_at=now, **ids)
        began = time.perf_counter()
        await store.putting.put(group_of((message,), content, _CHARGES))
        waits.append(time.perf_counter() - began)
    await database.close()
    return waits


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_write(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))))

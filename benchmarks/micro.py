"""The parts alone, in this process: CPU milliseconds per message."""

import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from pathlib import Path
from uuid import uuid4

from auth.limits import DAY_SECONDS, MINUTE_SECONDS, Charge
from config.database import Database
from config.keyring import Keyring
from delivery import schema
from delivery.followers import followers
from delivery.library.brandings import Brandings
from delivery.queue.sql import SqlQueue
from delivery.store.attempting import Attempting
from delivery.store.base import Attempt, Outcome, Record
from delivery.store.contents import Contents
from delivery.store.putting import Putting
from delivery.store.rows import Codec
from delivery.store.searching import Searching
from messages.address import Address
from messages.email.dkim import SigningKey, generate, sign
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Language, Message, Trace, new_id
from messages.reply import KEY_LIMIT, SERVICE_LIMIT
from messages.status import Status
from tests.fakes.messages import make_message
from tests.harness.load import html_message, message_of
from tests.harness.store import group_of

BATCH = 32
_KEY, _SERVICE = uuid4(), uuid4()
_CHARGES = (
    Charge(_KEY, MINUTE_SECONDS, 10**9, KEY_LIMIT),
    Charge(_SERVICE, DAY_SECONDS, 10**9, SERVICE_LIMIT),
)


def preparing(size_bytes: int = 2048, times: int = 2000) -> float:
    """prepare(): header policy, sender, branding."""
    sender = SenderPolicy(
        "Passports", Address.parse("passports@notification.example.ca"), False, "registered", None, frozenset()
    )
    branding = Brandings().get("default", "Passports", Language.BOTH)
    trace, content = Trace("client.example.org", "192.0.2.1", "ESMTPSA", "localhost"), message_of(size_bytes)
    preparation = Preparation(sender, branding, trace, uuid4(), time.time())
    return _cpu_ms(lambda: prepare(content, preparation), times)


def parsing_and_writing(size_bytes: int, times: int) -> float:
    """What the standard library takes to parse a message and write it back, with nothing changed."""
    content = message_of(size_bytes)
    return _cpu_ms(lambda: message_from_bytes(content, policy=policy.SMTP).as_bytes(), times)


def signing() -> float:
    """sign(): DKIM, RSA with 2048 bits."""
    key, content = SigningKey.from_pem("notification.example.ca", "s1", generate()), html_message()
    return _cpu_ms(lambda: sign(content, key, 1.0), 1000)


def _cpu_ms(work: Callable[[], object], times: int) -> float:
    work()
    gc.collect()
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1000


async def storing_and_delivering(url: str, batches: int = 40) -> tuple[float, float]:
    """put() in groups that share commits; then claim, load, attempt and record of the same messages."""
    database = Database(url)
    try:
        await schema.upgrade(database)
        keyring = Keyring.parse(Keyring.generate())
        codec, queue, content = Codec(keyring), SqlQueue(database), html_message()
        putting, attempting = Putting(database, codec), Attempting(database, followers(keyring))
        searching, contents = Searching(database, codec), Contents(database, codec)

        async def put() -> None:
            groups = (group_of((_message(len(content)),), content, _CHARGES) for _ in range(BATCH))
            await asyncio.gather(*map(putting.put, groups))

        async def deliver() -> None:
            now = time.time()
            claims = await queue.claim("bench", BATCH, now, 60, 180)
            messages = await searching.load([claim.message_id for claim in claims])
            await contents.load({message.content_id for message in messages.values()})
            attempts = [Attempt(new_id(now, os.urandom(10)), each, 1, "ses", now) for each in messages]
            await attempting.attempt(attempts, "bench", now + 60)
            await asyncio.gather(
                *(
                    attempting.record(Record(a.message_id, a.id, Outcome.RELAYED, now, Status.SENDING, "id"))
                    for a in attempts
                )
            )

        return await _cpu_ms_of(put, batches), await _cpu_ms_of(deliver, batches)
    finally:
        await database.close()


async def _cpu_ms_of(work: Callable[[], Awaitable[None]], times: int) -> float:
    gc.collect()
    began = time.process_time()
    for _ in range(times):
        await work()
    return (time.process_time() - began) / times / BATCH * 1000


def _message(size_bytes: int) -> Message:
    now = time.time()
    ids = [new_id(now, os.urandom(10)) for _ in range(3)]
    named = dict(zip(("id", "group_id", "content_id"), ids, strict=True))
    return make_message().evolve(service_id=_SERVICE, key_id=_KEY, content_bytes=size_bytes, created_at=now, **named)


def sqlite_url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/micro.db"

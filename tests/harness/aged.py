"""Messages as old as they need be, of services that keep what they say for so long, on a real store."""

import os
from uuid import UUID

from sqlalchemy import func, select

from auth import services
from auth.domains import names
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits
from delivery.queue.base import Queue
from delivery.store.base import ROW_SECONDS, Attempt, Outcome, Record
from messages.message import Message, new_id
from messages.status import Status
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

DAY = 86_400.0
OLD = NOW - ROW_SECONDS - DAY


async def service(database: Database, sealing: Keyring, days: int, email_from: str) -> UUID:
    async with database.write() as c:
        await names.ensure(c, sealing, "x.example", NOW)
        limits = Limits()
        made = await services.create(
            c, limits, NOW, name=email_from, email_from=email_from, domain="x.example", content_days=days
        )
    return made.id


def of(service_id: UUID, at: float, **more: object) -> Message:
    given = {"id": new_id(at, os.urandom(10)), "content_id": new_id(at, os.urandom(10)), "created_at": at}
    return message(service_id=service_id, **(given | more))


async def attempted(store: Store, queue: Queue, each: Message) -> Attempt:
    """In the middle of a provider call."""
    await store.putting.put(group_of((each,), b"hello"))
    await queue.claim("w", 100, NOW, 60, 1e9)
    attempt = Attempt(new_id(NOW, os.urandom(10)), each.id, 1, "ses", each.created_at)
    assert await store.attempting.attempt([attempt], "w", NOW + 60)
    return attempt


async def sent(store: Store, queue: Queue, each: Message, provider_id: str) -> None:
    """Put and taken by its provider."""
    await taken(store, await attempted(store, queue, each), provider_id)


async def taken(store: Store, attempt: Attempt, provider_id: str) -> None:
    of_provider = {"status": Status.SENDING, "provider_id": provider_id}
    await store.attempting.record(
        Record(attempt.message_id, attempt.id, Outcome.RELAYED, attempt.started_at, **of_provider)
    )


async def number(database: Database, table: object) -> int:
    async with database.read() as c:
        return int(await c.scalar(select(func.count()).select_from(table)) or 0)  # type: ignore[arg-type]

"""Everybody who writes or reads messages, on one database: for tests that play several of them."""

import time
from typing import Any
from uuid import UUID, uuid4

from config.database import Database
from config.keyring import Keyring
from delivery.backlog.pressure import Pressure
from delivery.callbacks.sources import Sources
from delivery.figures.tables import counts
from delivery.followers import followers
from delivery.store.attempting import Attempting
from delivery.store.base import Event, EventKind, Group, Moved
from delivery.store.contents import Contents
from delivery.store.idempotency import Idempotency
from delivery.store.inbound import Received, Receiving
from delivery.store.mail_answers import Answering
from delivery.store.putting import Putting
from delivery.store.retiring import Retiring
from delivery.store.rows import Codec
from delivery.store.searching import Searching
from delivery.store.settling import Settling
from delivery.store.suppressed import Suppressions
from messages.message import Message
from messages.status import Status
from tests.harness.counted import kept


class Store:
    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database, codec = database, Codec(keyring)
        self.putting = Putting(database, codec)
        self.idempotency = Idempotency(database, codec)
        self.attempting = Attempting(database, followers(keyring))
        self.settling = Settling(database, codec, followers(keyring))
        self.searching = Searching(database, codec)
        self.contents = Contents(database, codec)
        self.retiring = Retiring(database)
        self.receiving = Receiving(database, keyring)
        self.answering = Answering(database, keyring)
        self.received = Received(database, keyring)
        self.sources = Sources(self.searching, self.received)
        self.pressure = Pressure(database, time.time)
        self.suppressions = Suppressions(database, keyring, time.time)

    async def settle(self, message_id: UUID, status: Status, at: float, reason: str | None = None) -> tuple[Moved, ...]:
        """What a provider tells of a message's end."""
        told = Event(uuid4(), EventKind.DELIVERY, "ses", f"p-{message_id}", message_id, None, at, status, reason)
        return (await self.settling.learn([told], at)).moved

    async def counts(self, service_id: UUID) -> dict[Status, int]:
        """The service's messages by status, test keys apart."""
        async with self._database.read() as connection:
            found = await kept(connection)
        totals: dict[Status, int] = {}
        for (table, (owner, key_type, *_), status), (number, _) in found.items():
            if table == counts.name and owner == service_id and key_type != "test":
                totals[Status(status)] = totals.get(Status(status), 0) + number
        return {status: total for status, total in totals.items() if total}


def group_of(messages: tuple[Message, ...], content: bytes, *rest: Any, **options: Any) -> Group:
    """Messages that all say the same."""
    return Group(messages, {message.content_id: content for message in messages}, *rest, **options)

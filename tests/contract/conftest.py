"""The implementations that the suites here run over: memory, SQLite, PostgreSQL."""

import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery import schema
from delivery.queue.base import Queue
from delivery.queue.memory import MemoryQueue
from delivery.queue.sql import SqlQueue
from delivery.store.base import Store
from delivery.store.memory import Memory, MemoryStore
from delivery.store.sql import SqlStore
from messages.message import Message, new_id
from tests.fakes.messages import make_message


@dataclass
class Pair:
    """A store and the queue over the same rows."""

    store: Store
    queue: Queue


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def pair(request: pytest.FixtureRequest, keyring: Keyring) -> AsyncIterator[Pair]:
    if request.param == "memory":
        memory = Memory()
        yield Pair(MemoryStore(memory), MemoryQueue(memory))
        return
    fixture = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    database = Database(request.getfixturevalue(fixture))
    await schema.upgrade(database)
    yield Pair(SqlStore(database, keyring), SqlQueue(database))
    await database.close()


@pytest.fixture
def store(pair: Pair) -> Store:
    return pair.store


@pytest.fixture
def queue(pair: Pair) -> Queue:
    return pair.queue


NOW = float(int(time.time() // 86400) * 86400 + 43200)  # noon today, UTC: no window ends during a test


def message(**changes: Any) -> Message:
    """A message ready to be put at NOW; what matters to a test is named by it."""
    at_noon: dict[str, Any] = {"id": new_id(NOW, os.urandom(10)), "created_at": NOW, "expires_at": NOW + 3600}
    return make_message(**(at_noon | {"content_id": new_id(NOW, os.urandom(10))} | changes))

"""What the suites here run over, on SQLite and on PostgreSQL."""

import os
import time
from dataclasses import dataclass
from typing import Any

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery.queue.base import Queue
from delivery.queue.sql import SqlQueue
from messages.message import Message, new_id
from tests.fakes.messages import make_message
from tests.harness.store import Store


@dataclass
class Pair:
    """A store and the queue over the same rows."""

    store: Store
    queue: Queue


@pytest.fixture
def pair(database: Database, keyring: Keyring) -> Pair:
    return Pair(Store(database, keyring), SqlQueue(database))


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

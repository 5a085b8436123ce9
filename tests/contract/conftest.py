"""What the suites here run over, on SQLite and on PostgreSQL."""

from dataclasses import dataclass

import pytest

from config.database import Database
from config.keyring import Keyring
from delivery.queue.base import Queue
from delivery.queue.sql import SqlQueue
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

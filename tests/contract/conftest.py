"""What the suites here run over, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from auth.audit import Actor
from config.database import Database
from config.keyring import Keyring
from config.settings import Settings
from delivery.queue.base import Queue
from delivery.queue.sql import SqlQueue
from relay.actions.transaction import Transactions
from relay.wiring import open_ses
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
def asking_at(database: Database, keyring: Keyring, sealing: Keyring) -> Callable[[Callable[[], float]], Transactions]:
    """The transactions of an operator, by a clock."""
    settings, ann = Settings(), Actor("operator", "ann")
    ses = partial(open_ses, settings)
    return lambda now: Transactions(database, settings, keyring, sealing, ann, now, ses)


@pytest.fixture
def store(pair: Pair) -> Store:
    return pair.store


@pytest.fixture
def queue(pair: Pair) -> Queue:
    return pair.queue

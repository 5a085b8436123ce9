"""A clock that stands still, and a database that counts its statements or is away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from auth.verify import Verifier
from config.database import Database
from config.settings import Limits
from messages.reply import Refused, Reply

DOMAIN = "notification.example.ca"
DEFAULTS = Limits()
NOW = 1_790_000_000.0


class FixedClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


@contextmanager
def away(database: Database, error: Exception | None = None) -> Iterator[None]:
    """The database answers every statement with an error: as one that restarts does, if none is named."""

    def fail(*_: Any) -> None:
        raise error or ConnectionResetError

    engines = [database.engine.sync_engine, *([database._plain] if database.is_sqlite else [])]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", fail)
    yield
    for engine in engines:
        event.remove(engine, "before_cursor_execute", fail)


@contextmanager
def refused(reply: Reply) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.reply is reply


async def settled(verifier: Verifier) -> None:
    while verifier._by_username._loading:
        await asyncio.sleep(0.01)

"""What an SQLite file keeps of messages, read beside whoever writes it: rows opened, contents whole."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import NullPool, Row, Select, create_engine, make_url, select, text

from config.database import Database
from config.keyring import Keyring
from delivery.store.rows import Codec
from delivery.store.tables import contents, messages, queue
from messages.message import Message


class Kept:
    """`database` is what its tests write to, under `keyring`."""

    def __init__(self, url: str, database: Database, keyring: Keyring) -> None:
        self.database = database
        self.keyring = keyring
        self._codec = Codec(keyring)
        self._engine = create_engine(make_url(url).set(drivername="sqlite"), poolclass=NullPool)

    @property
    def messages(self) -> dict[UUID, Message]:
        """Oldest first."""
        rows = self._all(select(messages).order_by(text("rowid")))
        return {row.id: self._codec.message(row) for row in rows}

    @property
    def contents(self) -> dict[UUID, bytes]:
        """Oldest first."""
        found: dict[UUID, bytes] = {}
        for row in self._all(select(contents).order_by(text("rowid"))):
            found[row.id] = found.get(row.id, b"") + self._codec.content_part(row.id, row.part, row.data)
        return found

    @property
    def waiting(self) -> set[UUID]:
        return {row.message_id for row in self._all(select(queue.c.message_id))}

    def _all(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        with self._engine.connect() as connection:
            return connection.execute(statement).all()

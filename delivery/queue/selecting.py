"""Which of the messages in the queue somebody means: by service, key, lane, domain of the recipient and age.

Recipients are encrypted, so a domain is found by looking at each. Whoever asks walks over the queue by the order of
ids, a bounded look at a time, and locks nothing that a worker waits for; what is accepted meanwhile is not meant.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select

from config.database import Database
from config.encrypted import cipher, row_id
from config.keyring import Keyring
from delivery.store.tables import messages, queue
from messages.message import Lane, first_id, id_time

_LOOKED_AT = 1000  # rows that one read walks over
_START = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is None is no condition."""

    service_id: UUID | None = None
    lane: Lane | None = None
    domain: str | None = None  # in lower case, as an Address has it
    older_than_seconds: float = 0
    message_ids: frozenset[UUID] | None = None
    key_id: UUID | None = None  # that they were sent with


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the queue that is meant."""

    message_id: UUID
    service_id: UUID
    lane: Lane


@dataclass(slots=True)
class Counted:
    """How many are meant, of which lanes and how many services, and since when the oldest is here."""

    lanes: Counter[Lane] = field(default_factory=Counter)
    services: set[UUID] = field(default_factory=set)
    oldest: float | None = None

    def add(self, found: Iterable[Waiting]) -> None:
        for each in found:
            self.lanes[each.lane] += 1
            self.services.add(each.service_id)
            self.oldest = min(filter(None, (self.oldest, id_time(each.message_id))))


class Selecting:
    """Held by the command that asks."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._cipher = cipher(messages.c.recipient, keyring)

    async def count(self, selection: Selection, which: ColumnElement[bool], now: float) -> Counted:
        counted = Counted()
        async for found in self.walk(selection, which, now):
            counted.add(found)
        return counted

    async def walk(
        self, selection: Selection, which: ColumnElement[bool], now: float
    ) -> AsyncIterator[Collection[Waiting]]:
        """Portions of those that are meant and for which `which` is true of their row."""
        until, after = first_id(now - selection.older_than_seconds), _START
        while True:
            asked = _look(selection, which, after, until)
            rows = await self._database.rows(asked)
            if found := [_waiting(row) for row in rows if row.which and self._is_meant(selection, row)]:
                yield found
            if len(rows) < _LOOKED_AT:
                return
            after = rows[-1].message_id

    def _is_meant(self, selection: Selection, row: Row[tuple[object, ...]]) -> bool:
        if selection.service_id not in (None, row.service_id):
            return False
        if selection.message_ids is not None and row.message_id not in selection.message_ids:
            return False
        if selection.key_id is not None and selection.key_id != row.key_id:
            return False
        if selection.lane is not None and selection.lane.rank != row.rank:
            return False
        if selection.domain is None:
            return True
        recipient = self._cipher.decrypt(row.recipient, row_id(row.message_id)).decode()
        return recipient.rpartition("@")[2] == selection.domain and "@" in recipient


def _look(selection: Selection, which: ColumnElement[bool], after: UUID, until: UUID) -> Select[tuple[object, ...]]:
    c = queue.c
    asked = select(c.message_id, c.service_id, c.rank, which.label("which"))
    if selection.domain is not None or selection.key_id is not None:
        of_messages = (messages.c.recipient, messages.c.key_id)
        asked = asked.add_columns(*of_messages).join(messages, messages.c.id == c.message_id)
    return asked.where(c.message_id > after, c.message_id < until).order_by(c.message_id).limit(_LOOKED_AT)


def _waiting(row: Row[tuple[object, ...]]) -> Waiting:
    return Waiting(row.message_id, row.service_id, Lane.of(row.rank))

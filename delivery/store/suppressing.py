"""Writes and reads entries of the list, in somebody's transaction."""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, literal, select, text, update

from config.encrypted import cipher, hasher, row_id
from config.keyring import Keyring
from delivery.store.suppressed import in_force
from delivery.store.suppressions import EVERYBODY, LEARNED, Reason, key_of, suppressions
from messages.message import new_id

_SAME_SECONDS = 3600.0  # between what a provider's event says and its list
# In one order for all, or two writers could lock each other out.
_HELD = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")


@dataclass(frozen=True, slots=True)
class Entry:
    """Times are seconds since the epoch; `until` None: for ever."""

    id: UUID
    service_id: UUID  # EVERYBODY: of all
    recipient: str
    reason: Reason
    source_id: UUID | None
    since: float
    until: float | None
    at_provider: bool  # whether the provider's list may have it, too
    lifted_at: float | None = None

    def is_in_force(self, now: float) -> bool:
        return self.until is None or self.until > now

    @property
    def for_all(self) -> bool:
        return self.service_id == EVERYBODY


class Codec:
    """Encrypts, and finds again. One per process."""

    def __init__(self, keyring: Keyring) -> None:
        self._cipher = cipher(suppressions.c.recipient, keyring)
        self._hasher = hasher(suppressions.c.recipient, keyring)

    def hold(self, connection: Connection, recipients: Iterable[str]) -> None:
        """Until the transaction ends nobody else makes entries about them, so that of each there is one.

        Called once in a transaction, before the first `add`; SQLite has one writer.
        """
        if connection.dialect.name == "postgresql":
            keys = {int.from_bytes(self._hasher.hash(key_of(each))[:8], "big", signed=True) for each in recipients}
            connection.execute(_HELD, {"keys": sorted(keys)})

    def add(
        self,
        connection: Connection,
        service_id: UUID,
        recipient: str,
        reason: Reason,
        at: float,
        *,
        until: float | None = None,
        source_id: UUID | None = None,
        at_provider: bool = False,
    ) -> UUID:
        """One that is in force, or has ended, is renewed: it lasts as long as the longer of both, and began first."""
        for known in self.find(connection, service_id, recipient, reason):
            longer = None if until is None or (known.is_in_force(at) and known.until is None) else until
            if longer is not None and known.until is not None:
                longer = max(longer, known.until)
            values: dict[str, Any] = {"until": longer, "at_provider": known.at_provider or at_provider}
            if not known.is_in_force(at):
                values |= {"since": at, "lifted_at": None, "listed_at": None}
            if source_id is not None:
                values["source_id"] = source_id
            connection.execute(update(suppressions).where(suppressions.c.id == known.id).values(values))
            return known.id
        id_ = new_id(at, os.urandom(10))
        row = {
            "id": id_,
            "service_id": service_id,
            "recipient": self._cipher.encrypt(recipient.encode(), row_id(id_)),
            "recipient_hash": self._hasher.hash(key_of(recipient)),
            "reason": reason.value,
            "source_id": source_id,
            "since": at,
            "until": until,
            "at_provider": at_provider,
        }
        connection.execute(insert(suppressions), [row])
        return id_

    def take_off(self, connection: Connection, service_id: UUID, recipient: str, at: float) -> None:
        """Has the provider's list forget somebody, whatever it is there for: by an entry that has ended already."""
        id_ = self.add(connection, service_id, recipient, Reason.BOUNCE, at, until=at, at_provider=True)
        ended = update(suppressions).where(suppressions.c.id == id_)
        connection.execute(ended.values(until=at, lifted_at=at))

    def drop_listed(self, connection: Connection, recipient: str, reason: Reason, at: float) -> None:
        """Drops what counts for all because the provider's list alone told of it, where that was of this time."""
        c = suppressions.c
        listed_alone = (c.service_id == EVERYBODY) & (c.reason == reason.value) & c.listed_at.is_not(None)
        then = c.since.between(at - _SAME_SECONDS, at + _SAME_SECONDS)
        connection.execute(delete(suppressions).where(self.about([recipient]), listed_alone, then))

    def find(
        self, connection: Connection, service_id: UUID | None, recipient: str, reason: Reason | None = None
    ) -> list[Entry]:
        """All about somebody, also what has ended lately, oldest first; of every service where none is named."""
        c = suppressions.c
        asked = select(suppressions).where(self.about([recipient])).order_by(c.id)
        if service_id is not None:
            asked = asked.where(c.service_id == service_id)
        if reason is not None:
            asked = asked.where(c.reason == reason.value)
        return [self._entry(row) for row in connection.execute(asked)]

    def about(self, recipients: Iterable[str]) -> ColumnElement[bool]:
        """Rows of any of them."""
        hashes = [hash_ for each in recipients for hash_ in self._hasher.candidates(key_of(each))]
        return suppressions.c.recipient_hash.in_(hashes)

    def page(
        self,
        connection: Connection,
        service_id: UUID,
        now: float,
        limit: int,
        *,
        older_than: UUID | None = None,
        reason: Reason | None = None,
    ) -> list[Entry]:
        """At most `limit` that are in force, newest first: of a service, or of EVERYBODY."""
        c = suppressions.c
        asked = select(suppressions).where(c.service_id == service_id, in_force(now))
        if older_than is not None:
            asked = asked.where(c.id < older_than)
        if reason is not None:
            # A literal: PostgreSQL's plan for any reason would look for a rare one in all of the service's.
            asked = asked.where(c.reason == literal(reason.value, literal_execute=True))
        return [self._entry(row) for row in connection.execute(asked.order_by(c.id.desc()).limit(limit))]

    def named(self, connection: Connection, entry_id: UUID) -> Entry | None:
        row = connection.execute(select(suppressions).where(suppressions.c.id == entry_id)).one_or_none()
        return None if row is None else self._entry(row)

    def entries(self, rows: Iterable[Row[Any]]) -> list[Entry]:
        """Of whole rows."""
        return [self._entry(row) for row in rows]

    def _entry(self, row: Row[Any]) -> Entry:
        recipient = self._cipher.decrypt(row.recipient, row_id(row.id)).decode()
        times = (row.since, row.until, row.at_provider, row.lifted_at)
        return Entry(row.id, row.service_id, recipient, Reason(row.reason), row.source_id, *times)


def end(connection: Connection, entries: Collection[Entry], now: float) -> None:
    """What a provider told is kept a while, ended; of all else nothing is left."""
    kept = [each.id for each in entries if each.reason in LEARNED or each.at_provider]
    gone = [each.id for each in entries if each.id not in kept]
    connection.execute(update(suppressions).where(suppressions.c.id.in_(kept)).values(until=now, lifted_at=now))
    connection.execute(delete(suppressions).where(suppressions.c.id.in_(gone)))


def count(connection: Connection, service_id: UUID, reason: Reason, limit: int) -> int:
    """How many of a reason a service has, as far as `limit`."""
    c = suppressions.c
    some = select(c.id).where(c.service_id == service_id, c.reason == reason.value).limit(limit).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0

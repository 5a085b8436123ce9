"""Who wants no more texts: of a service, or of all that send from a number which they share.

A number is found by its keyed hash, and encrypted for whoever has to list or re-encrypt them.
"""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Double, Index, LargeBinary, Table, delete, insert, select

from config.database import Database, Id, metadata
from config.encrypted import Encrypted, cipher, hasher, row_id
from config.keyring import Keyring
from messages.message import Channel, ContentKind, KeyType, Message, new_id

SHARED = UUID(int=0)  # instead of a service: all that send from a number which several share
OPTED_OUT = "opted-out"  # the reason of a text that is not sent, and of one that the provider refuses likewise

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, nullable=False),  # all zero: of shared numbers
    Column("number", Encrypted("opt-out", found_by="number_hash"), nullable=False),
    Column("number_hash", LargeBinary, nullable=False),
    Column("text_id", Id),  # the inbound text that asked for it
    Column("since", Double, nullable=False),
    Index("opt_outs_number", "number_hash", "service_id"),
)


@dataclass(frozen=True, slots=True)
class OptOut:
    number: str
    since: float  # seconds since the epoch


class OptOuts:
    """Held by whoever sends or accepts; all of it are reads."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._hasher = hasher(opt_outs.c.number, keyring)

    async def find(self, service_id: UUID, numbers: Collection[str]) -> frozenset[str]:
        """Those of the numbers (E.164) that want no texts of the service, nor of a number that it may share."""
        found = await self._load(numbers)
        return frozenset(number for number in numbers if found.get(number, set()) & {service_id, SHARED})

    async def stopped(self, messages: Iterable[Message]) -> dict[UUID, bool]:
        """Those of the messages that are texts to somebody who wants none; what test keys send reaches nobody.

        An answer to a keyword is none of them: who texts STOP is told that it was heard, and HELP helps after it, too
        (CTIA Short Code Monitoring Handbook 1.8; CWTA has the same).
        True: of its service, whichever number it leaves from; False: of numbers that several services share.
        """
        sent = (message for message in messages if message.key_type is not KeyType.TEST)
        texts = [each for each in sent if each.channel is Channel.SMS and each.content_kind is not ContentKind.ANSWER]
        found = await self._load({message.recipient.key for message in texts})
        scopes = {each.id: found.get(each.recipient.key, set()) & {each.service_id, SHARED} for each in texts}
        return {each.id: each.service_id in scopes[each.id] for each in texts if scopes[each.id]}

    async def _load(self, numbers: Collection[str]) -> dict[str, set[UUID]]:
        """Of which services each of the numbers wants no texts; missing where it takes all."""
        if not numbers:
            return {}
        by_hash = {hash_: number for number in numbers for hash_ in self._hasher.candidates(number)}
        c = opt_outs.c
        asked = select(c.number_hash, c.service_id).where(c.number_hash.in_(list(by_hash)))
        rows = await self._database.query(lambda connection: connection.execute(asked).all())
        found: dict[str, set[UUID]] = {}
        for row in rows:
            found.setdefault(by_hash[bytes(row.number_hash)], set()).add(row.service_id)
        return found


class Codec:
    """Writes opt-outs, in somebody's transaction."""

    def __init__(self, keyring: Keyring) -> None:
        self._cipher = cipher(opt_outs.c.number, keyring)
        self._hasher = hasher(opt_outs.c.number, keyring)

    def add(self, connection: Connection, service_id: UUID, number: str, text_id: UUID | None, now: float) -> None:
        """Kept as it is where there is one."""
        if connection.scalar(select(opt_outs.c.id).where(*self._of(service_id, number)).limit(1)) is not None:
            return
        id_ = new_id(now, os.urandom(10))
        row: dict[str, Any] = {
            "id": id_,
            "service_id": service_id,
            "number": self._cipher.encrypt(number.encode(), row_id(id_)),
            "number_hash": self._hasher.hash(number),
            "text_id": text_id,
            "since": now,
        }
        connection.execute(insert(opt_outs), [row])

    def remove(self, connection: Connection, service_id: UUID, number: str) -> UUID | None:
        """The id of what was removed; None: there was none."""
        gone = delete(opt_outs).where(*self._of(service_id, number)).returning(opt_outs.c.id)
        return next(iter(connection.scalars(gone).all()), None)

    def newest(self, connection: Connection, service_id: UUID, limit: int) -> list[OptOut]:
        """At most `limit` of those of a service, or of shared numbers."""
        c = opt_outs.c
        asked = select(c.id, c.number, c.since).where(c.service_id == service_id).order_by(c.id.desc()).limit(limit)
        return [
            OptOut(self._cipher.decrypt(row.number, row_id(row.id)).decode(), row.since)
            for row in connection.execute(asked)
        ]

    def _of(self, service_id: UUID, number: str) -> Sequence[Any]:
        hashes = self._hasher.candidates(number)
        return opt_outs.c.service_id == service_id, opt_outs.c.number_hash.in_(hashes)

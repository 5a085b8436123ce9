"""What people wrote to the operator by the site's contact page; their words, name and address are encrypted."""

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Double, Row, Table, Text, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, metadata
from config.encrypted import Encrypted, cipher, row_id
from config.keyring import Keyring
from messages.address import Address
from messages.message import Language, new_id

KEPT_SECONDS = 180 * 86_400.0
_MAX_LISTED = 1000

enquiries = Table(
    "enquiries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("language", Text, nullable=False),  # in which it is answered
    Column("content", Encrypted("enquiry"), nullable=False),
    Column("written_at", Double, nullable=False, index=True),
)
_c = enquiries.c


@dataclass(frozen=True, slots=True, repr=False)
class Enquiry:
    id: UUID
    reason: str
    language: Language
    name: str
    address: str
    words: str
    written_at: float

    @property
    def number(self) -> str:
        """By which both sides speak of it."""
        return f"{self.id.hex[-8:-4]}-{self.id.hex[-4:]}".upper()


async def add(
    connection: AsyncConnection,
    keyring: Keyring,
    now: float,
    *,
    reason: str,
    language: Language,
    name: str,
    address: str,
    words: str,
) -> Enquiry:
    """On record, whatever becomes of the letter that tells the operator."""
    made = Enquiry(new_id(now, os.urandom(10)), reason, language, name, address, words, now)
    plain = json.dumps({"name": name, "address": address, "words": words}).encode()
    await connection.execute(
        insert(enquiries).values(
            id=made.id,
            reason=reason,
            language=language.value,
            content=cipher(_c.content, keyring).encrypt(plain, row_id(made.id)),
            written_at=now,
        )
    )
    return made


async def newest(connection: AsyncConnection, keyring: Keyring, limit: int = _MAX_LISTED) -> list[Enquiry]:
    rows = await connection.execute(select(enquiries).order_by(_c.id.desc()).limit(limit))
    return _opened(keyring, rows)


async def written_by(connection: AsyncConnection, keyring: Keyring, key: str) -> list[Enquiry]:
    """What one person wrote, by the key of the address; looked for in all, since no row has its hash: they are few."""
    found: list[Enquiry] = []
    after = UUID(int=0)
    asked = select(enquiries).order_by(_c.id).limit(_MAX_LISTED)
    while rows := _opened(keyring, await connection.execute(asked.where(_c.id > after))):
        found += [each for each in rows if Address.parse(each.address).key == key]
        after = rows[-1].id
    return found


async def drop(connection: AsyncConnection, found: Collection[Enquiry]) -> int:
    return (await connection.execute(delete(enquiries).where(_c.id.in_([each.id for each in found])))).rowcount


def _opened(keyring: Keyring, rows: Iterable[Row[Any]]) -> list[Enquiry]:
    opened = cipher(_c.content, keyring)
    return [
        Enquiry(
            id=row.id,
            reason=row.reason,
            language=Language(row.language),
            written_at=row.written_at,
            **json.loads(opened.decrypt(row.content, row_id(row.id))),
        )
        for row in rows
    ]


async def sweep(connection: AsyncConnection, now: float) -> int:
    return (await connection.execute(delete(enquiries).where(_c.written_at < now - KEPT_SECONDS))).rowcount

"""What is held about one person, by the keyed hash of an address or number: told, and forgotten in small steps.

Every table that can be searched so says it itself: its encrypted column names the hash beside it. What only hangs on a
message (events, attempts, calls, contents) is found by the message, what was written to the operator by reading it all.
"""

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Column, Connection, Row, Table, bindparam, delete, select, update

from auth.guests import guests
from auth.keys import keys
from auth.people import enquiries
from auth.people.enquiries import Enquiry
from auth.people.invitations import invitations
from config import encrypted
from config.database import Database
from config.encrypted import Encrypted, row_id
from config.keyring import Keyring
from delivery.all_tables import metadata
from delivery.followers import followers
from delivery.queue.interventions import cancel
from delivery.store.inbound import inbound_texts
from delivery.store.mail_answers import mail_answers
from delivery.store.nobody import NOBODY
from delivery.store.retiring import Retiring
from delivery.store.sent_index import sent_index
from delivery.store.suppressions import EVERYBODY
from delivery.store.tables import attempts, callbacks, contents, events, messages, queue
from messages.message import Channel
from messages.recipient import Recipient

_AT_ONCE = 100
_NOT_TOLD = {"secret", "password"}  # they prove who somebody is
_GONE = (inbound_texts, mail_answers, guests, invitations)
_MESSAGE: BindParameter[Any] = bindparam("b_message")


@dataclass(frozen=True, slots=True)
class Step:
    """How many messages were looked at and how many still are under way; where to go on (None: at the end)."""

    forgotten: int
    cancelled: int
    under_way: int
    after: UUID | None


class Persons:
    """Held by the command that asks."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._followers = followers(keyring)

    def hash(self, person: Recipient) -> str:
        """By which the audit names the person."""
        return encrypted.hasher(messages.c.recipient, self._keyring).hash(person.key).hex()

    async def export(self, person: Recipient) -> dict[str, Any]:
        """Everything, by service and table; what belongs to no service stands under null."""
        found: dict[str, dict[str, list[Any]]] = {}
        for column in self._columns():
            table, after = column.table, None
            while rows := await self._database.rows(self._asked(column, person, after)):
                for row in rows:
                    told = self._plain(table, row)
                    if table is messages:
                        told |= await self._of_message(row)
                    owner = row._mapping.get("service_id")
                    owner = "none" if owner in (None, EVERYBODY) else str(owner)
                    found.setdefault(owner, {}).setdefault(table.name, []).append(told)
                after = rows[-1].id
        if wrote := await self._enquiries(person):
            found.setdefault("none", {})["enquiries"] = [
                {name: _json(value) for name, value in asdict(each).items()} for each in wrote
            ]
        return {"person": str(person), "services": found}

    async def forget_messages(self, person: Recipient, now: float, after: UUID | None = None) -> Step:
        """Of some messages all that says whose they are; the rows stay and are counted, to nobody.

        What waits is cancelled; what an attempt is under way for is left, until it has ended.
        """
        rows = await self._database.rows(self._asked(messages.c.recipient, person, after))
        if not rows:
            return Step(0, 0, 0, None)
        ids = [row.id for row in rows]
        async with self._database.write() as connection:
            stopped = await cancel(connection, ids, now, self._followers)
            waiting = set(await connection.scalars(select(queue.c.message_id).where(queue.c.message_id.in_(ids))))
            ended = [row for row in rows if row.id not in waiting]
            await connection.run_sync(self._forget, ended)
        await self._drop_contents({row.content_id for row in ended})
        return Step(len(ended), len(stopped), len(waiting), ids[-1] if len(ids) == _AT_ONCE else None)

    async def forget_rest(self, person: Recipient) -> dict[str, int]:
        """What else there is, but for what must be kept: by table, how many rows went."""
        gone = await self._database.transact(lambda connection: self._forget_rest(connection, person))
        wrote = await self._enquiries(person)
        async with self._database.write() as connection:
            return gone | {"enquiries": await enquiries.drop(connection, wrote)}

    def _forget_rest(self, connection: Connection, person: Recipient) -> dict[str, int]:
        gone = {}
        for column in (each for each in self._columns() if each.table in _GONE):
            gone[column.table.name] = connection.execute(delete(column.table).where(self._is(column, person))).rowcount
        hashes = encrypted.hasher(messages.c.recipient, self._keyring).candidates(person.key)
        of_person = sent_index.c.recipient_hash.in_(hashes)
        connection.execute(update(sent_index).where(of_person).values(recipient_hash=None))
        return gone

    async def _enquiries(self, person: Recipient) -> list[Enquiry]:
        async with self._database.read() as connection:
            return await enquiries.written_by(connection, self._keyring, person.key)

    def _forget(self, connection: Connection, rows: Sequence[Row[Any]]) -> None:
        if not rows:
            return
        change = update(messages).where(messages.c.id == _MESSAGE)
        names = ("recipient", "recipient_hash", "subject", "reverse_path", "reference", "original_message_id", "dsn")
        values = [self._nobody(row) for row in sorted(rows, key=lambda row: row.id.bytes)]
        connection.execute(change.values({name: bindparam(f"b_{name}") for name in names}), values)
        ids = [row.id for row in rows]
        connection.execute(update(events).where(events.c.message_id.in_(ids)).values(detail=None))

    def _nobody(self, row: Row[Any]) -> dict[str, Any]:
        c, bound_to, nobody = messages.c, row_id(row.id), NOBODY[Channel(row.channel)]

        def sealed(column: Column[Any], text: str) -> bytes:
            return encrypted.cipher(column, self._keyring).encrypt(text.encode(), bound_to)

        return {
            "b_message": row.id,
            "b_recipient": sealed(c.recipient, str(nobody)),
            "b_recipient_hash": encrypted.hasher(c.recipient, self._keyring).hash(nobody.key),
            "b_subject": sealed(c.subject, ""),
            "b_reverse_path": sealed(c.reverse_path, ""),  # senders write recipients into it (VERP)
            "b_reference": None,
            "b_original_message_id": None,
            "b_dsn": None,
        }

    async def _drop_contents(self, content_ids: set[UUID]) -> None:
        """But for those that a message to somebody else still needs: they go when their time is over."""
        m = messages.c
        needed = select(m.content_id).join(queue, queue.c.message_id == m.id).where(m.content_id.in_(content_ids))
        kept = set(await self._database.query(lambda c: c.scalars(needed).all()))
        await Retiring(self._database).drop(sorted(content_ids - kept))

    async def _of_message(self, row: Row[Any]) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for table in (attempts, events, callbacks):
            rows = await self._database.rows(select(table).where(table.c.message_id == row.id))
            told[table.name] = [self._plain(table, each) for each in rows]
        parts = await self._database.rows(
            select(contents).where(contents.c.id == row.content_id).order_by(contents.c.part)
        )
        opened = encrypted.cipher(contents.c.data, self._keyring)
        content = b"".join(opened.decrypt(each.data, row_id(each.id, each.part)) for each in parts)
        return told | {"content": content.decode("utf-8", "replace") if parts else None}

    def _plain(self, table: Table, row: Row[Any]) -> dict[str, Any]:
        ids = [row._mapping[each.name] for each in table.primary_key.columns]
        told = {}
        for column in table.columns:
            value = row._mapping[column.name]
            if column.name.endswith("_hash") or column.name in _NOT_TOLD:
                continue
            if isinstance(column.type, Encrypted) and value is not None:
                value = encrypted.cipher(column, self._keyring).decrypt(value, row_id(*ids)).decode("utf-8", "replace")
            told[column.name] = _json(value)
        return told

    def _columns(self) -> list[Column[Any]]:
        """By which people are found."""
        found = (each for each in encrypted.columns(metadata) if encrypted.declared(each).found_by)
        return [each for each in found if each.table is not keys]

    def _asked(self, column: Column[Any], person: Recipient, after: UUID | None) -> Any:
        c = column.table.c
        asked = select(column.table).where(self._is(column, person)).order_by(c.id).limit(_AT_ONCE)
        return asked if after is None else asked.where(c.id > after)

    def _is(self, column: Column[Any], person: Recipient) -> Any:
        hashes = encrypted.hasher(column, self._keyring).candidates(person.key)
        return column.table.c[encrypted.declared(column).found_by or ""].in_(hashes)


def _json(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value

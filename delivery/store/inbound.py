"""Texts that people send to our numbers: kept, and what their keywords ask for done, in one transaction.

Which of our numbers is whose is said by `Owners`; a number that nobody owns alone is shared, and the text then is for
the service whose text it answers, else for the one that texted that person last.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Double, Index, LargeBinary, Row, Table, Text, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from auth.principal import CONTENT_DAYS
from auth.services import services
from config.database import Database, Id, metadata
from config.encrypted import Encrypted, cipher, hasher, row_id
from config.keyring import Keyring, KeyringError
from delivery.store import suppressing as keeping
from delivery.store.base import InboundText
from delivery.store.suppressions import EVERYBODY, Reason
from delivery.store.tables import messages
from messages.keywords import Keyword, keyword_of
from messages.message import Channel, first_id, new_id

_ANSWERED_SECONDS = 86_400.0  # each keyword is answered once in so long: two machines end there

inbound_texts = Table(
    "inbound_texts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id),  # null: nobody's
    Column("provider_id", Text, nullable=False, unique=True),
    Column("source", Encrypted("inbound source", found_by="source_hash"), nullable=False),
    Column("source_hash", LargeBinary, nullable=False),
    Column("destination", Text, nullable=False),  # ours
    Column("content", Encrypted("inbound content"), nullable=False),
    Column("keyword", Text),
    Column("answered_at", Double),  # when its keyword was
    Column("received_at", Double, nullable=False),
    Index("inbound_texts_service", "service_id", "id"),
    Index("inbound_texts_source", "source_hash", "id"),
)


def _kept(statement: sqlite.Insert | postgresql.Insert) -> Any:
    """The text if it is new."""
    return statement.on_conflict_do_nothing(index_elements=["provider_id"]).returning(inbound_texts.c.id)


_KEPT = {"postgresql": _kept(postgresql.insert(inbound_texts)), "sqlite": _kept(sqlite.insert(inbound_texts))}

# Of our numbers, the service that each is of alone; None: shared.
Owners = Callable[[Connection, Collection[str]], Mapping[str, UUID | None]]
Managed = Callable[[Connection, Collection[str]], Collection[str]]  # of our numbers, those where we answer keywords
# What else is written for a text that is kept, in the same transaction: told to its service; answered.
Follower = Callable[[Connection, InboundText], None]
Answerer = Callable[[Connection, InboundText, Keyword], None]


def all_shared(_: Connection, numbers: Collection[str]) -> Mapping[str, UUID | None]:
    """All numbers are shared."""
    return dict.fromkeys(numbers)


def none_managed(_: Connection, __: Collection[str]) -> Collection[str]:
    """The provider answers them all."""
    return ()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A text that is new."""

    text: InboundText
    keyword: Keyword | None
    answered: bool


class Receiving:
    """Held by the process that hears from providers.

    `tell` follows each text, `answer` each that is a keyword, where we answer ourselves: each of them once a day.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        owners: Owners = all_shared,
        tell: Sequence[Follower] = (),
        managed: Managed = none_managed,
        answer: Sequence[Answerer] = (),
    ) -> None:
        self._database = database
        self._source = cipher(inbound_texts.c.source, keyring)
        self._content = cipher(inbound_texts.c.content, keyring)
        self._source_hasher = hasher(inbound_texts.c.source, keyring)
        self._recipient_hasher = hasher(messages.c.recipient, keyring)
        self._suppressions = keeping.Codec(keyring)
        self._owners, self._managed, self._tell, self._answer = owners, managed, tell, answer

    async def take(self, texts: Sequence[InboundText], now: float) -> list[InboundText]:
        """Keeps each text once, and does what it asks for. Returns those that are new, as they are kept."""
        return await self._database.transact(lambda connection: self._take(connection, texts, now))

    def _take(self, connection: Connection, texts: Sequence[InboundText], now: float) -> list[InboundText]:
        numbers = {text.destination_number for text in texts}
        owned, managed = self._owners(connection, numbers), self._managed(connection, numbers)
        arrived = {text.provider_id: text for text in texts}
        kept: dict[str, _Kept] = {}
        for provider_id in sorted(arrived):  # one order for all writers, or two of them could lock each other out
            text = self._known(connection, arrived[provider_id], owned, len(kept), now)
            if (new := self._keep(connection, text, managed)) is not None:
                kept[provider_id] = new
        if kept:
            self._suppressions.hold(connection, {each.text.source_number for each in kept.values()})
        in_order = [kept[provider_id] for provider_id in arrived if provider_id in kept]
        for each in in_order:
            self._follow(connection, each, _scopes(each.text, owned))
        return [each.text for each in in_order]

    def _known(
        self, connection: Connection, text: InboundText, owned: Mapping[str, UUID | None], place: int, now: float
    ) -> InboundText:
        return replace(
            text,
            id=new_id(now, place.to_bytes(2, "big") + os.urandom(8)),
            service_id=owned.get(text.destination_number) or self._last_sender(connection, text),
            received_at=now,
        )

    def _keep(self, connection: Connection, text: InboundText, managed: Collection[str]) -> _Kept | None:
        """None where it is kept already."""
        assert text.id
        keyword, bound_to = keyword_of(text.message), row_id(text.id)
        is_asked = keyword is not None and text.destination_number in managed
        answered = is_asked and not self._was_answered(connection, text, keyword)
        row = {
            "id": text.id,
            "service_id": text.service_id,
            "provider_id": text.provider_id,
            "source": self._source.encrypt(text.source_number.encode(), bound_to),
            "source_hash": self._source_hasher.hash(text.source_number),
            "destination": text.destination_number,
            "content": self._content.encrypt(text.message.encode("utf-8", "replace"), bound_to),
            "keyword": keyword and keyword.value,
            "answered_at": text.received_at if answered else None,
            "received_at": text.received_at,
        }
        new = connection.execute(_KEPT[connection.dialect.name], row).one_or_none()
        return None if new is None else _Kept(text, keyword, answered)

    def _follow(self, connection: Connection, kept: _Kept, scopes: Sequence[UUID]) -> None:
        text = kept.text
        if kept.keyword is Keyword.STOP:
            for scope in scopes:
                self._suppressions.add(
                    connection, scope, text.source_number, Reason.OPT_OUT, text.received_at, source_id=text.id
                )
        elif kept.keyword is Keyword.START:
            # Also of the service that it reaches: what was said of a number that was its own once would never end.
            for scope in {*scopes, *([text.service_id] if text.service_id else [])}:
                known = self._suppressions.find(connection, scope, text.source_number, Reason.OPT_OUT)
                keeping.end(connection, known, text.received_at)
        if kept.keyword and kept.answered:
            for answer in self._answer:
                answer(connection, text, kept.keyword)
        for follow in self._tell if text.service_id else ():
            follow(connection, text)

    def _was_answered(self, connection: Connection, text: InboundText, keyword: Keyword | None) -> bool:
        c = inbound_texts.c
        asked = select(c.id).where(
            c.source_hash.in_(self._source_hasher.candidates(text.source_number)),
            c.destination == text.destination_number,
            c.keyword == (keyword and keyword.value),
            c.answered_at > text.received_at - _ANSWERED_SECONDS,
        )
        return connection.execute(asked.limit(1)).one_or_none() is not None

    def _last_sender(self, connection: Connection, text: InboundText) -> UUID | None:
        c = messages.c
        if text.answers:
            answered = select(c.service_id).where(c.provider_id == text.answers, c.channel == Channel.SMS.value)
            if (found := connection.scalar(answered.limit(1))) is not None:
                return UUID(str(found))
        hashes = self._recipient_hasher.candidates(text.source_number)
        sent = c.recipient_hash.in_(hashes) & (c.channel == Channel.SMS.value) & c.provider_id.is_not(None)
        last = connection.scalar(select(c.service_id).where(sent).order_by(c.id.desc()).limit(1))
        return None if last is None else UUID(str(last))


def _scopes(text: InboundText, owned: Mapping[str, UUID | None]) -> list[UUID]:
    """Whose texts a keyword ends or begins again.

    Of a number that nobody listed: also those of the service that it answers, which may have a pool for itself.
    """
    if owner := owned.get(text.destination_number):
        return [owner]
    is_listed = text.destination_number in owned
    return [EVERYBODY] if is_listed or text.service_id is None else [EVERYBODY, text.service_id]


class Received:
    """Held by whoever lists texts that came in; all of it are reads."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._source = cipher(inbound_texts.c.source, keyring)
        self._content = cipher(inbound_texts.c.content, keyring)

    async def page(self, service_id: UUID, older_than: UUID | None, limit: int) -> list[InboundText]:
        """At most `limit` of the service's texts, newest first; nothing older than a text that is not its own."""
        c = inbound_texts.c
        asked = select(inbound_texts).where(c.service_id == service_id).order_by(c.id.desc()).limit(limit)
        if older_than is not None:
            mine = select(c.id).where(c.id == older_than, c.service_id == service_id).correlate(None)
            asked = asked.where(c.id < mine.scalar_subquery())
        rows = await self._database.rows(asked)
        return [text for row in rows if (text := self._open(row)) is not None]

    async def numbers(self, text_id: UUID) -> tuple[str, str] | None:
        """Whose the text was, and our number; what it said is not read. None: it is gone, or does not open."""
        c = inbound_texts.c
        asked = select(c.source, c.destination).where(c.id == text_id)
        row = await self._database.query(lambda connection: connection.execute(asked).one_or_none())
        try:
            return row and (self._source.decrypt(row.source, row_id(text_id)).decode(), row.destination)
        except KeyringError:
            return None

    async def load(self, text_ids: Sequence[UUID]) -> Mapping[UUID, InboundText]:
        """Texts by id; one that does not open, or is gone, is missing."""
        asked = select(inbound_texts).where(inbound_texts.c.id.in_(text_ids))
        rows = await self._database.rows(asked)
        return {row.id: text for row in rows if (text := self._open(row)) is not None}

    def _open(self, row: Row[Any]) -> InboundText | None:
        bound_to = row_id(row.id)
        try:
            source, message = self._source.decrypt(row.source, bound_to), self._content.decrypt(row.content, bound_to)
        except KeyringError:  # damaged: the others are read
            return None
        return InboundText(
            provider_id=row.provider_id,
            source_number=source.decode(),
            destination_number=row.destination,
            message=message.decode(),
            answers=None,
            id=row.id,
            service_id=row.service_id,
            received_at=row.received_at,
        )


def forget(connection: Connection, now: float, limit: int) -> int:
    """Drops at most `limit` texts that their service keeps no longer, as what its messages say; returns how many."""
    c = inbound_texts.c
    days = select(services.c.content_days).where(services.c.id == c.service_id).scalar_subquery()
    kept_seconds = func.coalesce(days, CONTENT_DAYS) * 86_400.0
    old = select(c.id).where(c.id < first_id(now - 86_400), c.received_at < now - kept_seconds).limit(limit)
    return connection.execute(delete(inbound_texts).where(c.id.in_(old))).rowcount

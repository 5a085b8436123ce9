"""Who wrote to a service's address and is to hear that nobody reads it: once a day each, a bounded number in all.

What they wrote is not kept. The answer is noted in the transaction that counts it; relay/notices sends it.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from sqlalchemy import Column, Connection, Double, Index, LargeBinary, Table, insert, select, tuple_

from auth import limits, notices
from auth.domains import names
from auth.limits import DAY_SECONDS, Charge
from auth.notices import Kind, Notice
from auth.services import OWN_ID, services
from config.database import Database, Id, metadata
from config.encrypted import Encrypted, cipher, hasher, row_id
from config.keyring import Keyring, KeyringError
from delivery.store.base import InboundMail, Judged, MailFate
from delivery.store.suppressed import in_force
from delivery.store.suppressions import EVERYBODY, suppressions
from messages.address import Address, AddressError
from messages.message import new_id

KEPT_SECONDS = 86_400.0  # then the day in which there is one answer is over, and another only puzzles

mail_answers = Table(
    "mail_answers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, nullable=False),  # that they wrote to
    Column(
        "sender",
        Encrypted("mail sender", found_by="sender_hash", key=lambda text: Address.parse(text).key),
        nullable=False,
    ),
    Column("sender_hash", LargeBinary, nullable=False),
    Column("message_id", Encrypted("mail message id")),  # theirs, which the answer names; null: it had none
    Column("received_at", Double, nullable=False),
    Index("mail_answers_sender", "sender_hash"),
    Index("mail_answers_received", "received_at"),
)


class Answering:
    """Held by the process that hears from providers."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        c = mail_answers.c
        self._database = database
        self._sender, self._hasher = cipher(c.sender, keyring), hasher(c.sender, keyring)
        self._message_id = cipher(c.message_id, keyring)
        self._suppressed = hasher(suppressions.c.recipient, keyring)

    async def take(self, mails: Sequence[InboundMail], now: float) -> list[Judged]:
        """What becomes of each mail; the answers are noted."""
        return await self._database.transact(lambda connection: self._take(connection, mails, now))

    def _take(self, connection: Connection, mails: Sequence[InboundMail], now: float) -> list[Judged]:
        judged = [self._judged(connection, each, now) for each in mails]
        # Whoever answers for a service holds its hour: of two that hear of one sender the other sees the row.
        hours = [_hour(each) for each in judged]
        with limits.counting(connection, hours, now) as counted:
            answered = []
            for mail, each, hour in zip(mails, judged, hours, strict=True):
                refused = partial(counted, hour, (None,))
                answered.append(self._answered(connection, mail, each, refused, now) if hour else each)
        return answered

    def _answered(
        self, connection: Connection, mail: InboundMail, judged: Judged, refused: Callable[[], object], now: float
    ) -> Judged:
        """Noted, unless its sender was answered today, or enough were in this hour."""
        if self._was_answered(connection, mail, judged, now):
            return replace(judged, fate=MailFate.ANSWERED_TODAY)
        if refused():
            return replace(judged, fate=MailFate.OVER_LIMIT)
        self._note(connection, mail, judged, now)
        return judged

    def _was_answered(self, connection: Connection, mail: InboundMail, judged: Judged, now: float) -> bool:
        assert mail.sender
        c, today = mail_answers.c, now // DAY_SECONDS * DAY_SECONDS
        about = c.sender_hash.in_(self._hasher.candidates(mail.sender.key)) & (c.service_id == judged.service_id)
        return connection.scalar(select(c.id).where(about, c.received_at >= today).limit(1)) is not None

    def _judged(self, connection: Connection, mail: InboundMail, now: float) -> Judged:
        """As if nobody had been answered before."""
        if mail.sender is None:
            return Judged(mail.refusal or MailFate.BAD_SENDER, None)
        found = _service(connection, mail.recipients)
        if found is None:
            return Judged(MailFate.NOBODYS, None)
        service_id, live = found
        if not live:  # it reaches guests only; nobody else is to hear of it
            return Judged(MailFate.TRIAL, service_id)
        if connection.scalar(select(services.c.id).where(services.c.id == OWN_ID)) is None:
            return Judged(MailFate.NO_WRITER, service_id)
        if connection.scalar(select(names.domains.c.id).where(names.domains.c.name == mail.sender.domain)):
            return Judged(MailFate.OWN_DOMAIN, service_id)
        is_suppressed = self._is_suppressed(connection, mail.sender, service_id, now)
        return Judged(MailFate.SUPPRESSED if is_suppressed else MailFate.ANSWERED, service_id)

    def _is_suppressed(self, connection: Connection, sender: Address, service_id: UUID, now: float) -> bool:
        """By what either of the two sent, whose mail an answer is and who sends it."""
        c = suppressions.c
        about = c.recipient_hash.in_(self._suppressed.candidates(sender.key))
        ours = c.service_id.in_([EVERYBODY, OWN_ID, service_id])
        return connection.scalar(select(c.id).where(about, ours, in_force(now)).limit(1)) is not None

    def _note(self, connection: Connection, mail: InboundMail, judged: Judged, now: float) -> None:
        assert mail.sender
        id_ = new_id(now, os.urandom(10))
        row = {
            "id": id_,
            "service_id": judged.service_id,
            "sender": self._sender.encrypt(str(mail.sender).encode(), row_id(id_)),
            "sender_hash": self._hasher.hash(mail.sender.key),
            "message_id": mail.message_id and self._message_id.encrypt(mail.message_id.encode(), row_id(id_)),
            "received_at": now,
        }
        connection.execute(insert(mail_answers), [row])
        notices.note(connection, [Notice(Kind.MAIL, str(id_), judged.service_id, {}, now)])


class Asked:
    """Held by whoever sends the answers; all of it are reads."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._sender = cipher(mail_answers.c.sender, keyring)
        self._message_id = cipher(mail_answers.c.message_id, keyring)

    async def find(self, answer_id: UUID) -> tuple[str, str | None] | None:
        """Who wrote, and the Message-ID of what they wrote. None: it is gone, or does not open."""
        c, bound_to = mail_answers.c, row_id(answer_id)
        asked = select(c.sender, c.message_id).where(c.id == answer_id)
        row = await self._database.query(lambda connection: connection.execute(asked).one_or_none())
        if row is None:
            return None
        try:
            message_id = row.message_id and self._message_id.decrypt(row.message_id, bound_to).decode()
            return self._sender.decrypt(row.sender, bound_to).decode(), message_id
        except KeyringError:
            return None


def _hour(judged: Judged) -> tuple[Charge, ...]:
    """What an answer counts against; nothing where there is none."""
    if judged.service_id is None or judged.fate is not MailFate.ANSWERED:
        return ()
    return (limits.of_answers(judged.service_id),)


def _service(connection: Connection, recipients: Sequence[str]) -> tuple[UUID, bool] | None:
    """Of the first recipient that is a service's address: the service, and whether it is live."""
    c, addresses = services.c, [found for each in recipients if (found := _parts(each))]
    asked = select(c.email_from, c.domain, c.id, c.live).where(tuple_(c.email_from, c.domain).in_(addresses))
    known = {(row.email_from, row.domain): (row.id, row.live) for row in connection.execute(asked)}
    return next((known[each] for each in addresses if each in known), None)


def _parts(recipient: str) -> tuple[str, str] | None:
    """As services have them."""
    try:
        address = Address.parse(recipient)
    except AddressError:
        return None
    return address.local.lower(), address.domain

"""Whether somebody must not be written to: asked at the door of what is urgent, and at the exit of everything."""

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from config.database import Database
from config.encrypted import hasher
from config.keyring import Keyring
from delivery.store.suppressions import EVERYBODY, Reason, suppressions
from messages.message import ContentKind, KeyType, Message
from messages.recipient import Recipient


class Stop(StrEnum):
    """Why a message is not sent. The value is the reason that its status has."""

    LISTED = "suppressed"
    OPTED_OUT = "opted-out"  # of its service's texts, whichever number they leave from; a provider says it likewise
    OPTED_OUT_OF_SHARED = "opted-out-of-shared-numbers"  # only of numbers that several services share; shown as above

    @property
    def reason(self) -> str:
        return Stop.OPTED_OUT.value if self is Stop.OPTED_OUT_OF_SHARED else self.value


Entries = Mapping[str, Collection[tuple[UUID, Reason]]]  # by Recipient.key: whose messages, and why


def in_force(now: float) -> ColumnElement[bool]:
    return or_(suppressions.c.until.is_(None), suppressions.c.until > now)


class Suppressions:
    """Held by whoever sends or accepts; all of it are reads. `now` gives seconds since the epoch."""

    def __init__(self, database: Database, keyring: Keyring, now: Callable[[], float]) -> None:
        self._database = database
        self._hasher = hasher(suppressions.c.recipient, keyring)
        self._now = now

    async def reach_nobody(self, service_id: UUID, recipients: Collection[Recipient]) -> bool:
        """Whether none of the recipients may be written to by the service, from whichever number it sends."""
        found = await self._load({service_id}, {each.key for each in recipients})
        stops = (_stop(found.get(each.key, ()), service_id) for each in recipients)
        return all(stop in (Stop.LISTED, Stop.OPTED_OUT) for stop in stops)

    async def stopped(self, messages: Iterable[Message]) -> dict[UUID, Stop]:
        """Those of the messages that go to somebody who must not be written to; what test keys send reaches nobody.

        An answer to a keyword is none of them: who texts STOP is told that it was heard, and HELP helps after it, too
        (CTIA Short Code Monitoring Handbook 1.8; CWTA has the same).
        """
        sent = [
            each
            for each in messages
            if each.key_type is not KeyType.TEST and each.content_kind is not ContentKind.ANSWER
        ]
        found = await self._load({each.service_id for each in sent}, {each.recipient.key for each in sent})
        stops = {each.id: _stop(found.get(each.recipient.key, ()), each.service_id) for each in sent}
        return {message_id: stop for message_id, stop in stops.items() if stop}

    async def opted_out(self, service_id: UUID, numbers: Collection[str]) -> frozenset[str]:
        """Those of the numbers (E.164) that want no texts of the service, nor of a number that it may share."""
        found = await self._load({service_id}, numbers)
        return frozenset(
            number for number in numbers if any(reason is Reason.OPT_OUT for _, reason in found.get(number, ()))
        )

    async def _load(self, services: Collection[UUID], keys: Collection[str]) -> Entries:
        if not keys:
            return {}
        by_hash = {hash_: key for key in keys for hash_ in self._hasher.candidates(key)}
        c = suppressions.c
        about = c.recipient_hash.in_(list(by_hash)) & c.service_id.in_([EVERYBODY, *services])
        asked = select(c.recipient_hash, c.service_id, c.reason).where(about, in_force(self._now()))
        rows = await self._database.query(lambda connection: connection.execute(asked).all())
        found: dict[str, set[tuple[UUID, Reason]]] = {}
        for row in rows:
            found.setdefault(by_hash[bytes(row.recipient_hash)], set()).add((row.service_id, Reason(row.reason)))
        return found


def _stop(entries: Collection[tuple[UUID, Reason]], service_id: UUID) -> Stop | None:
    """What the entries of one person are to a message of the service."""
    ours = {(whose, reason) for whose, reason in entries if whose in (EVERYBODY, service_id)}
    if any(reason is not Reason.OPT_OUT for _, reason in ours):
        return Stop.LISTED
    if (service_id, Reason.OPT_OUT) in ours:
        return Stop.OPTED_OUT
    return Stop.OPTED_OUT_OF_SHARED if ours else None

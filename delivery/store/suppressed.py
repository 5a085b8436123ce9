"""Whether somebody must not be written to: asked at the door of what is urgent, and at the exit of everything."""

from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from auth.services import OWN_ID
from config.database import Database
from config.encrypted import hasher
from config.keyring import Keyring
from delivery.store.suppressions import BOUNCE_SECONDS, EVERYBODY, LEARNED, Reason, suppressions
from messages.message import ContentKind, KeyType, Lane, Message
from messages.recipient import Recipient


class Stop(StrEnum):
    """Why a message is not sent. The value is the reason that its status has."""

    LISTED = "suppressed"
    OPTED_OUT = "opted-out"  # of its service's texts, whichever number they leave from; a provider says it likewise
    OPTED_OUT_OF_SHARED = "opted-out-of-shared-numbers"  # only of numbers that several services share; shown as above

    @property
    def reason(self) -> str:
        return Stop.OPTED_OUT.value if self is Stop.OPTED_OUT_OF_SHARED else self.value


_ASKED_SECONDS = 86_400.0  # how long an address that came back gets nothing of what its reader asks for


class Entry(NamedTuple):
    """Whose messages, why and until when."""

    service_id: UUID
    reason: Reason
    until: float | None


Entries = Mapping[str, Collection[Entry]]  # by Recipient.key


def in_force(now: float) -> ColumnElement[bool]:
    return or_(suppressions.c.until.is_(None), suppressions.c.until > now)


class Suppressions:
    """Held by whoever sends or accepts; all of it are reads. `now` gives seconds since the epoch."""

    def __init__(self, database: Database, keyring: Keyring, now: Callable[[], float]) -> None:
        self._database = database
        self._hasher = hasher(suppressions.c.recipient, keyring)
        self._now = now

    async def reach_nobody(self, service_id: UUID, recipients: Collection[Recipient]) -> bool:
        """Whether nothing urgent of the service may go to any of the recipients, from whichever number it sends."""
        found = await self._load({service_id}, {each.key for each in recipients})
        stops = (self._stop(found.get(each.key, ()), service_id, Lane.PRIORITY) for each in recipients)
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
        stops = {each.id: self._stop(found.get(each.recipient.key, ()), each.service_id, each.lane) for each in sent}
        return {message_id: stop for message_id, stop in stops.items() if stop}

    async def opted_out(self, service_id: UUID, numbers: Collection[str]) -> frozenset[str]:
        """Those of the numbers (E.164) that want no texts of the service, nor of a number that it may share."""
        found = await self._load({service_id}, numbers)
        return frozenset(
            number for number in numbers if any(each.reason is Reason.OPT_OUT for each in found.get(number, ()))
        )

    async def _load(self, services: Collection[UUID], keys: Collection[str]) -> Entries:
        if not keys:
            return {}
        by_hash = {hash_: key for key in keys for hash_ in self._hasher.candidates(key)}
        c = suppressions.c
        about = c.recipient_hash.in_(list(by_hash)) & c.service_id.in_([EVERYBODY, *services])
        asked = select(c.recipient_hash, c.service_id, c.reason, c.until).where(about, in_force(self._now()))
        rows = await self._database.rows(asked)
        found: dict[str, set[Entry]] = {}
        for row in rows:
            entry = Entry(row.service_id, Reason(row.reason), row.until)
            found.setdefault(by_hash[bytes(row.recipient_hash)], set()).add(entry)
        return found

    def _stop(self, entries: Collection[Entry], service_id: UUID, lane: Lane) -> Stop | None:
        """What the entries of one person are to a message of the service."""
        ours = [each for each in entries if each.service_id in (EVERYBODY, service_id)]
        if service_id == OWN_ID and lane is Lane.PRIORITY:
            ours = [each for each in ours if not self._is_passed(each)]
        if any(each.reason is not Reason.OPT_OUT for each in ours):
            return Stop.LISTED
        if any(each.service_id == service_id for each in ours):
            return Stop.OPTED_OUT
        return Stop.OPTED_OUT_OF_SHARED if ours else None

    def _is_passed(self, entry: Entry) -> bool:
        """Whether it stops no code to sign in: its reader waits for it, and is not to be locked out for a notice."""
        if entry.service_id == EVERYBODY or entry.reason not in LEARNED:
            return False
        came_back_at = (entry.until or 0.0) - BOUNCE_SECONDS
        return entry.reason is Reason.COMPLAINT or self._now() >= came_back_at + _ASKED_SECONDS

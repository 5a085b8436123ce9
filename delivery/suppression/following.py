"""What providers tell of people: an address that is none, or somebody who complained, is not written to again.

By the same service, that is: no service learns, or suffers, from what another one wrote to somebody.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from auth.services import OWN_ID
from config.encrypted import cipher, row_id
from config.keyring import Keyring
from delivery.store import reputations
from delivery.store.base import EventKind
from delivery.store.moving import Heard, Move
from delivery.store.nobody import NOBODY
from delivery.store.reputations import Measure
from delivery.store.suppressing import Codec, Entry
from delivery.store.suppressions import BOUNCE_SECONDS, LEARNED, Reason
from delivery.store.tables import messages
from messages.message import Channel, KeyType, Lane
from messages.status import Status

_ONCE_SECONDS = 86_400.0  # so often SES's list forgets somebody who asks for a code
# SES's and Notify's, which bounce by order. Nothing is to be learned of them.
SIMULATORS = ("simulator.amazonses.com", "simulator.notify")
_NOBODY = (*SIMULATORS, str(NOBODY[Channel.EMAIL]).rpartition("@")[2])  # nor of who asked to be forgotten
_NO_SPAM = "not-spam"  # takes a complaint back
_MEASURES = {Reason.BOUNCE: Measure.BOUNCES, Reason.COMPLAINT: Measure.COMPLAINTS}
# What the provider's own list says, and not the recipient.
ECHOES = ("on-account-suppression-list", "on-tenant-suppression-list")


class Suppressing:
    """A Follower of delivery.store.moving."""

    def __init__(self, keyring: Keyring) -> None:
        self._recipients = cipher(messages.c.recipient, keyring)
        self._codec = Codec(keyring)

    def __call__(
        self, connection: Connection, moves: Sequence[Move], heard: Sequence[Heard], rows: Mapping[UUID, Any], /
    ) -> None:
        told = [(each, reason) for each in heard if (reason := _reason(each, rows[each.message_id]))]
        if not told:
            return
        recipients = self._load(connection, {each.message_id for each, _ in told})
        self._codec.hold(connection, recipients.values())
        told = [(each, reason) for each, reason in told if each.message_id in recipients]
        for each, reason in told:
            self._learn(connection, rows[each.message_id], recipients[each.message_id], each, reason)
        # Last, since it locks nothing. What the provider's own list says came back from nobody.
        measured = ((rows[each.message_id], _MEASURES[reason]) for each, reason in told if each.reason not in ECHOES)
        reputations.note(connection, ((row.service_id, row.created_at, measure) for row, measure in measured))

    def _load(self, connection: Connection, message_ids: set[UUID]) -> dict[UUID, str]:
        c = messages.c
        found = connection.execute(select(c.id, c.recipient).where(c.id.in_(message_ids)))
        opened = {row.id: self._recipients.decrypt(row.recipient, row_id(row.id)).decode() for row in found}
        return {each: text for each, text in opened.items() if text.rpartition("@")[2].lower() not in _NOBODY}

    def _learn(self, connection: Connection, message: Any, recipient: str, told: Heard, reason: Reason) -> None:
        service_id = message.service_id
        until = told.at + BOUNCE_SECONDS if reason is Reason.BOUNCE else None
        if told.reason not in ECHOES:  # whose message it was the provider's list did not say, if that was read first
            self._codec.drop_listed(connection, recipient, reason, told.at)
        known = [each for each in self._codec.find(connection, service_id, recipient) if each.reason in LEARNED]
        if any(_is_over(each, told, reason) for each in known):
            return
        if _is_code(message) and told.reason in ECHOES and not any(_is_lifted(each, told.at) for each in known):
            self._codec.take_off(connection, service_id, recipient, told.at)  # the next one comes
            return
        self._codec.add(
            connection,
            service_id,
            recipient,
            reason,
            told.at,
            until=until,
            source_id=told.event_id,
            at_provider=True,
        )


def _reason(heard: Heard, message: Any) -> Reason | None:
    """None: nothing follows from it. A test key's message reached nobody; of a group nobody knows whom it is about."""
    if message.channel != Channel.EMAIL.value or message.key_type == KeyType.TEST.value or heard.several:
        return None
    if heard.reason in ECHOES:  # it came back; of whose mail the recipient complained, if so, is not said
        return Reason.BOUNCE
    if heard.kind is EventKind.BOUNCE and heard.status is Status.PERMANENT_FAILURE:
        return Reason.BOUNCE
    return Reason.COMPLAINT if heard.kind is EventKind.COMPLAINT and heard.reason != _NO_SPAM else None


def _is_code(message: Any) -> bool:
    """Whether somebody asked for it, and waits. Of a retired message nobody does."""
    return message.service_id == OWN_ID and getattr(message, "lane", None) == Lane.PRIORITY.value


def _is_lifted(known: Entry, at: float) -> bool:
    """Lately."""
    return known.lifted_at is not None and known.lifted_at > at - _ONCE_SECONDS


def _is_over(known: Entry, told: Heard, reason: Reason) -> bool:
    """Whether the entry was lifted after what is told; or the provider, which says it, has not heard of that yet."""
    is_echo = told.reason in ECHOES
    if known.lifted_at is None or (known.reason is not reason and not is_echo):
        return False
    return known.lifted_at >= told.at or (is_echo and known.at_provider)

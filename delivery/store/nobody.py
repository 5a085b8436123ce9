"""Who stands where a person stood who was forgotten; and what is told of that person later, without its words."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import Connection, update

from delivery.store.rows import Codec
from delivery.store.tables import events
from messages.address import Address
from messages.message import Channel
from messages.phone import PhoneNumber
from messages.recipient import Recipient

# Nobody can have them (RFC 6761 6.4; no number goes on with 0 behind country code 1).
NOBODY: Mapping[Channel, Recipient] = {
    Channel.EMAIL: Address("deleted", "person.invalid"),
    Channel.SMS: PhoneNumber("+10000000000"),
}


def drop_words(connection: Connection, codec: Codec, owners: Iterable[tuple[UUID, bytes | None]]) -> None:
    """Of events, by id and the hash of whom their message is for: what a provider says may name who was forgotten."""
    nobody = {None, *(each for one in NOBODY.values() for each in codec.recipient_hashes(one.key))}
    told = [event_id for event_id, recipient in owners if (recipient and bytes(recipient)) in nobody]
    if told:
        connection.execute(update(events).where(events.c.id.in_(sorted(told))).values(detail=None))

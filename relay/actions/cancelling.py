"""Messages that are not to be sent after all. The database's rows say who comes first: a worker, or whoever asks."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select

from delivery.followers import followers
from delivery.queue import interventions
from delivery.store.tables import messages
from messages.message import KeyType
from messages.status import Status
from relay.actions.errors import (
    GROUP_NOT_WAITING,
    GROUP_UNKNOWN,
    MESSAGE_LEAVING,
    MESSAGE_NOT_WAITING,
    MESSAGE_UNKNOWN,
    ActionError,
    UnknownError,
)
from relay.actions.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What came of a group: how many of its messages are cancelled now, and how many others it has."""

    group_id: UUID
    cancelled: int
    not_cancelled: int


async def cancel(
    t: Transaction, message_id: UUID, service_id: UUID | None = None, key_type: KeyType | None = None
) -> UUID:
    """Sends a message no more; returns its id. Of this service and type of key, where they are named.

    Raises ActionError.
    """
    found = await _find(t, messages.c.id == message_id, service_id, key_type)
    if not found:
        raise UnknownError(MESSAGE_UNKNOWN, id=message_id)
    (owner, status) = found[message_id]
    if not await interventions.cancel(t.connection, found, t.now, followers(t.secret)):
        _, status = (await _find(t, messages.c.id == message_id, service_id))[message_id]  # it may just have moved on
        if status is Status.CREATED:
            raise ActionError(MESSAGE_LEAVING, id=message_id)
        raise ActionError(MESSAGE_NOT_WAITING, id=message_id, status=status.value)
    before, after = {"status": status.value}, {"status": Status.CANCELLED.value}
    await t.record("message.cancel", "message", message_id, before, after, service_id=owner)
    return message_id


async def cancel_group(t: Transaction, group_id: UUID, service_id: UUID | None = None) -> Cancelled:
    """Sends no more of a submission what still waits. Of one service only, where one is named. Raises ActionError."""
    found = await _find(t, messages.c.group_id == group_id, service_id)
    if not found:
        raise UnknownError(GROUP_UNKNOWN, id=group_id)
    done = await interventions.cancel(t.connection, found, t.now, followers(t.secret))
    if not done:
        raise ActionError(GROUP_NOT_WAITING, id=group_id)
    (owner, _) = next(iter(found.values()))
    await t.record("message.cancel", "group", group_id, {"cancelled": 0}, {"cancelled": len(done)}, service_id=owner)
    return Cancelled(group_id, len(done), len(found) - len(done))


async def _find(
    t: Transaction, which: ColumnElement[bool], service_id: UUID | None, key_type: KeyType | None = None
) -> dict[UUID, tuple[UUID, Status]]:
    """By id, whose each is and how it stands."""
    c = messages.c
    statement = select(c.id, c.service_id, c.status).where(which)
    if service_id is not None:
        statement = statement.where(c.service_id == service_id)
    if key_type is not None:
        statement = statement.where(c.key_type == key_type)
    return {row.id: (row.service_id, Status(row.status)) for row in await t.connection.execute(statement)}

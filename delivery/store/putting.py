"""What doors store: groups with their contents, queue rows, counts and idempotency keys, in one write transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert

from auth import limits
from config.database import OUTAGES, Database, is_outage
from delivery.commit import GroupCommit
from delivery.figures.counting import count
from delivery.store import contents
from delivery.store.base import Group, StoreUnavailable
from delivery.store.contents import Contents, is_large
from delivery.store.idempotency import Idempotency, Names
from delivery.store.rows import Codec
from delivery.store.tables import messages, queue
from messages.message import KeyType, Message
from messages.status import Status

Stored = tuple[Message, ...]


class Putting:
    """Held by doors."""

    def __init__(self, database: Database, codec: Codec) -> None:
        self._codec = codec
        self._contents = Contents(database, codec)
        self._idempotency = Idempotency(database, codec)
        self._groups: GroupCommit[Group, Stored] = GroupCommit(database.transact, self._put_all, is_outage=is_outage)

    async def drain(self) -> None:
        """Returns when all that was submitted is written."""
        await self._groups.drain()

    async def put(self, group: Group) -> Stored:
        """Stores a group with its queue rows; when it returns, the group is on disk.

        Returns the messages that it stored: all of them or, with an idempotency key per recipient, those of recipients
        that it was not used for before (exact over all processes); only these count.
        Raises Refused when a charge goes over its limit (exact over all processes; nothing is stored, nothing counted),
        Repeated when its idempotency key leaves nothing to store (likewise), StoreUnavailable when the database cannot
        take it now. A caller that is cancelled leaves all or nothing behind.
        """
        try:
            if any(map(is_large, group.contents.values())):
                await self._put_contents(group)
            return await self._groups.submit(group)
        except OUTAGES as error:
            raise StoreUnavailable from error

    async def _put_contents(self, group: Group) -> None:
        first, recipients = group.messages[0], [message.recipient for message in group.messages]
        key = group.idempotency
        if key and (known := await self._idempotency.repeated(first.service_id, key, recipients)):
            raise known
        for content_id, content in group.contents.items():
            if is_large(content):
                await self._contents.put_parts(content_id, content)

    def _put_all(self, connection: Connection, groups: Sequence[Group]) -> Sequence[Stored | Exception]:
        return _put(connection, self._codec, groups)


def _put(connection: Connection, codec: Codec, groups: Sequence[Group]) -> list[Stored | Exception]:
    """For each group what was stored of it, or why nothing was."""
    names = Names(connection, codec, groups)
    now = max(group.messages[0].created_at for group in groups)
    with limits.counting(connection, [group.charges for group in groups], now) as charge:
        answers = [_admit(names, at, group, charge) for at, group in enumerate(groups)]
    names.give_back()
    every = zip(groups, answers, strict=True)
    stored = [(group, answer) for group, answer in every if not isinstance(answer, Exception)]
    if stored:
        _insert(connection, codec, stored)
    return answers


def _admit(names: Names, at: int, group: Group, charge: limits.Counting) -> Stored | Exception:
    new = names.new(at)
    if isinstance(new, Exception):
        return new
    refused = charge(group.charges, new)
    if refused is None:
        names.keep(at, new)
    return refused or new


def _insert(connection: Connection, codec: Codec, stored: Sequence[tuple[Group, Stored]]) -> None:
    small = {message.content_id: group.contents[message.content_id] for group, each in stored for message in each}
    contents.put(connection, codec, ((content_id, text) for content_id, text in small.items() if not is_large(text)))
    every = [message for _, each in stored for message in each]
    connection.execute(insert(messages), [codec.message_row(message) for message in every])
    connection.execute(insert(queue), [_queue_row(message, group.due_at) for group, each in stored for message in each])
    count(connection, ((message, Status.CREATED, 1) for message in every))


def _queue_row(message: Message, due_at: float) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "service_id": message.service_id,
        "rank": message.lane.rank,
        "available_at": max(message.scheduled_for or message.created_at, due_at),
        "owner": None,
        "attempts": 0,
        "attempt_id": None,
        "attempted_at": None,
        "parked": False,
        "test": message.key_type is KeyType.TEST,
        "channel": message.channel.value,
    }

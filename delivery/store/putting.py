"""What doors store: groups with their contents, queue rows, counts and idempotency keys, in one write transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert

from auth import limits
from delivery.store.base import Group
from delivery.store.repeating import Names
from delivery.store.rows import PART_BYTES, Codec
from delivery.store.settling import count
from delivery.store.tables import contents, messages, queue
from messages.message import KeyType, Message
from messages.status import Status

Stored = tuple[Message, ...]


def put(connection: Connection, codec: Codec, groups: Sequence[Group]) -> list[Stored | Exception]:
    """See Store.put: for each group what was stored of it, or why nothing was."""
    names = Names(connection, codec, groups)
    now = max(group.messages[0].created_at for group in groups)
    with limits.counting(connection, [group.charges for group in groups], now) as charge:
        answers = [_admit(names, at, group, charge) for at, group in enumerate(groups)]
    names.give_back()
    every = zip(groups, answers, strict=True)
    stored = [(group.content, answer) for group, answer in every if not isinstance(answer, Exception)]
    if stored:
        _insert(connection, codec, stored)
    return answers


def _admit(names: Names, at: int, group: Group, charge: limits.Counting) -> Stored | Exception:
    new = names.new(at)
    if isinstance(new, Exception):
        return new
    refused = charge(group.charges, len(new))
    if refused is None:
        names.keep(at, new)
    return refused or new


def _insert(connection: Connection, codec: Codec, stored: Sequence[tuple[bytes, Stored]]) -> None:
    small = [
        row
        for content, each in stored
        if len(content) <= PART_BYTES
        for row in codec.content_rows(each[0].content_id, content)
    ]
    if small:
        connection.execute(insert(contents), small)
    every = [message for _, each in stored for message in each]
    connection.execute(insert(messages), [codec.message_row(message) for message in every])
    connection.execute(insert(queue), [_queue_row(message) for message in every])
    count(connection, ((message, Status.CREATED, message.created_at, 1) for message in every))


def _queue_row(message: Message) -> dict[str, Any]:
    return {
        "message_id": message.id,
        "service_id": message.service_id,
        "rank": message.lane.rank,
        "available_at": message.scheduled_for or message.created_at,
        "owner": None,
        "attempts": 0,
        "attempt_id": None,
        "attempted_at": None,
        "parked": False,
        "test": message.key_type is KeyType.TEST,
    }

"""What doors store: groups with their contents, queue rows, counts and idempotency keys, in one write transaction."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, delete, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from auth import limits
from delivery.store.base import Group, Repeated
from delivery.store.rows import PART_BYTES, Codec
from delivery.store.settling import count
from delivery.store.tables import contents, idempotency, messages, queue
from messages.message import Message
from messages.status import Status

_NAMES = (idempotency.c.service_id, idempotency.c.key_hash)
_RESERVED = {
    "postgresql": postgresql.insert(idempotency).on_conflict_do_nothing().returning(*_NAMES),
    "sqlite": sqlite.insert(idempotency).on_conflict_do_nothing().returning(*_NAMES),
}

Name = tuple[UUID, bytes]  # a service, and the hash of what it calls a submission


def put(connection: Connection, codec: Codec, groups: Sequence[Group]) -> list[Exception | None]:
    """See Store.put: for each group None, or why it was not stored."""
    verdicts: list[Exception | None] = [None] * len(groups)
    names = [codec.idempotency_name(group) for group in groups]
    if any(names):
        verdicts = _reserve(connection, codec, groups, names)
    open_ = [at for at, verdict in enumerate(verdicts) if verdict is None]
    now = max(group.messages[0].created_at for group in groups)
    charged = [(groups[at].charges, len(groups[at].messages)) for at in open_]
    for at, refused in zip(open_, limits.charge(connection, charged, now), strict=True):
        verdicts[at] = refused
    _settle_repeats(connection, groups, names, verdicts)
    accepted = [group for group, verdict in zip(groups, verdicts, strict=True) if verdict is None]
    if accepted:
        _insert(connection, codec, accepted)
    return verdicts


def used_names(candidates: Sequence[Name]) -> Select[Any]:
    """The rows of those names that were used before."""
    return select(idempotency).where(tuple_(*_NAMES).in_(candidates))


class _RepeatedHere(Exception):  # noqa: N818
    """The name of an earlier group of the same batch: what became of that one decides."""


def _reserve(
    connection: Connection, codec: Codec, groups: Sequence[Group], names: Sequence[Name | None]
) -> list[Exception | None]:
    """Takes the names that nobody used before, in one order for all writers."""
    used = _used(connection, codec, groups)
    rows: dict[Name, dict[str, Any]] = {}
    for group, name in zip(groups, names, strict=True):
        if name is not None and name not in used and name not in rows:
            rows[name] = codec.idempotency_row(group)
    if rows:
        taken = connection.execute(_RESERVED[connection.dialect.name], [rows[name] for name in sorted(rows)])
        if len({(row.service_id, row.key_hash) for row in taken}) < len(rows):  # another process was quicker
            used = _used(connection, codec, groups, but=rows)
    verdicts: list[Exception | None] = []
    seen: set[Name] = set()
    for group, name in zip(groups, names, strict=True):
        if name is not None and name in used:
            verdicts.append(
                Repeated(used[name].message_id, codec.is_same_body(group.idempotency, used[name].body_hash))
            )
        else:
            verdicts.append(_RepeatedHere() if name in seen else None)
            seen |= {name} if name is not None else set()
    return verdicts


def _used(
    connection: Connection, codec: Codec, groups: Sequence[Group], but: Mapping[Name, Mapping[str, Any]] | None = None
) -> dict[Name, Any]:
    """The rows of names used before, found under any root; without those of ours that are in `but`."""
    known = (codec.idempotency_candidates(group.messages[0].service_id, group.idempotency) for group in groups)
    candidates = {name: names[0] for names in known for name in names}
    found = {candidates[row.service_id, row.key_hash]: row for row in connection.execute(used_names(list(candidates)))}
    ours = {name: row["message_id"] for name, row in (but or {}).items()}
    return {name: row for name, row in found.items() if ours.get(name) != row.message_id}


def _settle_repeats(
    connection: Connection,
    groups: Sequence[Group],
    names: Sequence[Name | None],
    verdicts: list[Exception | None],
) -> None:
    """A name is given back when its group was refused; a later group of that name hears what the first did."""
    first = {name: at for at, name in reversed(list(enumerate(names))) if name is not None}
    for at, verdict in enumerate(verdicts):
        name = names[at]
        if isinstance(verdict, _RepeatedHere) and name is not None:
            earlier, mine = groups[first[name]].idempotency, groups[at].idempotency
            same = earlier is not None and mine is not None and earlier.body_hash == mine.body_hash
            verdicts[at] = verdicts[first[name]] or Repeated(groups[first[name]].messages[0].id, same)
        elif name is not None and verdict is not None and not isinstance(verdict, Repeated):
            mine_ = (_NAMES[0] == name[0], _NAMES[1] == name[1])
            connection.execute(delete(idempotency).where(*mine_))


def _insert(connection: Connection, codec: Codec, groups: Sequence[Group]) -> None:
    small = [
        row
        for group in groups
        if len(group.content) <= PART_BYTES
        for row in codec.content_rows(group.messages[0].content_id, group.content)
    ]
    if small:
        connection.execute(insert(contents), small)
    every = [message for group in groups for message in group.messages]
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
    }

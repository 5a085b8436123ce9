"""The audit: who changed what people administer, which one of it, when, and from what to what.

It only grows: the database itself refuses to change or remove an entry. No secret is in it, nor anything that is
encrypted elsewhere. Knows nothing of what is changed.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, Double, Table, Text, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, metadata
from messages.message import new_id

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Double, nullable=False, index=True),
    Column("actor_kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False, index=True),
    Column("service_id", Id, index=True),  # whose it is; no foreign key: an entry outlives everything
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: of which kind, and the name that it has among those."""

    kind: str  # operator: of the operating system or the site; user, visitor: of the site; key: by HTTP; relay: itself
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One action. `before` is None where something was made, `after` where it is gone; else they hold what differs."""

    id: UUID
    at: float
    actor_kind: str
    actor: str
    action: str  # the words of the command, as in service.guest.add
    object_kind: str
    object_id: str
    service_id: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


async def add(
    connection: AsyncConnection,
    actor: Actor,
    now: float,
    *,
    action: str,
    object_kind: str,
    object_id: UUID | str,
    service_id: UUID | None,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Writes an entry in the transaction that makes the change: both are there, or neither."""
    await connection.execute(
        insert(audit).values(
            id=new_id(now, os.urandom(10)),
            at=now,
            actor_kind=actor.kind,
            actor=actor.name,
            action=action,
            object_kind=object_kind,
            object_id=str(object_id),
            service_id=service_id,
            before=before,
            after=after,
        )
    )


async def find(
    connection: AsyncConnection,
    limit: int,
    *,
    service_id: UUID | None = None,
    object_id: str | None = None,
    since: float | None = None,
    kinds: Collection[str] | None = None,
    actions: Collection[str] | None = None,
    before: UUID | None = None,
) -> list[Entry]:
    """What fits all that is named, newest first; `kinds` are of objects, and `before` is an entry that is known."""
    c = audit.c
    statement = select(audit).order_by(c.at.desc(), c.id.desc()).limit(limit)
    if service_id is not None:
        statement = statement.where(c.service_id == service_id)
    if object_id is not None:
        statement = statement.where(c.object_id == object_id)
    if since is not None:
        statement = statement.where(c.at >= since)
    if kinds is not None:
        statement = statement.where(c.object_kind.in_(kinds))
    if actions is not None:
        statement = statement.where(c.action.in_(actions))
    if before is not None:
        last = select(c.at).where(c.id == before).scalar_subquery()
        statement = statement.where((c.at < last) | ((c.at == last) & (c.id < before)))
    return [Entry(**row) for row in (await connection.execute(statement)).mappings()]

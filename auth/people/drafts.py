"""Drafts: what somebody typed into a form that could not be done yet, with what was wrong; encrypted.

A user's outlive the session: who has to sign in again finds the form as it was. Nobody's are of their session. Secrets
never come here. Knows nothing of pages but the names that forms have.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Double, Insert, Table, Text, UniqueConstraint, delete, exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.people.sessions import sessions
from auth.people.users import users
from config.database import Id, metadata
from config.encrypted import Encrypted, cipher, row_id
from config.keyring import Keyring
from messages.message import new_id

KEPT_SECONDS = 24 * 3600.0
MAX_DRAFTS = 20  # of one owner: the oldest goes
MAX_OF_NOBODY = 3  # of a session of nobody, which anybody may begin

drafts = Table(
    "drafts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("owner", Id, nullable=False),  # a user, or the session of nobody
    Column("form", Text, nullable=False),  # the path of the page that it stands on
    Column("content", Encrypted("draft"), nullable=False),
    Column("kept_at", Double, nullable=False, index=True),
    UniqueConstraint("owner", "form"),
)
_c = drafts.c


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """Fields by their names, each with all its values. An error's `source` has `values`, as of a Text."""

    fields: Mapping[str, list[str]]
    errors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def _in_place(statement: sqlite.Insert | postgresql.Insert) -> Insert:
    values = {name: statement.excluded[name] for name in ("id", "content", "kept_at")}
    return statement.on_conflict_do_update(index_elements=[_c.owner, _c.form], set_=values)


_KEPT = {"postgresql": _in_place(postgresql.insert(drafts)), "sqlite": _in_place(sqlite.insert(drafts))}


async def keep(
    connection: AsyncConnection,
    keyring: Keyring,
    owner: UUID,
    form: str,
    draft: Draft,
    now: float,
    at_most: int = MAX_DRAFTS,
) -> None:
    """In place of the one that this form has; of one owner the newest `at_most` stay."""
    draft_id = new_id(now, os.urandom(10))
    plain = json.dumps({"fields": dict(draft.fields), "errors": dict(draft.errors)}).encode()
    content = cipher(_c.content, keyring).encrypt(plain, row_id(draft_id))
    row = {"id": draft_id, "owner": owner, "form": form, "content": content, "kept_at": now}
    await connection.execute(_KEPT[connection.dialect.name], row)  # of a double click both keep it
    newest = select(_c.id).where(_c.owner == owner).order_by(_c.id.desc()).limit(at_most)
    await connection.execute(delete(drafts).where(_c.owner == owner, _c.id.not_in(newest)))


async def find(connection: AsyncConnection, keyring: Keyring, owner: UUID, form: str, now: float) -> Draft | None:
    found = await connection.execute(select(drafts).where(_c.owner == owner, _c.form == form))
    row = found.one_or_none()
    if row is None or now - row.kept_at > KEPT_SECONDS:
        return None
    kept = json.loads(cipher(_c.content, keyring).decrypt(row.content, row_id(row.id)))
    return Draft(kept["fields"], kept["errors"])


async def drop(connection: AsyncConnection, owner: UUID, form: str) -> None:
    """Of a form whose answer is done."""
    await connection.execute(delete(drafts).where(_c.owner == owner, _c.form == form))


async def adopt(connection: AsyncConnection, session_id: UUID, user_id: UUID) -> None:
    """Who signs in takes along what the session of nobody kept."""
    forms = select(_c.form).where(_c.owner == session_id)
    await connection.execute(delete(drafts).where(_c.owner == user_id, _c.form.in_(forms)))
    await connection.execute(update(drafts).where(_c.owner == session_id).values(owner=user_id))


async def sweep(connection: AsyncConnection, now: float) -> int:
    """Drops the old, and those that nobody can come back to: their session of nobody has ended."""
    in_use = or_(exists().where(users.c.id == _c.owner), exists().where(sessions.c.id == _c.owner))
    return (await connection.execute(delete(drafts).where(or_(_c.kept_at < now - KEPT_SECONDS, ~in_use)))).rowcount

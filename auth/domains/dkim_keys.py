"""The DKIM keys of domains: one signs for each, several may be published while one takes over from another.

Private keys are encrypted with the sealing key, which doors do not have. Which key signs follows from what DNS shows
(auth/domains/selectors.py); knows nothing of how that was asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.domains import selectors
from auth.domains.selectors import Life, Look, State
from config.database import Id, metadata
from config.encrypted import Encrypted, Root, cipher, row_id
from config.keyring import Keyring
from messages.email import dkim

dkim_keys = Table(
    "dkim_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("domain_id", Id, ForeignKey("domains.id"), nullable=False),
    Column("selector", Text, nullable=False),
    Column("private_key", Encrypted("dkim", Root.SEALING), nullable=False),  # PEM
    Column("public_record", Text, nullable=False),
    Column("active", Boolean, nullable=False),  # it signs
    Column("created_at", Double, nullable=False),
    Column("state", Text, nullable=False, server_default=State.PUBLISHED),
    Column("again_at", Double),
    UniqueConstraint("domain_id", "selector", name="dkim_keys_selector"),
)
# One key signs for a domain at a time; several may be published during a change of selector.
Index(
    "dkim_keys_active",
    dkim_keys.c.domain_id,
    unique=True,
    postgresql_where=text("active"),
    sqlite_where=text("active"),
)


@dataclass(frozen=True, slots=True)
class Key:
    """The public side of a key."""

    id: UUID
    selector: str
    public_record: str
    signs: bool
    life: Life
    created_at: float


@dataclass(frozen=True, slots=True)
class Change:
    """What looks have made of a domain's keys: the selectors that moved, and which one signs."""

    moved: Mapping[str, State]
    signed: str | None
    signs: str | None


async def make(
    connection: AsyncConnection,
    sealing: Keyring,
    domain_id: UUID,
    now: float,
    *,
    state: State,
    signs: bool,
) -> Key:
    """A new RSA-2048 key under a selector of its own."""
    pem, key_id = dkim.generate(), uuid4()
    key = Key(key_id, _selector(now), dkim.public_record(pem), signs, Life(state), now)
    if key.signs:
        await _set(connection, dkim_keys.c.domain_id == domain_id, active=False)
    await connection.execute(
        insert(dkim_keys).values(
            id=key_id,
            domain_id=domain_id,
            selector=key.selector,
            private_key=cipher(dkim_keys.c.private_key, sealing).encrypt(pem, row_id(key_id)),
            public_record=key.public_record,
            active=key.signs,
            created_at=now,
            state=state,
        )
    )
    return key


async def of_domains(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, tuple[Key, ...]]:
    """The keys of each domain, from the newest to the oldest."""
    c = dkim_keys.c
    statement = (
        select(c.domain_id, c.id, c.selector, c.public_record, c.active, c.state, c.again_at, c.created_at)
        .where(c.domain_id.in_(ids))
        .order_by(c.created_at.desc(), c.selector.desc())
    )
    found: dict[UUID, list[Key]] = {each: [] for each in ids}
    for row in await connection.execute(statement):
        life = Life(State(row.state), row.again_at)
        found[row.domain_id].append(Key(row.id, row.selector, row.public_record, row.active, life, row.created_at))
    return {domain: tuple(keys) for domain, keys in found.items()}


async def opened(connection: AsyncConnection, sealing: Keyring, domain: str, key: Key) -> dkim.SigningKey:
    """The key with its private side. Raises KeyringError when the sealing key does not open it."""
    statement = select(dkim_keys.c.private_key).where(dkim_keys.c.id == key.id)
    sealed = (await connection.execute(statement)).scalar_one()
    pem = cipher(dkim_keys.c.private_key, sealing).decrypt(sealed, row_id(key.id))
    return dkim.SigningKey.from_pem(domain, key.selector, pem)


async def forget(connection: AsyncConnection, key_ids: Sequence[UUID]) -> None:
    await connection.execute(delete(dkim_keys).where(dkim_keys.c.id.in_(key_ids)))


async def observe(
    connection: AsyncConnection,
    keys: Sequence[Key],
    looks: Mapping[UUID, tuple[Look, float]],
    now: float,
    *,
    trusted: bool,
) -> tuple[tuple[Key, ...], Change]:
    """Writes down what looks at `now` (look and TTL by key) mean. `keys` are all of the domain, just read."""
    seen = [replace(key, life=selectors.after(key.life, *_look(looks, key, now))) for key in keys]
    place = selectors.choose([selectors.Candidate(key.life, key.signs) for key in seen], trusted=trusted)
    after = tuple(replace(key, signs=at == place) for at, key in enumerate(seen))
    if trusted and place is not None and after[place].life.state is State.WITHDRAWN:
        # The domain's last key is not withdrawn: it stays in doubt, for all to see.
        kept = replace(after[place], life=keys[place].life)
        after = (*after[:place], kept, *after[place + 1 :])
    pairs = list(zip(keys, after, strict=True))
    # Who stops signing first: two may not at once.
    for old, new in sorted(pairs, key=lambda pair: pair[1].signs):
        if old != new:
            values = {"state": new.life.state, "again_at": new.life.again_at, "active": new.signs}
            await _set(connection, dkim_keys.c.id == new.id, **values)
    moved = {new.selector: new.life.state for old, new in pairs if old.life.state is not new.life.state}
    return after, Change(moved, *(next((key.selector for key in each if key.signs), None) for each in (keys, after)))


def _look(looks: Mapping[UUID, tuple[Look, float]], key: Key, now: float) -> tuple[Look, float, float]:
    look, ttl = looks.get(key.id, (Look.UNANSWERED, 0.0))  # made after the question was asked
    return look, now, ttl


def _selector(now: float) -> str:
    """No name comes again: caches, and SES, may still have what stood under one that is forgotten here."""
    return datetime.fromtimestamp(now, UTC).strftime("nr%Y%m-") + token_hex(2)


async def _set(connection: AsyncConnection, where: Any, **values: Any) -> None:
    await connection.execute(update(dkim_keys).where(where).values(**values))

"""Sessions of the web site: a random token in the browser's cookie, its hash in a row.

A session begins without a user, when somebody's form has to be kept; who signs in, or proves one more factor, gets a
new token, so that whoever planted or saw the old one has nothing. It ends 12 hours after the sign-in, and after 30
minutes without a request it is locked (NIST SP 800-63B-4 2.2.3). Knows nothing of cookies or pages.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, Double, LargeBinary, Table, Text, delete, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, hold, metadata
from config.encrypted import Encrypted, cipher, row_id
from config.keyring import Keyring
from messages.message import new_id

TOKEN_CHARACTERS = 43  # 256 bits
WHOLE_SECONDS = 12 * 3600.0
IDLE_SECONDS = 30 * 60.0
SEEN_EVERY_SECONDS = 60.0  # a row is not written for each request
_MAX_DEVICE_CHARACTERS = 200
_MAX_LISTED = 100

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),  # by which it is listed and ended
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("user_id", Id, index=True),  # null: nobody has begun to sign in
    Column("factors", JSON, nullable=False),  # when each was proved, by its name
    Column("device", Text, nullable=False),  # what its browser calls itself
    Column("network", Text, nullable=False),  # the address it came from last
    Column("notice", Encrypted("session notice")),  # shown once, on the next page
    Column("created_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False, index=True),
)
_c = sessions.c


class Factor(StrEnum):
    """What somebody proves who they are with."""

    PASSWORD = "password"  # noqa: S105 - a name
    EMAIL = "email"  # a code that was mailed
    TEXT = "text"  # a code by text message
    TOTP = "totp"
    PASSKEY = "passkey"  # verified by its device, so it is both factors
    RECOVERY = "recovery"


_SECOND = frozenset({Factor.EMAIL, Factor.TEXT, Factor.TOTP, Factor.RECOVERY})
_STRONG = frozenset({Factor.TOTP, Factor.PASSKEY})  # a code that travels is no out-of-band proof (SP 800-63B-4 3.1.3)


class State(StrEnum):
    OPEN = "open"
    LOCKED = "locked"  # one factor opens it again
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Session:
    """Times are seconds since the epoch."""

    id: UUID
    user_id: UUID | None
    factors: Mapping[Factor, float]
    device: str
    network: str
    created_at: float
    seen_at: float
    notice: bytes | None = field(default=None, repr=False)  # as it is stored: `notice_of` opens it

    @property
    def is_signed_in(self) -> bool:
        """Both factors were proved."""
        both = Factor.PASSWORD in self.factors and not _SECOND.isdisjoint(self.factors)
        return self.user_id is not None and (both or Factor.PASSKEY in self.factors)

    @property
    def is_strong(self) -> bool:
        """A factor was proved that cannot be read on its way."""
        return self.is_signed_in and not _STRONG.isdisjoint(self.factors)

    def proved_within(self, seconds: float, now: float) -> bool:
        """Whether any factor was proved so lately: what changes how one signs in asks for that."""
        return any(now - at <= seconds for at in self.factors.values())

    def state(self, now: float) -> State:
        if now - self.created_at > WHOLE_SECONDS:
            return State.ENDED
        return State.LOCKED if self.is_signed_in and now - self.seen_at > IDLE_SECONDS else State.OPEN


def new_token() -> str:
    return secrets.token_urlsafe(32)


async def begin(
    connection: AsyncConnection,
    token: str,
    now: float,
    *,
    user_id: UUID | None = None,
    factors: Mapping[Factor, float] | None = None,
    device: str = "",
    network: str = "",
) -> Session:
    """Of a token that no other session has."""
    row: dict[str, Any] = {
        "id": new_id(now, os.urandom(10)),
        "user_id": user_id,
        "factors": dict(factors or {}),
        "device": device[:_MAX_DEVICE_CHARACTERS],
        "network": network,
        "created_at": now,
        "seen_at": now,
    }
    await connection.execute(insert(sessions).values(token_hash=_hash(token), **row))
    return Session(**row)


async def of_nobody(connection: AsyncConnection, token: str, now: float, *, device: str, network: str) -> Session:
    """That of the token, begun where there is none: of two requests at once one begins it."""
    hash_ = _hash(token)
    await connection.run_sync(hold, int.from_bytes(hash_[:8], "big", signed=True))
    if (found := await find(connection, token, now)) is not None:
        return found
    await connection.execute(delete(sessions).where(_c.token_hash == hash_))  # it has ended, and was not swept yet
    return await begin(connection, token, now, device=device, network=network)


async def find(connection: AsyncConnection, token: str, now: float) -> Session | None:
    """None: there is none, or it has ended."""
    found = await connection.execute(select(sessions).where(_c.token_hash == _hash(token)))
    row = found.mappings().one_or_none()
    session = None if row is None else _session(row)
    return None if session is None or session.state(now) is State.ENDED else session


async def of_user(connection: AsyncConnection, user_id: UUID, now: float) -> list[Session]:
    """Those in which they are signed in, the one seen last first."""
    statement = select(sessions).where(_c.user_id == user_id, _c.created_at > now - WHOLE_SECONDS)
    rows = await connection.execute(statement.order_by(_c.seen_at.desc()).limit(_MAX_LISTED))
    return [each for each in map(_session, rows.mappings()) if each.is_signed_in]


async def open_among(connection: AsyncConnection, session_ids: Collection[UUID], now: float) -> set[UUID]:
    """Of these, those that have neither ended nor been locked."""
    lasting = (_c.created_at >= now - WHOLE_SECONDS) & (_c.seen_at >= now - IDLE_SECONDS)
    return set(await connection.scalars(select(_c.id).where(_c.id.in_(session_ids), lasting)))


async def see(connection: AsyncConnection, session_id: UUID, network: str, now: float) -> None:
    """Somebody is there: it does not lock."""
    await _update(connection, session_id, seen_at=now, network=network)


async def prove(connection: AsyncConnection, session: Session, token: str, factor: Factor, now: float) -> Session:
    """One more factor was proved, of the same user: from now on the session has the new token alone. Opens a lock."""
    factors = {**session.factors, factor: now}
    await _update(connection, session.id, token_hash=_hash(token), factors=factors, seen_at=now)
    return (await find(connection, token, now)) or session


async def unprove(connection: AsyncConnection, session: Session, factor: Factor) -> Session:
    """What it was proved with is no more: the session is worth what is left, which may be no sign-in."""
    factors = {each: at for each, at in session.factors.items() if each is not factor}
    await _update(connection, session.id, factors=factors)
    return replace(session, factors=factors)


async def put_notice(
    connection: AsyncConnection, keyring: Keyring, session_id: UUID, notice: Mapping[str, Any] | None
) -> None:
    """It may name a person, so it is encrypted."""
    plain = None if notice is None else json.dumps(notice).encode()
    sealed = None if plain is None else cipher(_c.notice, keyring).encrypt(plain, row_id(session_id))
    await _update(connection, session_id, notice=sealed)


def notice_of(session: Session, keyring: Keyring) -> dict[str, Any] | None:
    if session.notice is None:
        return None
    found: dict[str, Any] = json.loads(cipher(_c.notice, keyring).decrypt(session.notice, row_id(session.id)))
    return found


async def end(connection: AsyncConnection, session_id: UUID) -> None:
    """Whoever has its token is nobody from now on."""
    await connection.execute(delete(sessions).where(_c.id == session_id))


async def end_all(connection: AsyncConnection, user_id: UUID, *, but: UUID | None = None) -> int:
    """All of a user, or all others than the one that they are in; how many that were."""
    statement = delete(sessions).where(_c.user_id == user_id)
    if but is not None:
        statement = statement.where(_c.id != but)
    return (await connection.execute(statement)).rowcount


async def sweep(connection: AsyncConnection, now: float) -> int:
    """Drops what has ended: of users after their hours, of nobody once idle."""
    idle = _c.user_id.is_(None) & (_c.seen_at < now - IDLE_SECONDS)
    return (await connection.execute(delete(sessions).where(or_(_c.created_at < now - WHOLE_SECONDS, idle)))).rowcount


async def _update(connection: AsyncConnection, session_id: UUID, **values: Any) -> None:
    await connection.execute(update(sessions).where(_c.id == session_id).values(**values))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()  # of 256 random bits: nothing to guess, so it needs no key


def _session(row: RowMapping) -> Session:
    values = {name: row[name] for name in Session.__dataclass_fields__}
    return Session(**values | {"factors": {Factor(name): at for name, at in row["factors"].items()}})

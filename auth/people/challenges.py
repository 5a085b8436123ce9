"""Challenges for passkeys: random, good for five minutes, for one purpose, in one session, and once (WebAuthn 13.4.3).

A challenge carries its time and our seal, so that showing a page to a stranger writes no row; who uses one with success
leaves its seal behind. Knows nothing of passkeys.
"""

import hmac
import os
import struct

from sqlalchemy import Column, Double, LargeBinary, Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import metadata
from config.keyring import Keyring

LIFE_SECONDS = 5 * 60.0
_PURPOSE = "challenge"
_NONCE_BYTES = 16
_HEAD = struct.Struct(f">d{_NONCE_BYTES}s")

spent_challenges = Table(
    "spent_challenges",
    metadata,
    Column("seal", LargeBinary, primary_key=True),
    Column("ends_at", Double, nullable=False, index=True),
)
_SPENT = {
    "postgresql": postgresql.insert(spent_challenges).on_conflict_do_nothing(),
    "sqlite": sqlite.insert(spent_challenges).on_conflict_do_nothing(),
}


def make(keyring: Keyring, purpose: str, session: str, now: float) -> bytes:
    """`session` is what only the browser of that session has."""
    head = _HEAD.pack(now, os.urandom(_NONCE_BYTES))
    return head + keyring.hasher(_PURPOSE).hash(_sealed(purpose, session, head))


def is_ours(keyring: Keyring, purpose: str, session: str, challenge: bytes, now: float) -> bool:
    """Whether it was made for this, and not long ago."""
    head, seal = challenge[: _HEAD.size], challenge[_HEAD.size :]
    if len(head) != _HEAD.size:
        return False
    candidates = keyring.hasher(_PURPOSE).candidates(_sealed(purpose, session, head))
    made_at: float = _HEAD.unpack(head)[0]
    return any(hmac.compare_digest(seal, each) for each in candidates) and abs(now - made_at) < LIFE_SECONDS


async def spend(connection: AsyncConnection, challenge: bytes, now: float) -> bool:
    """Whether nobody has used it before."""
    await connection.execute(delete(spent_challenges).where(spent_challenges.c.ends_at < now))
    row = {"seal": challenge[_HEAD.size :], "ends_at": now + LIFE_SECONDS}
    return (await connection.execute(_SPENT[connection.dialect.name].values(**row))).rowcount == 1


def _sealed(purpose: str, session: str, head: bytes) -> str:
    return f"{purpose}\n{session}\n{head.hex()}"

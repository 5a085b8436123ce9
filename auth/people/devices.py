"""Which browsers somebody has signed in with: of a new one they are told. Of each there is a hash."""

import hashlib
from uuid import UUID

from sqlalchemy import Column, Double, LargeBinary, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Id, metadata

MAX_KNOWN = 50  # of one user; the one that was seen longest ago makes room
FORGOTTEN_SECONDS = 180 * 86_400.0

devices = Table(
    "devices",
    metadata,
    Column("user_id", Id, primary_key=True),
    Column("device_hash", LargeBinary, primary_key=True),
    Column("seen_at", Double, nullable=False),
)
_c = devices.c


async def meet(connection: AsyncConnection, user_id: UUID, device: str, now: float) -> bool:
    """Whether the browser, by what it calls itself, is new to this user. From now on it is known."""
    known = hashlib.sha256(user_id.bytes + device.encode()).digest()
    mine = (_c.user_id == user_id, _c.device_hash == known)
    if (await connection.execute(update(devices).where(*mine).values(seen_at=now))).rowcount:
        return False
    oldest = select(_c.device_hash).where(_c.user_id == user_id).order_by(_c.seen_at.desc()).offset(MAX_KNOWN - 1)
    await connection.execute(delete(devices).where(_c.user_id == user_id, _c.device_hash.in_(oldest)))
    await connection.execute(insert(devices).values(user_id=user_id, device_hash=known, seen_at=now))
    return True


async def knows_any(connection: AsyncConnection, user_id: UUID) -> bool:
    return (await connection.execute(select(_c.user_id).where(_c.user_id == user_id).limit(1))).first() is not None


async def sweep(connection: AsyncConnection, now: float) -> int:
    return (await connection.execute(delete(devices).where(_c.seen_at < now - FORGOTTEN_SECONDS))).rowcount

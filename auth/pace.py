"""How often somebody may do what reaches others, such as letters to whomever they name: counted by all processes and
machines together, in the table of limits.

What was taken stays taken whatever becomes of it. Of whose it is there is a keyed hash. Knows nothing of doors.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.limits import limits
from config.database import hold
from config.keyring import Keyring

_PURPOSE = "pace"
_c = limits.c


async def take(
    connection: AsyncConnection,
    keyring: Keyring,
    what: str,
    whose: Collection[str],
    limit: int,
    seconds: int,
    now: float,
) -> bool:
    """Whether each of them may, once more: at most `limit` times in so many seconds from the first on. Counted of all
    or of none.
    """
    holders = sorted(UUID(bytes=keyring.hasher(_PURPOSE).hash(f"{what} {each}")[:16], version=4) for each in whose)
    for each in holders:
        await connection.run_sync(hold, each.int >> 65)
    begun = {each: await _window(connection, each, seconds, now) for each in holders}
    if any(used >= limit for _, used in begun.values()):
        return False
    for holder, (start, used) in begun.items():
        if used:
            mine = (_c.holder == holder, _c.span_seconds == seconds, _c.window_start == start)
            await connection.execute(update(limits).where(*mine).values(used=used + 1))
        else:
            row = {"holder": holder, "span_seconds": seconds, "window_start": start, "used": 1}
            await connection.execute(insert(limits).values(**row))
    return True


async def _window(connection: AsyncConnection, holder: UUID, seconds: int, now: float) -> tuple[int, int]:
    """When the one began that lasts, or begins now, and how often something was done in it."""
    mine = (_c.holder == holder, _c.span_seconds == seconds, _c.window_start > now - seconds)
    newest = select(_c.window_start, _c.used).where(*mine).order_by(_c.window_start.desc()).limit(1)
    row = (await connection.execute(newest)).one_or_none()
    return (int(now), 0) if row is None else (row.window_start, row.used)

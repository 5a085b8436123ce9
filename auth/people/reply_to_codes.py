"""Codes mailed to a reply-to address: who reads them there, and types them here, proves that the service has it.

One is open for an address; a new one ends the old. Knows nothing of mails or pages.
"""

from uuid import UUID

from sqlalchemy import Column, Double, ForeignKey, Integer, LargeBinary, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import CODE_OVER, CODE_WRONG, AuthError
from auth.people import digits
from auth.reply_tos import ReplyToAddress
from config.database import Id, metadata
from config.keyring import Keyring

OPEN_SECONDS = 30 * 60.0  # a shared mailbox has to be asked for
AGAIN_SECONDS = 30.0  # before another one is sent
MAX_TRIES = 5
_PURPOSE = "reply-to code"

reply_to_codes = Table(
    "reply_to_codes",
    metadata,
    Column("reply_to_id", Id, ForeignKey("reply_to_addresses.id", ondelete="CASCADE"), primary_key=True),
    Column("code_hash", LargeBinary, nullable=False),
    Column("sent_at", Double, nullable=False),
    Column("tries", Integer, nullable=False),
)
_c = reply_to_codes.c


async def sent_at(connection: AsyncConnection, reply_to_id: UUID) -> float | None:
    """When the open one was sent; None: there is none."""
    found = await connection.execute(select(_c.sent_at).where(_c.reply_to_id == reply_to_id))
    return found.scalar_one_or_none()


async def make(connection: AsyncConnection, keyring: Keyring, reply_to: ReplyToAddress, now: float) -> str:
    """Six digits, for the mail alone."""
    code = digits.new()
    hashed = digits.hashed(keyring, _PURPOSE, reply_to.id, code)
    await drop(connection, reply_to.id)
    row = {"reply_to_id": reply_to.id, "code_hash": hashed, "sent_at": now, "tries": 0}
    await connection.execute(insert(reply_to_codes).values(**row))
    return code


async def check(
    connection: AsyncConnection, keyring: Keyring, reply_to: ReplyToAddress, code: str, now: float
) -> AuthError | None:
    """What is wrong with it, which is to be raised once the transaction has counted it; None: it is used up now."""
    found = (await connection.execute(select(reply_to_codes).where(_c.reply_to_id == reply_to.id))).one_or_none()
    if found is None or now - found.sent_at > OPEN_SECONDS or found.tries >= MAX_TRIES:
        return AuthError(CODE_OVER)
    if not digits.is_one(keyring, _PURPOSE, reply_to.id, code, found.code_hash):
        mine = update(reply_to_codes).where(_c.reply_to_id == reply_to.id)
        await connection.execute(mine.values(tries=_c.tries + 1))
        return AuthError(CODE_WRONG)
    await drop(connection, reply_to.id)
    return None


async def drop(connection: AsyncConnection, reply_to_id: UUID) -> None:
    await connection.execute(delete(reply_to_codes).where(_c.reply_to_id == reply_to_id))

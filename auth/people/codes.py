"""Codes of six digits that travel by mail or text, and prove that their reader has the address or the number.

One is open for an owner and a purpose: a user, or before anything is proved an address. It lasts ten minutes, is good
once, for the session that asked, and five tries (ASVS 5.0 6.5.1, 6.5.5, 6.6.2, 6.6.3). Of the code there is a keyed
hash. Knows nothing of mails or pages.
"""

import os
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import CODE_OVER, CODE_SOON, CODE_WRONG, CODES_FULL, AuthError
from auth.people import digits
from auth.people.users import known_as
from config.database import Id, hold, metadata
from config.keyring import Keyring
from messages.message import new_id

LASTING_SECONDS = 600
AGAIN_SECONDS = 30.0
MAX_TRIES = 5
MAX_AN_HOUR = 5
_HOUR_SECONDS = 3600.0
_PURPOSE = "code"  # of the keyed hash
_OF_ADDRESS = "code of an address"

codes = Table(
    "codes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False),  # the owner; see `of_address`
    Column("purpose", Text, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("code_hash", LargeBinary, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("made_at", Double, nullable=False, index=True),
    Column("ended_at", Double),  # used, or another one took its place
    Column("message_id", Id),  # by which it travels
    Index("codes_user", "user_id", "made_at"),
)
_c = codes.c


class Purpose(StrEnum):
    """What it is good for, and nothing else."""

    VERIFY = "verify"  # a new account's address
    SIGN_IN = "sign-in"
    RESET = "reset"  # of the password
    RESET_SECOND = "reset-second"  # the second factor of that, by text
    ADDRESS = "address"  # a changed one
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Made:
    """An open code. `made_at` is seconds since the epoch."""

    id: UUID
    made_at: float
    message_id: UUID | None

    @property
    def expires_at(self) -> float:
        return self.made_at + LASTING_SECONDS


class CodeError(AuthError):
    """It proves nothing."""


def of_address(keyring: Keyring, email: str) -> UUID:
    """The owner of the codes that somebody asks for who has proved nothing: whether it has an account tells nobody."""
    return UUID(bytes=keyring.hasher(_OF_ADDRESS).hash(known_as(email))[:16], version=4)


async def check_pace(connection: AsyncConnection, purpose: Purpose, owner: UUID, now: float) -> None:
    """Raises CodeError: too soon, too many. Until the transaction ends nobody else asks for one of this owner's.

    By purpose: anybody may ask for resets, and must not use up the codes of who signs in.
    """
    await connection.run_sync(hold, owner.int >> 65)
    mine = (_c.user_id == owner, _c.purpose == purpose, _c.made_at > now - _HOUR_SECONDS)
    newest, count = (await connection.execute(select(func.max(_c.made_at), func.count()).where(*mine))).one()
    if newest is not None and now - newest < AGAIN_SECONDS:
        raise CodeError(CODE_SOON, seconds=int(AGAIN_SECONDS))
    if count >= MAX_AN_HOUR:
        raise CodeError(CODES_FULL, limit=MAX_AN_HOUR)


async def issue(
    connection: AsyncConnection, keyring: Keyring, purpose: Purpose, owner: UUID, session_id: UUID, now: float
) -> tuple[Made, str]:
    """A new one, which ends the one before; the code is for the message alone. Raises CodeError: too soon, too many."""
    await check_pace(connection, purpose, owner, now)
    await connection.execute(
        update(codes).where(_c.user_id == owner, _c.purpose == purpose, _c.ended_at.is_(None)).values(ended_at=now)
    )
    made, code = Made(new_id(now, os.urandom(10)), now, None), digits.new()
    await connection.execute(
        insert(codes).values(
            id=made.id,
            user_id=owner,
            purpose=purpose,
            session_id=session_id,
            code_hash=digits.hashed(keyring, _PURPOSE, made.id, code),
            tries=0,
            made_at=now,
        )
    )
    return made, code


async def sent(connection: AsyncConnection, made: Made, message_id: UUID) -> None:
    """By which message it travels: the page that waits for it shows how that fares."""
    await connection.execute(update(codes).where(_c.id == made.id).values(message_id=message_id))


async def opened(
    connection: AsyncConnection, purpose: Purpose, owner: UUID, session_id: UUID, now: float
) -> Made | None:
    """The one that waits, of this session."""
    row = (
        await connection.execute(
            select(_c.id, _c.made_at, _c.message_id).where(
                _c.user_id == owner,
                _c.purpose == purpose,
                _c.session_id == session_id,
                _c.ended_at.is_(None),
                _c.made_at > now - LASTING_SECONDS,
                _c.tries < MAX_TRIES,
            )
        )
    ).one_or_none()
    return None if row is None else Made(row.id, row.made_at, row.message_id)


async def use(
    connection: AsyncConnection,
    keyring: Keyring,
    purpose: Purpose,
    owner: UUID,
    session_id: UUID,
    code: str,
    now: float,
) -> CodeError | None:
    """Ends the code where it is the right one. What is wrong with it is returned, not raised: the try has to count."""
    made = await opened(connection, purpose, owner, session_id, now)
    if made is None:
        return CodeError(CODE_OVER)
    # Counted before it is looked at, under the row's lock: of parallel tries five are judged.
    mine = update(codes).where(_c.id == made.id, _c.ended_at.is_(None), _c.tries < MAX_TRIES)
    if not (await connection.execute(mine.values(tries=_c.tries + 1))).rowcount:
        return CodeError(CODE_OVER)
    row = (await connection.execute(select(_c.code_hash, _c.tries).where(_c.id == made.id))).one()
    asked = "".join(code.split())[:16]
    if digits.is_one(keyring, _PURPOSE, made.id, asked, row.code_hash):
        await connection.execute(update(codes).where(_c.id == made.id).values(ended_at=now))
        return None
    return CodeError(CODE_WRONG) if row.tries < MAX_TRIES else CodeError(CODE_OVER)


async def end_all(connection: AsyncConnection, owner: UUID, now: float) -> None:
    """None of an owner's proves anything any more."""
    await connection.execute(update(codes).where(_c.user_id == owner, _c.ended_at.is_(None)).values(ended_at=now))


async def sweep(connection: AsyncConnection, now: float) -> int:
    """Drops those that count no more."""
    return (await connection.execute(delete(codes).where(_c.made_at < now - _HOUR_SECONDS))).rowcount

"""Authenticator apps: a secret shared with somebody's telephone, which makes a code of it every 30 seconds (RFC 6238).

The secret is encrypted at rest, and the app counts only once a code has proved that it has the secret. A code is taken
once, and none before it afterwards; clocks may differ by one step. Knows nothing of sessions or pages.
"""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pyotp
from sqlalchemy import BigInteger, Column, Double, Table, Text, delete, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import FACTORS_FULL, AuthError
from auth.services import parse_name
from config.database import Id, metadata
from config.encrypted import Encrypted, cipher, row_id
from config.keyring import Keyring

MAX_APPS = 5  # of a user: every code is compared with those of all
SETUP_SECONDS = 30 * 60.0
STEP_SECONDS = 30
_DRIFT = (0, -1, 1)  # RFC 6238 5.2: at most one step for the way and the clocks

totps = Table(
    "totps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("secret", Encrypted("totp secret"), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("proved_at", Double),  # null: being set up
    Column("used_at", Double),
    Column("last_step", BigInteger),  # of the last code that was taken
)
_c = totps.c


@dataclass(frozen=True, slots=True)
class App:
    """Times are seconds since the epoch. The secret is shown while the app is set up, and never again."""

    id: UUID
    user_id: UUID
    name: str
    created_at: float
    proved_at: float | None
    used_at: float | None
    secret: str = field(repr=False)

    def uri(self, issuer: str, account: str) -> str:
        """What the QR code says: an app reads the issuer, whose account it is, and the secret."""
        return pyotp.TOTP(self.secret).provisioning_uri(name=account, issuer_name=issuer)


async def begin(connection: AsyncConnection, keyring: Keyring, user_id: UUID, name: str, now: float) -> App:
    """A new secret, which counts only after `prove`; an earlier one that was not proved is gone. Raises AuthError."""
    name = parse_name(name)
    await connection.execute(delete(totps).where(_c.user_id == user_id, _c.proved_at.is_(None)))
    count = await connection.scalar(select(func.count()).where(_c.user_id == user_id))
    if (count or 0) >= MAX_APPS:
        raise AuthError(FACTORS_FULL, limit=MAX_APPS)
    app = App(uuid4(), user_id, name, now, None, None, pyotp.random_base32())
    secret = cipher(_c.secret, keyring).encrypt(app.secret.encode(), row_id(app.id))
    row = {"id": app.id, "user_id": user_id, "name": name, "secret": secret, "created_at": now}
    await connection.execute(insert(totps).values(**row))
    return app


async def beginning(connection: AsyncConnection, keyring: Keyring, user_id: UUID, now: float) -> App | None:
    """The one that is being set up."""
    statement = select(totps).where(_c.user_id == user_id, _c.proved_at.is_(None), _c.created_at > now - SETUP_SECONDS)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else _app(row, keyring)


async def prove(connection: AsyncConnection, app: App, code: str, now: float) -> bool:
    """Whether the code is the app's: then it counts from now on."""
    if not await _take(connection, app, code, now):
        return False
    await connection.execute(update(totps).where(_c.id == app.id).values(proved_at=now))
    return True


async def use(connection: AsyncConnection, keyring: Keyring, user_id: UUID, code: str, now: float) -> App | None:
    """The app whose code it is, and which nobody can use again; None: of none, or used before."""
    for app in await of_user(connection, keyring, user_id):
        if await _take(connection, app, code, now):
            return app
    return None


async def of_user(connection: AsyncConnection, keyring: Keyring, user_id: UUID) -> list[App]:
    """Those that count, the oldest first."""
    statement = select(totps).where(_c.user_id == user_id, _c.proved_at.is_not(None)).order_by(_c.created_at, _c.id)
    return [_app(row, keyring) for row in (await connection.execute(statement)).mappings()]


async def rename(connection: AsyncConnection, app_id: UUID, name: str) -> None:
    """Raises AuthError."""
    await connection.execute(update(totps).where(_c.id == app_id).values(name=parse_name(name)))


async def remove(connection: AsyncConnection, app_id: UUID) -> None:
    await connection.execute(delete(totps).where(_c.id == app_id))


async def _take(connection: AsyncConnection, app: App, code: str, now: float) -> bool:
    step = _step(app.secret, "".join(code.split()), now)
    if step is None:
        return False
    is_new = or_(_c.last_step.is_(None), _c.last_step < step)  # RFC 6238 5.2: of two who send one code, one gets in
    taken = update(totps).where(_c.id == app.id, is_new).values(last_step=step, used_at=now)
    return (await connection.execute(taken)).rowcount == 1


def _step(secret: str, code: str, now: float) -> int | None:
    """Of which step the code is."""
    totp, current = pyotp.TOTP(secret), int(now) // STEP_SECONDS
    made = {current + drift: totp.generate_otp(current + drift) for drift in _DRIFT}
    return next((step for step, each in made.items() if pyotp.utils.strings_equal(each, code)), None)


def _app(row: RowMapping, keyring: Keyring) -> App:
    secret = cipher(_c.secret, keyring).decrypt(row["secret"], row_id(row["id"])).decode()
    names = ("id", "user_id", "name", "created_at", "proved_at", "used_at")
    return App(**{name: row[name] for name in names}, secret=secret)

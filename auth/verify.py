"""Who logs in, and whether they still may: look-ups cached so that a login under load costs no database round trip.

An entry is fresh for 2 s, then served while one look-up renews it, and after 4 s waited for. When the database is away
it is served for half a second more: whoever was revoked is out within 5 s, in open sessions too. Knows nothing of SMTP.
"""

import asyncio
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import guests, keys, senders, services
from auth.principal import Principal
from config.database import Database
from config.keyring import Keyring
from config.settings import Limits
from messages.reply import (
    AUTH_UNAVAILABLE,
    CREDENTIALS_INVALID,
    KEY_REVOKED,
    SERVICE_HELD,
    UNAVAILABLE,
    Refused,
    Reply,
)

FRESH_SECONDS = 2.0
RENEWED_SECONDS = 4.0
USABLE_SECONDS = 4.5
UNKNOWN_SECONDS = 1.0
TIMEOUT_SECONDS = 3.0
LAST_USED_SECONDS = 10.0
MAX_ENTRIES = 10_000

_USERNAME = re.compile(rf"[a-z0-9-]{{1,{keys.MAX_USERNAME_CHARACTERS}}}")
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PASSWORD = re.compile(rf"(?:\S*-{_UUID}-)?(?P<hyphens>{_UUID})|(?P<digits>[0-9a-f]{{32}})", re.ASCII)
_MAX_PASSWORD_CHARACTERS = 512
_NO_SECRET = bytes(32)  # compared with when there is no key: the same work for a name that does not exist


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one look-up found. `principal` is None when there is no such key."""

    principal: Principal | None
    secret_hash: bytes
    asked_at: float  # before the query: what it found is not older than this


class Verifier:
    """The one that doors ask. One per process; `run()` beside them writes down when keys were last used.

    `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Callable[[], float],
        limits: Limits,
        *,
        default_domain: str,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._database = database
        self._hasher = keyring.hasher(keys.PURPOSE)
        self._cipher = keyring.cipher(guests.PURPOSE)
        self._clock = clock
        self._limits = limits
        self._at_default_domain = "@" + default_domain.lower()
        self._max_entries = max_entries
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # by SMTP user name
        self._unknown: OrderedDict[str, _Entry] = OrderedDict()  # apart: guesses must not push out real keys
        self._loading: dict[str, asyncio.Task[_Entry]] = {}
        self._used: dict[UUID, float] = {}

    async def verify(self, username: str, secret: str, client_ip: str | None = None) -> Principal:
        """Who this is. Raises Refused: permanent for wrong credentials, temporary when they cannot be checked now.

        A key that names networks needs `client_ip`.
        """
        entry = await self._find(self._parse_username(username), AUTH_UNAVAILABLE)
        matches = self._matches(entry.secret_hash, _parse_password(secret))
        principal = entry.principal
        if principal is None or not matches or not principal.key.may_log_in_from(client_ip):
            raise Refused(CREDENTIALS_INVALID)
        return self._admit(principal)

    async def current(self, principal: Principal) -> Principal:
        """The same principal as it is now, for a session that is already open. Raises Refused as `verify` does."""
        entry = await self._find(principal.key.smtp_username, UNAVAILABLE)
        if entry.principal is None or entry.principal.key.id != principal.key.id:
            raise Refused(KEY_REVOKED)
        return self._admit(entry.principal)

    def used(self, key_id: UUID) -> None:
        """Notes that the key was used now; `run()` writes it."""
        self._used[key_id] = self._clock()

    async def flush_last_used(self) -> None:
        """Writes what `used` noted, per key at most every 10 s over all processes. Never raises: kept for next time."""
        noted, self._used = self._used, {}
        if not noted:
            return
        rows = [{"key": key_id, "at": at, "before": at - LAST_USED_SECONDS} for key_id, at in sorted(noted.items())]
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._database.write() as connection:
                await connection.execute(_LAST_USED, rows)
        except BaseException as error:
            self._used = noted | self._used
            if not isinstance(error, Exception):  # cancelled; whatever else: a note for people must not stop anything
                raise

    async def run(self) -> None:
        """Until cancelled: writes last-used times; at the end writes the rest and ends its look-ups."""
        try:
            while True:
                await asyncio.sleep(LAST_USED_SECONDS)
                await self.flush_last_used()
        finally:
            await self.flush_last_used()
            await self.close()

    async def close(self) -> None:
        """Ends look-ups that still run."""
        loading = list(self._loading.values())
        for task in loading:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*loading, return_exceptions=True)

    def _admit(self, principal: Principal) -> Principal:
        if principal.key.is_revoked(self._clock()):
            raise Refused(KEY_REVOKED)
        if principal.service.held:
            raise Refused(SERVICE_HELD)
        self.used(principal.key.id)
        return principal

    def _parse_username(self, text: str) -> str:
        """The name to look up; empty for what cannot be one."""
        name = text.strip().lower().removesuffix(self._at_default_domain)
        return name if _USERNAME.fullmatch(name) else ""

    def _matches(self, secret_hash: bytes, secret: str) -> bool:
        """Compares under every configured root, always all of them, each in constant time."""
        return bool(sum(hmac.compare_digest(secret_hash, each) for each in self._hasher.candidates(secret)))

    async def _find(self, username: str, unavailable: Reply) -> _Entry:
        if not username:
            return _Entry(None, _NO_SECRET, self._clock())
        entry = self._cached(username, RENEWED_SECONDS)
        if entry is not None:
            if not self._is_younger(entry, FRESH_SECONDS):
                self._load(username)
            return entry
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await asyncio.shield(self._load(username))  # shared: one waiter's end is not the others'
        except Exception as error:  # whatever keeps us from looking is our trouble, never the sender's
            entry = self._cached(username, USABLE_SECONDS)
            if entry is None:
                raise Refused(unavailable) from error
            return entry

    def _cached(self, username: str, seconds: float) -> _Entry | None:
        entry = self._entries.get(username)
        if entry is not None and self._is_younger(entry, seconds):
            self._entries.move_to_end(username)
            return entry
        unknown = self._unknown.get(username)
        if unknown is not None and self._is_younger(unknown, UNKNOWN_SECONDS):
            return unknown
        return None

    def _is_younger(self, entry: _Entry, seconds: float) -> bool:
        return 0 <= self._clock() - entry.asked_at < seconds  # below 0 when the clock was set back: not to be trusted

    def _load(self, username: str) -> asyncio.Task[_Entry]:
        """The look-up that runs for this name, started if none does."""
        task = self._loading.get(username)
        if task is None:
            task = self._loading[username] = asyncio.create_task(self._look_up(username))
            task.add_done_callback(lambda done: self._loaded(username, done))
        return task

    def _loaded(self, username: str, task: asyncio.Task[_Entry]) -> None:
        del self._loading[username]
        if not task.cancelled():
            task.exception()  # taken note of: nobody may be waiting for it

    async def _look_up(self, username: str) -> _Entry:
        asked_at = self._clock()
        async with asyncio.timeout(TIMEOUT_SECONDS), self._database.read() as connection:
            row = (await connection.execute(_KEY_AND_SERVICE, {"username": username})).mappings().one_or_none()
            if row is None:
                self._entries.pop(username, None)
                return self._keep(self._unknown, username, _Entry(None, _NO_SECRET, asked_at))
            entry = _Entry(await self._principal(connection, row), row[keys.keys.c.secret_hash], asked_at)
        return self._keep(self._entries, username, entry)

    async def _principal(self, connection: AsyncConnection, row: RowMapping) -> Principal:
        service = services.service(row, self._limits)
        return Principal(
            service=service,
            key=keys.key(row, self._limits),
            guests=await guests.load(connection, self._cipher, service.id),
            registered=await senders.load(connection, service.id),
        )

    def _keep(self, cache: OrderedDict[str, _Entry], username: str, entry: _Entry) -> _Entry:
        cache[username] = entry
        cache.move_to_end(username)
        if len(cache) > self._max_entries:
            cache.popitem(last=False)
        return entry


_KEY_AND_SERVICE = (
    select(keys.keys, services.services)
    .join_from(keys.keys, services.services)
    .where(keys.keys.c.smtp_username == bindparam("username"))
)
_LAST_USED = (
    keys.keys.update()
    .where(
        keys.keys.c.id == bindparam("key"),
        or_(keys.keys.c.last_used_at.is_(None), keys.keys.c.last_used_at <= bindparam("before")),
    )
    .values(last_used_at=bindparam("at"))
)


def _parse_password(text: str) -> str:
    """The secret as it was hashed, from its digits, its form with hyphens, or a full API key; empty: none of these."""
    match = _PASSWORD.fullmatch(text.strip().lower()) if len(text) <= _MAX_PASSWORD_CHARACTERS else None
    if match is None:
        return ""
    return match["hyphens"] or str(UUID(match["digits"]))

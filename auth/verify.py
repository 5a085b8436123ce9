"""Who logs in, and whether they still may: with a user name and password, or with a service's key over HTTP.

Look-ups are cached (auth/lookups.py), so that a login under load costs no database round trip; whoever was revoked is
out within 5 s, in open sessions too. Knows nothing of SMTP or HTTP.
"""

import asyncio
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Select, and_, bindparam, or_, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import guests, keys, reply_tos, senders, service_domains, services
from auth.lookups import MAX_ENTRIES, TIMEOUT_SECONDS, Lookups, Unavailable
from auth.people import memberships
from auth.principal import Principal, Service
from config import encrypted
from config.database import Database, Id
from config.keyring import Keyring, KeyringError
from config.settings import Limits
from messages.reply import CREDENTIALS_INVALID, DEVICE_KEY_UNKNOWN, KEY_ADMIN, KEY_REVOKED, SERVICE_HELD, Refused

LAST_USED_SECONDS = 10.0
_MAX_KEYS = 500  # of one service, the newest: each may have to be tried

_USERNAME = re.compile(rf"[a-z0-9-]{{1,{keys.MAX_USERNAME_CHARACTERS}}}")
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PASSWORD = re.compile(rf"(?:\S*-{_UUID}-)?(?P<hyphens>{_UUID})|(?P<digits>[0-9a-f]{{32}})", re.ASCII)
_MAX_PASSWORD_CHARACTERS = 512
_NO_SECRET = bytes(32)  # compared with when there is no key: the same work for a name that does not exist


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A principal, and what its owner proves it with. Not for logs."""

    principal: Principal
    secret_hash: bytes
    secret: str | None  # published API clients sign with it; None: it does not open


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """All keys of one service, ended ones too: whoever uses one of those is to hear why it does not work."""

    service: Service
    keys: tuple[Credential, ...]
    unreadable: bool = False  # a key among them does not open: who fits none of the others may fit that one


class Verifier:
    """The one that doors ask. One per process; `run()` beside them writes down when keys were last used.

    `clock` gives seconds since the epoch. `verified_only`: authors at domains whose records were not found give way.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Callable[[], float],
        limits: Limits,
        *,
        default_domain: str,
        verified_only: bool = False,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._hasher = encrypted.hasher(keys.keys.c.secret, keyring)
        self._secrets = encrypted.cipher(keys.keys.c.secret, keyring)
        self._guests = encrypted.cipher(guests.guests.c.address, keyring)
        self._allowed = encrypted.cipher(keys.keys.c.allowed_senders, keyring)
        self._log = structlog.get_logger("auth")
        self._clock = clock
        self._limits = limits
        self._default_domain = default_domain
        self._verified_only = verified_only
        self._by_username = Lookups(self._look_up, clock, max_entries)
        self._by_id = Lookups(self._look_up_id, clock, max_entries)
        self._by_service = Lookups(self._look_up_service, clock, max_entries)
        self._used: dict[UUID, float] = {}

    async def verify(self, username: str, secret: str, client_ip: str | None = None) -> Principal:
        """Who this is. Raises Refused, and Unavailable when nobody can be asked now.

        A key that names networks needs `client_ip`.
        """
        found = await self._find(self._parse_username(username))
        matches = self.matcher(_parse_password(secret))(found.secret_hash if found else _NO_SECRET)
        if found is not None and not matches and found.secret is None:
            # Its hash may be of another root, too: nobody can say that the password is wrong.
            raise Unavailable from _unreadable()
        if found is None or not matches or not found.principal.key.may_log_in_from(client_ip):
            raise Refused(CREDENTIALS_INVALID)
        return self._admit(found.principal)

    async def current(self, principal: Principal, client_ip: str | None = None) -> Principal:
        """The same principal as it is now, for a session that is already open. Raises as `verify` does."""
        if principal.acting:
            return await self.acting(principal.key.id)
        found = await self._find(principal.key.smtp_username)
        if found is None or found.principal.key.id != principal.key.id:
            raise Refused(KEY_REVOKED)
        if not found.principal.key.may_log_in_from(client_ip):
            raise Refused(CREDENTIALS_INVALID)
        return self._admit(found.principal)

    async def identify(self, username: str, client_ip: str) -> Principal:
        """Whose a client is that is known by its address, without a secret. Raises as `verify` does."""
        found = await self._find(self._parse_username(username))
        if found is None or not found.principal.key.may_log_in_from(client_ip):
            raise Refused(DEVICE_KEY_UNKNOWN, client_ip=client_ip)
        return self._admit(found.principal)

    async def acting(self, key_id: UUID) -> Principal:
        """With a service's hidden key, for whoever was admitted in another way. Raises as `verify` does."""
        found = await self._by_id.find(key_id)
        if found is None:
            raise Refused(KEY_REVOKED)
        return replace(self._admit(found.principal), acting=True)

    def key_id(self, username: str) -> UUID | None:
        """Whose user name it is, as far as is remembered: for a log line, so it asks nobody."""
        found = self._by_username.known(self._parse_username(username))
        return found.principal.key.id if found is not None else None

    async def credentials(self, service_id: UUID, *, anew: bool = False) -> Credentials | None:
        """The keys of a service; None when there is no such service. Raises Unavailable when nobody can be asked now.

        `anew`: as they are now, for a key that is not among them: it may have been made since.
        """
        return await (self._by_service.find_anew if anew else self._by_service.find)(service_id)

    def matcher(self, secret: str) -> Callable[[bytes], bool]:
        """Whether a hash is that of `secret`: compares under every configured root, each in constant time."""
        candidates = self._hasher.candidates(secret)
        return lambda secret_hash: bool(sum(hmac.compare_digest(secret_hash, each) for each in candidates))

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
        for lookups in (self._by_username, self._by_id, self._by_service):
            await lookups.close()

    def _admit(self, principal: Principal) -> Principal:
        check_in_force(principal, self._clock())
        self.used(principal.key.id)
        return principal

    def _parse_username(self, text: str) -> str:
        """The name to look up; empty for what cannot be one."""
        name = fold(text, self._default_domain)
        return name if _USERNAME.fullmatch(name) else ""

    async def _find(self, username: str) -> Credential | None:
        return await self._by_username.find(username) if username else None

    async def _look_up(self, username: str) -> Credential | None:
        return await self._one(_BY_USERNAME, {"username": username})

    async def _look_up_id(self, key_id: UUID) -> Credential | None:
        return await self._one(_BY_ID, {"key_id": key_id})

    async def _one(self, statement: Select[Any], values: Mapping[str, object]) -> Credential | None:
        async with self._database.read() as connection:
            row = (await connection.execute(statement, values)).mappings().one_or_none()
            if row is None:
                return None
            found = await self._credentials(connection, [row])
            if not found:
                raise _unreadable()
            return found[0]

    async def _look_up_service(self, service_id: UUID) -> Credentials | None:
        async with self._database.read() as connection:
            rows = (await connection.execute(_OF_SERVICE, {"service_id": service_id})).mappings().all()
            if not rows:
                return None
            service = services.service(rows[0], self._limits)
            with_keys = [row for row in rows if row[keys.keys.c.id] is not None]
            found = tuple(await self._credentials(connection, with_keys) if with_keys else ())
            unreadable = len(found) < len(with_keys) or any(each.secret is None for each in found)
            return Credentials(service, found, unreadable)

    async def _credentials(self, connection: AsyncConnection, rows: Sequence[RowMapping]) -> list[Credential]:
        """Of rows of one service, but for those that say who may use them where nobody can read it."""
        service = services.service(rows[0], self._limits)
        reachable = await guests.load(connection, self._guests, service.id)
        reachable |= await memberships.reached(connection, self._keyring, service.id)
        replies = await reply_tos.load(connection, service.id)
        registered = await senders.load(connection, service.id) | reply_tos.keys_of(replies.values())
        own = await service_domains.names_authors_at(
            connection, service, self._default_domain, verified_only=self._verified_only
        )
        found = []
        for row in rows:
            try:
                key = keys.key(row, self._limits, self._allowed)
            except KeyringError:
                self._log.error("key.unreadable", key_id=str(row[keys.keys.c.id]))
                continue
            principal = Principal(service, key, reachable, registered, own, replies)
            found.append(Credential(principal, row[keys.keys.c.secret_hash], self._open(row)))
        return found

    def _open(self, row: RowMapping) -> str | None:
        try:
            return self._secrets.decrypt(row[keys.keys.c.secret], encrypted.row_id(row[keys.keys.c.id])).decode()
        except KeyringError:  # damaged: the others of its service still work, and so may its hash
            self._log.error("key.unreadable", key_id=str(row[keys.keys.c.id]))
            return None


_WITH_SERVICE = select(keys.keys, services.services).join_from(keys.keys, services.services)
_BY_USERNAME = _WITH_SERVICE.where(keys.keys.c.smtp_username == bindparam("username"), ~keys.keys.c.hidden)
_BY_ID = _WITH_SERVICE.where(keys.keys.c.id == bindparam("key_id", type_=Id), keys.keys.c.hidden)
_OF_SERVICE = (
    select(keys.keys, services.services)
    .select_from(
        services.services.outerjoin(
            keys.keys, and_(keys.keys.c.service_id == services.services.c.id, ~keys.keys.c.hidden)
        )
    )
    .where(services.services.c.id == bindparam("service_id", type_=Id))
    .order_by(keys.keys.c.created_at.desc(), keys.keys.c.id)
    .limit(_MAX_KEYS)
)
_LAST_USED = (
    keys.keys.update()
    .where(
        keys.keys.c.id == bindparam("key"),
        or_(keys.keys.c.last_used_at.is_(None), keys.keys.c.last_used_at <= bindparam("before")),
    )
    .values(last_used_at=bindparam("at"))
)


def _unreadable() -> KeyringError:
    return KeyringError("a stored value does not open: damaged, or from another row")


def check_in_force(principal: Principal, now: float) -> None:
    """Whether whoever has proved to be this may send at all. Raises Refused."""
    if principal.key.is_revoked(now):
        raise Refused(KEY_REVOKED)
    if not principal.key.type.sends:
        raise Refused(KEY_ADMIN)
    if principal.service.held:
        raise Refused(SERVICE_HELD)


def fold(username: str, default_domain: str) -> str:
    """A user name as keys have it: some clients write it as an address at the default domain, or with capitals."""
    return username.strip().lower().removesuffix("@" + default_domain.lower())


def _parse_password(text: str) -> str:
    """The secret as it was hashed, from its digits, its form with hyphens, or a full API key; empty: none of these."""
    match = _PASSWORD.fullmatch(text.strip().lower()) if len(text) <= _MAX_PASSWORD_CHARACTERS else None
    if match is None:
        return ""
    return match["hyphens"] or str(UUID(match["digits"]))

"""Keys: one credential of a service, good at every door.

The secret is a random UUIDv4 (122 bits), so a keyed hash is enough to check it: a slow password hash would only slow us
down. It is kept encrypted too, since published API clients sign with it. Knows nothing of doors or caches.
"""

import contextlib
import re
import secrets
import string
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
    insert,
    or_,
    select,
    tuple_,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import allowed_senders, reply_tos
from auth.errors import (
    BAD_LIFETIME,
    BAD_MESSAGE_BYTES,
    BAD_NETWORK,
    KEY_ENDED,
    KEY_UNKNOWN,
    LIST_FULL,
    AuthError,
)
from auth.principal import Key, Option, Service
from auth.services import parse_limit, parse_name, services
from config.database import Id, metadata
from config.encrypted import Encrypted, cipher, hasher, row_id
from config.keyring import Cipher, Keyring
from config.settings import Limits
from messages.message import MAX_LIFETIME_SECONDS, KeyType, Lane, Language

API_KEY_PREFIX = "gcntfy-"
OVERLAP_SECONDS = 24 * 3600
MAX_USERNAME_CHARACTERS = 32
MIN_MESSAGE_BYTES = 1024
MAX_LISTED = 100  # networks, or senders: each log-in or message is compared with all

keys = Table(
    "keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, ForeignKey("services.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("secret", Encrypted("key secret", found_by="secret_hash"), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("smtp_username", String(MAX_USERNAME_CHARACTERS), nullable=False, unique=True),
    Column("lane", Text),
    Column("language", Text),
    Column("branding", Text),
    Column("per_minute", Integer),  # null: the default
    Column("networks", Text, nullable=False),  # CIDR, separated by spaces
    Column("reply_to_address", Text),
    Column("lifetime_seconds", Integer),
    Column("max_message_bytes", Integer),
    Column("max_recipients", Integer),
    Column(
        "allowed_from", Text, nullable=False, server_default=""
    ),  # in the clear, by versions before `allowed_senders`
    Column("allowed_senders", Encrypted("key allowed senders")),  # null: no limit
    Column("fixed", Text, nullable=False, server_default=""),  # names of options, separated by spaces
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("revoked_at", Double),
    Column("last_used_at", Double),
    Column("hidden", Boolean, nullable=False, server_default=false()),  # nobody knows its secret, no list shows it
)
Index("ix_keys_hidden", keys.c.service_id, unique=True, sqlite_where=keys.c.hidden, postgresql_where=keys.c.hidden)


@dataclass(frozen=True, slots=True, repr=False)
class Issued:
    """A key with its secret: the only time that the secret is seen."""

    key: Key
    secret: str

    @property
    def api_key(self) -> str:
        """Clients read service id and secret from its end; .NET refuses one with a space in it."""
        return f"{API_KEY_PREFIX}{_slug(self.key.name) or 'key'}-{self.key.service_id}-{self.secret}"

    @property
    def smtp_password(self) -> str:
        return self.secret.replace("-", "")


class Terms(TypedDict, total=False):
    """What a key says for its messages, and what it may do: fields of Key. None or empty: as its service, no limit."""

    lane: Lane | None
    language: Language | None
    branding: str | None
    reply_to_address: str | None
    lifetime_seconds: int | None
    per_minute: int | None
    max_message_bytes: int | None
    max_recipients: int | None
    allowed_from: Collection[str] | None
    fixed: Collection[Option] | None
    networks: Collection[str] | None
    expires_at: float | None


class Changes(Terms, total=False):
    name: str


async def create(
    connection: AsyncConnection,
    keyring: Keyring,
    limits: Limits,
    service: Service,
    now: float,
    *,
    name: str,
    type: KeyType,  # noqa: A002 - the word of the interface
    **terms: Unpack[Terms],
) -> Issued:
    """A new key of any type: a trial service's normal key works, and reaches its guests only. Raises AuthError."""
    row = {
        "service_id": service.id,
        "type": type,
        "created_at": now,
        **_checked({"networks": (), **terms, "name": name}),
    }
    return await _issue(connection, keyring, limits, row, _username(service.name, name))


async def hidden(connection: AsyncConnection, keyring: Keyring, limits: Limits, service: Service, now: float) -> Key:
    """The service's key for what people send by hand; made where a version before made none.

    It is none to log in with, to change or to list: whoever may use it was admitted in another way.
    """
    mine = select(keys).where(keys.c.service_id == service.id, keys.c.hidden)
    if (await connection.execute(mine)).first() is None:
        # Two who find none at once: the second waits here, and finds the first one's.
        await connection.execute(select(services.c.id).where(services.c.id == service.id).with_for_update())
    if (await connection.execute(mine)).first() is None:
        row = {"service_id": service.id, "type": KeyType.NORMAL, "created_at": now, "networks": "", "hidden": True}
        await _insert(connection, keyring, {**row, "name": "hidden"}, _username("hidden", ""))
    return key((await connection.execute(mine)).mappings().one(), limits, cipher(keys.c.allowed_senders, keyring))


async def hidden_id(connection: AsyncConnection, service_id: UUID) -> UUID | None:
    """Which it is; None before there is one."""
    mine = select(keys.c.id).where(keys.c.service_id == service_id, keys.c.hidden)
    found: UUID | None = (await connection.execute(mine)).scalar_one_or_none()
    return found


async def find(connection: AsyncConnection, keyring: Keyring, limits: Limits, key_id: UUID) -> Key:
    """Raises AuthError when there is none."""
    return key(await _row(connection, key_id), limits, cipher(keys.c.allowed_senders, keyring))


async def named(connection: AsyncConnection, keyring: Keyring, limits: Limits, text: str) -> Key:
    """The key with this id, else with this user name. Raises AuthError."""
    with contextlib.suppress(ValueError):
        return await find(connection, keyring, limits, UUID(text))
    statement = select(keys).where(keys.c.smtp_username == text.strip().lower(), ~keys.c.hidden)
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise AuthError(KEY_UNKNOWN, id=text)
    return key(row, limits, cipher(keys.c.allowed_senders, keyring))


async def list_all(
    connection: AsyncConnection, keyring: Keyring, limits: Limits, service_id: UUID | None = None
) -> list[Key]:
    """Oldest first, ended ones too."""
    statement = select(keys).where(~keys.c.hidden).order_by(keys.c.created_at, keys.c.id)
    if service_id is not None:
        statement = statement.where(keys.c.service_id == service_id)
    by = cipher(keys.c.allowed_senders, keyring)
    return [key(row, limits, by) for row in (await connection.execute(statement)).mappings()]


async def newest(
    connection: AsyncConnection,
    keyring: Keyring,
    limits: Limits,
    service_id: UUID,
    *,
    before: UUID | None = None,
    at_most: int,
) -> list[Key]:
    """A service's, newest first, ended ones too; behind the key `before`, if that is named and one of its."""
    statement = select(keys).where(keys.c.service_id == service_id, ~keys.c.hidden)
    if before is not None:
        last = select(keys.c.created_at, keys.c.id).where(keys.c.id == before, keys.c.service_id == service_id)
        found = (await connection.execute(last)).one_or_none()
        if found is not None:
            statement = statement.where(
                tuple_(keys.c.created_at, keys.c.id) < tuple_(found.created_at, found.id, types=(Double(), Id()))
            )
    statement = statement.order_by(keys.c.created_at.desc(), keys.c.id.desc()).limit(at_most)
    by = cipher(keys.c.allowed_senders, keyring)
    return [key(row, limits, by) for row in (await connection.execute(statement)).mappings()]


async def names_in_force(connection: AsyncConnection, service_id: UUID, now: float) -> list[str]:
    """Of a service's keys that have not ended."""
    mine = select(keys.c.name).where(
        keys.c.service_id == service_id,
        ~keys.c.hidden,
        keys.c.revoked_at.is_(None),
        or_(keys.c.expires_at.is_(None), keys.c.expires_at > now),
    )
    return list(await connection.scalars(mine))


async def update(
    connection: AsyncConnection, keyring: Keyring, limits: Limits, key_id: UUID, **changes: Unpack[Changes]
) -> Key:
    """Writes what is named. Raises AuthError."""
    await _row(connection, key_id)
    if changes:
        row = _sealed(_checked(changes), keyring, key_id)
        await connection.execute(keys.update().where(keys.c.id == key_id).values(**row))
    return await find(connection, keyring, limits, key_id)


async def seal_allowed_senders(connection: AsyncConnection, keyring: Keyring) -> int:
    """Encrypts what a version before kept in the clear; returns of how many keys."""
    clear = keys.c.allowed_from.not_in(("", allowed_senders.NOBODY))
    found = (await connection.execute(select(keys.c.id, keys.c.allowed_from).where(clear))).all()
    for row in found:
        values = _sealed({"allowed_from": row.allowed_from}, keyring, row.id)
        await connection.execute(keys.update().where(keys.c.id == row.id).values(**values))
    return len(found)


async def revoke(connection: AsyncConnection, keyring: Keyring, limits: Limits, key_id: UUID, now: float) -> Key:
    """Ends a key for good; doors follow within 5 seconds, open sessions too. Raises AuthError when there is none."""
    await connection.execute(
        keys.update().where(keys.c.id == key_id, keys.c.revoked_at.is_(None), ~keys.c.hidden).values(revoked_at=now)
    )
    return await find(connection, keyring, limits, key_id)


async def rotate(
    connection: AsyncConnection,
    keyring: Keyring,
    limits: Limits,
    key_id: UUID,
    now: float,
    *,
    overlap_seconds: float = OVERLAP_SECONDS,
) -> Issued:
    """A new key with the same settings; the old one ends after the overlap. Raises AuthError when it has ended."""
    row = await _row(connection, key_id)
    old = key(row, limits, cipher(keys.c.allowed_senders, keyring))
    if old.is_revoked(now):
        raise AuthError(KEY_ENDED, id=key_id)
    ends_at = min(now + overlap_seconds, old.expires_at or float("inf"))
    await connection.execute(keys.update().where(keys.c.id == key_id).values(expires_at=ends_at))
    kept = {name: row[keys.c[name]] for name in _COPIED} | {"allowed_from": " ".join(old.allowed_from)}
    stem = old.smtp_username.rpartition("-")[0]
    return await _issue(connection, keyring, limits, {**kept, "created_at": now}, f"{stem}-{_suffix()}")


_COPIED = (
    *("service_id", "name", "type", "lane", "language", "branding", "per_minute", "networks", "reply_to_address"),
    *("lifetime_seconds", "max_message_bytes", "max_recipients", "fixed"),
)


def key(row: RowMapping, limits: Limits, by: Cipher) -> Key:
    """The value of a row of the keys table, alone or joined; `by` is of allowed_senders. Raises KeyringError."""
    c = keys.c
    return Key(
        id=row[c.id],
        service_id=row[c.service_id],
        name=row[c.name],
        type=KeyType(row[c.type]),
        smtp_username=row[c.smtp_username],
        lane=row[c.lane] and Lane(row[c.lane]),
        language=row[c.language] and Language(row[c.language]),
        branding=row[c.branding],
        per_minute=row[c.per_minute] or limits.per_minute,
        created_at=row[c.created_at],
        expires_at=row[c.expires_at],
        revoked_at=row[c.revoked_at],
        last_used_at=row[c.last_used_at],
        networks=tuple(row[c.networks].split()),
        reply_to_address=row[c.reply_to_address],
        lifetime_seconds=row[c.lifetime_seconds],
        max_message_bytes=row[c.max_message_bytes],
        max_recipients=row[c.max_recipients],
        allowed_from=allowed_senders.unseal(row[c.allowed_senders], row[c.allowed_from], row[c.id], by),
        fixed=frozenset(map(Option, row[c.fixed].split())),
    )


async def _row(connection: AsyncConnection, key_id: UUID) -> RowMapping:
    statement = select(keys).where(keys.c.id == key_id, ~keys.c.hidden)
    row = (await connection.execute(statement)).mappings().one_or_none()
    if row is None:
        raise AuthError(KEY_UNKNOWN, id=key_id)
    return row


async def _issue(
    connection: AsyncConnection, keyring: Keyring, limits: Limits, row: dict[str, Any], smtp_username: str
) -> Issued:
    key_id, secret = await _insert(connection, keyring, row, smtp_username)
    return Issued(await find(connection, keyring, limits, key_id), secret)


async def _insert(
    connection: AsyncConnection, keyring: Keyring, row: dict[str, Any], smtp_username: str
) -> tuple[UUID, str]:
    """The key's id and its secret."""
    key_id, secret = uuid4(), str(uuid4())
    await connection.execute(
        insert(keys).values(
            **_sealed(row, keyring, key_id),
            id=key_id,
            secret=cipher(keys.c.secret, keyring).encrypt(secret.encode(), row_id(key_id)),
            secret_hash=hasher(keys.c.secret, keyring).hash(secret),
            smtp_username=smtp_username,
        )
    )
    return key_id, secret


def _checked(terms: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the table keeps them. Raises AuthError."""
    row = {
        name: _CHECKS[name](value) if name in _CHECKS and value is not None else value for name, value in terms.items()
    }
    for name in _LISTS.keys() & row.keys():
        items = dict.fromkeys(map(_LISTS[name], row[name] or ()))
        if len(items) > MAX_LISTED:
            raise AuthError(LIST_FULL, limit=MAX_LISTED)
        row[name] = " ".join(items)
    return row


def _sealed(row: Mapping[str, Any], keyring: Keyring, key_id: UUID) -> dict[str, Any]:
    """The values of one key, with nobody's address in the clear."""
    if "allowed_from" not in row:
        return dict(row)
    sealed = allowed_senders.seal(row["allowed_from"].split(), key_id, cipher(keys.c.allowed_senders, keyring))
    return {**row, "allowed_from": allowed_senders.NOBODY if sealed else "", "allowed_senders": sealed}


def _lifetime(seconds: int) -> int:
    if not 1 <= seconds <= MAX_LIFETIME_SECONDS:
        raise AuthError(BAD_LIFETIME, limit=MAX_LIFETIME_SECONDS)
    return seconds


def _message_bytes(octets: int) -> int:
    """Whether it is more than a door takes is for whoever knows the door: it harms nobody."""
    if octets < MIN_MESSAGE_BYTES:
        raise AuthError(BAD_MESSAGE_BYTES, least=MIN_MESSAGE_BYTES)
    return octets


def _network(text: str) -> str:
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise AuthError(BAD_NETWORK, network=text) from None
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped and network.prefixlen >= 96:  # clients are compared by the address that it maps
        return str(ip_network(f"{mapped}/{network.prefixlen - 96}"))
    return str(network)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "name": parse_name,
    "reply_to_address": reply_tos.parse,
    "lifetime_seconds": _lifetime,
    "per_minute": parse_limit,
    "max_message_bytes": _message_bytes,
    "max_recipients": parse_limit,
}
_LISTS: dict[str, Callable[[Any], str]] = {"networks": _network, "allowed_from": allowed_senders.parse, "fixed": Option}


def _username(service_name: str, key_name: str) -> str:
    """Tells people which key a device uses; the random end keeps it unique, and unguessable enough to name no key."""
    parts = (_slug(service_name)[:12].strip("-"), _slug(key_name)[:10].strip("-"), _suffix())
    return "-".join(part for part in parts if part)


def _suffix() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")

"""Where services hear of their messages: one URL each, the token that they want to see, and the secret that signs."""

import base64
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from yarl import URL

from config.encrypted import cipher, row_id
from config.keyring import Keyring, KeyringError
from delivery.callbacks import guard
from delivery.store.tables import callback_urls
from messages.text import TextError

_SECRET_BYTES = 32
_URL_CHARACTERS = 1000
_TOKEN = re.compile(r"[!-~]{10,1000}")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?")
_NUMBER = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?")  # how a host ends that inet_aton(3) takes for an address
_LOCAL = re.compile(r"(.*\.)?localhost\.?")  # RFC 6761 6.3: never public, whatever DNS says


class CallbackUrlError(TextError):
    """Nothing was changed."""


@dataclass(frozen=True, slots=True)
class CallbackUrl:
    """What is shown of it."""

    service_id: UUID
    url: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Issued:
    """A URL with its new signing secret, which is shown this once: base64 of 32 octets."""

    callback_url: CallbackUrl
    signing_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A URL as the sender uses it."""

    url: str
    bearer_token: str = field(repr=False)
    signing_secret: bytes = field(repr=False)


def parse(url: str, *, allow_private: bool) -> str:
    """The URL as it is called. Raises CallbackUrlError. A host that is a name is judged when it is called."""
    if len(url) > _URL_CHARACTERS or not url.isprintable() or set(url) & set(" \\#"):
        raise _bad_url()
    try:
        found = URL(url)
    except ValueError:
        raise _bad_url() from None
    schemes = ("https", "http") if allow_private else ("https",)
    if found.scheme == "http" and not allow_private:
        raise CallbackUrlError(
            "callbacks go by https only, since they hold a token; for a test in one network, set "
            "NOTIFY_RELAY_CALLBACKS__ALLOW_PRIVATE=true"
        )
    if found.scheme not in schemes or "@" in found.raw_authority or found.explicit_port == 0:
        raise _bad_url()
    try:
        public = guard.is_public(found.raw_host or "")
    except ValueError:  # no address: a name
        host = found.raw_host or ""
        if not _HOST.fullmatch(host) or _NUMBER.fullmatch(host):
            raise _bad_url() from None
        public = not _LOCAL.fullmatch(host)
    if not (public or allow_private):
        raise CallbackUrlError(
            "callbacks go to public addresses only, and this one is not; for a receiver in your own network, set "
            "NOTIFY_RELAY_CALLBACKS__ALLOW_PRIVATE=true"
        )
    return str(found)


def _bad_url() -> CallbackUrlError:
    return CallbackUrlError("write the URL as https://host/path, without user name and without #")


async def put(
    connection: AsyncConnection,
    keyring: Keyring,
    service_id: UUID,
    now: float,
    *,
    url: str,
    bearer_token: str,
    allow_private: bool,
) -> Issued:
    """Sets the service's URL, or replaces it with its token and its secret. Raises CallbackUrlError."""
    url = parse(url, allow_private=allow_private)
    if not _TOKEN.fullmatch(bearer_token):
        raise CallbackUrlError("a bearer token has 10 to 1000 printable ASCII characters, without spaces")
    secret, bound_to = os.urandom(_SECRET_BYTES), row_id(service_id)
    row = {
        "url": url,
        "bearer_token": cipher(callback_urls.c.bearer_token, keyring).encrypt(bearer_token.encode(), bound_to),
        "signing_secret": cipher(callback_urls.c.signing_secret, keyring).encrypt(secret, bound_to),
        "created_at": now,
    }
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(callback_urls).values(service_id=service_id, **row)
    await connection.execute(statement.on_conflict_do_update(index_elements=["service_id"], set_=row))
    return Issued(CallbackUrl(service_id, url, now), base64.b64encode(secret).decode())


async def find(connection: AsyncConnection, service_id: UUID) -> CallbackUrl:
    """Raises CallbackUrlError when the service has none."""
    c = callback_urls.c
    statement = select(c.service_id, c.url, c.created_at).where(c.service_id == service_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise _unknown(service_id)
    return CallbackUrl(*row)


def _unknown(service_id: UUID) -> CallbackUrlError:
    return CallbackUrlError("service {id} has no callback URL", id=service_id)


async def remove(connection: AsyncConnection, service_id: UUID) -> None:
    """The sender ends what still waits. Raises CallbackUrlError when the service has none."""
    gone = await connection.execute(delete(callback_urls).where(callback_urls.c.service_id == service_id))
    if not gone.rowcount:
        raise _unknown(service_id)


def load(connection: Connection, keyring: Keyring, service_ids: Collection[UUID]) -> dict[UUID, Receiver | None]:
    """The receivers of these services: missing where there is none, None where its secrets do not open."""
    token, secret = cipher(callback_urls.c.bearer_token, keyring), cipher(callback_urls.c.signing_secret, keyring)
    found: dict[UUID, Receiver | None] = {}
    for row in connection.execute(select(callback_urls).where(callback_urls.c.service_id.in_(service_ids))):
        bound_to = row_id(row.service_id)
        try:
            opened = token.decrypt(row.bearer_token, bound_to).decode(), secret.decrypt(row.signing_secret, bound_to)
            found[row.service_id] = Receiver(row.url, *opened)
        except KeyringError:
            found[row.service_id] = None
    return found

"""Where services hear of their messages: a URL for each kind, the token they want to see, the secret that signs."""

import base64
import os
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection
from yarl import URL

from config.encrypted import cipher, row_id
from config.keyring import Keyring, KeyringError
from delivery.callbacks import guard
from delivery.store.base import CallbackKind
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
    kind: CallbackKind
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
    failing: bool = False  # the last call failed
    well_since: float = 0.0  # after it was failing last


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
            "callbacks go by https only, since they hold a token: write a URL that begins with https://"
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
            "callbacks go to public addresses only, and this one is not: write a URL that the Internet can reach"
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
    kind: CallbackKind = CallbackKind.STATUS,
    url: str,
    bearer_token: str,
    allow_private: bool,
) -> Issued:
    """Sets the service's URL of that kind, or replaces it with its token and its secret. Raises CallbackUrlError.

    A new one is not suspended.
    """
    url = parse(url, allow_private=allow_private)
    if not _TOKEN.fullmatch(bearer_token):
        raise CallbackUrlError("a bearer token has 10 to 1000 printable ASCII characters, without spaces")
    url_id, secret = uuid4(), os.urandom(_SECRET_BYTES)
    bound_to = row_id(url_id)
    row = {
        "id": url_id,
        "service_id": service_id,
        "kind": kind.value,
        "url": url,
        "bearer_token": cipher(callback_urls.c.bearer_token, keyring).encrypt(bearer_token.encode(), bound_to),
        "signing_secret": cipher(callback_urls.c.signing_secret, keyring).encrypt(secret, bound_to),
        "created_at": now,
    }
    await connection.execute(delete(callback_urls).where(_named(service_id, kind)))
    await connection.execute(insert(callback_urls).values(row))
    return Issued(CallbackUrl(service_id, kind, url, now), base64.b64encode(secret).decode())


async def find(connection: AsyncConnection, service_id: UUID, kind: CallbackKind = CallbackKind.STATUS) -> CallbackUrl:
    """Raises CallbackUrlError when the service has none."""
    c = callback_urls.c
    statement = select(c.url, c.created_at).where(_named(service_id, kind))
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise unknown(service_id, kind)
    return CallbackUrl(service_id, kind, *row)


def _named(service_id: UUID, kind: CallbackKind) -> ColumnElement[bool]:
    return and_(callback_urls.c.service_id == service_id, callback_urls.c.kind == kind.value)


def unknown(service_id: UUID, kind: CallbackKind) -> CallbackUrlError:
    if kind is CallbackKind.STATUS:
        return CallbackUrlError("service {id} has no callback URL", id=service_id)
    return CallbackUrlError("service {id} has no callback URL of type {kind}", id=service_id, kind=kind.value)


async def remove(connection: AsyncConnection, service_id: UUID, kind: CallbackKind = CallbackKind.STATUS) -> None:
    """The sender ends what still waits. Raises CallbackUrlError when the service has none."""
    gone = await connection.execute(delete(callback_urls).where(_named(service_id, kind)))
    if not gone.rowcount:
        raise unknown(service_id, kind)


def load(
    connection: Connection, keyring: Keyring, service_ids: Collection[UUID]
) -> dict[tuple[UUID, CallbackKind], Receiver | None]:
    """The receivers of these services: missing where there is none, None where its secrets do not open."""
    token, secret = cipher(callback_urls.c.bearer_token, keyring), cipher(callback_urls.c.signing_secret, keyring)
    found: dict[tuple[UUID, CallbackKind], Receiver | None] = {}
    for row in connection.execute(select(callback_urls).where(callback_urls.c.service_id.in_(service_ids))):
        named, bound_to = (row.service_id, CallbackKind(row.kind)), row_id(row.id)
        try:
            opened = token.decrypt(row.bearer_token, bound_to).decode(), secret.decrypt(row.signing_secret, bound_to)
        except KeyringError:
            found[named] = None
        else:
            found[named] = Receiver(row.url, *opened, row.failing_since is not None, row.well_since or 0.0)
    return found

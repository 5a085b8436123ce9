"""Reply-to addresses of a service, which a message may name by their ids. Which is the default, the service says.

They are the service's own public addresses, so they are kept in the clear. Knows nothing of services or header fields.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from sqlalchemy import Column, Double, ForeignKey, Table, Text, UniqueConstraint, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import BAD_REPLY_TO, NOT_ASCII, REPLY_TO_TAKEN, REPLY_TOS_FULL, AuthError
from config.database import Id, metadata
from messages.address import Address, AddressError

MAX_REPLY_TOS = 100  # per service: all are read when a key is looked up

reply_to_addresses = Table(
    "reply_to_addresses",
    metadata,
    Column("id", Id, primary_key=True),  # UUIDv4, as Notify's
    Column("service_id", Id, ForeignKey("services.id"), nullable=False),
    Column("address", Text, nullable=False),
    Column("verified_at", Double),  # null: nobody has vouched for it yet, and no message may name it
    Column("created_at", Double, nullable=False),
    UniqueConstraint("service_id", "address", name="reply_to_addresses_address"),
)


@dataclass(frozen=True, slots=True)
class ReplyToAddress:
    """Times are seconds since the epoch."""

    id: UUID
    service_id: UUID
    address: str
    verified_at: float | None
    created_at: float


async def add(
    connection: AsyncConnection, service_id: UUID, text: str, now: float, *, verified: bool
) -> ReplyToAddress:
    """Registers an address. Raises AuthError."""
    address = parse(text)
    present = await list_all(connection, service_id)
    if _key(address) in (_key(each.address) for each in present):
        raise AuthError(REPLY_TO_TAKEN)
    if len(present) >= MAX_REPLY_TOS:
        raise AuthError(REPLY_TOS_FULL, limit=MAX_REPLY_TOS)
    row = {"address": address, "verified_at": now if verified else None, "created_at": now}
    made = ReplyToAddress(uuid4(), service_id, **row)  # type: ignore[arg-type]
    await connection.execute(insert(reply_to_addresses).values(id=made.id, service_id=service_id, **row))
    return made


async def named(connection: AsyncConnection, service_id: UUID, text: str) -> ReplyToAddress | None:
    """The one of the service with this id, else with this address. Raises AuthError for what is no address."""
    wanted = text.strip().lower()
    for each in await list_all(connection, service_id):
        if wanted == str(each.id) or ("@" in text and _key(parse(text)) == _key(each.address)):
            return each
    return None


async def verify(connection: AsyncConnection, reply_to: ReplyToAddress, now: float) -> ReplyToAddress:
    """Somebody vouched for it: messages may name it."""
    mine = update(reply_to_addresses).where(reply_to_addresses.c.id == reply_to.id)
    await connection.execute(mine.values(verified_at=now))
    return replace(reply_to, verified_at=now)


async def remove(connection: AsyncConnection, reply_to: ReplyToAddress) -> None:
    """Messages that named it keep it."""
    await connection.execute(delete(reply_to_addresses).where(reply_to_addresses.c.id == reply_to.id))


async def list_all(connection: AsyncConnection, service_id: UUID) -> list[ReplyToAddress]:
    """Oldest first."""
    c = reply_to_addresses.c
    statement = select(reply_to_addresses).where(c.service_id == service_id).order_by(c.created_at, c.id)
    return [ReplyToAddress(**row) for row in (await connection.execute(statement)).mappings()]


async def load(connection: AsyncConnection, service_id: UUID) -> Mapping[UUID, str]:
    """By id those that a message may name."""
    return {each.id: each.address for each in await list_all(connection, service_id) if each.verified_at is not None}


def keys_of(addresses: Iterable[str]) -> frozenset[str]:
    """As addresses are compared."""
    return frozenset(map(_key, addresses))


def parse(text: str, problem: str = BAD_REPLY_TO) -> str:
    """A Reply-To address of a service or key, or what else `problem` names. Raises AuthError."""
    try:
        address = Address.parse(text.strip())
    except AddressError as error:
        raise AuthError(problem, reason=error.text) from None
    if not address.ascii:  # it would make every message one that only SMTPUTF8 can carry (RFC 6532)
        raise AuthError(problem, reason=NOT_ASCII)
    return str(address)


def _key(address: str) -> str:
    return Address.parse(address).key

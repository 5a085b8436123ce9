"""Registered senders: author addresses, and whole domains, that may stand in a service's Reply-To.

They are the service's own public addresses, so they are kept in the clear. Knows nothing of header fields.
"""

from uuid import UUID, uuid4

from sqlalchemy import Column, Double, ForeignKey, Table, Text, UniqueConstraint, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import BAD_SENDER, SENDER_TAKEN, SENDER_UNKNOWN, SENDERS_FULL, AuthError
from config.database import Id, metadata
from messages.address import Address, AddressError, parse_domain

MAX_SENDERS = 200  # per service: all are read when a key is looked up

senders = Table(
    "senders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("service_id", Id, ForeignKey("services.id"), nullable=False),
    Column("sender", Text, nullable=False),  # Address.key, or a domain as "@domain"
    Column("created_at", Double, nullable=False),
    UniqueConstraint("service_id", "sender", name="senders_sender"),
)


async def add(connection: AsyncConnection, service_id: UUID, text: str, now: float) -> str:
    """Registers an address, or a domain written as @domain; returns it as it is compared. Raises AuthError."""
    sender = parse(text)
    present = await load(connection, service_id)
    if sender in present:
        raise AuthError(SENDER_TAKEN)
    if len(present) >= MAX_SENDERS:
        raise AuthError(SENDERS_FULL, limit=MAX_SENDERS)
    await connection.execute(insert(senders).values(id=uuid4(), service_id=service_id, sender=sender, created_at=now))
    return sender


async def remove(connection: AsyncConnection, service_id: UUID, text: str) -> str:
    """Raises AuthError when it is not registered."""
    sender = parse(text)
    gone = await connection.execute(
        delete(senders).where(senders.c.service_id == service_id, senders.c.sender == sender)
    )
    if not gone.rowcount:
        raise AuthError(SENDER_UNKNOWN)
    return sender


async def load(connection: AsyncConnection, service_id: UUID) -> frozenset[str]:
    rows = await connection.execute(select(senders.c.sender).where(senders.c.service_id == service_id))
    return frozenset(row.sender for row in rows)


def parse(text: str) -> str:
    """`Address.key`, or "@" and a domain in lower-case ASCII. Raises AuthError."""
    text = text.strip()
    try:
        return "@" + parse_domain(text[1:]) if text.startswith("@") else Address.parse(text).key
    except AddressError:
        raise AuthError(BAD_SENDER, sender=text) from None

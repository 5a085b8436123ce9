"""The domains at which a service may name its own authors in header From, beside the one of its own address.

Knows nothing of header fields, nor of what makes a domain fit to send from.
"""

from uuid import UUID

from sqlalchemy import Column, Double, ForeignKey, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import domains
from auth.errors import (
    DOMAIN_OF_ALL,
    DOMAIN_UNKNOWN,
    DOMAINS_FULL,
    SERVICE_DOMAIN_TAKEN,
    SERVICE_DOMAIN_UNKNOWN,
    AuthError,
)
from config.database import Id, metadata

MAX_DOMAINS = 50  # per service: all are read when a key is looked up

service_domains = Table(
    "service_domains",
    metadata,
    Column("service_id", Id, ForeignKey("services.id"), primary_key=True),
    Column("domain_id", Id, ForeignKey("domains.id"), primary_key=True),
    Column("created_at", Double, nullable=False),
)


async def add(connection: AsyncConnection, service_id: UUID, name: str, default_domain: str, now: float) -> str:
    """Gives the service a domain; returns its name as it is compared. Raises AuthError.

    Never the default domain: each service has its own address there.
    """
    domain = await _find(connection, name)
    if domain.name == default_domain:
        raise AuthError(DOMAIN_OF_ALL, name=domain.name)
    present = await load(connection, service_id)
    if domain.name in present:
        raise AuthError(SERVICE_DOMAIN_TAKEN, name=domain.name)
    if len(present) >= MAX_DOMAINS:
        raise AuthError(DOMAINS_FULL, limit=MAX_DOMAINS)
    values = {"service_id": service_id, "domain_id": domain.id, "created_at": now}
    await connection.execute(insert(service_domains).values(values))
    return domain.name


async def remove(connection: AsyncConnection, service_id: UUID, name: str) -> str:
    """Raises AuthError when the service does not have it."""
    domain = await _find(connection, name)
    c = service_domains.c
    gone = await connection.execute(delete(service_domains).where(c.service_id == service_id, c.domain_id == domain.id))
    if not gone.rowcount:
        raise AuthError(SERVICE_DOMAIN_UNKNOWN, name=domain.name)
    return domain.name


async def load(connection: AsyncConnection, service_id: UUID) -> frozenset[str]:
    rows = await connection.execute(
        select(domains.domains.c.name)
        .join_from(domains.domains, service_domains)
        .where(service_domains.c.service_id == service_id)
    )
    return frozenset(row.name for row in rows)


async def _find(connection: AsyncConnection, name: str) -> domains.Domain:
    name = domains.parse_name(name)
    found = await domains.find(connection, name)
    if found is None:
        raise AuthError(DOMAIN_UNKNOWN, name=name)
    return found

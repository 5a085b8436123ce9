"""The domains at which a service may name its own authors in header From, beside the one of its own address.

Knows nothing of header fields, nor of what makes a domain fit to send from.
"""

from uuid import UUID

from sqlalchemy import Column, Double, ForeignKey, Select, Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.domains import names
from auth.errors import DOMAIN_OF_ALL, DOMAINS_FULL, SERVICE_DOMAIN_TAKEN, SERVICE_DOMAIN_UNKNOWN, AuthError
from auth.principal import Service
from auth.services import services
from config.database import Id, metadata
from config.settings import Email

MAX_DOMAINS = 50  # per service: all are read when a key is looked up

_name = names.domains.c.name

service_domains = Table(
    "service_domains",
    metadata,
    Column("service_id", Id, ForeignKey("services.id"), primary_key=True),
    Column("domain_id", Id, ForeignKey("domains.id"), primary_key=True),
    Column("created_at", Double, nullable=False),
)


async def add(connection: AsyncConnection, service_id: UUID, name: str, email: Email, now: float) -> str:
    """Gives the service a domain; returns its name as it is compared. Raises AuthError.

    Never the default domain: each service has its own address there.
    """
    domain = await names.usable(connection, name, email)
    if names.is_default(domain.name, email):
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
    domain = await names.get(connection, name)
    c = service_domains.c
    gone = await connection.execute(delete(service_domains).where(c.service_id == service_id, c.domain_id == domain.id))
    if not gone.rowcount:
        raise AuthError(SERVICE_DOMAIN_UNKNOWN, name=domain.name)
    return domain.name


async def load(connection: AsyncConnection, service_id: UUID) -> frozenset[str]:
    """What the service was given."""
    rows = await connection.execute(select(_name).where(names.domains.c.id.in_(_given(service_id))))
    return frozenset(rows.scalars())


async def names_authors_at(
    connection: AsyncConnection, service: Service, default_domain: str, *, verified_only: bool
) -> frozenset[str]:
    """Where the service may name authors: its own domain and those it was given, never the default domain."""
    mine = (_name == service.domain) | names.domains.c.id.in_(_given(service.id))
    statement = select(_name).where(mine, _name != default_domain)
    if verified_only:
        statement = statement.where(names.domains.c.verified_at.is_not(None))
    return frozenset((await connection.execute(statement)).scalars())


def used() -> Select[str]:
    """The names of all domains that services send from."""
    given = names.domains.c.id.in_(select(service_domains.c.domain_id))
    return select(_name).where(given | _name.in_(select(services.c.domain)))


async def is_used(connection: AsyncConnection, name: str) -> bool:
    return (await connection.execute(used().where(_name == name))).first() is not None


def _given(service_id: UUID) -> Select[tuple[UUID]]:
    return select(service_domains.c.domain_id).where(service_domains.c.service_id == service_id)

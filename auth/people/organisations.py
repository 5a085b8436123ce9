"""Organisations: whose people may have an account, by the domains of their addresses, and who approves their services.

Knows nothing of services or pages.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Column, Double, ForeignKey, Table, Text, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.domains.names import parse_name as parse_domain
from auth.errors import (
    APPROVER_TAKEN,
    APPROVER_UNKNOWN,
    ORGANISATION_DOMAIN_TAKEN,
    ORGANISATION_DOMAIN_UNKNOWN,
    ORGANISATION_TAKEN,
    ORGANISATION_UNKNOWN,
    AuthError,
)
from auth.services import parse_name
from config.database import Id, hold, metadata
from messages.message import Language

_LOCK = 0x6F726773  # any number of our own: names and domains are of one organisation

organisations = Table(
    "organisations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),  # in English
    Column("name_fr", Text, nullable=False),
    Column("language", Text, nullable=False),  # of its new services
    Column("branding", Text, nullable=False),  # likewise
    Column("created_at", Double, nullable=False),
)
organisation_domains = Table(
    "organisation_domains",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("organisation_id", Id, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("created_at", Double, nullable=False),
)
approvers = Table(
    "approvers",
    metadata,
    Column("organisation_id", Id, ForeignKey("organisations.id"), primary_key=True),
    Column("user_id", Id, primary_key=True, index=True),
    Column("created_at", Double, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Organisation:
    """An address belongs to it at one of its domains, and at what ends under one. Times are seconds since the epoch."""

    id: UUID
    name: str
    name_fr: str
    language: Language
    branding: str
    created_at: float
    domains: tuple[str, ...] = ()
    approvers: tuple[UUID, ...] = ()

    def name_in(self, language: Language) -> str:
        return self.name_fr if language is Language.FR else self.name


async def create(
    connection: AsyncConnection,
    now: float,
    *,
    name: str,
    name_fr: str | None = None,
    language: Language = Language.BOTH,
    branding: str = "default",
) -> Organisation:
    """Raises AuthError when the name is unusable or taken."""
    name = parse_name(name)
    name_fr = parse_name(name_fr) if name_fr else name
    await connection.run_sync(hold, _LOCK)
    for each in await list_all(connection):
        if not {name.casefold(), name_fr.casefold()}.isdisjoint(_names(each)):
            raise AuthError(ORGANISATION_TAKEN, name=each.name)
    made = Organisation(uuid4(), name, name_fr, language, branding, now)
    row = {"name": name, "name_fr": name_fr, "language": language, "branding": branding, "created_at": now}
    await connection.execute(insert(organisations).values(id=made.id, **row))
    return made


async def list_all(connection: AsyncConnection) -> list[Organisation]:
    """By name, with their domains and approvers."""
    domains: dict[UUID, list[str]] = defaultdict(list)
    for row in await connection.execute(select(organisation_domains).order_by(organisation_domains.c.domain)):
        domains[row.organisation_id].append(row.domain)
    approving: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await connection.execute(select(approvers).order_by(approvers.c.created_at, approvers.c.user_id)):
        approving[row.organisation_id].append(row.user_id)
    found = [
        Organisation(
            **dict(row) | {"language": Language(row["language"])},
            domains=tuple(domains[row["id"]]),
            approvers=tuple(approving[row["id"]]),
        )
        for row in (await connection.execute(select(organisations))).mappings()
    ]
    return sorted(found, key=lambda each: (each.name.casefold(), each.id))


async def named(connection: AsyncConnection, text: str) -> Organisation:
    """The one with this id, or this name in either language, however it is capitalised. Raises AuthError."""
    wanted = " ".join(text.split()).casefold()
    for each in await list_all(connection):
        if wanted in _names(each) or wanted == str(each.id):
            return each
    raise AuthError(ORGANISATION_UNKNOWN, named=text)


async def find(connection: AsyncConnection, organisation_id: UUID) -> Organisation | None:
    return next((each for each in await list_all(connection) if each.id == organisation_id), None)


async def of_address(connection: AsyncConnection, address: str) -> Organisation | None:
    """Whose address it is, by the most exact of the domains; None: nobody's, and it gets no account."""
    domain = address.rpartition("@")[2].lower()
    labels = domain.split(".")
    above = [".".join(labels[at:]) for at in range(len(labels))]
    c = organisation_domains.c
    rows = (await connection.execute(select(c.domain, c.organisation_id).where(c.domain.in_(above)))).all()
    if not rows:
        return None
    return await find(connection, max(rows, key=lambda row: len(row.domain)).organisation_id)


async def add_domain(connection: AsyncConnection, organisation: Organisation, name: str, now: float) -> str:
    """Returns the domain as it is compared. Raises AuthError when it is unusable, or of an organisation already."""
    domain = parse_domain(name)
    await connection.run_sync(hold, _LOCK)
    c = organisation_domains.c
    taken = (await connection.execute(select(c.organisation_id).where(c.domain == domain))).scalar_one_or_none()
    if taken is not None:
        owner = await find(connection, taken)
        raise AuthError(ORGANISATION_DOMAIN_TAKEN, domain=domain, name=owner.name if owner else "")
    row = {"domain": domain, "organisation_id": organisation.id, "created_at": now}
    await connection.execute(insert(organisation_domains).values(**row))
    return domain


async def remove_domain(connection: AsyncConnection, organisation: Organisation, name: str) -> str:
    """Who has an account keeps it. Raises AuthError when the organisation does not have the domain."""
    domain = parse_domain(name)
    if domain not in organisation.domains:
        raise AuthError(ORGANISATION_DOMAIN_UNKNOWN, domain=domain)
    await connection.execute(delete(organisation_domains).where(organisation_domains.c.domain == domain))
    return domain


async def add_approver(connection: AsyncConnection, organisation: Organisation, user_id: UUID, now: float) -> None:
    """They decide what of its services goes live. Raises AuthError when they do already."""
    if user_id in organisation.approvers:
        raise AuthError(APPROVER_TAKEN)
    row = {"organisation_id": organisation.id, "user_id": user_id, "created_at": now}
    await connection.execute(insert(approvers).values(**row))


async def remove_approver(connection: AsyncConnection, organisation: Organisation, user_id: UUID) -> None:
    """Raises AuthError when they are none."""
    if user_id not in organisation.approvers:
        raise AuthError(APPROVER_UNKNOWN)
    c = approvers.c
    mine = delete(approvers).where(c.organisation_id == organisation.id, c.user_id == user_id)
    await connection.execute(mine)


async def approved_by(connection: AsyncConnection, user_id: UUID) -> frozenset[UUID]:
    """The organisations that they are an approver of."""
    mine = select(approvers.c.organisation_id).where(approvers.c.user_id == user_id)
    return frozenset((await connection.execute(mine)).scalars())


def _names(organisation: Organisation) -> set[str]:
    return {organisation.name.casefold(), organisation.name_fr.casefold()}

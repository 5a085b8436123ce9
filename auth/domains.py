"""The domains that services send from, and the DKIM key of each.

Private keys are encrypted with the sealing key, which doors do not have. Knows nothing of DNS look-ups.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    text,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.errors import BAD_DOMAIN, DOMAIN_TAKEN, AuthError
from config.database import Id, metadata
from config.keyring import Keyring
from messages import dkim
from messages.address import AddressError, parse_domain

domains = Table(
    "domains",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", Double, nullable=False),
)

dkim_keys = Table(
    "dkim_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("domain_id", Id, ForeignKey("domains.id"), nullable=False),
    Column("selector", Text, nullable=False),
    Column("private_key", LargeBinary, nullable=False),  # sealed PEM
    Column("public_record", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Double, nullable=False),
    UniqueConstraint("domain_id", "selector", name="dkim_keys_selector"),
)
# One key signs for a domain at a time; several may be published during a change of selector.
Index(
    "dkim_keys_active",
    dkim_keys.c.domain_id,
    unique=True,
    postgresql_where=text("active"),
    sqlite_where=text("active"),
)

PURPOSE = "dkim"


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain with the public side of the key that signs for it."""

    id: UUID
    name: str
    selector: str
    public_record: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record that the owner of a domain publishes."""

    purpose: str
    name: str
    type: str
    value: str


async def add(connection: AsyncConnection, sealing: Keyring, name: str, now: float) -> Domain:
    """A new domain with its RSA-2048 key. Raises AuthError when the name is unusable or was added before."""
    name = parse_name(name)
    if await find(connection, name) is not None:
        raise AuthError(DOMAIN_TAKEN, name=name)
    return await _make(connection, sealing, name, now)


async def ensure(connection: AsyncConnection, sealing: Keyring, name: str, now: float) -> Domain:
    """The domain, made with its key when it is not there yet: the default domain is trusted by setting."""
    name = parse_name(name)
    found = await find(connection, name)
    if found is not None:
        return found
    try:
        async with connection.begin_nested():
            return await _make(connection, sealing, name, now)
    except IntegrityError:  # PostgreSQL: another process was quicker, and has committed
        found = await find(connection, name)
        if found is None:
            raise
        return found


async def find(connection: AsyncConnection, name: str) -> Domain | None:
    row = (await connection.execute(_all().where(domains.c.name == name))).mappings().one_or_none()
    return None if row is None else _domain(row)


async def list_all(connection: AsyncConnection) -> list[Domain]:
    return [_domain(row) for row in (await connection.execute(_all().order_by(domains.c.name))).mappings()]


async def signing_key(connection: AsyncConnection, sealing: Keyring, name: str) -> dkim.SigningKey | None:
    """The key that signs for the domain. Raises KeyringError when the sealing key does not open it."""
    statement = (
        select(dkim_keys.c.id, dkim_keys.c.selector, dkim_keys.c.private_key)
        .join_from(dkim_keys, domains)
        .where(domains.c.name == name, dkim_keys.c.active)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    pem = sealing.cipher(PURPOSE).decrypt(row.private_key, row.id.bytes)
    return dkim.SigningKey.from_pem(name, row.selector, pem)


def records(domain: Domain, region: str) -> list[Record]:
    """What to publish so that SPF, DKIM and DMARC align when SES sends from `region`."""
    bounce = f"bounce.{domain.name}"
    return [
        Record("dkim", f"{domain.selector}._domainkey.{domain.name}", "TXT", domain.public_record),
        # SES puts its own reverse-path on every message; a MAIL FROM domain of ours makes SPF align (RFC 7489 3.1.2).
        Record("mail-from", bounce, "MX", f"10 feedback-smtp.{region}.amazonses.com"),
        Record("mail-from", bounce, "TXT", "v=spf1 include:amazonses.com ~all"),
        Record("dmarc", f"_dmarc.{domain.name}", "TXT", "v=DMARC1; p=reject; adkim=s; aspf=r"),
    ]


def parse_name(name: str) -> str:
    """The domain in lower-case ASCII. Raises AuthError."""
    try:
        return parse_domain(name.strip().rstrip("."))
    except AddressError as error:
        raise AuthError(BAD_DOMAIN, reason=error.text) from None


async def _make(connection: AsyncConnection, sealing: Keyring, name: str, now: float) -> Domain:
    pem = dkim.generate()
    selector = datetime.fromtimestamp(now, UTC).strftime("nr%Y%m")
    domain = Domain(uuid4(), name, selector, dkim.public_record(pem), now)
    key_id = uuid4()
    await connection.execute(insert(domains).values(id=domain.id, name=name, created_at=now))
    await connection.execute(
        insert(dkim_keys).values(
            id=key_id,
            domain_id=domain.id,
            selector=selector,
            private_key=sealing.cipher(PURPOSE).encrypt(pem, key_id.bytes),
            public_record=domain.public_record,
            active=True,
            created_at=now,
        )
    )
    return domain


def _all() -> Select[Any]:
    return select(domains, dkim_keys.c.selector, dkim_keys.c.public_record).join_from(
        domains, dkim_keys, (dkim_keys.c.domain_id == domains.c.id) & dkim_keys.c.active
    )


def _domain(row: RowMapping) -> Domain:
    return Domain(
        id=row[domains.c.id],
        name=row[domains.c.name],
        selector=row[dkim_keys.c.selector],
        public_record=row[dkim_keys.c.public_record],
        created_at=row[domains.c.created_at],
    )

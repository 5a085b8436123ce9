"""The domains that services send from: whether their records were found, and which of their keys signs.

Knows nothing of DNS look-ups; what they found is passed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, Double, Row, Select, Table, Text, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.domains import dkim_keys, selectors
from auth.domains.dkim_keys import Change, Key
from auth.domains.selectors import Look, State
from auth.errors import BAD_DOMAIN, DOMAIN_TAKEN, DOMAIN_UNKNOWN, DOMAIN_UNVERIFIED, AuthError
from config.database import Id, metadata
from config.keyring import Keyring
from config.settings import Email
from messages.address import AddressError, parse_domain
from messages.email import dkim

domains = Table(
    "domains",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("created_at", Double, nullable=False),
    Column("verified_at", Double),  # all its records were found; null: not yet
    Column("checked_at", Double),  # resolvers last answered about its keys
    Column("due_at", Double, nullable=False, server_default="0"),  # they are asked again
)

_CLAIM_SECONDS = 120.0  # longer than all questions about one domain take


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain with the public side of its keys, from the newest to the oldest."""

    id: UUID
    name: str
    created_at: float
    verified_at: float | None
    checked_at: float | None
    due_at: float
    keys: tuple[Key, ...]

    @property
    def signing(self) -> Key | None:
        """The key that signs; None: mail waits."""
        return next((key for key in self.keys if key.signs), None)

    @property
    def to_publish(self) -> tuple[Key, ...]:
        """The keys whose records belong into DNS: who signs, who may come to, and who did."""
        return tuple(key for at, key in enumerate(self.keys) if at == 0 or key.life.state is not State.WITHDRAWN)

    @property
    def shown(self) -> Key:
        """The key that signs, else the newest."""
        return self.signing or self.keys[0]


@dataclass(frozen=True, slots=True)
class Health:
    """`ready`: a key signs, and was not found missing. `checked_at`: since when none answered; None: nobody asks."""

    ready: bool
    checked_at: float | None


# -- Who needs DNS -------------------------------------------------------------------------------------------------
def needs_dns(name: str, email: Email) -> bool:
    """Whether the domain's records must be found before it is used. The default domain is trusted by setting."""
    return email.traits.needs_verified_domains and not is_default(name, email)


def is_default(name: str, email: Email) -> bool:
    return name == parse_name(email.default_domain)


def is_usable(domain: Domain, email: Email) -> bool:
    return domain.verified_at is not None or not needs_dns(domain.name, email)


async def usable(connection: AsyncConnection, name: str, email: Email) -> Domain:
    """The domain, ready to send from. Raises AuthError."""
    domain = await get(connection, name)
    if not is_usable(domain, email):
        raise AuthError(DOMAIN_UNVERIFIED, name=domain.name)
    return domain


# -- Rows ----------------------------------------------------------------------------------------------------------
async def add(
    connection: AsyncConnection, sealing: Keyring, name: str, now: float, *, needs_dns: bool = False
) -> Domain:
    """A new domain with its first key. Raises AuthError when the name is unusable or was added before.

    `needs_dns`: the key signs once it was found published; else at once, for as long as none does.
    """
    name = parse_name(name)
    if await find(connection, name) is not None:
        raise AuthError(DOMAIN_TAKEN, name=name)
    try:
        async with connection.begin_nested():
            return await _make(connection, sealing, name, now, state=State.PENDING, signs=not needs_dns)
    except IntegrityError:  # PostgreSQL: somebody else was quicker
        raise AuthError(DOMAIN_TAKEN, name=name) from None


async def ensure(connection: AsyncConnection, sealing: Keyring, name: str, now: float) -> Domain:
    """The domain, made with its key when it is not there yet: the default domain is trusted by setting."""
    name = parse_name(name)
    found = await find(connection, name)
    if found is not None:
        return found
    try:
        async with connection.begin_nested():
            return await _make(connection, sealing, name, now, state=State.PUBLISHED, signs=True)
    except IntegrityError:  # PostgreSQL: another process was quicker, and has committed
        found = await find(connection, name)
        if found is None:
            raise
        return found


async def find(connection: AsyncConnection, name: str) -> Domain | None:
    found = await _load(connection, select(domains).where(domains.c.name == name))
    return found[0] if found else None


async def get(connection: AsyncConnection, name: str) -> Domain:
    """Raises AuthError when the name is unusable or not known here."""
    name = parse_name(name)
    found = await find(connection, name)
    if found is None:
        raise AuthError(DOMAIN_UNKNOWN, name=name)
    return found


async def named(connection: AsyncConnection, sealing: Keyring, name: str | None, email: Email, now: float) -> Domain:
    """The domain of this name, or the default domain, which is made where it is not there. Raises AuthError."""
    default = parse_name(email.default_domain)
    if name is None or parse_name(name) == default:
        return await ensure(connection, sealing, default, now)
    return await get(connection, name)


async def list_all(connection: AsyncConnection) -> list[Domain]:
    return await _load(connection, select(domains).order_by(domains.c.name))


async def signing_key(connection: AsyncConnection, sealing: Keyring, name: str, email: Email) -> dkim.SigningKey | None:
    """The key that signs for the domain. Raises KeyringError when the sealing key does not open it."""
    domain = await find(connection, name)
    if domain is None or domain.signing is None:
        return None
    if domain.signing.life.state is State.PENDING and needs_dns(domain.name, email):
        return None  # it signed for the outbox, and was never found
    return await dkim_keys.opened(connection, sealing, domain.name, domain.signing)


async def shown_key(connection: AsyncConnection, sealing: Keyring, domain: Domain) -> dkim.SigningKey:
    """The key that signs for the domain, else the newest."""
    return await dkim_keys.opened(connection, sealing, domain.name, domain.shown)


def parse_name(name: str) -> str:
    """The domain in lower-case ASCII. Raises AuthError."""
    try:
        return parse_domain(name.strip().rstrip("."))
    except AddressError as error:
        raise AuthError(BAD_DOMAIN, reason=error.text) from None


# -- Keys in turn --------------------------------------------------------------------------------------------------
async def rotate(
    connection: AsyncConnection, sealing: Keyring, domain: Domain, now: float, *, needs_dns: bool
) -> Domain:
    """The domain with a next key, unless one is pending already. It takes over once it was found published."""
    await _touch(connection, domain.id, due_at=now)
    keys = (await dkim_keys.of_domains(connection, [domain.id]))[domain.id]
    if not (needs_dns and any(key.life.state is State.PENDING for key in keys)):
        # A record that is gone will not come back under an old key.
        await dkim_keys.forget(
            connection, [key.id for key in keys if key.life.state is State.WITHDRAWN and not key.signs]
        )
        at = max(now, keys[0].created_at + 1)  # the newest, whatever the clock was then
        await dkim_keys.make(connection, sealing, domain.id, at, state=State.PENDING, signs=not needs_dns)
    return await get(connection, domain.name)


async def due(connection: AsyncConnection, now: float) -> list[Domain]:
    """Domains whose keys are to be looked at."""
    due_at = domains.c.due_at
    # Nobody waits for longer than that: where it is later, the clock was ahead when it was written.
    is_due = or_(due_at <= now, due_at > now + 2 * selectors.EVERY_SECONDS)
    return await _load(connection, select(domains).where(is_due).order_by(due_at))


async def claim(connection: AsyncConnection, domain: Domain, now: float) -> bool:
    """Whether it is on us to look: of several machines on one is."""
    statement = update(domains).where(domains.c.id == domain.id, domains.c.due_at == domain.due_at)
    return (await connection.execute(statement.values(due_at=now + _CLAIM_SECONDS))).rowcount == 1


async def observe(
    connection: AsyncConnection, domain: Domain, looks: Mapping[UUID, tuple[Look, float]], now: float, *, trusted: bool
) -> tuple[Domain, Change]:
    """Writes down a look at the domain's keys; `now` is when it began. Two at once count as one."""
    await _touch(connection, domain.id, due_at=now)  # and its row is ours until the end of the transaction
    keys = (await dkim_keys.of_domains(connection, [domain.id]))[domain.id]
    keys, change = await dkim_keys.observe(connection, keys, looks, now, trusted=trusted)
    values = {"due_at": selectors.next_look_at([key.life for key in keys], now)}
    if any(look is not Look.UNANSWERED for look, _ in looks.values()):
        values["checked_at"] = now
    await _touch(connection, domain.id, **values)
    return await get(connection, domain.name), change


async def verified(connection: AsyncConnection, domain: Domain, now: float) -> Domain:
    """All that the domain needs was found."""
    await _touch(connection, domain.id, verified_at=now)
    return replace(domain, verified_at=now)


def is_ready(domain: Domain, now: float) -> bool:
    """Whether a key signs that was found: one look that misses it is no reason yet."""
    key = domain.signing
    if key is None or key.life.state is not State.PUBLISHED:
        return False
    return key.life.again_at is None or key.life.again_at > now


async def health(connection: AsyncConnection, used: Select[str], email: Email, now: float) -> dict[str, Health]:
    """How it stands with the domains that mail may come from; `used` are the names that services have."""
    c = domains.c
    wanted = or_(c.name == parse_name(email.default_domain), c.name.in_(used))
    found = await _load(connection, select(domains).where(wanted))
    if not email.traits.needs_verified_domains:  # nobody asks
        return {each.name: Health(each.signing is not None, None) for each in found}
    return {each.name: Health(is_ready(each, now), each.checked_at or each.created_at) for each in found}


async def _make(
    connection: AsyncConnection, sealing: Keyring, name: str, now: float, *, state: State, signs: bool
) -> Domain:
    domain_id = uuid4()
    await connection.execute(insert(domains).values(id=domain_id, name=name, created_at=now))
    await dkim_keys.make(connection, sealing, domain_id, now, state=state, signs=signs)
    return await get(connection, name)


async def _touch(connection: AsyncConnection, domain_id: UUID, **values: float) -> None:
    await connection.execute(update(domains).where(domains.c.id == domain_id).values(**values))


async def _load(connection: AsyncConnection, statement: Select[Any]) -> list[Domain]:
    rows = (await connection.execute(statement)).all()
    if not rows:
        return []
    keys = await dkim_keys.of_domains(connection, [row.id for row in rows])
    return [_domain(row, keys[row.id]) for row in rows]


def _domain(row: Row[Any], keys: tuple[Key, ...]) -> Domain:
    return Domain(row.id, row.name, row.created_at, row.verified_at, row.checked_at, row.due_at, keys)

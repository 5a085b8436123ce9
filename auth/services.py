"""Services: who sends, from which address, live or in trial.

A service without a limit of its own has the default, a day's that of its mode, resolved when it is read: a changed
setting holds for every such service at once. Knows nothing of keys or messages.
"""

import contextlib
from collections.abc import Collection
from typing import Any, TypedDict, Unpack
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    insert,
    or_,
    select,
    true,
)
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import reply_tos
from auth.domains import names
from auth.errors import (
    BAD_CONTACT,
    BAD_CONTENT_DAYS,
    BAD_FROM,
    BAD_LIMIT,
    BAD_NAME,
    BAD_NOTICE_ADDRESS,
    DOMAIN_UNKNOWN,
    FROM_TAKEN,
    FROM_WITH_DOMAIN,
    NAMES_TOO_LONG,
    NOT_ASCII,
    SERVICE_UNKNOWN,
    SERVICES_OF_ONE_NAME,
    AuthError,
)
from auth.fiscal_year import TIME_ZONE, parse_zone
from auth.principal import BETWEEN_NAMES, CONTENT_DAYS, DisplayName, FromPolicy, Received, ReplyTo, Service
from config.database import Id, metadata
from config.settings import Limits
from messages.address import Address, AddressError
from messages.message import Language

# The relay's own, from which it writes to people itself (relay/notices/contact.py), and the template of what it writes.
OWN_ID = UUID("d2f93f61-7db5-443f-bbc6-c8533d585121")
OWN_TEMPLATE_ID = UUID("15355726-54bd-4290-83e8-03b132cdcaa9")

MAX_NAME_CHARACTERS = 100
MAX_LIMIT = 2**31 - 1  # what a column of integers holds
MAX_CONTENT_DAYS = 30

services = Table(
    "services",
    metadata,
    Column("id", Id, primary_key=True),  # UUIDv4: published API clients check it
    Column("name", Text, nullable=False),
    Column("name_fr", Text),  # null: the same in French
    Column("email_from", Text, nullable=False),
    Column("domain", Text, ForeignKey("domains.name"), nullable=False),
    Column("live", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("reply_to", Text, nullable=False),
    Column("reply_to_address", Text),  # the default one of its reply_to_addresses
    Column("language", Text, nullable=False),
    Column("branding", Text, nullable=False),
    Column("per_day", Integer),  # null: the default of its mode
    Column("email_template_id", Id, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("from_policy", Text, nullable=False, server_default="rewrite"),
    Column("received", Text, nullable=False, server_default="keep"),
    # Null: the default, as for per_day.
    Column("emails_per_year", Integer),
    Column("texts_per_year", Integer),
    Column("texts_per_day", Integer),
    Column("contact", Text),
    Column("time_zone", Text, nullable=False, server_default=TIME_ZONE),
    Column("sms_allowed", Boolean, nullable=False, server_default=true()),
    Column("sms_prefix", Boolean, nullable=False, server_default=true()),
    Column("sms_international", Boolean, nullable=False, server_default=false()),
    Column("sms_downgrade", Boolean, nullable=False, server_default=false()),
    Column("organisation_id", Id),  # null: of none
    Column("content_days", Integer, nullable=False, server_default=str(CONTENT_DAYS)),
    Column("notice_address", Text),
    UniqueConstraint("email_from", "domain", name="services_header_from"),
)


class OwnLimits(TypedDict, total=False):
    """None: the default."""

    per_day: int | None
    texts_per_day: int | None
    emails_per_year: int | None
    texts_per_year: int | None


async def create(
    connection: AsyncConnection,
    limits: Limits,
    now: float,
    *,
    name: str,
    email_from: str,
    domain: str,
    name_fr: str | None = None,
    organisation_id: UUID | None = None,
    live: bool = False,
    display_name: DisplayName = DisplayName.SERVICE,
    reply_to: ReplyTo = ReplyTo.REGISTERED,
    reply_to_address: str | None = None,
    language: Language = Language.EN,
    branding: str = "default",
    from_policy: FromPolicy = FromPolicy.REWRITE,
    received: Received = Received.KEEP,
    time_zone: str = TIME_ZONE,
    contact: str | None = None,
    service_id: UUID | None = None,
    sms_allowed: bool = True,
    sms_prefix: bool = True,
    sms_international: bool = False,
    sms_downgrade: bool = False,
    content_days: int = CONTENT_DAYS,
    notice_address: str | None = None,
    **of_its_own: Unpack[OwnLimits],
) -> Service:
    """A new service, in trial unless `live`. Raises AuthError when a value is unusable or its address is taken."""
    values = await _checked(
        connection,
        name=name,
        name_fr=name_fr,
        organisation_id=organisation_id,
        email_from=email_from,
        domain=domain,
        display_name=display_name,
        reply_to=reply_to,
        reply_to_address=reply_to_address,
        language=language,
        branding=branding,
        from_policy=from_policy,
        received=received,
        time_zone=time_zone,
        contact=contact,
        sms_allowed=sms_allowed,
        sms_prefix=sms_prefix,
        sms_international=sms_international,
        sms_downgrade=sms_downgrade,
        content_days=content_days,
        notice_address=notice_address,
        **of_its_own,
    )
    row = {
        "id": service_id or uuid4(),
        "live": live,
        "held": False,
        "email_template_id": uuid4(),
        "created_at": now,
        **values,
    }
    try:
        await connection.execute(insert(services).values(**row))
    except IntegrityError as error:
        if not _is_taken(error):
            raise
        raise AuthError(FROM_TAKEN, email_from=values["email_from"], domain=values["domain"]) from None
    return await find(connection, limits, row["id"])


async def exists(connection: AsyncConnection, *, service_id: UUID | None = None, email_from: str = "") -> bool:
    """Whether there is one with this id or, at any domain, with this local part."""
    found = select(services.c.id).where(or_(services.c.id == service_id, services.c.email_from == email_from))
    return (await connection.execute(found.limit(1))).first() is not None


async def find(connection: AsyncConnection, limits: Limits, service_id: UUID) -> Service:
    """Raises AuthError when there is none."""
    row = (await connection.execute(select(services).where(services.c.id == service_id))).mappings().one_or_none()
    if row is None:
        raise AuthError(SERVICE_UNKNOWN, id=service_id)
    return service(row, limits)


async def named(connection: AsyncConnection, limits: Limits, text: str) -> Service:
    """The service with this id, else the one with this name, however it is capitalised, in either language. Raises
    AuthError.
    """
    with contextlib.suppress(ValueError):
        return await find(connection, limits, UUID(text))
    wanted = " ".join(text.split()).casefold()
    found = [
        each
        for each in await list_all(connection, limits)
        if wanted in (each.name.casefold(), (each.name_fr or each.name).casefold())
    ]
    if len(found) > 1:
        raise AuthError(SERVICES_OF_ONE_NAME, name=found[0].name, ids=", ".join(str(each.id) for each in found))
    if not found:
        raise AuthError(SERVICE_UNKNOWN, id=text)
    return found[0]


async def of_ids(connection: AsyncConnection, limits: Limits, ids: Collection[UUID]) -> dict[UUID, Service]:
    """Those that there are, for lists that name services."""
    rows = await connection.execute(select(services).where(services.c.id.in_(ids)))
    return {row[services.c.id]: service(row, limits) for row in rows.mappings()}


async def list_all(connection: AsyncConnection, limits: Limits) -> list[Service]:
    """Oldest first."""
    rows = await connection.execute(select(services).order_by(services.c.created_at, services.c.id))
    return [service(row, limits) for row in rows.mappings()]


async def update(connection: AsyncConnection, limits: Limits, service_id: UUID, **changes: Any) -> Service:
    """Writes the named fields of `create`. Raises AuthError as `create` and `find` do."""
    old = await find(connection, limits, service_id)
    kept = {name: getattr(old, name) for name in ("name", "name_fr", "email_from", "domain")}
    checked = await _checked(connection, **(kept | changes))
    values = {name: value for name, value in checked.items() if name in changes or name not in kept}
    try:
        await connection.execute(services.update().where(services.c.id == service_id).values(**values))
    except IntegrityError as error:
        if not _is_taken(error):
            raise
        raise AuthError(FROM_TAKEN, email_from=checked["email_from"], domain=checked["domain"]) from None
    return await find(connection, limits, service_id)


async def hold(connection: AsyncConnection, limits: Limits, service_id: UUID) -> Service:
    """From now on the service's messages are not accepted; doors follow within 5 seconds."""
    return await _set(connection, limits, service_id, held=True)


async def release(connection: AsyncConnection, limits: Limits, service_id: UUID) -> Service:
    return await _set(connection, limits, service_id, held=False)


async def keep_content(connection: AsyncConnection, limits: Limits, service_id: UUID, days: int) -> Service:
    """So many days are kept from now on, of what was sent before too. Raises AuthError."""
    return await _set(connection, limits, service_id, content_days=parse_content_days(days))


async def go_live(connection: AsyncConnection, limits: Limits, service_id: UUID) -> Service:
    """Out of trial: it reaches everybody, with the live daily limit unless it has its own."""
    return await _set(connection, limits, service_id, live=True)


def service(row: RowMapping, limits: Limits) -> Service:
    """The value of a row of the services table, alone or joined."""
    c = services.c
    per_day = row[c.per_day] or (limits.live_per_day if row[c.live] else limits.trial_per_day)
    texts_per_day = row[c.texts_per_day] or (limits.live_texts_per_day if row[c.live] else limits.trial_texts_per_day)
    return Service(
        id=row[c.id],
        name=row[c.name],
        name_fr=row[c.name_fr],
        organisation_id=row[c.organisation_id],
        email_from=row[c.email_from],
        domain=row[c.domain],
        live=row[c.live],
        held=row[c.held],
        display_name=DisplayName(row[c.display_name]),
        reply_to=ReplyTo(row[c.reply_to]),
        reply_to_address=row[c.reply_to_address],
        language=Language(row[c.language]),
        branding=row[c.branding],
        per_day=per_day,
        email_template_id=row[c.email_template_id],
        created_at=row[c.created_at],
        from_policy=FromPolicy(row[c.from_policy]),
        received=Received(row[c.received]),
        sms_allowed=row[c.sms_allowed],
        sms_prefix=row[c.sms_prefix],
        sms_international=row[c.sms_international],
        sms_downgrade=row[c.sms_downgrade],
        tests_per_day=max(per_day, limits.live_per_day),  # also in trial: integrators send their tests then
        texts_per_day=texts_per_day,
        emails_per_year=row[c.emails_per_year] or limits.emails_per_year,
        texts_per_year=row[c.texts_per_year] or limits.texts_per_year,
        time_zone=row[c.time_zone],
        contact=row[c.contact],
        content_days=row[c.content_days],
        notice_address=row[c.notice_address],
    )


def parse_name(text: str) -> str:
    """A name of a service or key: it stands in header From, so no control characters. Raises AuthError."""
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise AuthError(BAD_NAME, limit=MAX_NAME_CHARACTERS)
    return name


def parse_names(name: str, name_fr: str | None) -> dict[str, str | None]:
    """Both stand in header From of what is in both languages, so both together are no longer than one. Raises
    AuthError.
    """
    english, french = parse_name(name), parse_name(name_fr) if name_fr else None
    if french and len(english) + len(BETWEEN_NAMES) + len(french) > MAX_NAME_CHARACTERS:
        raise AuthError(NAMES_TOO_LONG, limit=MAX_NAME_CHARACTERS - len(BETWEEN_NAMES))
    return {"name": english, "name_fr": None if french == english else french}


def parse_limit(number: int) -> int:
    """How much a service or key may do of something. Raises AuthError."""
    if not 1 <= number <= MAX_LIMIT:
        raise AuthError(BAD_LIMIT, most=MAX_LIMIT)
    return number


def parse_content_days(number: int) -> int:
    """How many days the service keeps what its messages say. Raises AuthError."""
    if not 1 <= number <= MAX_CONTENT_DAYS:
        raise AuthError(BAD_CONTENT_DAYS, most=MAX_CONTENT_DAYS)
    return number


def parse_email_from(text: str, domain: str) -> str:
    """The part before the @ in lower case: two services may not differ by capitals alone. Raises AuthError."""
    if "@" in text:
        raise AuthError(FROM_WITH_DOMAIN, local=text.rpartition("@")[0].strip())
    try:
        address = Address.parse(f"{text.strip().lower()}@{domain}")
    except AddressError as error:
        raise AuthError(BAD_FROM, reason=error.text) from None
    if not address.ascii:  # SES takes no SMTPUTF8 sender
        raise AuthError(BAD_FROM, reason=NOT_ASCII)
    return address.local


async def _set(connection: AsyncConnection, limits: Limits, service_id: UUID, **values: bool | int) -> Service:
    await connection.execute(services.update().where(services.c.id == service_id).values(**values))
    return await find(connection, limits, service_id)


async def _checked(connection: AsyncConnection, **values: Any) -> dict[str, Any]:
    """The values as the table keeps them. Raises AuthError."""
    values["domain"] = names.parse_name(values["domain"])
    if await names.find(connection, values["domain"]) is None:
        raise AuthError(DOMAIN_UNKNOWN, name=values["domain"])
    values["email_from"] = parse_email_from(values["email_from"], values["domain"])
    values |= parse_names(values["name"], values["name_fr"])
    if values.get("reply_to_address"):
        values["reply_to_address"] = reply_tos.parse(values["reply_to_address"])
    if values.get("contact"):
        values["contact"] = reply_tos.parse(values["contact"], BAD_CONTACT)
    if values.get("notice_address"):
        values["notice_address"] = reply_tos.parse(values["notice_address"], BAD_NOTICE_ADDRESS)
    if "time_zone" in values:
        values["time_zone"] = parse_zone(values["time_zone"])
    if "content_days" in values:
        values["content_days"] = parse_content_days(values["content_days"])
    for name in OwnLimits.__annotations__.keys() & values.keys():
        values[name] = None if values[name] is None else parse_limit(values[name])
    return values


def _is_taken(error: IntegrityError) -> bool:
    """Whether it is the one constraint that a value of `create` breaks by being somebody else's already."""
    codes = {getattr(error.orig, name, None) for name in ("sqlite_errorname", "sqlstate")}
    return not codes.isdisjoint(("SQLITE_CONSTRAINT_UNIQUE", "23505"))

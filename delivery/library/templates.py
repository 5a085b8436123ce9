"""Templates: what a service's messages are made of, in versions that never change.

Each service has a hidden one for each channel, too, which its messages by SMTP are listed under. Knows nothing of how
a template is filled.
"""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Column, Double, Integer, Select, Table, Text, false, func, insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from config.database import Database, Id, metadata
from delivery.library.versions import Versions
from messages.message import MAX_SUBJECT_CHARACTERS, Channel
from messages.sms.parts import MAX_CHARACTERS
from messages.sms.recipe import write
from messages.template import Template, fixed_text, unmatched
from messages.text import TextError, clean
from messages.values import normalise

HIDDEN_VERSION = 1
MAX_NAME_CHARACTERS = 255
MAX_BODY_CHARACTERS = 50_000
MAX_VERSIONS_LISTED = 100
MAX_VERSIONS = 10_000  # of all templates of a service: half a gigabyte at most
MAX_ENTRIES = 256  # of up to 200 KB each

templates = Table(
    "templates",
    metadata,
    Column("id", Id, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("service_id", Id, nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("subject", Text),
    Column("body", Text, nullable=False, server_default=""),
    Column("hidden", Boolean, nullable=False),
    Column("archived", Boolean, nullable=False, server_default=false()),
    Column("created_at", Double, nullable=False),
)


class TemplateError(TextError):
    """Nothing was changed."""


async def create_hidden(
    connection: AsyncConnection, template_id: UUID, service_id: UUID, now: float, channel: Channel = Channel.EMAIL
) -> None:
    """The template that a service's messages by SMTP carry: API clients demand that every message has one."""
    await connection.execute(
        insert(templates).values(
            id=template_id,
            version=HIDDEN_VERSION,
            service_id=service_id,
            channel=channel,
            name="SMTP",
            hidden=True,
            created_at=now,
        )
    )


async def create(
    connection: AsyncConnection,
    service_id: UUID,
    now: float,
    *,
    channel: Channel,
    name: str,
    subject: str | None,
    body: str,
    template_id: UUID | None = None,
    sender: str = "",
) -> Template:
    """A new template in its first version. Raises TemplateError when a text cannot be used.

    `sender` is what stands before each text message of the service; empty: nothing does.
    """
    values = _checked(channel, sender, name=name, subject=subject, body=body)
    await _check_room(connection, service_id)
    template_id = template_id or uuid4()  # published API clients take version 4 only
    await connection.execute(
        insert(templates).values(
            **values, id=template_id, version=1, service_id=service_id, channel=channel, hidden=False, created_at=now
        )
    )
    return await find(connection, template_id)


async def update(
    connection: AsyncConnection,
    template_id: UUID,
    now: float,
    *,
    name: str | None = None,
    subject: str | None = None,
    body: str | None = None,
    sender: str = "",
) -> Template:
    """A new version with other texts; None: the same text. Messages keep theirs. Raises TemplateError. `sender` is as
    for a new template.
    """
    old = await _lock(connection, template_id)
    values = _checked(
        old.channel,
        sender,
        name=old.name if name is None else name,
        subject=old.subject if subject is None else subject,
        body=old.body if body is None else body,
    )
    await _check_room(connection, old.service_id)
    await connection.execute(
        insert(templates).values(
            **values,
            id=template_id,
            version=old.version + 1,
            service_id=old.service_id,
            channel=old.channel,
            hidden=False,
            created_at=now,
        )
    )
    return await find(connection, template_id)


async def archive(connection: AsyncConnection, template_id: UUID) -> Template:
    """Doors take no more messages of it, within 2 seconds; those accepted are sent. Raises TemplateError."""
    await _lock(connection, template_id)
    await connection.execute(templates.update().where(templates.c.id == template_id).values(archived=True))
    return await find(connection, template_id)


async def find(connection: AsyncConnection, template_id: UUID, version: int | None = None) -> Template:
    """A version, the latest unless one is named. Raises TemplateError when there is none."""
    template = await find_any(connection, template_id, version)
    if template is None:
        raise TemplateError("there is no template {id}", id=template_id)
    return template


async def find_any(connection: AsyncConnection, template_id: UUID, version: int | None = None) -> Template | None:
    """As `find`; None when there is none."""
    statement = _select().where(templates.c.id == template_id).order_by(templates.c.version.desc()).limit(1)
    if version is not None:
        statement = statement.where(templates.c.version == version)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else _template(row)


async def names(connection: AsyncConnection, template_ids: Collection[UUID]) -> dict[UUID, str]:
    """What each is called in its latest version, archived ones too; of what there is no more, nothing."""
    c = templates.c
    chosen = select(c.id, c.name).where(c.id.in_(template_ids)).order_by(c.id, c.version)
    return {row.id: row.name for row in await connection.execute(chosen)}


async def versions(connection: AsyncConnection, template_id: UUID) -> list[Template]:
    """The latest `MAX_VERSIONS_LISTED`, the latest of all first."""
    statement = _select().where(templates.c.id == template_id).order_by(templates.c.version.desc())
    rows = await connection.execute(statement.limit(MAX_VERSIONS_LISTED))
    return [_template(row) for row in rows.mappings()]


async def list_all(connection: AsyncConnection, service_id: UUID, channel: Channel | None = None) -> list[Template]:
    """The latest versions by name, without those that are archived or hidden."""
    latest = select(templates.c.id, func.max(templates.c.version).label("version")).group_by(templates.c.id).subquery()
    statement = (
        _select()
        .join(latest, (latest.c.id == templates.c.id) & (latest.c.version == templates.c.version))
        .where(templates.c.service_id == service_id, ~templates.c.hidden, ~templates.c.archived)
    )
    if channel is not None:
        statement = statement.where(templates.c.channel == channel)
    found = map(_template, (await connection.execute(statement)).mappings())
    return sorted(found, key=lambda template: (template.name.casefold(), template.id))


class Templates:
    """What doors and workers read templates from. `now` gives seconds since the epoch."""

    def __init__(self, database: Database, now: Callable[[], float], max_entries: int = MAX_ENTRIES) -> None:
        self._database = database
        self._versions: Versions[Template] = Versions(self._load, now, max_entries)

    async def find(self, service_id: UUID, template_id: UUID, version: int | None = None) -> Template | None:
        """A version, the latest unless one is named; None when the service has none such."""
        template = await self._versions.find(template_id, version)
        return template if template is not None and template.service_id == service_id else None

    async def list_all(self, service_id: UUID, channel: Channel | None = None) -> list[Template]:
        """As `list_all` above, as they are now."""
        async with self._database.read() as connection:
            return await list_all(connection, service_id, channel)

    async def _load(self, template_id: UUID, version: int | None) -> Template | None:
        async with self._database.read() as connection:
            return await find_any(connection, template_id, version)


_first = templates.alias("first")


def _select() -> Select[Any]:
    """Rows with the time at which their first version was made."""
    return select(templates, _first.c.created_at.label("first_created_at")).join(
        _first, (_first.c.id == templates.c.id) & (_first.c.version == 1)
    )


async def _check_room(connection: AsyncConnection, service_id: UUID) -> None:
    """No version ever goes: messages name it. Two at once may be one too many: it bounds what is kept, no more."""
    versions = select(func.count()).select_from(templates).where(templates.c.service_id == service_id)
    if (await connection.execute(versions)).scalar_one() >= MAX_VERSIONS:
        raise TemplateError("the templates of a service have at most {limit} versions together", limit=MAX_VERSIONS)


async def _lock(connection: AsyncConnection, template_id: UUID) -> Template:
    """The latest version, with the right to be the only one who changes the template until the transaction ends."""
    first = (templates.c.id == template_id) & (templates.c.version == 1)
    await connection.execute(select(templates.c.id).where(first).with_for_update())
    template = await find(connection, template_id)
    if template.hidden or template.archived:
        raise TemplateError("template {id} cannot be changed: it is archived, or one of SMTP", id=template_id)
    return template


def _template(row: RowMapping) -> Template:
    c = templates.c
    return Template(
        id=row[c.id],
        version=row[c.version],
        service_id=row[c.service_id],
        channel=Channel(row[c.channel]),
        name=row[c.name],
        subject=row[c.subject],
        body=row[c.body],
        hidden=row[c.hidden],
        archived=row[c.archived],
        created_at=row["first_created_at"],
        updated_at=row[c.created_at] if row[c.version] > 1 else None,
    )


def _checked(channel: Channel, sender: str, *, name: str, subject: str | None, body: str) -> dict[str, str | None]:
    """The texts as the table keeps them. Raises TemplateError."""
    name, body, subject = clean(name), normalise(body), None if subject is None else clean(subject)
    if not 0 < len(name) <= MAX_NAME_CHARACTERS:
        raise TemplateError("a template's name has 1 to {limit} characters", limit=MAX_NAME_CHARACTERS)
    if not body.strip() or len(body) > MAX_BODY_CHARACTERS:
        raise TemplateError("a template's body has 1 to {limit} characters", limit=MAX_BODY_CHARACTERS)
    if name_of := unmatched(body) or unmatched(subject or ""):
        raise TemplateError(
            "the brackets within the optional text (({name}??...)) do not match; add the one that is missing, "
            "or write \\( or \\) for one that stands alone",
            name=name_of,
        )
    if channel is Channel.SMS and subject is not None:
        raise TemplateError("an SMS has no subject")
    if channel is Channel.SMS:
        _check_characters(fixed_text(body), sender)
    if channel is Channel.EMAIL and not (subject and len(subject) <= MAX_SUBJECT_CHARACTERS):
        raise TemplateError("an email template's subject has 1 to {limit} characters", limit=MAX_SUBJECT_CHARACTERS)
    return {"name": name, "subject": subject, "body": body}


def _check_characters(fixed: str, sender: str) -> None:
    """What is sent whatever the values are, counted as it is sent. Raises TemplateError."""
    found, named = (len(write(fixed, each, downgrade=False).recipe.text) for each in ("", sender))
    if found > MAX_CHARACTERS or named > MAX_CHARACTERS:
        raise TemplateError(
            "a text message has at most {limit} characters; without its values this one has {found}, and {before} with "
            "the name of the service before it: {excess} too many",
            limit=MAX_CHARACTERS,
            found=found,
            before=named,
            excess=named - MAX_CHARACTERS,
        )

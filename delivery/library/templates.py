"""Templates: what a service's messages are made of, in versions that never change.

Each service has a hidden one for each channel, too, which its messages by SMTP are listed under. Knows nothing of how
a template is filled.
"""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Boolean, Column, Double, Integer, Select, Subquery, Table, Text, false, func, insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.audit import Actor
from config.database import Database, Id, metadata
from delivery.library.template_texts import TemplateError, checked
from delivery.library.versions import Versions
from messages.message import Channel
from messages.template import Template

HIDDEN_VERSION = 1
MAX_VERSIONS_LISTED = 100
MAX_TEMPLATES = 1_000  # of a service, in use: lists of them stand on pages; who has more keeps them
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
    Column("author_kind", Text),  # as the audit has it; null: a version of before authors were kept, or a hidden one
    Column("author", Text),
)


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
    author: Actor | None = None,
) -> Template:
    """A new template in its first version. Raises TemplateError when a text cannot be used.

    `sender` is what stands before each text message of the service; empty: nothing does.
    """
    values = checked(channel, sender, name=name, subject=subject, body=body)
    await _check_number(connection, service_id)
    template_id = template_id or uuid4()  # published API clients take version 4 only
    return await _add(connection, template_id, 1, service_id, channel, values, now, author)


async def update(
    connection: AsyncConnection,
    template_id: UUID,
    now: float,
    *,
    name: str | None = None,
    subject: str | None = None,
    body: str | None = None,
    sender: str = "",
    author: Actor | None = None,
) -> Template:
    """A new version with other texts; None: the same text. Messages keep theirs. Raises TemplateError. `sender` is as
    for a new template.
    """
    old = await _lock(connection, template_id)
    values = checked(
        old.channel,
        sender,
        name=old.name if name is None else name,
        subject=old.subject if subject is None else subject,
        body=old.body if body is None else body,
    )
    return await _add(connection, template_id, old.version + 1, old.service_id, old.channel, values, now, author)


async def archive(connection: AsyncConnection, template_id: UUID) -> Template:
    """Doors take no more messages of it, within 2 seconds; those accepted are sent. Raises TemplateError."""
    await _lock(connection, template_id)
    await connection.execute(templates.update().where(templates.c.id == template_id).values(archived=True))
    return await find(connection, template_id)


async def restore(connection: AsyncConnection, template_id: UUID) -> Template:
    """An archived one is in use again, within 2 seconds. Raises TemplateError."""
    await _check_number(connection, (await _lock(connection, template_id, archived=True)).service_id)
    await connection.execute(templates.update().where(templates.c.id == template_id).values(archived=False))
    return await find(connection, template_id)


async def find(connection: AsyncConnection, template_id: UUID, version: int | None = None) -> Template:
    """A version, the latest unless one is named. Raises TemplateError when there is none."""
    template = await find_any(connection, template_id, version)
    if template is None:
        raise TemplateError("there is no template {id}", id=template_id)
    return template


async def find_any(connection: AsyncConnection, template_id: UUID, version: int | None = None) -> Template | None:
    """As `find`; None when there is none."""
    statement = with_first().where(templates.c.id == template_id).order_by(templates.c.version.desc()).limit(1)
    if version is not None:
        statement = statement.where(templates.c.version == version)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else from_row(row)


async def names(connection: AsyncConnection, template_ids: Collection[UUID]) -> dict[UUID, str]:
    """What each is called in its latest version, archived ones too; of what there is no more, nothing."""
    c = templates.c
    chosen = select(c.id, c.name).where(c.id.in_(template_ids)).order_by(c.id, c.version)
    return {row.id: row.name for row in await connection.execute(chosen)}


async def versions(connection: AsyncConnection, template_id: UUID) -> list[Template]:
    """The latest `MAX_VERSIONS_LISTED`, the latest of all first."""
    statement = with_first().where(templates.c.id == template_id).order_by(templates.c.version.desc())
    rows = await connection.execute(statement.limit(MAX_VERSIONS_LISTED))
    return [from_row(row) for row in rows.mappings()]


async def list_all(connection: AsyncConnection, service_id: UUID, channel: Channel | None = None) -> list[Template]:
    """The latest versions by name, without those that are archived or hidden."""
    latest = latest_of(service_id)
    statement = (
        with_first()
        .join(latest, (latest.c.id == templates.c.id) & (latest.c.version == templates.c.version))
        .where(~templates.c.hidden, ~templates.c.archived)
    )
    if channel is not None:
        statement = statement.where(templates.c.channel == channel)
    found = map(from_row, (await connection.execute(statement)).mappings())
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


def latest_of(service_id: UUID) -> Subquery:
    """The id and latest version of each of a service's templates."""
    c = templates.c
    return (
        select(c.id, func.max(c.version).label("version")).where(c.service_id == service_id).group_by(c.id).subquery()
    )


_first = templates.alias("first")


def with_first() -> Select[Any]:
    """Rows with the time at which their first version was made."""
    return select(templates, _first.c.created_at.label("first_created_at")).join(
        _first, (_first.c.id == templates.c.id) & (_first.c.version == 1)
    )


async def _add(
    connection: AsyncConnection,
    template_id: UUID,
    version: int,
    service_id: UUID,
    channel: Channel,
    texts: dict[str, str | None],
    now: float,
    author: Actor | None,
) -> Template:
    await _check_room(connection, service_id)
    who = {"author_kind": author.kind, "author": author.name} if author else {}
    row = {"id": template_id, "version": version, "service_id": service_id, "channel": channel, "created_at": now}
    await connection.execute(insert(templates).values(**row, **texts, **who, hidden=False))
    return await find(connection, template_id)


async def _check_number(connection: AsyncConnection, service_id: UUID) -> None:
    """Whether there may be one more in use. Two at once may be one too many, as below."""
    c = templates.c
    firsts = select(func.count()).where(c.service_id == service_id, c.version == 1, ~c.hidden, ~c.archived)
    if (await connection.execute(firsts)).scalar_one() >= MAX_TEMPLATES:
        raise TemplateError("the service has {limit} templates in use: archive one that it does not need any more",
                            limit=MAX_TEMPLATES)  # fmt: skip


async def _check_room(connection: AsyncConnection, service_id: UUID) -> None:
    """No version ever goes: messages name it. Two at once may be one too many: it bounds what is kept, no more."""
    versions = select(func.count()).select_from(templates).where(templates.c.service_id == service_id)
    if (await connection.execute(versions)).scalar_one() >= MAX_VERSIONS:
        raise TemplateError("the templates of a service have at most {limit} versions together", limit=MAX_VERSIONS)


async def _lock(connection: AsyncConnection, template_id: UUID, *, archived: bool = False) -> Template:
    """The latest version, with the right to be the only one who changes the template until the transaction ends."""
    first = (templates.c.id == template_id) & (templates.c.version == 1)
    await connection.execute(select(templates.c.id).where(first).with_for_update())
    template = await find(connection, template_id)
    if archived and not template.archived:
        raise TemplateError("template {id} is not archived", id=template_id)
    if template.hidden or (template.archived and not archived):
        raise TemplateError("template {id} cannot be changed: it is archived, or one of SMTP", id=template_id)
    return template


def from_row(row: RowMapping) -> Template:
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

"""Lists of a service's templates for people: by name, what is searched for, a page at a time; and versions with who
wrote them.

Names are compared as people do, without case and accents: a service has few templates, and their bodies stay where
they are.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from auth.audit import Actor
from delivery.library import templates as library
from delivery.library.templates import templates
from messages.message import Channel
from messages.template import Template
from messages.text import normalised

PAGE = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A template as a list names it. `written_at` is when its latest version was, in seconds since the epoch."""

    id: UUID
    version: int
    channel: Channel
    name: str
    subject: str | None
    archived: bool
    written_at: float

    @property
    def place(self) -> tuple[str, str]:
        """Where it stands: by its name, and among equal ones by its id."""
        return folded(self.name), str(self.id)


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is the id that the next page begins behind; None: this is the last one."""

    templates: tuple[Listed, ...]
    after: UUID | None


@dataclass(frozen=True, slots=True)
class Version:
    """`author` is None where nobody kept who it was."""

    template: Template
    author: Actor | None

    @property
    def written_at(self) -> float:
        return self.template.updated_at or self.template.created_at


async def page(
    connection: AsyncConnection,
    service_id: UUID,
    *,
    channel: Channel | None = None,
    words: str = "",
    archived: bool = False,
    after: UUID | None = None,
    size: int = PAGE,
) -> Page:
    """Those in use, or the archived ones, whose name or subject has all of the words; behind the one of id `after`."""
    latest = library.latest_of(service_id)
    c = templates.c
    statement = (
        select(c.id, c.version, c.channel, c.name, c.subject, c.archived, c.created_at)
        .join(latest, (latest.c.id == c.id) & (latest.c.version == c.version))
        .where(~c.hidden, c.archived == archived)
    )
    if channel is not None:
        statement = statement.where(c.channel == channel)
    rows = (await connection.execute(statement)).mappings()
    every = sorted(map(_listed, rows), key=lambda each: each.place)
    start = next((at for at, each in enumerate(every, 1) if each.id == after), 0)
    found = [each for each in every[start:] if _has(each, folded(words).split())]
    return Page(tuple(found[:size]), found[size - 1].id if len(found) > size else None)


async def version(connection: AsyncConnection, template_id: UUID, number: int) -> Version | None:
    """One of them; None where there is none of that number."""
    found = await versions(connection, template_id, before=number + 1, size=1)
    return found[0] if found and found[0].template.version == number else None


async def versions(
    connection: AsyncConnection, template_id: UUID, *, before: int | None = None, size: int = PAGE
) -> list[Version]:
    """The latest first, from those below `before` on."""
    c = templates.c
    statement = library.with_first().where(c.id == template_id).order_by(c.version.desc()).limit(size)
    if before is not None:
        statement = statement.where(c.version < before)
    rows = (await connection.execute(statement)).mappings()
    return [Version(library.from_row(row), _author(row[c.author_kind], row[c.author])) for row in rows]


def folded(name: str) -> str:
    """As it is compared and searched for."""
    bare = normalised("NFKD", name.casefold())
    return "".join(c for c in bare if not "\u0300" <= c <= "\u036f").replace("\u2019", "'")


def _has(listed: Listed, words: list[str]) -> bool:
    text = folded(f"{listed.name} {listed.subject or ''}")
    return all(word in text for word in words)


def _listed(row: RowMapping) -> Listed:
    c = templates.c
    return Listed(
        id=row[c.id],
        version=row[c.version],
        channel=Channel(row[c.channel]),
        name=row[c.name],
        subject=row[c.subject],
        archived=row[c.archived],
        written_at=row[c.created_at],
    )


def _author(kind: str | None, name: str | None) -> Actor | None:
    return None if kind is None or name is None else Actor(kind, name)

"""The template that a path names, and who wrote its versions, in words."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from auth import keys
from auth.audit import Actor
from auth.people import users
from auth.people.users import User
from delivery.library import templates as library
from messages.message import parse_id
from messages.template import Template
from messages.text import Text
from relay.site.errors import Missing
from relay.site.parts import Site
from relay.site.visits import Visit


async def find(visit: Visit, connection: AsyncConnection) -> Template:
    """In its latest version, archived or not. Raises Missing where the service has none such."""
    template_id = parse_id(visit.request.path_params["template_id"])
    found = None if template_id is None else await library.find_any(connection, template_id)
    if found is None or found.service_id != visit.the_service.id or found.hidden:
        raise Missing
    return found


async def read(visit: Visit) -> Template:
    """As `find`, in a read of its own."""
    async with visit.site.database.read() as connection:
        return await find(visit, connection)


async def names(
    connection: AsyncConnection, site: Site, authors: Iterable[Actor | None]
) -> Mapping[Actor | None, Text | str]:
    """Who each is to a reader of the page: all are looked up at once."""
    known = set(authors)
    ids = [found for author in known if author is not None and (found := parse_id(author.name))]
    people = await users.of_ids(connection, site.secret, ids)
    rows = await connection.execute(select(keys.keys.c.id, keys.keys.c.name).where(keys.keys.c.id.in_(ids)))
    by_key = {row.id: row.name for row in rows}
    return {author: _name(author, people, by_key) for author in known}


def _name(author: Actor | None, people: Mapping[UUID, User], by_key: Mapping[UUID, str]) -> Text | str:
    if author is not None and author.kind == "operator":
        return Text("{name}, by command", {"name": author.name})
    found_id = parse_id(author.name) if author is not None else None
    if found_id is not None and found_id in people:
        return people[found_id].name
    if found_id is not None and found_id in by_key:
        return Text("a program, with the key {name}", {"name": by_key[found_id]})
    return Text("not known")

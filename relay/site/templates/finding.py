"""The template that a path names, and who wrote its versions, in words."""

from collections.abc import Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from auth import keys
from auth.audit import Actor
from auth.errors import AuthError
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
    """Who each is to a reader of the page: each is looked up once."""
    return {author: await _name(connection, site, author) for author in set(authors)}


async def _name(connection: AsyncConnection, site: Site, author: Actor | None) -> Text | str:
    if author is None:
        return Text("not known")
    if author.kind == "operator":
        return Text("{name}, by command", {"name": author.name})
    found_id = parse_id(author.name)
    if author.kind == "user" and found_id and (user := await site.people.user(connection, found_id)):
        return user.name
    if author.kind == "key" and found_id:
        try:
            key = await keys.find(connection, site.secret, site.settings.limits, found_id)
        except AuthError:
            pass
        else:
            return Text("a program, with the key {name}", {"name": key.name})
    return Text("not known")

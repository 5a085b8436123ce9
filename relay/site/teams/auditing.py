"""Who changed what in a service: its own audit, newest first, a page at a time."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from starlette.responses import Response

from auth import audit, keys
from auth.audit import Entry
from auth.people import users
from auth.people.permissions import Permission
from delivery.library.templates import templates
from messages.message import parse_id
from messages.text import Text
from relay.actions.transaction import Transaction
from relay.site.routing import Route
from relay.site.teams.deeds import GROUPS, changes, deed
from relay.site.visits import Visit

HOME = "services/{service_id}/audit"
PAGE = 50
_OPERATOR = Text("An operator ({name})")
_ITSELF = Text("notify-relay itself")
_KEY = Text("The key {name}")


async def show(visit: Visit) -> Response:
    asked, before = visit.request.query_params.get("what", ""), parse_id(visit.request.query_params.get("before"))
    _, kinds = GROUPS.get(asked, (None, None))
    async with visit.reading() as t:
        found = await audit.find(t.connection, PAGE + 1, service_id=visit.the_service.id, kinds=kinds, before=before)
        entries = found[:PAGE]
        named = await _names(t, entries)
    what = {"what": asked} if kinds else {}
    return visit.page(
        "teams/audit.html",
        title=Text("Who changed what"),
        rows=[_row(visit, each, named) for each in entries],
        tabs=[
            (visit.say(Text("Everything")), visit.url(HOME), not kinds),
            *((visit.say(name), visit.url(HOME, what=key), key == asked) for key, (name, _) in GROUPS.items()),
        ],
        older=visit.url(HOME, before=entries[-1].id, **what) if len(found) > PAGE else "",
        newest=visit.url(HOME, **what) if before else "",
    )


def _row(visit: Visit, entry: Entry, named: dict[str, str]) -> tuple[float, str, str, list[str]]:
    who = (
        Text(_OPERATOR.source, {"name": named.get(entry.actor, entry.actor)})
        if entry.actor_kind == "operator"
        else None
    )
    if entry.actor_kind == "key":
        who = Text(_KEY.source, {"name": named.get(entry.actor, entry.actor)})
    if entry.actor_kind == "relay":
        who = _ITSELF
    about = named.get(entry.object_id, "") if entry.object_kind in ("user", "key", "template") else ""
    what = f"{visit.say(deed(entry))} {about}".rstrip()
    return entry.at, visit.say(who) if who else named.get(entry.actor, entry.actor), what, list(_changes(visit, entry))


def _changes(visit: Visit, entry: Entry) -> list[str]:
    said = []
    for field, old, new in changes(entry):
        text = Text("{field}: {old}") if new is None else Text("{field}: {old}, now {new}")
        values = {
            "field": visit.say(Text(field)).replace("_", " "),
            "old": _say(visit, old),
            "new": _say(visit, new or ""),
        }
        said.append(visit.say(Text(text.source, values)))
    return said


def _say(visit: Visit, value: Text | str | list[Text]) -> str:
    return ", ".join(map(visit.say, value)) if isinstance(value, list) else visit.say(value)


async def _names(t: Transaction, entries: Sequence[Entry]) -> dict[str, str]:
    """Of the people, keys and templates that the entries know by their ids."""
    ids = [found for each in entries for text in (each.actor, each.object_id) if (found := parse_id(text))]
    of_keys = await t.connection.execute(select(keys.keys.c.id, keys.keys.c.name).where(keys.keys.c.id.in_(ids)))
    c = templates.c
    of_templates = await t.connection.execute(select(c.id, c.name).where(c.id.in_(ids)).order_by(c.version))
    named = {str(row.id): row.name for rows in (of_keys, of_templates) for row in rows}
    return named | await _people(t, {each for each in ids if str(each) not in named})


async def _people(t: Transaction, ids: set[UUID]) -> dict[str, str]:
    people = await users.of_ids(t.connection, t.secret, ids)
    return {str(each.id): each.name for each in people.values()}


ROUTES = (Route("GET", HOME, show, Permission.MANAGE_SERVICE),)

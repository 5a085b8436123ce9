"""The list of a service's messages, newest first, with filters in its query: no address ever stands there."""

from typing import Any

from starlette.responses import Response

from auth import keys
from auth.people.permissions import Permission
from delivery.store.base import Page
from messages.message import Door
from messages.text import Text
from relay.site.activity import filters, rows
from relay.site.activity.filters import Filter
from relay.site.channels import CHANNELS
from relay.site.forms import Shown
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = "services/{service_id}/activity"
_TITLE = Text("Activity")
_TABS = (
    (filters.ALL, Text("All")),
    ("in-transit", Text("In transit")),
    ("delivered", Text("Delivered")),
    ("failed", Text("Failed")),
)
_DOORS = (
    (Door.SMTP, Text("SMTP")),
    (Door.HTTP, Text("HTTP API")),
    (Door.SITE, Text("This site")),
    (Door.RELAY, Text("The relay itself")),
)
_ANY = Text("Any")


async def show(visit: Visit) -> Response:
    service = visit.the_service
    asked = filters.of(visit.request.query_params, service)
    page = Page(()) if asked.errors else await visit.site.listing.page(asked.search, rows.PAGE, asked.older_than)
    errors = {name: visit.say(error) for name, error in asked.errors.items()}
    return visit.page(
        "activity/list.html",
        title=_TITLE,
        form=Shown({name: [value] for name, value in asked.values.items()}, errors),
        tabs=[(visit.say(label), _url(visit, asked, status=name), name == _status(asked)) for name, label in _TABS],
        asked=asked,
        options=await _options(visit),
        found=rows.rows(visit, page.found, service.time_zone),
        newest=_url(visit, asked) if asked.older_than else "",
        older=_url(visit, asked, older=page.older_than) if page.older_than else "",
        page=page,
        zone=service.time_zone,
    )


def _status(asked: Filter) -> str:
    named = asked.values.get("status", filters.ALL)
    return named if named in filters.STATUSES else filters.ALL


def _url(visit: Visit, asked: Filter, **changes: object) -> str:
    query = {name: value for name, value in {**asked.values, **changes}.items() if value}
    return visit.url(PATH, **query)


async def _options(visit: Visit) -> dict[str, list[tuple[str, str]]]:
    service, site = visit.the_service, visit.site
    async with site.database.read() as connection:
        mine = await keys.list_all(connection, site.secret, site.settings.limits, service.id)
    templates = await site.templates.list_all(service.id)
    found: dict[str, list[Any]] = {
        "channel": [(value.value, visit.say(label)) for value, label in CHANNELS.items()],
        "door": [(value.value, visit.say(label)) for value, label in _DOORS],
        "key": [(str(key.id), key.name) for key in mine],
        "template": [(str(each.id), each.name) for each in templates],
    }
    return {name: [("", visit.say(_ANY)), *options] for name, options in found.items()}


ROUTES = (Route("GET", PATH, show, Permission.VIEW_ACTIVITY),)

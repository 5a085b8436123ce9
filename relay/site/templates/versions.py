"""The versions of a template: who wrote which, and what differs from the one before."""

from starlette.responses import Response

from delivery.library import template_lists
from messages.message import Channel
from messages.text import Text
from relay.site.errors import Missing
from relay.site.templates.differences import differences
from relay.site.templates.finding import find, names
from relay.site.visits import Visit

_MAX_DIGITS = 5


async def show_all(visit: Visit) -> Response:
    before = _number(visit.request.query_params.get("before", ""))
    async with visit.site.database.read() as connection:
        template = await find(visit, connection)
        found = await template_lists.versions(connection, template.id, before=before)
        by = await names(connection, visit.site, (each.author for each in found))
    last = found[-1].template.version if found else 1
    return visit.page(
        "templates/versions.html",
        title=Text("Versions of {name}", {"name": template.name}),
        template=template,
        found=found,
        by=by,
        zone=visit.the_service.time_zone,
        older=visit.url("services/{service_id}/templates/{template_id}/versions", before=last) if last > 1 else "",
    )


async def show_one(visit: Visit) -> Response:
    number = _number(visit.request.path_params["version"])
    async with visit.site.database.read() as connection:
        template = await find(visit, connection)
        found = await template_lists.version(connection, template.id, number) if number else None
        if found is None or number is None:
            raise Missing
        before = await template_lists.version(connection, template.id, number - 1)
        by = await names(connection, visit.site, [found.author])
    old, new = before.template if before else None, found.template
    return visit.page(
        "templates/version.html",
        title=Text("Version {version} of {name}", {"version": number, "name": template.name}),
        template=template,
        version=found,
        before=old,
        by=by[found.author],
        is_email=template.channel is Channel.EMAIL,
        changes=differences(old.body, new.body) if old else (),
        zone=visit.the_service.time_zone,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None

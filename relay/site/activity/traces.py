"""Trace: paste what you have of a message, and see where it went. What is pasted is kept as the form's draft."""

from uuid import UUID

from starlette.responses import Response

from auth.people import memberships
from auth.people.permissions import Permission
from messages.reply import Reply
from messages.text import Text
from relay.actions.tracing import MAX_CHARACTERS, trace
from relay.site.activity import rows
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = "services/{service_id}/trace"
_TITLE = Text("Trace a message")
_EMPTY = Text("Paste a reply, an id, a Message-ID, an address, a number or a reference")
_LONG = Text("Paste at most {limit} characters", {"limit": MAX_CHARACTERS})


async def show(visit: Visit) -> Response:
    service = visit.the_service
    form, led, services = visit.filled(), None, await _services(visit)
    if form.value("pasted").strip() and not form.errors:
        led = await trace(visit.site.searching, form.value("pasted"), services)
    of_others = {each.message.service_id for each in led.found} - {service.id} if led else set()
    return visit.page(
        "activity/trace.html",
        title=_TITLE,
        form=form,
        led=led,
        refusal=_refusal(led.refusal) if led and led.refusal else None,
        found=rows.rows(visit, led.found, service.time_zone) if led else [],
        services=[services[each] for each in of_others],
        limit=MAX_CHARACTERS,
    )


async def look(visit: Visit) -> Response:
    form = await visit.form()
    if not form["pasted"].strip():
        return visit.invalid(PATH, {"pasted": _EMPTY})
    if len(form["pasted"]) > MAX_CHARACTERS:
        return visit.invalid(PATH, {"pasted": _LONG})
    visit.keep(form)
    return visit.to(PATH)


async def _services(visit: Visit) -> dict[UUID, str]:
    """Those whose activity they may view, by id; this page's is one of them."""
    async with visit.site.database.read() as connection:
        mine = await memberships.of_user(connection, visit.site.settings.limits, visit.the_user.id)
    found = {
        service.id: service.name_in(visit.language)
        for service, member in mine
        if Permission.VIEW_ACTIVITY in member.permissions
    }
    return found | {visit.the_service.id: visit.the_service.name_in(visit.language)}


def _refusal(refused: Reply) -> dict[str, Text]:
    return {"cause": Text(refused.cause), "cure": Text(refused.cure)}


ROUTES = (
    Route("GET", PATH, show, Permission.VIEW_ACTIVITY),
    Route("POST", PATH, look, Permission.VIEW_ACTIVITY),
)

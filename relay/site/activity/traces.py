"""Trace: paste what you have of a message, and see where it went. What is pasted is kept as the form's draft."""

from starlette.responses import Response

from auth.people.permissions import Permission
from messages.reply import Reply
from messages.text import Text
from relay.actions.tracing import MAX_CHARACTERS, Trace, trace
from relay.site.activity import rows
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = "services/{service_id}/trace"
_TITLE = Text("Trace a message")
_EMPTY = Text("Paste a reply, an id, a Message-ID, an address, a number or a reference")
_LONG = Text("Paste at most {limit} characters", {"limit": MAX_CHARACTERS})


async def show(visit: Visit) -> Response:
    service = visit.service
    assert service is not None
    form, led = visit.filled(), None
    if form.value("pasted").strip() and not form.errors:
        led = await _trace(visit, form.value("pasted"))
    return visit.page(
        "activity/trace.html",
        title=_TITLE,
        form=form,
        led=led,
        refusal=_refusal(led.refusal) if led and led.refusal else None,
        found=rows.rows(visit, led.found, service.time_zone) if led else [],
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


async def _trace(visit: Visit, pasted: str) -> Trace:
    assert visit.service is not None
    return await trace(visit.site.searching, pasted, [visit.service.id])


def _refusal(refused: Reply) -> dict[str, Text]:
    return {"cause": Text(refused.cause), "cure": Text(refused.cure)}


ROUTES = (
    Route("GET", PATH, show, Permission.VIEW_ACTIVITY),
    Route("POST", PATH, look, Permission.VIEW_ACTIVITY),
)

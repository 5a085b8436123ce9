"""What a service is told, where, how that goes, and the last calls with what was answered."""

from typing import Any

from starlette.responses import Response

from auth.people.permissions import Permission
from delivery.store.base import CallbackKind
from messages.text import Text
from relay.actions import callbacks
from relay.actions.callbacks import Delivery, Overview
from relay.notices.callbacks import why
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = "services/{service_id}/callbacks"
ONE = PATH + "/{kind}"
TITLE = Text("Callbacks")
KINDS = {
    CallbackKind.STATUS: Text("What became of messages"),
    CallbackKind.COMPLAINT: Text("Complaints"),
    CallbackKind.INBOUND: Text("Text messages that come in"),
}
_OUTCOMES = {
    "done": (Text("Received"), "good"),
    "deferred": (Text("Will be called again"), "wait"),
    "failed": (Text("Failed"), "bad"),
    "removed": (Text("Callback removed"), "plain"),
}
_MESSAGE = "services/{service_id}/messages/{message_id}"


async def show(visit: Visit) -> Response:
    service = visit.the_service
    async with visit.site.reading(visit.actor) as t:
        found = [(kind, await callbacks.overview(t, str(service.id), kind=kind)) for kind in KINDS]
        made = await callbacks.deliveries(t, str(service.id))
    return visit.page(
        "callbacks/overview.html",
        title=TITLE,
        kinds=[_kind(visit, kind, each) for kind, each in found],
        calls=[_call(visit, each) for each in made],
        zone=service.time_zone,
        contact=service.contact,
    )


def _kind(visit: Visit, kind: CallbackKind, found: Overview | None) -> dict[str, Any]:
    word, mark = state(found)
    return {
        "label": KINDS[kind],
        "path": visit.url(ONE, kind=kind.value),
        "host": found.host if found else "",
        "word": word,
        "mark": mark,
        "waiting": found.backlog.waiting if found else 0,
    }


def state(found: Overview | None) -> tuple[Text, str]:
    if found is None:
        return Text("Not set"), "plain"
    if found.health.suspended_at is not None:
        return Text("Suspended"), "bad"
    if found.health.first_failed_at is not None:
        return Text("Failing"), "wait"
    return Text("Works"), "good"


def _call(visit: Visit, made: Delivery) -> dict[str, Any]:
    word, mark = _OUTCOMES[made.outcome.value]
    return {
        "at": made.called_at,
        "about": KINDS[made.kind],
        "url": visit.url(_MESSAGE, message_id=made.message_id) if made.message_id else "",
        "word": word,
        "mark": mark,
        "answer": str(made.http_status) if made.http_status else "",
        "why": why(made.reason) if made.reason else None,
        "seconds": made.seconds,
        "attempts": made.attempts,
        "next_at": made.next_at,
    }


ROUTES = (Route("GET", PATH, show, Permission.MANAGE_API_KEYS),)

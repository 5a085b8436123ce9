"""The list, newest first, by reason: the service's own entries, since those of others are no business of it."""

from collections.abc import Mapping

from starlette.responses import Response

from auth.people.permissions import Permission
from messages.message import parse_id
from messages.text import Text
from relay.actions import suppressions
from relay.actions.suppressions import Reason
from relay.site.routing import Route
from relay.site.visits import Visit

PATH = "services/{service_id}/suppressions"
PAGE = 50
_ALL = ""
REASONS: Mapping[Reason, Text] = {
    Reason.BOUNCE: Text("Mail came back"),
    Reason.COMPLAINT: Text("Reported as spam"),
    Reason.OPT_OUT: Text("Answered STOP"),
    Reason.BY_HAND: Text("By hand"),
}
_NOBODY, _NOBODY_FOR_IT = Text("Nobody is on the list."), Text("Nobody is on the list for this reason.")
_TABS: Mapping[str, Text] = {_ALL: Text("All")} | {each.value: text for each, text in REASONS.items()}


async def show(visit: Visit) -> Response:
    query = visit.request.query_params
    asked = query.get("reason", _ALL) if query.get("reason") in _TABS else _ALL
    reason, older_than = Reason(asked) if asked else None, parse_id(query.get("older"))
    async with visit.reading() as t:
        found = await suppressions.page(
            t, str(visit.the_service.id), reason=reason, older_than=older_than, limit=PAGE + 1
        )
    shown = found[:PAGE]
    return visit.page(
        "suppressions/list.html",
        title=Text("Suppression list"),
        tabs=[(visit.say(label), _url(visit, name), name == asked) for name, label in _TABS.items()],
        nobody=_NOBODY_FOR_IT if asked else _NOBODY,
        found=[(each, REASONS[each.reason]) for each in shown],
        newest=_url(visit, asked) if older_than else "",
        older=_url(visit, asked, older=shown[-1].id) if len(found) > PAGE else "",
    )


def _url(visit: Visit, reason: str, **query: object) -> str:
    return visit.url(PATH, **({"reason": reason} if reason else {}), **query)


ROUTES = (Route("GET", PATH, show, Permission.MANAGE_SERVICE),)

"""The keys of a service: which there are, when each was used last, and when it ends."""

from starlette.responses import Response

from auth import keys
from auth.people.permissions import Permission
from auth.principal import Key
from delivery.figures.moments import Figures
from messages.message import KeyType, parse_id
from messages.text import Text
from relay.site.dashboard.overview import days_back
from relay.site.routing import Route
from relay.site.visits import Visit

PER_PAGE = 50
PATH = "services/{service_id}/keys"
TYPES: dict[KeyType, Text] = {
    KeyType.NORMAL: Text("Live"),
    KeyType.TEAM: Text("Team and guest list"),
    KeyType.TEST: Text("Test"),
    KeyType.ADMIN: Text("Administration"),
}
_ENDED, _REVOKED, _ENDS, _WORKS = Text("Ended"), Text("Revoked"), Text("Ends soon"), Text("Works")
_SOON_SECONDS = 14 * 24 * 3600.0


async def show(visit: Visit) -> Response:
    before = parse_id(visit.request.query_params.get("before", ""))
    async with visit.site.database.read() as connection:
        limits, secret = visit.site.settings.limits, visit.site.secret
        found = await keys.newest(connection, secret, limits, visit.the_service.id, before=before, at_most=PER_PAGE + 1)
    week = days_back(visit.now, visit.the_service.time_zone, 6)
    sent = await visit.site.counts.keys(visit.the_service.id, week)
    shown = found[:PER_PAGE]
    older = visit.url(PATH, before=shown[-1].id) if len(found) > PER_PAGE else None
    return visit.page(
        "keys/list.html",
        title=Text("Keys"),
        keys=[(key, TYPES[key.type], _accepted(sent.get(key.id)), *state(key, visit.now)) for key in shown],
        newer=visit.url(PATH) if before else None,
        older=older,
    )


def state(key: Key, now: float) -> tuple[Text, str, bool]:
    """In a word, with the kind of status that it is; and whether the key can be used and changed."""
    if key.revoked_at is not None:
        return _REVOKED, "bad", False
    if key.is_revoked(now):
        return _ENDED, "bad", False
    if key.expires_at is not None and key.expires_at - now < _SOON_SECONDS:
        return _ENDS, "wait", True
    return _WORKS, "good", True


def _accepted(figures: Figures | None) -> int:
    return 0 if figures is None else figures.accepted


ROUTES = (Route("GET", PATH, show, Permission.MANAGE_API_KEYS),)

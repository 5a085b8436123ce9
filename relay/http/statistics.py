"""The route of a service's own counts."""

from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from delivery.figures.windows import MAX_DAYS, By, Ends, Window, Windows
from messages.message import KeyType
from messages.status import Status
from messages.text import Text
from relay.http import responses
from relay.http.documentation import failures
from relay.http.errors import ApiError
from relay.http.management.desk import Desk
from relay.http.requests import StatisticsQuery

_BACKWARDS = Text("until is before since")
_TOO_LONG = Text("a window has at most {limit} days: ask for less at a time")
_WEEK = timedelta(days=6)
_ENDS = (
    *(Status.DELIVERED, Status.TEMPORARY_FAILURE, Status.PERMANENT_FAILURE, Status.TECHNICAL_FAILURE),
    Status.CANCELLED,
)


def routes(desk: Desk, windows: Windows) -> APIRouter:
    router = APIRouter(tags=["Messages"])

    @router.get(
        "/v2/statistics",
        summary="Get statistics",
        response_model=None,
        responses={200: {"model": responses.Statistics}, **failures(400, 401, 403, 429, 500, 503)},
    )
    async def get_statistics(
        principal: Annotated[Principal, Depends(desk.authentication)], query: Annotated[StatisticsQuery, Query()]
    ) -> Response:
        """How many messages were accepted in a window of days, and what has become of them until now, by channel, door,
        template or key; the 1,000 most used. A test key is told of what test keys sent, any other of all the rest.
        Days are those of the service's time zone. More than two months back, months are counted as a whole: the window
        is widened to begin and end with one."""
        window = _window(query.since, query.until, principal.service.time_zone, desk.now())
        await desk.visit(principal)  # it costs as much as a call that changes something
        found = await windows.read(principal.service.id, By(query.by), window, tests=principal.key.type is KeyType.TEST)
        return JSONResponse(
            {
                "by": query.by,
                "since": window.first.isoformat(),
                "until": window.last.isoformat(),
                "time_zone": window.zone,
                "statistics": [_row(named, ends) for named, ends in found.items()],
            }
        )

    return router


def _window(since: date | None, until: date | None, zone: str, now: float) -> Window:
    """Without dates the last seven days. Raises ApiError."""
    last = until or max(datetime.fromtimestamp(now, ZoneInfo(zone)).date(), since or date.min)
    first = since or last - _WEEK
    if last < first:
        raise ApiError.invalid([_BACKWARDS])
    if (last - first).days >= MAX_DAYS:
        raise ApiError.invalid([Text(_TOO_LONG.source, {"limit": MAX_DAYS})])
    return Window.of(first, last, zone, now)


def _row(named: str, ends: Ends) -> dict[str, str | int]:
    statuses = {status.value: ends.statuses.get(status, 0) for status in _ENDS}
    return {"of": named, "accepted": ends.accepted, "under-way": ends.under_way, **statuses, "text_parts": ends.parts}

"""The dashboard of a service, its usage month by month, and the stream behind it."""

import math
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from auth import keys, usage
from auth.fiscal_year import FiscalYear
from auth.people.permissions import Permission
from auth.principal import Service
from delivery.descriptions import status_description
from delivery.figures.moments import NOTHING, Figures, Moment, grouped, since
from delivery.figures.spans import Span
from delivery.library import templates
from delivery.store.base import Search
from messages.message import Channel
from messages.status import FINAL, Status
from messages.text import Text
from relay.site.activity.rows import MESSAGE
from relay.site.dashboard.chart import chart
from relay.site.dashboard.live import Live, Viewer
from relay.site.dashboard.overview import days, days_back, overview, period
from relay.site.errors import Missing
from relay.site.navigation import Link
from relay.site.routing import Needs, Route
from relay.site.services import holds
from relay.site.visits import Visit

PATH, USAGE, LIVE = "services/{service_id}", "services/{service_id}/usage", "services/{service_id}/live"
DAYS = 30
_LISTED = 10
_YEARS = 3  # this fiscal year and two before
_LIMITS = {
    ("year", "emails"): Text("Emails this fiscal year"),
    ("day", "emails"): Text("Emails today"),
    ("year", "parts"): Text("Parts of text messages this fiscal year"),
    ("day", "parts"): Text("Parts of text messages today"),
    ("day", "tests"): Text("Messages of test keys today"),
}


async def show(visit: Visit) -> Response:
    service, counts, now = visit.the_service, visit.site.counts, visit.now
    zone = service.time_zone
    year, month = FiscalYear.at(now, zone), days_back(now, zone, DAYS - 1)
    moments = await counts.moments(service.id, min(year.starts_at(zone), month))
    week = days_back(now, zone, 6)
    found = overview(moments, zone, now)
    shown_days = days(moments, zone, now, DAYS)
    return visit.page(
        "dashboard/dashboard.html",
        title=Text("Dashboard"),
        waiting=await holds.waiting(visit),
        overview=found,
        hours=chart(found.hours),
        days=chart(shown_days),
        day_bars=shown_days,
        year=period(since(moments, year.starts_at(zone))),
        year_name=str(year),
        zone=zone,
        read_at=now,
        templates=await _templates(visit, service, week),
        latest=await _latest(visit, service),
        keys=await _keys(visit, service, await counts.keys(service.id, week)),
        activity=Link("services/{service_id}/activity", Text("All messages"), Needs.SIGNED_IN),
        usage_path=USAGE,
        live_path=LIVE,
    )


async def _templates(visit: Visit, service: Service, week: int) -> list[tuple[str | Text, Figures]]:
    """The most used ones, with their names."""
    used = await visit.site.counts.templates(service.id, week, _LISTED)
    async with visit.site.database.read() as connection:
        names: dict[UUID, str | Text] = {**await templates.names(connection, [each for each, _ in used])}
    names[service.email_template_id] = Text("Emails that came by SMTP")
    names[service.sms_template_id] = Text("Text messages that came by SMTP")
    return [(names.get(template_id, Text("Unknown")), figures) for template_id, figures in used]


async def _latest(visit: Visit, service: Service) -> list[tuple[str, float, str, Text, str]]:
    """Its page, when and to whom, and what became of it."""
    messages = await visit.site.searching.find(Search(service_id=service.id), _LISTED)
    return [
        (
            visit.url(MESSAGE, service_id=service.id, message_id=each.message.id),
            each.message.created_at,
            str(each.message.recipient),
            status_description(each.message.channel, each.message.status, each.reason),
            _kind(each.message.status),
        )
        for each in messages
    ]


def _kind(status: Status) -> str:
    if status not in FINAL:
        return "wait"
    return {Status.DELIVERED: "good", Status.CANCELLED: "plain"}.get(status, "bad")


async def _keys(visit: Visit, service: Service, sent: dict[UUID, Figures]) -> list[dict[str, Any]]:
    """Those that are good, the one used last first."""
    async with visit.site.database.read() as connection:
        every = await keys.list_all(connection, visit.site.secret, visit.site.settings.limits, service.id)
    good = [each for each in every if each.revoked_at is None and (each.expires_at or math.inf) > visit.now]
    good.sort(key=lambda each: each.last_used_at or 0.0, reverse=True)
    return [
        {"name": each.name, "used_at": each.last_used_at, "figures": sent.get(each.id, NOTHING)}
        for each in good[:_LISTED]
    ]


async def months(visit: Visit) -> Response:
    service, now = visit.the_service, visit.now
    zone, current = service.time_zone, FiscalYear.at(now, service.time_zone)
    year = _year(visit.request.query_params.get("year", str(current.begins_in)), current)
    moments = await visit.site.counts.moments(service.id, year.starts_at(zone))
    async with visit.site.database.read() as connection:
        used = await usage.of_service(connection, service, now)
    return visit.page(
        "dashboard/usage.html",
        title=Text("Usage"),
        months=_months([each for each in moments if each.start < year.ends_at(zone)], zone, year, now),
        limits=[(_LIMITS[each.period, each.counts], each) for each in used],
        year=year,
        years=[FiscalYear(current.begins_in - back) for back in range(_YEARS)],
        is_current=year == current,
        zone=zone,
    )


def _year(text: str, current: FiscalYear) -> FiscalYear:
    """Raises Missing for one that has no page."""
    found = {str(current.begins_in - back): FiscalYear(current.begins_in - back) for back in range(_YEARS)}
    if text not in found:
        raise Missing
    return found[text]


def _months(
    moments: Sequence[Moment], zone: str, year: FiscalYear, now: float
) -> list[tuple[int, dict[Channel, Figures]]]:
    """Each that has begun, with what was accepted in it by each channel."""
    counted = grouped(moments, lambda each: (Span.MONTH.begins(each.start, zone), each.channel))
    found, at = [], year.starts_at(zone)
    while at < min(year.ends_at(zone), now):
        found.append((at, {channel: counted.get((at, channel), NOTHING) for channel in Channel}))
        at = Span.MONTH.begins(at + 32 * 86_400, zone)
    return found


async def stream(visit: Visit) -> Response:
    """204 tells a browser not to come back: where there is no room it shows what it has, and a link."""
    viewer = Viewer(visit.the_user.id, visit.the_session.id, visit.the_service, visit.language)
    return _Stream(visit.site.live, viewer) if visit.site.live.has_room(viewer) else Response(status_code=204)


class _Stream(Response):
    """Whoever goes is forgotten, whether or not anything was sent."""

    media_type = "text/event-stream"

    def __init__(self, live: Live, viewer: Viewer) -> None:
        super().__init__()
        self._live = live
        self._viewer = viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Proxies are not to collect it.
        headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
        with self._live.watching(self._viewer) as events:
            await StreamingResponse(events, media_type=self.media_type, headers=headers)(scope, receive, send)


ROUTES = (
    Route("GET", PATH, show, Permission.VIEW_ACTIVITY),
    Route("GET", USAGE, months, Permission.VIEW_ACTIVITY),
    Route("GET", LIVE, stream, Permission.VIEW_ACTIVITY, live=True),
)

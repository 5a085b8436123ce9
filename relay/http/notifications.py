"""The routes of what was sent: one message, or a page of them."""

import asyncio
import json
from collections.abc import Callable
from typing import Annotated, Protocol
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from delivery.store.base import CONTENT_SECONDS, Found, Search
from messages.message import Channel
from messages.status import Status
from messages.text import Translate
from relay.http import responses
from relay.http.authentication import Authentication
from relay.http.documentation import failures
from relay.http.errors import NOT_FOUND, ApiError
from relay.http.presenting import Bodies, Body, Links, notification
from relay.http.requests import ListQuery, Uuid

PAGE = 250

_FAILED = frozenset({Status.TECHNICAL_FAILURE, Status.TEMPORARY_FAILURE, Status.PERMANENT_FAILURE})

Translator = Callable[[Request], Translate]


class Searching(Protocol):
    """What these need of delivery.store.searching."""

    async def find(self, search: Search, limit: int) -> list[Found]: ...


def routes(
    authentication: Authentication,
    searching: Searching,
    bodies: Bodies,
    links: Links,
    translator: Translator,
    now: Callable[[], float],
) -> APIRouter:
    """`translator` knows the language of whoever asks; `now` gives seconds since the epoch."""
    router = APIRouter(prefix="/v2/notifications", tags=["Messages"])
    pages = _Pages(searching, bodies, links, now)

    @router.get(
        "/{notification_id}",
        summary="Get one message",
        response_model=None,
        responses={200: {"model": responses.Notification}, **failures(400, 401, 403, 404, 429, 500, 503)},
    )
    async def get_notification(
        request: Request,
        principal: Annotated[Principal, Depends(authentication)],
        notification_id: Annotated[Uuid, Path(description="The message's id, from the answer to sending it")],
    ) -> Response:
        """What became of one message of the service, whichever key or door it came by; SMTP mail, too."""
        found = await searching.find(Search(message_id=notification_id, service_id=principal.service.id), 1)
        if not found:
            raise ApiError.of(NOT_FOUND)
        return await pages.one(found[0], translator(request))

    @router.get(
        "",
        summary="List messages",
        response_model=None,
        responses={200: {"model": responses.Notifications}, **failures(400, 401, 403, 429, 500, 503)},
    )
    async def list_notifications(
        request: Request,
        principal: Annotated[Principal, Depends(authentication)],
        query: Annotated[ListQuery, Query()],
    ) -> Response:
        """Messages of the last seven days sent with keys of the same type, newest first, 250 a page.

        An admin key, which sends nothing, sees those of all types.
        """
        return await pages.page(principal, query, request.query_params.multi_items(), translator(request))

    return router


class _Pages:
    def __init__(self, searching: Searching, bodies: Bodies, links: Links, now: Callable[[], float]) -> None:
        self._searching = searching
        self._bodies = bodies
        self._links = links
        self._now = now

    async def one(self, found: Found, translate: Translate) -> Response:
        bodies = await self._bodies.load([found.message])
        return JSONResponse(notification(found, bodies.get(found.message.id, Body()), self._links, translate))

    async def page(
        self, principal: Principal, query: ListQuery, asked: list[tuple[str, str]], translate: Translate
    ) -> Response:
        search = _search(principal, query, self._now() - CONTENT_SECONDS)
        found = await self._searching.find(search, PAGE) if search else []
        bodies = await self._bodies.load([each.message for each in found])
        links = {"current": self._link(asked)}
        if found:  # clients read it on every page that has something, and stop at the first that has nothing
            older = [(name, value) for name, value in asked if name != "older_than"]
            links["next"] = self._link([*older, ("older_than", str(found[-1].message.id))])

        def answer() -> bytes:
            shown = [notification(each, bodies.get(each.message.id, Body()), self._links, translate) for each in found]
            return json.dumps({"notifications": shown, "links": links}).encode("ascii")

        # A page can have megabytes: others go on meanwhile.
        return Response(await asyncio.to_thread(answer), media_type="application/json")

    def _link(self, query: list[tuple[str, str]]) -> str:
        return f"{self._links.root}v2/notifications" + (f"?{urlencode(query)}" if query else "")


def _search(principal: Principal, query: ListQuery, since: float) -> Search | None:
    """None: nothing of ours can fit, such as letters."""
    channels = {Channel(each) for each in query.template_type if each in set(Channel)}
    statuses: set[Status] = set()
    for name in query.status:
        statuses |= _FAILED if name == "failed" else {status for status in Status if status == name}
    if (query.template_type and not channels) or (query.status and not statuses):
        return None
    return Search(
        reference=query.reference,
        service_id=principal.service.id,
        key_type=principal.key.type if principal.key.type.sends else None,
        channels=frozenset(channels) or None,
        statuses=frozenset(statuses) or None,
        since=since,
        older_than=query.older_than,
        jobs=query.include_jobs.lower() == "true",
    )

"""The route of what became of messages: for whoever asks instead of being called, or missed a call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Protocol
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from delivery.store.base import CONTENT_SECONDS
from messages.message import KeyType
from relay.http import responses
from relay.http.authentication import Authentication
from relay.http.documentation import failures
from relay.http.presenting import Links
from relay.http.requests import EventsQuery, position_of

PAGE = 250


class Feed(Protocol):
    """What this needs of delivery.callbacks.feed."""

    async def page(
        self, service_id: UUID, key_type: KeyType, after: int, since: float, limit: int
    ) -> tuple[Sequence[Mapping[str, Any]], int | None]: ...


def routes(authentication: Authentication, feed: Feed, links: Links, now: Callable[[], float]) -> APIRouter:
    """`now` gives seconds since the epoch."""
    router = APIRouter(tags=["Messages"])

    @router.get(
        "/v2/events",
        summary="List events",
        response_model=None,
        responses={200: {"model": responses.Events}, **failures(400, 401, 403, 429, 500, 503)},
    )
    async def list_events(
        principal: Annotated[Principal, Depends(authentication)], query: Annotated[EventsQuery, Query()]
    ) -> Response:
        """What callbacks tell of messages sent with keys of the same type, whether or not a URL is set: the last seven
        days, oldest first, 250 a page. Follow `links.next` until a page is empty; ask that last link again later for
        what is new."""
        after, since = position_of(query.after), now() - CONTENT_SECONDS
        events, last = await feed.page(principal.service.id, principal.key.type, after, since, PAGE)
        shown = {"current": _link(links, query.after)}
        if last is not None:
            shown["next"] = _link(links, f"{last:016x}")
        return JSONResponse({"events": list(events), "links": shown})

    return router


def _link(links: Links, after: str | None) -> str:
    return f"{links.root}v2/events" + (f"?{urlencode({'after': after})}" if after is not None else "")

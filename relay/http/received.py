"""The route of texts that came in to a service's numbers."""

from collections.abc import Sequence
from typing import Annotated, Protocol
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from delivery.descriptions import timestamp
from delivery.store.base import InboundText
from relay.http import responses
from relay.http.authentication import Authentication
from relay.http.documentation import failures
from relay.http.presenting import Links
from relay.http.requests import ReceivedQuery

PAGE = 250


class Received(Protocol):
    """What this needs of delivery.store.inbound."""

    async def page(self, service_id: UUID, older_than: UUID | None, limit: int) -> Sequence[InboundText]: ...


def routes(authentication: Authentication, received: Received, links: Links) -> APIRouter:
    router = APIRouter(prefix="/v2", tags=["Messages"])
    address = f"{links.root}v2/received-text-messages"

    @router.get(
        "/received-text-messages",
        summary="List received texts",
        response_model=None,
        responses={200: {"model": responses.ReceivedTexts}, **failures(400, 401, 403, 429, 500, 503)},
    )
    async def get_received_texts(
        principal: Annotated[Principal, Depends(authentication)], query: Annotated[ReceivedQuery, Query()]
    ) -> Response:
        """Texts that people sent to the service's number, for as long as contents are kept, newest first, 250 a page.

        To a number that several services share: those that answer the service's texts.
        """
        found = await received.page(principal.service.id, query.older_than, PAGE)
        asked = {"older_than": str(query.older_than)} if query.older_than else {}
        shown = {"current": _link(address, asked)}
        if found:  # clients read it on every page that has something, and stop at the first that has nothing
            shown["next"] = _link(address, {"older_than": str(found[-1].id)})
        return JSONResponse({"received_text_messages": list(map(_text, found)), "links": shown})

    return router


def _link(address: str, query: dict[str, str]) -> str:
    return address + (f"?{urlencode(query)}" if query else "")


def _text(text: InboundText) -> dict[str, str | None]:
    return {
        "id": str(text.id),
        "created_at": timestamp(text.received_at),
        "service_id": str(text.service_id),
        "notify_number": text.destination_number,
        "user_number": text.source_number,
        "content": text.message,
    }

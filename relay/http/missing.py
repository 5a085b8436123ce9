"""The calls of Notify's clients that are not offered yet: each says so, to who has a key, instead of "not found".

A rejection that no client tries again. With a route each, so that the OpenAPI document says the same.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path
from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.http import errors
from relay.http.authentication import Authentication
from relay.http.documentation import failures
from relay.http.errors import ApiError, Rejection
from relay.http.requests import Uuid

_CALLS: tuple[tuple[str, str, str, str, Rejection], ...] = (
    ("POST", "/v2/notifications/sms", "send_sms", "Send a text message", errors.NO_SMS),
    ("POST", "/v2/notifications/letter", "send_letter", "Send a letter", errors.NO_LETTERS),
    ("POST", "/v2/notifications/bulk", "send_bulk", "Send to a list", errors.NO_BULK),
    ("GET", "/v2/notifications/{id}/pdf", "get_pdf_for_letter", "Get the PDF of a letter", errors.NO_LETTERS),
    ("GET", "/v2/received-text-messages", "get_received_texts", "List received text messages", errors.NO_RECEIVED),
    ("POST", "/v2/template/{id}/preview", "preview_template", "Preview a template", errors.NO_PREVIEW),
)


def routes(authentication: Authentication, docs: str) -> APIRouter:
    """To be added before what takes `sms` for a message's id."""
    router = APIRouter(tags=["Not offered yet"], dependencies=[Depends(authentication)])
    for method, path, name, summary, rejection in _CALLS:
        router.add_api_route(
            path,
            (_refusing_one if "{id}" in path else _refusing)(rejection, docs),
            methods=[method],
            name=name,
            summary=summary,
            status_code=400,
            response_model=None,
            description="Not offered yet.",
            responses=failures(400, 401, 403, 429, 500, 503),
        )
        if path.count("/") == 3 and method == "POST":  # or its end would be taken for a message's id
            router.add_api_route(path, _not_allowed, methods=["GET"], include_in_schema=False)
    return router


def _refusing(rejection: Rejection, docs: str) -> Callable[[], Awaitable[Response]]:
    async def refuse() -> Response:
        raise ApiError.of(rejection, docs=docs)

    return refuse


def _refusing_one(rejection: Rejection, docs: str) -> Callable[[UUID], Awaitable[Response]]:
    async def refuse(_: Annotated[Uuid, Path(alias="id", description="Whose it is")]) -> Response:
        raise ApiError.of(rejection, docs=docs)

    return refuse


async def _not_allowed() -> Response:
    raise HTTPException(405, headers={"Allow": "POST"})

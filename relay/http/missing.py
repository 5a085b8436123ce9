"""The calls of Notify's clients that are not offered yet: each says so, to who has a key, instead of "not found".

A failure that no client tries again. With a route each, so that the OpenAPI document says the same.
"""

from collections.abc import Callable

from fastapi import APIRouter, Depends
from starlette.responses import Response

from relay.http import errors
from relay.http.authentication import Authentication
from relay.http.documentation import failures
from relay.http.errors import ApiError, Failure

_CALLS: tuple[tuple[str, str, str, Failure], ...] = (
    ("POST", "/v2/notifications/sms", "send_sms", errors.NO_SMS),
    ("POST", "/v2/notifications/letter", "send_letter", errors.NO_LETTERS),
    ("POST", "/v2/notifications/bulk", "send_bulk", errors.NO_BULK),
    ("GET", "/v2/notifications/{id}/pdf", "get_pdf_for_letter", errors.NO_LETTERS),
    ("GET", "/v2/received-text-messages", "get_received_texts", errors.NO_RECEIVED),
    ("POST", "/v2/template/{id}/preview", "preview_template", errors.NO_PREVIEW),
)


def routes(authentication: Authentication, docs: str) -> APIRouter:
    """To be added before what takes `sms` for a message's id."""
    router = APIRouter(tags=["Not offered yet"], dependencies=[Depends(authentication)])
    for method, path, name, failure in _CALLS:
        router.add_api_route(
            path,
            _refusing(failure, docs),
            methods=[method],
            name=name,
            status_code=400,
            response_model=None,
            description="Not offered yet.",
            responses=failures(400, 401, 403, 429, 500, 503),
        )
    return router


def _refusing(failure: Failure, docs: str) -> Callable[[], Response]:
    def refuse() -> Response:
        raise ApiError.of(failure, docs=docs)

    return refuse

"""The calls of Notify's clients that are not offered: each says so, and what to do, instead of "not found".

A rejection that no client tries again. With a route each, so that the OpenAPI document says the same.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from auth.principal import Principal
from delivery.store.base import Search
from messages.message import KeyType
from relay.http import errors
from relay.http.authentication import Authentication
from relay.http.documentation import failures
from relay.http.errors import ApiError, Rejection
from relay.http.notifications import Searching
from relay.http.requests import Uuid

_CALLS: tuple[tuple[str, str, str, str, Rejection], ...] = (
    ("POST", "/v2/notifications/bulk", "send_bulk", "Send to a list", errors.NO_BULK),
    ("POST", "/v2/reports", "request_report", "Request a report", errors.NO_REPORTS),
    ("GET", "/v2/reports", "list_reports", "List reports", errors.NO_REPORTS),
    ("GET", "/v2/reports/{id}", "get_report", "Get a report", errors.NO_REPORTS),
    ("GET", "/v2/reports/{id}/content", "get_report_content", "Get what a report says", errors.NO_REPORTS),
    ("POST", "/v2/manage-template-folder", "create_folder", "Create a folder of templates", errors.NO_FOLDERS),
    ("GET", "/v2/manage-template-folder/{id}", "get_folder", "Get a folder of templates", errors.NO_FOLDERS),
    ("PATCH", "/v2/manage-template-folder/{id}", "change_folder", "Change a folder of templates", errors.NO_FOLDERS),
    ("DELETE", "/v2/manage-template-folder/{id}", "remove_folder", "Remove a folder of templates", errors.NO_FOLDERS),
    (
        "GET",
        "/service/{service_id}/template/{id}/versions",
        "get_all_template_versions",
        "List the versions of a template by the old path",
        errors.NO_LEGACY_VERSIONS,
    ),
)
_Id = Annotated[Uuid, Path(alias="id", description="Whose it is")]


def routes(authentication: Authentication, searching: Searching, docs: str) -> APIRouter:
    router = APIRouter(tags=["Not offered"], dependencies=[Depends(authentication)])
    for method, path, name, summary, rejection in _CALLS:
        router.add_api_route(
            path,
            _refusing(rejection, docs, path.count("{")),
            methods=[method],
            name=name,
            summary=summary,
            status_code=400,
            response_model=None,
            description="Not offered.",
            responses=failures(400, 401, 403, 429, 500, 503),
        )

    @router.post(
        "/v2/notifications/letter",
        summary="Send a letter",
        status_code=400,
        response_model=None,
        responses=failures(400, 401, 403, 429, 500, 503),
    )
    async def send_letter(principal: Annotated[Principal, Depends(authentication)]) -> Response:
        """Not offered: no service may send letters."""
        if principal.key.type is KeyType.TEAM:
            raise ApiError.of(errors.NO_LETTERS_OF_TEAM)
        if not principal.service.live and principal.key.type is not KeyType.TEST:
            raise ApiError.of(errors.NO_LETTERS_IN_TRIAL)
        raise ApiError.of(errors.NO_LETTERS)

    @router.get(
        "/v2/notifications/{id}/pdf",
        summary="Get the PDF of a letter",
        status_code=400,
        response_model=None,
        responses=failures(400, 401, 403, 404, 429, 500, 503),
    )
    async def get_pdf_for_letter(principal: Annotated[Principal, Depends(authentication)], message_id: _Id) -> Response:
        """Of letters only, and there are none."""
        found = await searching.find(Search(message_id=message_id, service_id=principal.service.id), 1)
        raise ApiError.of(errors.NOT_A_LETTER if found else errors.NOT_FOUND)

    return router


def _refusing(rejection: Rejection, docs: str, ids: int) -> Callable[..., Awaitable[Response]]:
    async def refuse() -> Response:
        raise ApiError.of(rejection, docs=docs)

    async def refuse_one(_: _Id) -> Response:
        raise ApiError.of(rejection, docs=docs)

    async def refuse_of_service(
        _: _Id, __: Annotated[Uuid, Path(alias="service_id", description="Of which service")]
    ) -> Response:
        raise ApiError.of(rejection, docs=docs)

    return (refuse, refuse_one, refuse_of_service)[ids]

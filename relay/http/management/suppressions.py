"""The routes that manage whom a service must not write to: its own entries, and nobody else's."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import JSONResponse, Response

from messages.text import Text
from relay.actions import suppressions as changing
from relay.http.documentation import body, failures
from relay.http.management import shapes
from relay.http.management.desk import Desk, Visit
from relay.http.receiving import Receiving
from relay.http.requests import Uuid

_SUPPRESSIONS = Text("the suppression list")
_PAGE = 250


def routes(desk: Desk, receiving: Receiving) -> APIRouter:
    """A recipient is named in a body, never in a path: logs on the way keep those."""
    router = APIRouter(prefix="/v2/manage-suppression", tags=["Management: suppressions"])
    Admin = Annotated[Visit, desk.managing(_SUPPRESSIONS)]  # noqa: N806 - a type

    @router.get(
        "",
        summary="List suppressions",
        response_model=None,
        responses={200: {"model": shapes.Suppressions}, **failures(400, 401, 403, 429, 500, 503)},
    )
    async def list_suppressions(visit: Admin, asked: Annotated[shapes.SuppressionQuery, Query()]) -> Response:
        """Whom the service must not write to, newest first, 250 on a page. Entries that count for every service, and
        those of others, are not shown."""
        older, service = asked.older_than, str(visit.service.id)
        found = await visit.do(lambda t: changing.page(t, service, older_than=older, limit=_PAGE))
        return JSONResponse({"suppressions": [_shown(changing.described(each)) for each in found]})

    @router.post(
        "",
        summary="Add a suppression",
        status_code=201,
        response_model=None,
        responses={201: {"model": shapes.Suppression}, **failures(400, 401, 403, 408, 413, 415, 429, 500, 503)},
        openapi_extra=body(shapes.NewSuppression),
    )
    async def add_suppression(request: Request, visit: Admin) -> Response:
        """Send nothing more from the service to an address or number."""
        asked = await receiving.read(request, visit.principal, shapes.NewSuppression)
        added = await visit.do(lambda t: changing.add(t, str(visit.service.id), asked.recipient))
        return JSONResponse(_shown(changing.described(added)), 201)

    @router.post(
        "/find",
        summary="Find suppressions",
        response_model=None,
        responses={200: {"model": shapes.Suppressions}, **failures(400, 401, 403, 408, 413, 415, 429, 500, 503)},
        openapi_extra=body(shapes.NewSuppression),
    )
    async def find_suppressions(request: Request, visit: Admin) -> Response:
        """The service's entries about one address or number."""
        asked = await receiving.read(request, visit.principal, shapes.NewSuppression)
        found = await visit.do(lambda t: changing.about(t, asked.recipient, visit.service.id))
        return JSONResponse({"suppressions": [_shown(changing.described(each)) for each in found]})

    @router.delete(
        "/{id}",
        summary="Remove a suppression",
        response_model=None,
        responses={200: {"model": shapes.Done}, **failures(400, 401, 403, 404, 429, 500, 503)},
    )
    async def remove_suppression(
        visit: Admin, entry_id: Annotated[Uuid, Path(alias="id", description="The entry's id")]
    ) -> Response:
        """Send to that address or number again. Amazon's own list is cleared within seconds."""
        await visit.do(lambda t: changing.remove_entry(t, visit.service.id, entry_id))
        return JSONResponse({"result": "success"})

    return router


def _shown(described: Mapping[str, Any]) -> dict[str, Any]:
    return {name: described[name] for name in ("id", "recipient", "reason", "since", "until")}

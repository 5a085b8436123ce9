"""The routes that manage whom a team key, and a service in trial, may reach."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse, Response

from messages.text import Text
from relay.actions import guests as changing
from relay.http.documentation import body, failures
from relay.http.management import shapes
from relay.http.management.desk import Desk, Visit
from relay.http.receiving import Receiving
from relay.http.requests import Uuid

_GUESTS = Text("guests")


def routes(desk: Desk, receiving: Receiving) -> APIRouter:
    """A guest is named in a body, never in a path: logs on the way keep those."""
    router = APIRouter(prefix="/v2/manage-guest", tags=["Management: guests"])
    Admin = Annotated[Visit, desk.managing(_GUESTS)]  # noqa: N806 - a type

    @router.post(
        "",
        summary="Add a guest",
        status_code=201,
        response_model=None,
        responses={201: {"model": shapes.Guest}, **failures(400, 401, 403, 408, 413, 415, 429, 500, 503)},
        openapi_extra=body(shapes.NewGuest),
    )
    async def add_guest(request: Request, visit: Admin) -> Response:
        """Put an address or number on the guest list."""
        asked = await receiving.read(request, visit.principal, shapes.NewGuest)

        async def add(t: Any) -> dict[str, str]:
            guest = await changing.add(t, visit.service, asked.guest)
            entries = await changing.entries(t, visit.service)
            return next({"id": str(each), "guest": guest} for each, text in entries.items() if text == guest)

        return JSONResponse(await visit.do(add), 201)

    @router.get(
        "",
        summary="List guests",
        response_model=None,
        responses={200: {"model": shapes.Guests}, **failures(400, 401, 403, 429, 500, 503)},
    )
    async def list_guests(visit: Admin) -> Response:
        """The guest list."""
        entries = await visit.do(lambda t: changing.entries(t, visit.service))
        rows = [
            {"id": str(each), "guest": guest} for each, guest in sorted(entries.items(), key=lambda entry: entry[1])
        ]
        return JSONResponse({"guests": rows})

    @router.delete(
        "/{id}",
        summary="Remove a guest",
        response_model=None,
        responses={200: {"model": shapes.Done}, **failures(400, 401, 403, 404, 429, 500, 503)},
    )
    async def remove_guest(
        visit: Admin, entry_id: Annotated[Uuid, Path(alias="id", description="The entry's id")]
    ) -> Response:
        """Take an entry off the guest list."""
        await visit.do(lambda t: changing.remove_entry(t, visit.service, entry_id))
        return JSONResponse({"result": "success"})

    return router

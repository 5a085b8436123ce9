"""The routes that manage where the service hears what became of its messages."""

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from messages.text import Text
from relay.actions import callbacks as changing
from relay.http.documentation import body, failures
from relay.http.management import shapes
from relay.http.management.desk import Desk, Visit
from relay.http.receiving import Receiving
from relay.plain import plain

_CALLBACKS = Text("callbacks")


def routes(desk: Desk, receiving: Receiving) -> APIRouter:
    router = APIRouter(prefix="/v2/manage-callback", tags=["Management: callbacks"])
    Admin = Annotated[Visit, desk.managing(_CALLBACKS)]  # noqa: N806 - a type

    @router.put(
        "",
        summary="Set the callback",
        response_model=None,
        responses={
            200: {"model": shapes.IssuedCallback},
            **failures(400, 401, 403, 408, 413, 415, 429, 500, 503),
        },
        openapi_extra=body(shapes.NewCallback),
    )
    async def set_callback(request: Request, visit: Admin) -> Response:
        """Set the URL, or another one, with a new signing secret."""
        asked = await receiving.read(request, visit.principal, shapes.NewCallback)
        url, token = asked.url, asked.bearer_token
        issued = await visit.do(lambda t: changing.put(t, str(visit.service.id), url=url, bearer_token=token))
        shown = plain(issued.callback_url)
        del shown["service_id"]
        return JSONResponse(shown | {"signing_secret": issued.signing_secret})

    @router.get(
        "",
        summary="Get the callback",
        response_model=None,
        responses={200: {"model": shapes.Callback}, **failures(401, 400, 403, 404, 429, 500, 503)},
    )
    async def get_callback(visit: Admin) -> Response:
        """The URL, and what is still to be told there. Neither its token nor its secret."""
        found, backlog, health = await visit.do(lambda t: changing.look(t, str(visit.service.id)))
        shown = plain(found) | plain(backlog) | plain(health)
        del shown["service_id"]
        return JSONResponse(shown)

    @router.delete(
        "",
        summary="Remove the callback",
        response_model=None,
        responses={200: {"model": shapes.Done}, **failures(400, 401, 403, 404, 429, 500, 503)},
    )
    async def remove_callback(visit: Admin) -> Response:
        """Tell the service nothing more."""
        await visit.do(lambda t: changing.remove(t, str(visit.service.id)))
        return JSONResponse({"result": "success"})

    return router

"""The routes that manage where the service hears what became of its messages, of complaints, and of texts that came."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from delivery.store.base import CallbackKind
from messages.text import Text
from relay.actions import callbacks as changing
from relay.http.documentation import body, failures
from relay.http.management import shapes
from relay.http.management.desk import Desk, Visit, told
from relay.http.receiving import Receiving
from relay.plain import plain

_CALLBACKS = Text("callbacks")

Which = Annotated[shapes.CallbackQuery, Query()]


def routes(desk: Desk, receiving: Receiving) -> APIRouter:
    router = APIRouter(prefix="/v2/manage-callback", tags=["Management: callbacks"])
    Admin = Annotated[Visit, desk.managing(_CALLBACKS)]  # noqa: N806 - a type
    failing = failures(400, 401, 403, 404, 429, 500, 503)

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
        """Set the URL of a type, or another one, with a new signing secret. A new one is not suspended."""
        asked = await receiving.read(request, visit.principal, shapes.NewCallback)
        kind, url, token = CallbackKind(asked.type), asked.url, asked.bearer_token
        service = str(visit.service.id)
        issued = await visit.do(lambda t: changing.put(t, service, kind=kind, url=url, bearer_token=token))
        return JSONResponse(_shown(issued.callback_url) | {"signing_secret": issued.signing_secret})

    @router.get(
        "",
        summary="Get the callback",
        response_model=None,
        responses={200: {"model": shapes.Callback}, **failing},
    )
    async def get_callback(visit: Admin, which: Which) -> Response:
        """The URL of a type, what is still to be told there, and how it answers. Neither its token nor its secret."""
        service, kind = str(visit.service.id), CallbackKind(which.type)
        found, backlog, health = await visit.do(lambda t: changing.look(t, service, kind=kind))
        return JSONResponse(_shown(found) | plain(backlog) | plain(health))

    @router.delete(
        "",
        summary="Remove the callback",
        response_model=None,
        responses={200: {"model": shapes.Done}, **failing},
    )
    async def remove_callback(visit: Admin, which: Which) -> Response:
        """Tell the service nothing more of that type."""
        await visit.do(lambda t: changing.remove(t, str(visit.service.id), kind=CallbackKind(which.type)))
        return JSONResponse({"result": "success"})

    @router.post(
        "/test",
        summary="Try the callback",
        response_model=None,
        responses={200: {"model": shapes.CallbackTrial}, **failing},
    )
    async def try_callback(visit: Admin, which: Which) -> Response:
        """Call the URL once with {"health_check": "true"}, signed as every call is, and tell what it answered."""
        service, kind = str(visit.service.id), CallbackKind(which.type)
        receiver = await visit.do(lambda t: changing.receiver(t, service, kind=kind))
        with told():
            return JSONResponse(plain(await changing.call(receiver, desk.settings, desk.now())))

    @router.post(
        "/resume",
        summary="Resume the callback",
        response_model=None,
        responses={200: {"model": shapes.Done}, **failing},
    )
    async def resume_callback(visit: Admin, which: Which) -> Response:
        """Call a suspended or failing URL again at once, all that waits included."""
        await visit.do(lambda t: changing.resume(t, str(visit.service.id), kind=CallbackKind(which.type)))
        return JSONResponse({"result": "success"})

    return router


def _shown(found: Any) -> dict[str, Any]:
    row = plain(found)
    del row["service_id"]
    return {"type": row.pop("kind").value, **row}

"""The routes that cancel what still waits: a message, with any key of the service, and whole groups."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from messages.text import Text
from relay.actions import cancelling
from relay.http.documentation import failures
from relay.http.management import shapes
from relay.http.management.desk import Desk, Visit
from relay.http.requests import Uuid
from relay.plain import plain

_GROUPS = Text("groups")


def routes(desk: Desk) -> APIRouter:
    router = APIRouter(prefix="/v2")
    Admin = Annotated[Visit, desk.managing(_GROUPS)]  # noqa: N806 - a type
    failing = failures(400, 401, 403, 404, 429, 500, 503)

    @router.delete(
        "/notifications/{notification_id}",
        summary="Cancel a message",
        response_model=None,
        responses={200: {"model": shapes.Done}, **failing},
        tags=["Messages"],
    )
    async def cancel_notification(
        principal: Annotated[Principal, Depends(desk.authentication)],
        notification_id: Annotated[Uuid, Path(description="The message's id, from the answer to sending it")],
    ) -> Response:
        """Cancel a message that waits to be sent: one of this key's type; with an admin key, any of the service."""
        visit = await desk.visit(principal)
        key_type = principal.key.type if principal.key.type.sends else None
        await visit.do(lambda t: cancelling.cancel(t, notification_id, visit.service.id, key_type))
        return JSONResponse({"result": "success"})

    @router.delete(
        "/manage-group/{id}",
        summary="Cancel a group",
        response_model=None,
        responses={200: {"model": shapes.CancelledGroup}, **failing},
        tags=["Management: messages"],
    )
    async def cancel_group(
        visit: Admin, group_id: Annotated[Uuid, Path(alias="id", description="The group's id")]
    ) -> Response:
        """Cancel what still waits of a group: of one submission by SMTP, whose reply names it."""
        return JSONResponse(plain(await visit.do(lambda t: cancelling.cancel_group(t, group_id, visit.service.id))))

    return router

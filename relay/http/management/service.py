"""The routes that manage how long a service keeps what its messages say."""

from typing import Annotated

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from auth.principal import Service
from messages.text import Text
from relay.actions import services as changing
from relay.http.documentation import body, failures
from relay.http.management import shapes
from relay.http.management.desk import Desk, Visit
from relay.http.receiving import Receiving

_SETTINGS = Text("settings")


def routes(desk: Desk, receiving: Receiving) -> APIRouter:
    router = APIRouter(prefix="/v2/manage-service", tags=["Management: settings"])
    Admin = Annotated[Visit, desk.managing(_SETTINGS)]  # noqa: N806 - a type

    @router.get(
        "",
        summary="Get the settings",
        response_model=None,
        responses={200: {"model": shapes.Settings}, **failures(400, 401, 403, 429, 500, 503)},
    )
    async def get_settings(visit: Admin) -> Response:
        """How long what messages say is kept."""
        return JSONResponse(_shown(await visit.do(lambda t: t.service(str(visit.service.id)))))

    @router.put(
        "",
        summary="Change the settings",
        response_model=None,
        responses={200: {"model": shapes.Settings}, **failures(400, 401, 403, 408, 413, 415, 429, 500, 503)},
        openapi_extra=body(shapes.Settings),
    )
    async def set_settings(request: Request, visit: Admin) -> Response:
        """Keep what messages say, and texts that came, for so many days. It holds for what is kept now, too."""
        asked = await receiving.read(request, visit.principal, shapes.Settings)
        days = asked.content_days
        return JSONResponse(_shown(await visit.do(lambda t: changing.keep_content(t, str(visit.service.id), days))))

    return router


def _shown(service: Service) -> dict[str, int]:
    return {"content_days": service.content_days}

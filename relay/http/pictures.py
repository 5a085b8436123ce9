"""/branding: the pictures that mail shows by link, for mail readers everywhere.

A name is made of the picture's own octets: what it names never changes, and nothing else can be named.
"""

import re
from typing import Protocol

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from messages.picture import Picture

_NAME = re.compile(r"[0-9a-f]{32}\.(?:png|jpg|gif)", re.ASCII)
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Cross-Origin-Resource-Policy": "cross-origin",  # web mail shows it within its own pages
    "Content-Security-Policy": "default-src 'none'",
}


class Brandings(Protocol):
    """What the route needs of delivery.library.brandings."""

    async def picture(self, name: str) -> Picture | None: ...


def routes(brandings: Brandings) -> APIRouter:
    router = APIRouter()

    @router.api_route("/branding/{name}", methods=["GET", "HEAD"], include_in_schema=False)
    async def picture(name: str) -> Response:
        found = await brandings.picture(name) if _NAME.fullmatch(name) else None
        if found is None:
            raise HTTPException(404)
        return Response(found.octets, media_type=found.media_type, headers=_HEADERS)

    return router

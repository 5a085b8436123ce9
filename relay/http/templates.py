"""The routes of templates: get one, in a version, or all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from messages.message import Channel
from relay.http import responses
from relay.http.authentication import Authentication
from relay.http.documentation import failures
from relay.http.errors import NOT_FOUND, ApiError
from relay.http.presenting import Templates, template
from relay.http.requests import TemplatesQuery, Uuid

_TemplateId = Annotated[Uuid, Path(alias="id", description="The template's id")]
_MAX_VERSION = 2**31 - 1  # of the column


def routes(authentication: Authentication, templates: Templates) -> APIRouter:
    router = APIRouter(prefix="/v2", tags=["Templates"])

    async def find(principal: Principal, template_id: UUID, version: int | None = None) -> Response:
        found = None
        if version is None or version <= _MAX_VERSION:
            found = await templates.find(principal.service.id, template_id, version)
        if found is None:
            raise ApiError.of(NOT_FOUND)
        return JSONResponse(template(found, principal.service))

    one = {200: {"model": responses.FullTemplate}, **failures(400, 401, 403, 404, 429, 500, 503)}

    @router.get("/template/{id}", summary="Get a template", response_model=None, responses=one)
    async def get_template(
        principal: Annotated[Principal, Depends(authentication)], template_id: _TemplateId
    ) -> Response:
        """A template in its latest version."""
        return await find(principal, template_id)

    @router.get(
        "/template/{id}/version/{version}", summary="Get a version of a template", response_model=None, responses=one
    )
    async def get_template_version(
        principal: Annotated[Principal, Depends(authentication)],
        template_id: _TemplateId,
        version: Annotated[int, Path(ge=1, description="Which version, counted from 1", examples=[1])],
    ) -> Response:
        """A template as it was in one version."""
        return await find(principal, template_id, version)

    @router.get(
        "/templates",
        summary="List templates",
        response_model=None,
        responses={200: {"model": responses.Templates}, **failures(400, 401, 403, 429, 500, 503)},
    )
    async def list_templates(
        principal: Annotated[Principal, Depends(authentication)], query: Annotated[TemplatesQuery, Query()]
    ) -> Response:
        """The service's templates by name, each in its latest version."""
        channel = Channel(query.type) if query.type in set(Channel) else None
        found = [] if query.type and channel is None else await templates.list_all(principal.service.id, channel)
        return JSONResponse({"templates": [template(each, principal.service) for each in found]})

    return router

"""The routes of templates: get one, in a version, or all; and what one becomes when it is filled."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import JSONResponse, Response

from auth.principal import Principal
from messages import markdown
from messages.message import Channel
from messages.reply import Refused
from messages.template import Template, missing
from relay.actions import text_preview
from relay.http import responses
from relay.http.authentication import Authentication
from relay.http.documentation import body, failures
from relay.http.errors import NO_DOCUMENTS, NOT_FOUND, VALUES_MISSING, ApiError, Asker, of_refused
from relay.http.presenting import Templates, template
from relay.http.receiving import Receiving
from relay.http.requests import PreviewRequest, TemplatesQuery, Uuid
from relay.preparation import email as email_preparation

_TemplateId = Annotated[Uuid, Path(alias="id", description="The template's id")]
_MAX_VERSION = 2**31 - 1  # of the column


def routes(
    authentication: Authentication, templates: Templates, receiving: Receiving, docs: str, now: Callable[[], float]
) -> APIRouter:
    """`docs` is where a refusal sends its reader; `now` gives seconds since the epoch."""
    router = APIRouter(prefix="/v2", tags=["Templates"])

    async def find(principal: Principal, template_id: UUID, version: int | None = None) -> Template:
        found = None
        if version is None or version <= _MAX_VERSION:
            found = await templates.find(principal.service.id, template_id, version)
        if found is None:
            raise ApiError.of(NOT_FOUND)
        return found

    one = {200: {"model": responses.FullTemplate}, **failures(400, 401, 403, 404, 429, 500, 503)}

    @router.get("/template/{id}", summary="Get a template", response_model=None, responses=one)
    async def get_template(
        principal: Annotated[Principal, Depends(authentication)], template_id: _TemplateId
    ) -> Response:
        """A template in its latest version."""
        return JSONResponse(template(await find(principal, template_id), principal.service))

    @router.get(
        "/template/{id}/version/{version}", summary="Get a version of a template", response_model=None, responses=one
    )
    async def get_template_version(
        principal: Annotated[Principal, Depends(authentication)],
        template_id: _TemplateId,
        version: Annotated[int, Path(ge=1, description="Which version, counted from 1", examples=[1])],
    ) -> Response:
        """A template as it was in one version."""
        return JSONResponse(template(await find(principal, template_id, version), principal.service))

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

    @router.post(
        "/template/{id}/preview",
        summary="Preview a template",
        response_model=None,
        responses={
            200: {"model": responses.TemplatePreview},
            **failures(400, 401, 403, 404, 408, 413, 415, 429, 500, 503),
        },
        openapi_extra=body(PreviewRequest),
    )
    async def preview_template(
        request: Request,
        principal: Annotated[Principal, Depends(authentication)],
        template_id: _TemplateId,
    ) -> Response:
        """A template in its latest version, filled. Nothing is sent."""
        found = await find(principal, template_id)
        asked = await receiving.read(request, principal, PreviewRequest)
        try:
            return JSONResponse(await asyncio.to_thread(preview, found, asked.personalisation, principal))
        except Refused as refused:
            raise of_refused(refused, Asker(docs, principal), now()) from None

    return router


def preview(template: Template, personalisation: dict[str, Any], principal: Principal) -> dict[str, Any]:
    """Raises ApiError, and Refused for what cannot be sent."""
    if any(isinstance(value, dict) for value in personalisation.values()):
        raise ApiError.of(NO_DOCUMENTS)
    if names := missing(template, personalisation):
        raise ApiError.of(VALUES_MISSING, names=", ".join(names))
    email, found = template.channel is Channel.EMAIL, None
    if email:
        subject, text = email_preparation.filled(template, personalisation)
    else:
        found = text_preview.of_template(template, personalisation, principal.service)
        if found.refused:
            raise found.refused
        subject, text = "", found.body
    return {
        "id": str(template.id),
        "type": template.channel.value,
        "version": template.version,
        "body": text,
        "html": markdown.render(text).html if email else None,
        "subject": subject if email else None,
        "postage": None,
        "text": text_preview.shown(found) if found else None,
    }

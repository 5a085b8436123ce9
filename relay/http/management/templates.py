"""The routes that manage templates, as GC Notify has them."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse, Response

from auth.principal import Service
from messages.message import Channel
from messages.template import Template
from messages.text import Text
from relay.actions import templates as changing
from relay.http.documentation import body, failures
from relay.http.errors import ARCHIVED, ApiError
from relay.http.management import shapes
from relay.http.management.desk import Desk, Visit
from relay.http.presenting import template
from relay.http.receiving import Receiving
from relay.http.requests import Uuid

_TEMPLATES = Text("templates")


def routes(desk: Desk, receiving: Receiving) -> APIRouter:
    router = APIRouter(prefix="/v2/manage-template", tags=["Management: templates"])
    admin = desk.managing(_TEMPLATES)
    Admin = Annotated[Visit, admin]  # noqa: N806 - a type
    Id = Annotated[Uuid, Path(alias="id", description="The template's id")]  # noqa: N806
    read = failures(400, 401, 403, 429, 500, 503)
    one = {200: {"model": shapes.ManagedTemplate}, **failures(400, 401, 403, 404, 429, 500, 503)}
    written = failures(400, 401, 403, 408, 413, 415, 429, 500, 503)

    @router.post(
        "",
        summary="Create a template",
        status_code=201,
        response_model=None,
        responses={201: {"model": shapes.ManagedTemplate}, **written},
        openapi_extra=body(shapes.NewTemplate),
    )
    async def create_template(request: Request, visit: Admin) -> Response:
        """Create a template."""
        asked = await receiving.read(request, visit.principal, shapes.NewTemplate)
        texts = {"name": asked.name, "subject": asked.subject, "body": asked.content}
        channel, service = Channel(asked.template_type), str(visit.service.id)
        made = await visit.do(lambda t: changing.create(t, service, channel=channel, **texts))  # type: ignore[arg-type]
        return JSONResponse(_shown(made, visit.service), 201)

    @router.get(
        "",
        summary="List the templates to manage",
        response_model=None,
        responses={200: {"model": shapes.ManagedTemplates}, **read},
    )
    async def list_managed_templates(visit: Admin) -> Response:
        """The service's templates by name, without those that are archived."""
        return _list(await visit.do(lambda t: changing.list_all(t, visit.service.id)), visit.service)

    @router.get(
        "/template-categories",
        summary="List the categories of templates",
        response_model=None,
        responses={200: {"model": shapes.TemplateCategories}, **read},
    )
    async def list_template_categories(_: Admin) -> Response:
        """The categories of templates: there are none here, and every template_category_id is taken."""
        return JSONResponse({"template_categories": []})

    @router.get("/{id}", summary="Get a template to manage", response_model=None, responses=one)
    async def get_managed_template(visit: Admin, template_id: Id) -> Response:
        """A template in its latest version, archived or not."""
        return _one(await visit.do(lambda t: changing.of_service(t, visit.service.id, template_id)), visit.service)

    @router.get(
        "/{id}/versions",
        summary="List the versions of a template",
        response_model=None,
        responses={200: {"model": shapes.ManagedTemplates}, **failures(400, 401, 403, 404, 429, 500, 503)},
    )
    async def list_template_versions(visit: Admin, template_id: Id) -> Response:
        """The versions of a template, the latest first, at most 100."""
        return _list(await visit.do(lambda t: changing.versions(t, visit.service.id, template_id)), visit.service)

    @router.patch(
        "/{id}",
        summary="Change a template",
        response_model=None,
        responses={200: {"model": shapes.ManagedTemplate}, **written, **failures(404)},
        openapi_extra=body(shapes.TemplateChanges),
    )
    async def change_template(request: Request, visit: Admin, template_id: Id) -> Response:
        """Make a new version of a template. Messages that were accepted before keep theirs."""
        asked = await receiving.read(request, visit.principal, shapes.TemplateChanges)
        texts = {"name": asked.name, "subject": asked.subject, "body": asked.content}

        async def change(t: Any) -> Template:
            await changing.of_service(t, visit.service.id, template_id)
            return await changing.update(t, template_id, **texts)

        return _one(await visit.do(change), visit.service)

    @router.delete("/{id}", summary="Archive a template", response_model=None, responses=one)
    async def archive_template(visit: Admin, template_id: Id) -> Response:
        """Archive a template: nothing more is sent of it, and messages that were accepted before are."""

        async def archive(t: Any) -> Template:
            if (await changing.of_service(t, visit.service.id, template_id)).archived:
                raise ApiError.of(ARCHIVED)
            return await changing.archive(t, template_id)

        return _one(await visit.do(archive), visit.service)

    return router


def _one(found: Template, service: Service) -> Response:
    return JSONResponse(_shown(found, service))


def _list(found: list[Template], service: Service) -> Response:
    return JSONResponse({"templates": [_shown(each, service) for each in found]})


def _shown(found: Template, service: Service) -> dict[str, Any]:
    none: dict[str, UUID | None] = dict.fromkeys(("template_category_id", "template_category_name", "folder_id"))
    return template(found, service) | none | {"archived": found.archived}

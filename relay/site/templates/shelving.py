"""Copies, the archive, and back from it."""

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from auth.people.permissions import Permission
from auth.principal import Service
from delivery.library.template_texts import MAX_NAME_CHARACTERS, TemplateError, TextFieldError
from messages.text import Text
from relay.actions import templates as actions
from relay.site.templates.editing import ONE, said
from relay.site.templates.finding import read
from relay.site.visits import Visit

COPY = "services/{service_id}/templates/{template_id}/copy"
_ARCHIVED = Text("The template is archived already.")
_IN_USE = Text("The template is in use.")


async def ask_copy(visit: Visit) -> Response:
    template, here = await read(visit), visit.the_service
    name = visit.say(Text("Copy of {name}", {"name": template.name}))[:MAX_NAME_CHARACTERS]
    async with visit.site.database.read() as connection:
        others = await _others(visit, connection)
    return visit.page(
        "templates/copy.html",
        title=Text("Copy {name}", {"name": template.name}),
        form=visit.filled(name=name, to=str(here.id)),
        choices=[(str(each.id), each.name) for each in (here, *others)],
    )


async def copy(visit: Visit) -> Response:
    """Into a service where whoever asks may manage templates, too."""
    form, template, here = await visit.form(), await read(visit), visit.the_service
    name = form.line("name")
    try:
        async with visit.writing() as t:
            allowed = {str(each.id): each.id for each in (here, *await _others(visit, t.connection))}
            if (to := allowed.get(form["to"] or str(here.id))) is None:
                return visit.invalid(COPY, {"to": Text("Choose a service of this list")})
            made = await actions.copy(t, here.id, template.id, name=name, to=to)
    except TextFieldError as error:
        return visit.invalid(COPY, {"name": said(error, name) if error.text_of == "name" else error.text})
    except TemplateError as error:
        return visit.invalid(COPY, {"name": error.text})
    return visit.to(ONE, service_id=to, template_id=made.id, notice=Text("The copy is saved."))


async def _others(visit: Visit, connection: AsyncConnection) -> list[Service]:
    """The other services where they may manage templates."""
    mine = await visit.site.people.services(connection, visit.site.settings.limits, visit.the_user.id)
    here = visit.the_service.id
    return [each for each, permissions in mine if each.id != here and Permission.MANAGE_TEMPLATES in permissions]


async def ask_archive(visit: Visit) -> Response:
    template = await read(visit)
    if template.archived:
        return visit.to(ONE, notice=_ARCHIVED)
    return visit.page(
        "templates/archive.html", title=Text("Archive {name}?", {"name": template.name}), template=template
    )


async def archive(visit: Visit) -> Response:
    template = await read(visit)
    if template.archived:  # somebody else's, or a second press
        return visit.to(ONE, notice=_ARCHIVED)
    async with visit.writing() as t:
        await actions.archive(t, template.id)
    return visit.to("services/{service_id}/templates", notice=Text("{name} is archived.", {"name": template.name}))


async def ask_restore(visit: Visit) -> Response:
    template = await read(visit)
    if not template.archived:
        return visit.to(ONE, notice=_IN_USE)
    title = Text("Restore {name}?", {"name": template.name})
    return visit.page("templates/restore.html", title=title, template=template)


async def restore(visit: Visit) -> Response:
    template = await read(visit)
    if not template.archived:
        return visit.to(ONE, notice=_IN_USE)
    try:
        async with visit.writing() as t:
            await actions.restore(t, template.id)
    except TemplateError as error:
        return visit.to(ONE, notice=error.text)
    return visit.to(ONE, notice=Text("The template is in use again."))

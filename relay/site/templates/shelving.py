"""Copies, the archive, and back from it."""

from starlette.responses import Response

from delivery.library.template_texts import MAX_NAME_CHARACTERS, TemplateError
from messages.text import Text
from relay.actions import templates as actions
from relay.site.templates.editing import ONE, said
from relay.site.templates.finding import read, service_of
from relay.site.visits import Visit

COPY = "services/{service_id}/templates/{template_id}/copy"
_ARCHIVED = Text("The template is archived already.")
_IN_USE = Text("The template is in use.")


async def ask_copy(visit: Visit) -> Response:
    template = await read(visit)
    name = visit.say(Text("Copy of {name}", {"name": template.name}))[:MAX_NAME_CHARACTERS]
    form = visit.filled(name=name)
    return visit.page("templates/copy.html", title=Text("Copy {name}", {"name": template.name}), form=form)


async def copy(visit: Visit) -> Response:
    form, template = await visit.form(), await read(visit)
    name, service_id = form.line("name"), service_of(visit).id
    try:
        async with visit.writing() as t:
            made = await actions.copy(t, service_id, template.id, name=name)
    except TemplateError as error:
        is_name = getattr(error, "text_of", "") == "name"
        return visit.invalid(COPY, {"name": said(error, name) if is_name else error.text})  # type: ignore[arg-type]
    return visit.to(ONE, template_id=made.id, notice=Text("The copy is saved."))


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
    async with visit.writing() as t:
        await actions.restore(t, template.id)
    return visit.to(ONE, notice=Text("The template is in use again."))

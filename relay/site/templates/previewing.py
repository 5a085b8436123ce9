"""A template's page, with a preview beside it; and that of a template which is still being written."""

from collections.abc import Mapping

from starlette.responses import Response

from auth.principal import Service
from delivery.library import template_lists
from delivery.library.template_texts import TextFieldError, draft
from messages.message import Channel, Language
from messages.speaking import lacking
from messages.template import Template
from messages.text import Text
from relay.site.channels import CHANNELS
from relay.site.forms import Form
from relay.site.templates import frames
from relay.site.templates.editing import said
from relay.site.templates.finding import find, names, read
from relay.site.templates.frames import Look
from relay.site.visits import Visit

NEW = ("new-email", "new-text")  # in the place of an id

_LACKING = {
    Language.EN: Text("Your service writes in both languages, and this template seems to have no English half."),
    Language.FR: Text("Your service writes in both languages, and this template seems to have no French half."),
}
_OTHER = {
    Language.EN: Text("Your service writes in English, and this template does not seem to."),
    Language.FR: Text("Your service writes in French, and this template does not seem to."),
}


async def show(visit: Visit) -> Response:
    service = visit.the_service
    async with visit.site.database.read() as connection:
        template = await find(visit, connection)
        latest = await template_lists.version(connection, template.id, template.version)
        author = latest.author if latest else None
        by = await names(connection, visit.site, [author])
    values = frames.sample_values(template, visit, Look(service.language))
    return visit.page(
        "templates/show.html",
        title=template.name,
        template=template,
        kind=CHANNELS[template.channel],
        is_email=template.channel is Channel.EMAIL,
        by=by[author],
        zone=service.time_zone,
        hints=hints(template, service.language),
        fields=fields(template, values),
        form=visit.filled(brand=service.language.value, part="html", **_typed(values)),
    )


async def frame(visit: Visit) -> Response:
    """Of a template as it is kept, with samples; of one that is still to be made, what will stand there."""
    if visit.request.path_params["template_id"] in NEW:
        return frames.document(visit, "templates/frame_empty.html")
    template, look = await read(visit), Look.of(visit.request.query_params, visit.the_service)
    return await frames.frame(visit, template, frames.sample_values(template, visit, look), look)


async def fill_frame(visit: Visit) -> Response:
    """With what stands in the form: a template that is being written, or values for one that is kept."""
    form = await visit.form()
    look = Look.of(form, visit.the_service)
    try:
        template = _draft(form, visit.the_service) if "body" in form.fields else await read(visit)
    except TextFieldError as error:
        return frames.problem(visit, said(error, form[error.text_of]))
    return await frames.frame(visit, template, _values(form, frames.sample_values(template, visit, look)), look)


def _draft(form: Form, service: Service) -> Template:
    channel = Channel.SMS if form["channel"] == Channel.SMS.value else Channel.EMAIL
    subject = form.line("subject") if channel is Channel.EMAIL else None
    name, body = form.line("name"), form["body"]
    return draft(channel, service.sms_sender, service.id, name=name, subject=subject, body=body)


def hints(template: Template, language: Language) -> list[Text]:
    """Whose language of the readers the template does not speak."""
    said_of = _LACKING if language is Language.BOTH else _OTHER
    return [said_of[each] for each in lacking(f"{template.subject or ''}\n{template.body}", language)]


def fields(template: Template, values: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """A field for each placeholder: what it is called in the form, the placeholder, whether it is a yes or no."""
    return [(f"value-{at}", name, name in template.conditions) for at, name in enumerate(values)]


def _typed(values: Mapping[str, str]) -> dict[str, str]:
    return {f"value-{at}": value for at, value in enumerate(values.values())}


def _values(form: Form, sampled: dict[str, str]) -> dict[str, str]:
    """A sample stays where the form has no field for it."""
    typed = form.fields
    return {name: form[f"value-{at}"] if f"value-{at}" in typed else sampled[name] for at, name in enumerate(sampled)}

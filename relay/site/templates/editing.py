"""Writing a template: a new one, or another version of one; what is wrong is said beside its field."""

from starlette.responses import Response

from delivery.library import template_lists
from delivery.library.template_texts import TemplateError, TextFieldError, problems
from messages.message import Channel
from messages.template import Template
from messages.text import Text
from relay.actions import templates as actions
from relay.site.forms import Form
from relay.site.templates.finding import find, read
from relay.site.visits import Visit

# Percent-encoded, a letter with an accent takes six octets.
FORM_BYTES = 512 * 1024

LIST = "services/{service_id}/templates"
ONE = "services/{service_id}/templates/{template_id}"
EDIT = "services/{service_id}/templates/{template_id}/edit"
_NEW = {
    Channel.EMAIL: "services/{service_id}/templates/new-email",
    Channel.SMS: "services/{service_id}/templates/new-text",
}
_TITLES = {Channel.EMAIL: Text("New email template"), Channel.SMS: Text("New text message template")}
_MISSING = {"name": Text("Enter a name"), "subject": Text("Enter a subject"), "body": Text("Enter the message")}
_CHECK = {
    "name": Text("Check the name: {problem}"),
    "subject": Text("Check the subject: {problem}"),
    "body": Text("Check the message: {problem}"),
}


async def new_email(visit: Visit) -> Response:
    return _page(visit, Channel.EMAIL, _TITLES[Channel.EMAIL], visit.filled(**_looks(visit)))


async def new_text(visit: Visit) -> Response:
    return _page(visit, Channel.SMS, _TITLES[Channel.SMS], visit.filled(**_looks(visit)))


async def make_email(visit: Visit) -> Response:
    return await _make(visit, Channel.EMAIL)


async def make_text(visit: Visit) -> Response:
    return await _make(visit, Channel.SMS)


async def edit(visit: Visit) -> Response:
    """With `version` in the query, that one's text stands there to be used again."""
    async with visit.site.database.read() as connection:
        template = await find(visit, connection)
        asked = visit.request.query_params.get("version", "")
        number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
        old = await template_lists.version(connection, template.id, number) if number else None
    if template.archived:
        return visit.to(ONE, notice=Text("The template is archived. Restore it to change it."))
    shown = old.template if old else template
    form = visit.filled(name=shown.name, subject=shown.subject or "", body=shown.body, **_looks(visit))
    return _page(visit, template.channel, Text("Edit {name}", {"name": template.name}), form, template)


async def save(visit: Visit) -> Response:
    form, template = await visit.form(), await read(visit)
    texts = _texts(form, template.channel)
    errors = wrong(template.channel, visit.the_service.sms_sender, texts)
    if not errors and form["version"] != str(template.version):
        errors["body"] = Text(
            "Somebody saved version {version} of this template since you opened this page. Look at what they changed, "
            "then save again: your text becomes the newest version.",
            {"version": template.version},
        )
    if errors:
        return visit.invalid(EDIT, errors)
    try:
        async with visit.writing() as t:
            await actions.update(t, template.id, **texts)
    except TemplateError as error:
        return visit.invalid(EDIT, {"body": error.text})
    return visit.to(ONE, notice=Text("Version {version} is saved.", {"version": template.version + 1}))


def wrong(channel: Channel, sender: str, texts: dict[str, str | None]) -> dict[str, Text]:
    """What is wrong with a template's texts, by field and in the fields' order."""
    name, subject, body = texts["name"] or "", texts["subject"], texts["body"] or ""
    found = problems(channel, sender, name=name, subject=subject, body=body)
    return {each.text_of: said(each, texts[each.text_of]) for each in found}


def said(problem: TextFieldError, value: str | None) -> Text:
    if not (value or "").strip():
        return _MISSING[problem.text_of]
    return Text(_CHECK[problem.text_of].source, {"problem": problem.text})


async def _make(visit: Visit, channel: Channel) -> Response:
    texts = _texts(await visit.form(), channel)
    if errors := wrong(channel, visit.the_service.sms_sender, texts):
        return visit.invalid(_NEW[channel], errors)
    name, body = texts["name"] or "", texts["body"] or ""
    try:
        async with visit.writing() as t:
            service = str(visit.the_service.id)
            made = await actions.create(t, service, channel=channel, name=name, subject=texts["subject"], body=body)
    except TemplateError as error:
        return visit.invalid(_NEW[channel], {"name": error.text})
    return visit.to(ONE, template_id=made.id, notice=Text("The template is saved."))


def _texts(form: Form, channel: Channel) -> dict[str, str | None]:
    subject = form.line("subject") if channel is Channel.EMAIL else None
    return {"name": form.line("name"), "subject": subject, "body": form["body"]}


def _looks(visit: Visit) -> dict[str, str | list[str]]:
    """How the preview looks from the start."""
    return {"brand": visit.the_service.language.value, "part": "html"}


def _page(visit: Visit, channel: Channel, title: Text, form: object, template: Template | None = None) -> Response:
    return visit.page(
        "templates/edit.html",
        title=title,
        form=form,
        is_email=channel is Channel.EMAIL,
        channel=channel.value,
        template=template,
        frame=visit.url(f"{ONE}/frame", template_id=template.id if template else _NEW[channel].rpartition("/")[2]),
    )

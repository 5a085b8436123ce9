"""notify-relay template: what a service's messages are made of."""

import json
from typing import Annotated, Any
from uuid import UUID

import typer

from delivery.library import templates
from delivery.library.template_texts import TemplateError
from messages.message import Channel
from messages.reply import Refused
from messages.template import Template
from relay.actions import templates as changing
from relay.actions import text_preview
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.arguments import OfService
from relay.cli.input import InputError, octets_of
from relay.cli.output import Json, show, show_list
from relay.cli.preview import show_preview
from relay.cli.session import read, write
from relay.plain import plain

TemplateId = Annotated[UUID, typer.Argument(metavar=texts.TEMPLATE_ARGUMENT)]
BodyFile = typer.Option(metavar="FILE|-", help=texts.BODY_FILE)
Values = Annotated[str, typer.Option("--personalisation", metavar="JSON|@FILE", help=texts.PERSONALISATION)]
_MAX_OCTETS = 1 << 20  # more than the longest body in UTF-8: delivery.library.templates says what it is too long for


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.TEMPLATE, no_args_is_help=True)
    app.command("create", help=texts.TEMPLATE_CREATE)(create)
    app.command("list", help=texts.TEMPLATE_LIST)(list_all)
    app.command("show", help=texts.TEMPLATE_SHOW)(show_one)
    app.command("update", help=texts.TEMPLATE_UPDATE)(update)
    app.command("preview", help=texts.TEMPLATE_PREVIEW)(preview)
    app.command("archive", help=texts.TEMPLATE_ARCHIVE)(archive)
    return app


def create(
    *,
    service: OfService,
    type: Annotated[Channel, typer.Option(help=texts.TEMPLATE_TYPE)],  # noqa: A002 - becomes the flag's name
    name: Annotated[str, typer.Option(help=texts.TEMPLATE_NAME)],
    subject: Annotated[str | None, typer.Option(help=texts.TEMPLATE_SUBJECT)] = None,
    body_file: Annotated[str, BodyFile],
    as_json: Json = False,
) -> None:
    body = _body(body_file)
    created = write(lambda t: changing.create(t, service, channel=type, name=name, subject=subject, body=body))
    _show(created, as_json)


def list_all(service: OfService, as_json: Json = False) -> None:
    async def work(t: Transaction) -> list[Template]:
        return await templates.list_all(t.connection, (await t.service(service)).id)

    columns = ("id", "version", "type", "name", "subject")
    show_list("templates", map(_row, read(work)), columns, as_json)


def show_one(
    template_id: TemplateId,
    version: Annotated[int | None, typer.Option(min=1, help=texts.TEMPLATE_VERSION)] = None,
    as_json: Json = False,
) -> None:
    _show(read(lambda t: templates.find(t.connection, template_id, version)), as_json)


def update(
    *,
    template_id: TemplateId,
    name: Annotated[str | None, typer.Option(help=texts.TEMPLATE_NAME)] = None,
    subject: Annotated[str | None, typer.Option(help=texts.TEMPLATE_SUBJECT)] = None,
    body_file: Annotated[str | None, BodyFile] = None,
    as_json: Json = False,
) -> None:
    body = None if body_file is None else _body(body_file)
    _show(write(lambda t: changing.update(t, template_id, name=name, subject=subject, body=body)), as_json)


def preview(template_id: TemplateId, personalisation: Values = "{}", as_json: Json = False) -> None:
    values = _values(personalisation)
    try:
        found = read(lambda t: changing.preview(t, template_id, values))
    except Refused as refused:
        show({"accepted": False, "reply": refused.line()}, as_json)
        raise typer.Exit(1) from None
    refused_as = found.text.refused if found.text else None
    row = {
        "accepted": refused_as is None,
        "reply": refused_as.line() if refused_as else None,
        "id": str(found.template.id),
        "version": found.template.version,
        "type": found.template.channel.value,
        "subject": found.subject,
        "body": found.body,
        "text": text_preview.shown(found.text) if found.text else None,
    }
    if as_json:
        show(row, as_json)
    else:
        show_preview(row)
    if refused_as:
        raise typer.Exit(1)


def archive(template_id: TemplateId, as_json: Json = False) -> None:
    _show(write(lambda t: changing.archive(t, template_id)), as_json)


def _body(file: str) -> str:
    """The text of a file, `-` for standard input. Raises TemplateError where it is not UTF-8."""
    octets = octets_of(file, _MAX_OCTETS)
    try:
        return octets.decode("utf-8-sig")  # some editors write a mark first
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise TemplateError("the body file is not UTF-8 text; look at line {line}", line=line) from None


def _values(given: str) -> dict[str, Any]:
    """JSON, or with an @ the file that has it. Raises TextError."""
    octets = octets_of(given[1:], _MAX_OCTETS) if given.startswith("@") else given.encode()
    try:
        values = json.loads(octets)
    except ValueError:
        values = None
    if not isinstance(values, dict) or any(isinstance(each, dict) for each in values.values()):
        raise InputError(texts.NOT_VALUES)
    return values


def _show(template: Template, as_json: bool) -> None:
    show(_row(template), as_json)


def _row(template: Template) -> dict[str, Any]:
    row = plain(template) | {"placeholders": list(template.placeholders)}
    return {"type" if name == "channel" else name: value for name, value in row.items()}

"""notify-relay service callback: where a service hears what became of its messages."""

from typing import Annotated

import typer

from delivery.store.base import CallbackKind
from relay.actions import callbacks as changing
from relay.cli import texts
from relay.cli.arguments import NamedService
from relay.cli.input import octets_of
from relay.cli.output import Json, say, show
from relay.cli.session import read, with_transactions, write
from relay.plain import plain

Kind = Annotated[CallbackKind, typer.Option("--type", help=texts.CALLBACK_KIND)]

_TOKEN_OCTETS = 4096  # more than any token has: what it is too long for is told by delivery.callbacks.urls


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.CALLBACK, no_args_is_help=True)
    app.command("set", help=texts.CALLBACK_SET)(put)
    app.command("show", help=texts.CALLBACK_SHOW)(show_one)
    app.command("test", help=texts.CALLBACK_TEST)(try_out)
    app.command("resume", help=texts.CALLBACK_RESUME)(resume)
    app.command("remove", help=texts.CALLBACK_REMOVE)(remove)
    return app


def put(
    *,
    service: NamedService,
    url: Annotated[str, typer.Option(help=texts.CALLBACK_URL)],
    # Not the token itself: the arguments of a command are every user's of the machine to read.
    bearer_token_file: Annotated[str, typer.Option(metavar="FILE|-", help=texts.BEARER_TOKEN_FILE)],
    kind: Kind = CallbackKind.STATUS,
    as_json: Json = False,
) -> None:
    token = _token(bearer_token_file)
    issued = write(lambda t: changing.put(t, service, kind=kind, url=url, bearer_token=token))
    show(plain(issued.callback_url) | {"signing_secret": issued.signing_secret}, as_json)
    if not as_json:
        say(texts.CALLBACK_SECRET_ONCE)


def _token(file: str) -> str:
    octets = octets_of(file, _TOKEN_OCTETS)
    return octets.decode("ascii", "replace").rstrip("\r\n")


def show_one(service: NamedService, kind: Kind = CallbackKind.STATUS, as_json: Json = False) -> None:
    found, backlog, well = read(lambda t: changing.look(t, service, kind=kind))
    show(plain(found) | plain(backlog) | plain(well), as_json)


def try_out(service: NamedService, kind: Kind = CallbackKind.STATUS, as_json: Json = False) -> None:
    found = with_transactions(lambda each: changing.try_out(each, service, kind=kind))
    show(plain(found), as_json)
    if not found.works:
        raise typer.Exit(1)


def resume(service: NamedService, kind: Kind = CallbackKind.STATUS, as_json: Json = False) -> None:
    show({"service_id": str(write(lambda t: changing.resume(t, service, kind=kind)))}, as_json)


def remove(service: NamedService, kind: Kind = CallbackKind.STATUS, as_json: Json = False) -> None:
    show({"service_id": str(write(lambda t: changing.remove(t, service, kind=kind)))}, as_json)

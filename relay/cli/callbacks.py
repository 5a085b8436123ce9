"""notify-relay service callback: where a service hears what became of its messages."""

from typing import Annotated

import typer

from relay.actions import callbacks as changing
from relay.cli import texts
from relay.cli.arguments import NamedService
from relay.cli.input import octets_of
from relay.cli.output import Json, say, show
from relay.cli.session import read, write
from relay.plain import plain

_TOKEN_OCTETS = 4096  # more than any token has: what it is too long for is told by delivery.callbacks.urls


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.CALLBACK, no_args_is_help=True)
    app.command("set", help=texts.CALLBACK_SET)(put)
    app.command("show", help=texts.CALLBACK_SHOW)(show_one)
    app.command("remove", help=texts.CALLBACK_REMOVE)(remove)
    return app


def put(
    *,
    service: NamedService,
    url: Annotated[str, typer.Option(help=texts.CALLBACK_URL)],
    # Not the token itself: the arguments of a command are every user's of the machine to read.
    bearer_token_file: Annotated[str, typer.Option(metavar="FILE|-", help=texts.BEARER_TOKEN_FILE)],
    as_json: Json = False,
) -> None:
    token = _token(bearer_token_file)
    issued = write(lambda t: changing.put(t, service, url=url, bearer_token=token))
    show(plain(issued.callback_url) | {"signing_secret": issued.signing_secret}, as_json)
    if not as_json:
        say(texts.CALLBACK_SECRET_ONCE)


def _token(file: str) -> str:
    octets = octets_of(file, _TOKEN_OCTETS)
    return octets.decode("ascii", "replace").rstrip("\r\n")


def show_one(service: NamedService, as_json: Json = False) -> None:
    found, backlog = read(lambda t: changing.look(t, service))
    show(plain(found) | plain(backlog), as_json)


def remove(service: NamedService, as_json: Json = False) -> None:
    show({"service_id": str(write(lambda t: changing.remove(t, service)))}, as_json)

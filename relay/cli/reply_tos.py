"""notify-relay service reply-to: addresses for answers, which messages name by their ids."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from auth import reply_tos
from auth.reply_tos import ReplyToAddress
from relay.actions import reply_tos as changing
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.arguments import NamedService
from relay.cli.output import Json, show, show_list
from relay.cli.session import read, write
from relay.plain import plain

Named = Annotated[str, typer.Argument(metavar=texts.REPLY_TO_ARGUMENT)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.REPLY_TO_ADDRESSES, no_args_is_help=True)
    app.command("add", help=texts.REPLY_TO_ADD)(add)
    app.command("list", help=texts.REPLY_TO_LIST)(list_all)
    app.command("remove", help=texts.REPLY_TO_REMOVE)(remove)
    app.command("default", help=texts.REPLY_TO_DEFAULT)(make_default)
    return app


def add(
    service: NamedService, address: Annotated[str, typer.Argument(metavar="ADDRESS")], as_json: Json = False
) -> None:
    _do(lambda t: changing.add(t, service, address), service, as_json)


def list_all(service: NamedService, as_json: Json = False) -> None:
    async def work(t: Transaction) -> list[dict[str, Any]]:
        owner = await t.service(service)
        found = await reply_tos.list_all(t.connection, owner.id)
        return [plain(each) | {"default": changing.is_default(each, owner)} for each in found]

    show_list("reply_to_addresses", read(work), ("id", "address", "default", "verified_at"), as_json)


def remove(service: NamedService, reply_to: Named, as_json: Json = False) -> None:
    show(plain(write(lambda t: changing.remove(t, service, reply_to))), as_json)


def make_default(service: NamedService, reply_to: Named, as_json: Json = False) -> None:
    _do(lambda t: changing.make_default(t, service, reply_to), service, as_json)


def _do(action: Callable[[Transaction], Awaitable[ReplyToAddress]], service: str, as_json: bool) -> None:
    async def work(t: Transaction) -> dict[str, Any]:
        done = await action(t)
        return plain(done) | {"default": changing.is_default(done, await t.service(service))}

    show(write(work), as_json)

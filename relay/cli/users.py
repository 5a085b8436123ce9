"""notify-relay user: who has an account of the web site."""

from typing import Annotated, Any

import typer

from auth.people import users
from auth.people.users import User
from config.settings import load
from messages.message import Language
from relay.actions import people
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.output import Json, say, show, show_list
from relay.cli.session import read, write
from relay.plain import plain

Named = Annotated[str, typer.Argument(metavar=texts.USER_ARGUMENT, help=texts.NAMED_USER)]
_SHOWN = ("id", "email", "name", "language", "operator", "created_at", "verified_at", "held_at")


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.USER, no_args_is_help=True)
    app.command("create", help=texts.USER_CREATE)(create)
    app.command("list", help=texts.USER_LIST)(list_all)
    app.command("hold", help=texts.USER_HOLD)(hold)
    app.command("release", help=texts.USER_RELEASE)(release)
    return app


def create(
    *,
    email: Annotated[str, typer.Option(help=texts.USER_EMAIL)],
    name: Annotated[str | None, typer.Option(help=texts.USER_NAME)] = None,
    language: Annotated[Language, typer.Option(help=texts.USER_LANGUAGE)] = Language.EN,
    operator: Annotated[bool, typer.Option("--operator", help=texts.USER_OPERATOR)] = False,
    as_json: Json = False,
) -> None:
    called = name or email.partition("@")[0]
    made = write(lambda t: people.create(t, email=email, name=called, language=language, operator=operator))
    show(_shown(made), as_json)
    if not as_json:
        say(texts.USER_FIRST_PASSWORD, url=f"{load().site.public_url}{made.language}/forgot-password")


def list_all(as_json: Json = False) -> None:
    async def work(t: Transaction) -> list[dict[str, Any]]:
        return [_shown(each) for each in await users.list_all(t.connection, t.secret)]

    show_list("users", read(work), ("id", "email", "name", "operator", "held_at"), as_json)


def hold(user: Named, as_json: Json = False) -> None:
    show(_shown(write(lambda t: people.hold(t, user))), as_json)


def release(user: Named, as_json: Json = False) -> None:
    show(_shown(write(lambda t: people.release(t, user))), as_json)


def _shown(user: User) -> dict[str, Any]:
    fields = plain(user)
    return {name: fields[name] for name in _SHOWN}

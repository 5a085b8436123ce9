"""notify-relay service member: who is in a service's team on the web site, and what each may do."""

from typing import Annotated, Any

import typer

from auth.people import memberships, users
from auth.people.permissions import Permission
from relay.actions import members as changing
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.arguments import NamedService
from relay.cli.output import Json, show, show_list
from relay.cli.session import read, write
from relay.plain import plain

Person = Annotated[str, typer.Argument(metavar=texts.PERSON_ARGUMENT, help=texts.OF_PERSON)]
Permissions = Annotated[list[Permission] | None, typer.Option("--permission", help=texts.PERMISSION)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.MEMBER, no_args_is_help=True)
    app.command("add", help=texts.MEMBER_ADD)(add)
    app.command("remove", help=texts.MEMBER_REMOVE)(remove)
    app.command("list", help=texts.MEMBER_LIST)(list_all)
    return app


def add(service: NamedService, person: Person, permissions: Permissions = None, as_json: Json = False) -> None:
    async def work(t: Transaction) -> dict[str, Any]:
        user = await users.named(t.connection, t.secret, person)
        made = await changing.add(t, service, user.id, permissions or changing.EVERYTHING)
        return plain(made) | {"email": user.email}

    show(write(work), as_json)


def remove(service: NamedService, person: Person, as_json: Json = False) -> None:
    async def work(t: Transaction) -> dict[str, Any]:
        user = await users.named(t.connection, t.secret, person)
        return plain(await changing.remove(t, service, user.id)) | {"email": user.email}

    show(write(work), as_json)


def list_all(service: NamedService, as_json: Json = False) -> None:
    async def work(t: Transaction) -> list[dict[str, Any]]:
        team = await memberships.of_service(t.connection, (await t.service(service)).id)
        people = await users.of_ids(t.connection, t.secret, [each.user_id for each in team])
        return [plain(each) | {"email": people[each.user_id].email} for each in team if each.user_id in people]

    show_list("members", read(work), ("user_id", "email", "permissions"), as_json)

"""notify-relay organisation: whose people may have an account, and who approves what their services do."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from auth.people import organisations, users
from auth.people.organisations import Organisation
from messages.message import Language
from relay.actions import organisations as changing
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.output import Json, show, show_list
from relay.cli.session import given, read, write
from relay.plain import plain

Named = Annotated[str, typer.Argument(metavar=texts.ORGANISATION_ARGUMENT, help=texts.OF_ORGANISATION)]
Domain = Annotated[str, typer.Argument(metavar=texts.NAME_ARGUMENT)]
Person = Annotated[str, typer.Argument(metavar=texts.PERSON_ARGUMENT, help=texts.OF_PERSON)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.ORGANISATION, no_args_is_help=True)
    app.command("create", help=texts.ORGANISATION_CREATE)(create)
    app.command("list", help=texts.ORGANISATION_LIST)(list_all)
    domain = typer.Typer(help=texts.ORGANISATION_DOMAIN, no_args_is_help=True)
    domain.command("add", help=texts.ORGANISATION_DOMAIN_ADD)(add_domain)
    domain.command("remove", help=texts.ORGANISATION_DOMAIN_REMOVE)(remove_domain)
    app.add_typer(domain, name="domain")
    approver = typer.Typer(help=texts.APPROVER, no_args_is_help=True)
    approver.command("add", help=texts.APPROVER_ADD)(add_approver)
    approver.command("remove", help=texts.APPROVER_REMOVE)(remove_approver)
    app.add_typer(approver, name="approver")
    return app


def create(
    *,
    name: Annotated[str, typer.Option(help=texts.ORGANISATION_NAME)],
    name_fr: Annotated[str | None, typer.Option(help=texts.ORGANISATION_NAME_FR)] = None,
    language: Annotated[Language | None, typer.Option(help=texts.ORGANISATION_LANGUAGE)] = None,
    branding: Annotated[str | None, typer.Option(help=texts.ORGANISATION_BRANDING)] = None,
    as_json: Json = False,
) -> None:
    options = given(name_fr=name_fr, language=language, branding=branding)
    show(plain(write(lambda t: changing.create(t, name=name, **options))), as_json)


def list_all(as_json: Json = False) -> None:
    found = read(lambda t: organisations.list_all(t.connection))
    show_list("organisations", map(_plain, found), ("id", "name", "name_fr", "domains", "approvers"), as_json)


def add_domain(organisation: Named, domain: Domain, as_json: Json = False) -> None:
    show(_plain(write(lambda t: changing.add_domain(t, organisation, domain))), as_json)


def remove_domain(organisation: Named, domain: Domain, as_json: Json = False) -> None:
    show(_plain(write(lambda t: changing.remove_domain(t, organisation, domain))), as_json)


def add_approver(organisation: Named, person: Person, as_json: Json = False) -> None:
    _decide(changing.add_approver, organisation, person, as_json)


def remove_approver(organisation: Named, person: Person, as_json: Json = False) -> None:
    _decide(changing.remove_approver, organisation, person, as_json)


def _decide(change: Callable[..., Awaitable[Organisation]], organisation: str, person: str, as_json: bool) -> None:
    async def work(t: Transaction) -> Organisation:
        user = await users.named(t.connection, t.secret, person)
        return await change(t, organisation, user.id)

    show(_plain(write(work)), as_json)


def _plain(organisation: Organisation) -> dict[str, Any]:
    return plain(organisation) | {"approvers": [str(each) for each in organisation.approvers]}

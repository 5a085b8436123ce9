"""notify-relay domain: what services send from, and the DNS records to publish for it."""

import time
from typing import Annotated

import typer

from auth import domains
from auth.errors import DOMAIN_UNKNOWN, AuthError
from relay.cli import texts
from relay.cli.output import Json, plain, show, show_list
from relay.cli.session import Session, read, write


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.DOMAIN, no_args_is_help=True)
    app.command("add", help=texts.DOMAIN_ADD)(add)
    app.command("show", help=texts.DOMAIN_SHOW)(show_one)
    app.command("list", help=texts.DOMAIN_LIST)(list_all)
    return app


def add(name: Annotated[str, typer.Argument(metavar=texts.NAME_ARGUMENT)], as_json: Json = False) -> None:
    async def work(s: Session) -> tuple[domains.Domain, str]:
        return await domains.add(s.connection, s.sealing, name, time.time()), s.settings.aws.region

    _show_records(*write(work), as_json)


def show_one(
    name: Annotated[str | None, typer.Argument(metavar=texts.NAME_ARGUMENT)] = None, as_json: Json = False
) -> None:
    async def work(s: Session) -> tuple[domains.Domain, str]:
        default = domains.parse_name(s.settings.email.default_domain)
        wanted = default if name is None else domains.parse_name(name)
        if wanted == default:
            domain = await domains.ensure(s.connection, s.sealing, default, time.time())
        else:
            found = await domains.find(s.connection, wanted)
            if found is None:
                raise AuthError(DOMAIN_UNKNOWN, name=wanted)
            domain = found
        return domain, s.settings.aws.region

    _show_records(*write(work), as_json)


def list_all(as_json: Json = False) -> None:
    found = read(lambda s: domains.list_all(s.connection))
    show_list("domains", map(plain, found), ("name", "selector", "created_at"), as_json)


def _show_records(domain: domains.Domain, region: str, as_json: bool) -> None:
    records = [plain(record) for record in domains.records(domain, region)]
    if as_json:
        show({"domain": domain.name, "selector": domain.selector, "records": records}, as_json)
    else:
        for record in records:
            show(record, as_json)
            typer.echo()

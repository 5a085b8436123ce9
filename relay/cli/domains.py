"""notify-relay domain: what services send from, and the DNS records to publish for it."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import typer

from auth.domains import names, records
from auth.domains.names import Domain
from auth.domains.selectors import OVERLAP_SECONDS
from config.settings import Email, Settings
from messages.text import Text
from relay.actions import domains as changing
from relay.actions.transaction import Transaction
from relay.cli import domain_check, texts
from relay.cli.output import Json, say, show, show_list
from relay.cli.session import read, write
from relay.plain import plain

Name = Annotated[str, typer.Argument(metavar=texts.NAME_ARGUMENT)]
NameOrDefault = Annotated[str | None, typer.Argument(metavar=texts.NAME_ARGUMENT)]


@dataclass(frozen=True, slots=True)
class Row:
    """A domain in a list: `state` is that of the key that signs, else of the newest."""

    id: UUID
    name: str
    selector: str
    public_record: str
    state: str
    signs: bool
    usable: bool
    verified_at: float | None
    created_at: float


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.DOMAIN, no_args_is_help=True)
    app.command("add", help=texts.DOMAIN_ADD)(add)
    app.command("show", help=texts.DOMAIN_SHOW)(show_one)
    app.command("register", help=texts.DOMAIN_REGISTER)(domain_check.register)
    app.command("check", help=texts.DOMAIN_CHECK)(domain_check.check)
    app.command("rotate", help=texts.DOMAIN_ROTATE)(rotate)
    app.command("list", help=texts.DOMAIN_LIST)(list_all)
    return app


def add(name: Name, as_json: Json = False) -> None:
    _show(lambda t: changing.add(t, name), as_json)


def show_one(name: NameOrDefault = None, as_json: Json = False) -> None:
    async def work(t: Transaction) -> Domain:
        return await names.named(t.connection, t.sealing, name, t.settings.email, t.now)

    _show(work, as_json)


def rotate(name: NameOrDefault = None, as_json: Json = False) -> None:
    domain = _show(lambda t: changing.rotate(t, name), as_json)
    if not as_json:
        newest = domain.keys[0]
        days = int(OVERLAP_SECONDS // 86_400)
        say(texts.DOMAIN_ROTATED, name=domain.name, selector=newest.selector, days=days)


def list_all(as_json: Json = False) -> None:
    async def work(t: Transaction) -> list[Row]:
        return [_row(domain, t.settings.email) for domain in await names.list_all(t.connection)]

    rows = list(map(plain, read(work)))
    if not as_json:
        rows = [row | {"state": Text(texts.KEY_STATES[row["state"]])} for row in rows]
    show_list("domains", rows, ("name", "selector", "state", "signs", "usable", "verified_at"), as_json)


def _row(domain: Domain, email: Email) -> Row:
    key = domain.shown
    return Row(
        id=domain.id,
        name=domain.name,
        selector=key.selector,
        public_record=key.public_record,
        state=key.life.state.value,
        signs=key.signs,
        usable=names.is_usable(domain, email),
        verified_at=domain.verified_at,
        created_at=domain.created_at,
    )


def _show(work: Callable[[Transaction], Coroutine[Any, Any, Domain]], as_json: bool) -> Domain:
    async def with_settings(t: Transaction) -> tuple[Domain, Settings]:
        return await work(t), t.settings

    domain, settings = write(with_settings)
    is_default = names.is_default(domain.name, settings.email)
    found = records.records(domain, settings.aws.region, is_default=is_default)
    if as_json:
        keys = [{"selector": key.selector, "state": key.life.state.value, "signs": key.signs} for key in domain.keys]
        values = {"domain": domain.name, "selector": domain.shown.selector, "keys": keys}
        show(values | {"records": [plain(record) for record in found]}, as_json)
        return domain
    for record in found:
        show(plain(record), as_json)
        typer.echo()
    say(texts.ZONE_FILE)
    for record in found:
        typer.echo(record.zone_line)
    typer.echo()
    if not is_default:
        say(texts.DMARC_RAISE, name=domain.name)
    for key in domain.keys:
        state = Text(texts.SIGNS if key.signs else texts.KEY_STATES[key.life.state])
        say(texts.SELECTOR_IS, selector=key.selector, state=state)
    if not names.is_usable(domain, settings.email):
        say(texts.DOMAIN_NEXT, name=domain.name)
    return domain

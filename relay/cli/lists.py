"""notify-relay service guest|sender|domain: the lists that a service keeps, each with add, remove and list."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import typer

from auth import guests, senders, service_domains
from relay.cli import texts
from relay.cli.arguments import NamedService
from relay.cli.output import Json, show, show_items
from relay.cli.session import Session, read, write


@dataclass(frozen=True, slots=True)
class Listed:
    """One list. `entry` and `entries` name what is in it, in JSON; `help` is of the list, adding, removing, listing.

    `add` and `remove` give the entry as it is compared.
    """

    entry: str
    entries: str
    metavar: str
    help: tuple[str, str, str, str]
    add: Callable[[Session, UUID, str], Awaitable[str]]
    remove: Callable[[Session, UUID, str], Awaitable[str]]
    load: Callable[[Session, UUID], Awaitable[frozenset[str]]]


LISTS = {
    "guest": Listed(
        "guest",
        "guests",
        texts.GUEST_ARGUMENT,
        (texts.GUEST, texts.GUEST_ADD, texts.GUEST_REMOVE, texts.GUEST_LIST),
        add=lambda s, service_id, text: guests.add(s.connection, s.secret, service_id, text, time.time()),
        remove=lambda s, service_id, text: guests.remove(s.connection, s.secret, service_id, text),
        load=lambda s, service_id: guests.load(s.connection, s.secret.cipher(guests.PURPOSE), service_id),
    ),
    "sender": Listed(
        "sender",
        "senders",
        texts.SENDER_ARGUMENT,
        (texts.SENDER, texts.SENDER_ADD, texts.SENDER_REMOVE, texts.SENDER_LIST),
        add=lambda s, service_id, text: senders.add(s.connection, service_id, text, time.time()),
        remove=lambda s, service_id, text: senders.remove(s.connection, service_id, text),
        load=lambda s, service_id: senders.load(s.connection, service_id),
    ),
    "domain": Listed(
        "domain",
        "domains",
        texts.NAME_ARGUMENT,
        (texts.SERVICE_DOMAIN, texts.SERVICE_DOMAIN_ADD, texts.SERVICE_DOMAIN_REMOVE, texts.SERVICE_DOMAIN_LIST),
        add=lambda s, service_id, text: service_domains.add(
            s.connection, service_id, text, s.settings.email, time.time()
        ),
        remove=lambda s, service_id, text: service_domains.remove(s.connection, service_id, text),
        load=lambda s, service_id: service_domains.load(s.connection, service_id),
    ),
}


def commands(listed: Listed) -> typer.Typer:
    about, of_add, of_remove, of_list = listed.help
    app = typer.Typer(help=about, no_args_is_help=True)
    Entry = Annotated[str, typer.Argument(metavar=listed.metavar)]  # noqa: N806 - a type

    @app.command("add", help=of_add)
    def add(service: NamedService, entry: Entry, as_json: Json = False) -> None:
        change(listed.add, service, entry, as_json)

    @app.command("remove", help=of_remove)
    def remove(service: NamedService, entry: Entry, as_json: Json = False) -> None:
        change(listed.remove, service, entry, as_json)

    @app.command("list", help=of_list)
    def list_all(service: NamedService, as_json: Json = False) -> None:
        async def work(s: Session) -> frozenset[str]:
            return await listed.load(s, (await s.service(service)).id)

        show_items(listed.entries, read(work), as_json)

    def change(how: Callable[[Session, UUID, str], Awaitable[str]], service: str, entry: str, as_json: bool) -> None:
        async def work(s: Session) -> dict[str, str]:
            service_id = (await s.service(service)).id
            return {"service_id": str(service_id), listed.entry: await how(s, service_id, entry)}

        show(write(work), as_json)

    return app

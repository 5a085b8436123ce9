"""notify-relay service guest|sender|domain: the lists that a service keeps, each with add, remove and list."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from auth import senders, service_domains
from auth.principal import Service
from relay.actions import guests as changing_guests
from relay.actions import senders as changing_senders
from relay.actions import service_domains as changing_domains
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.arguments import NamedService
from relay.cli.output import Json, show, show_items
from relay.cli.session import read, write

Change = Callable[[Transaction, Service, str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Listed:
    """One list. `entry` and `entries` name what is in it, in JSON; `help` is of the list, adding, removing, listing.

    `add` and `remove` give the entry as it is compared.
    """

    entry: str
    entries: str
    metavar: str
    help: tuple[str, str, str, str]
    add: Change
    remove: Change
    load: Callable[[Transaction, Service], Awaitable[frozenset[str]]]


async def _guests(t: Transaction, service: Service) -> frozenset[str]:
    return frozenset((await changing_guests.entries(t, service)).values())


LISTS = {
    "guest": Listed(
        "guest",
        "guests",
        texts.GUEST_ARGUMENT,
        (texts.GUEST, texts.GUEST_ADD, texts.GUEST_REMOVE, texts.GUEST_LIST),
        add=changing_guests.add,
        remove=changing_guests.remove,
        load=_guests,
    ),
    "sender": Listed(
        "sender",
        "senders",
        texts.SENDER_ARGUMENT,
        (texts.SENDER, texts.SENDER_ADD, texts.SENDER_REMOVE, texts.SENDER_LIST),
        add=changing_senders.add,
        remove=changing_senders.remove,
        load=lambda t, service: senders.load(t.connection, service.id),
    ),
    "domain": Listed(
        "domain",
        "domains",
        texts.NAME_ARGUMENT,
        (texts.SERVICE_DOMAIN, texts.SERVICE_DOMAIN_ADD, texts.SERVICE_DOMAIN_REMOVE, texts.SERVICE_DOMAIN_LIST),
        add=changing_domains.add,
        remove=changing_domains.remove,
        load=lambda t, service: service_domains.load(t.connection, service.id),
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
        async def work(t: Transaction) -> frozenset[str]:
            return await listed.load(t, await t.service(service))

        show_items(listed.entries, read(work), as_json)

    def change(how: Change, service: str, entry: str, as_json: bool) -> None:
        async def work(t: Transaction) -> dict[str, str]:
            of = await t.service(service)
            return {"service_id": str(of.id), listed.entry: await how(t, of, entry)}

        show(write(work), as_json)

    return app

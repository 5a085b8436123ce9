"""notify-relay suppression: who must not be written to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

import typer

from delivery.store.suppressing import Entry
from delivery.store.suppressions import Reason
from relay.actions import suppressions as changing
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.messages import FORMATS, seconds
from relay.cli.output import Json, show, show_list
from relay.cli.session import read, write

Recipient = Annotated[str, typer.Argument(metavar=texts.SUPPRESSION_ARGUMENT, help=texts.SUPPRESSION_RECIPIENT)]
OfReason = Annotated[Reason | None, typer.Option("--reason", help=texts.SUPPRESSION_REASON)]
Until = Annotated[datetime | None, typer.Option("--until", formats=FORMATS, help=texts.SUPPRESSION_UNTIL)]
_COLUMNS = ("recipient", "reason", "since", "until", "service_id")


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.SUPPRESSION, no_args_is_help=True)
    app.command("list", help=texts.SUPPRESSION_LIST)(list_all)
    app.command("show", help=texts.SUPPRESSION_SHOW)(show_one)
    app.command("add", help=texts.SUPPRESSION_ADD)(add)
    app.command("remove", help=texts.SUPPRESSION_REMOVE)(remove)
    return app


def list_all(service: OfServiceIfAny = None, reason: OfReason = None, as_json: Json = False) -> None:
    _show(read(lambda t: changing.page(t, service, reason=reason)), as_json)


def show_one(recipient: Recipient, as_json: Json = False) -> None:
    _show(read(lambda t: changing.about(t, recipient)), as_json)


def add(recipient: Recipient, service: OfServiceIfAny = None, until: Until = None, as_json: Json = False) -> None:
    added = write(lambda t: changing.add(t, service, recipient, seconds(until)))
    show(changing.described(added), as_json)


def remove(recipient: Recipient, service: OfServiceIfAny = None, as_json: Json = False) -> None:
    _show(write(lambda t: changing.remove(t, service, recipient)), as_json)


def _show(found: Iterable[Entry], as_json: bool) -> None:
    show_list("suppressions", map(changing.described, found), _COLUMNS, as_json)

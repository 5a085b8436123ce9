"""notify-relay suppression: who must not be written to."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import typer

from delivery.suppression.keeping import Entry
from delivery.suppression.tables import Reason
from relay.actions import suppressions as changing
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.messages import FORMATS, seconds
from relay.cli.output import Json, show, show_list
from relay.cli.session import read, write
from relay.plain import moment

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
    show(row(write(lambda t: changing.add(t, service, recipient, seconds(until)))), as_json)


def remove(recipient: Recipient, service: OfServiceIfAny = None, as_json: Json = False) -> None:
    _show(write(lambda t: changing.remove(t, service, recipient)), as_json)


def _show(found: Iterable[Entry], as_json: bool) -> None:
    show_list("suppressions", map(row, found), _COLUMNS, as_json)


def row(entry: Entry) -> dict[str, Any]:
    """For people and programs; without a service it counts for all, without `until` for ever."""
    return {
        "id": str(entry.id),
        "recipient": entry.recipient,
        "reason": entry.reason.value,
        "service_id": None if entry.for_all else str(entry.service_id),
        "since": moment(entry.since),
        "until": None if entry.until is None else moment(entry.until),
        "source_id": str(entry.source_id) if entry.source_id else None,
    }

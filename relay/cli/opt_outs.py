"""notify-relay opt-out: who wants no more texts."""

from typing import Annotated

import typer

from relay.actions import opt_outs as changing
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.output import Json, show, show_list
from relay.cli.session import read, write
from relay.plain import moment

Number = Annotated[str, typer.Argument(metavar=texts.OPT_OUT_ARGUMENT, help=texts.OPT_OUT_NUMBER)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.OPT_OUT, no_args_is_help=True)
    app.command("list", help=texts.OPT_OUT_LIST)(list_all)
    app.command("remove", help=texts.OPT_OUT_REMOVE)(remove)
    return app


def list_all(service: OfServiceIfAny = None, as_json: Json = False) -> None:
    found = read(lambda t: changing.newest(t, service))
    rows = ({"number": each.recipient, "since": moment(each.since)} for each in found)
    show_list("opt_outs", rows, ("number", "since"), as_json)


def remove(number: Number, service: OfServiceIfAny = None, as_json: Json = False) -> None:
    show({"number": write(lambda t: changing.remove(t, service, number))}, as_json)

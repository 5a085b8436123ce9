"""notify-relay ban: who may not log in for a time after too many failures."""

from typing import Annotated, Any

import typer

from relay.actions import bans
from relay.actions.bans import Banned
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.output import Json, done, show_list
from relay.cli.session import read, write
from relay.plain import plain

Address = Annotated[str, typer.Argument(metavar=texts.ADDRESS_ARGUMENT)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.BAN, no_args_is_help=True)
    app.command("list", help=texts.BAN_LIST)(list_all)
    app.command("lift", help=texts.BAN_LIFT)(lift)
    return app


def list_all(as_json: Json = False) -> None:
    show_list("bans", read(_rows), ("address", "whole", "key_id", "smtp_username", "failures", "ends_at"), as_json)


def lift(address: Address, as_json: Json = False) -> None:
    write(lambda t: bans.lift(t, address))
    done({"address": address}, as_json, texts.BAN_LIFTED, address=address)


async def _rows(t: Transaction) -> list[dict[str, Any]]:
    return [_row(each) for each in await bans.all_bans(t)]


def _row(banned: Banned) -> dict[str, Any]:
    row, key = plain(banned.ban), banned.key
    whose: dict[str, str | None] = {"service_id": None, "key_id": None, "smtp_username": None}
    if key is not None:
        whose |= {"service_id": str(key.service_id), "key_id": str(key.id), "smtp_username": key.smtp_username}
    return {"whole": row.pop("name") is None, **whose, **row}

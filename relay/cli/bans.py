"""notify-relay ban: who may not log in for a time after too many failures."""

from typing import Annotated, Any

import typer

from auth import keys, throttle
from auth.bans import Ban
from auth.principal import Key
from relay.actions import bans as changing
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
    show_list("bans", read(_bans), ("address", "whole", "key_id", "smtp_username", "failures", "ends_at"), as_json)


def lift(address: Address, as_json: Json = False) -> None:
    write(lambda t: changing.lift(t, address))
    done({"address": address}, as_json, texts.BAN_LIFTED, address=address)


async def _bans(t: Transaction) -> list[dict[str, Any]]:
    hasher, domain = t.secret.hasher(throttle.PURPOSE), t.settings.email.default_domain
    known = {
        throttle.name_hash(hasher, key.smtp_username, domain): key
        for key in await keys.list_all(t.connection, t.secret, t.limits)
    }
    found = await throttle.bans(t.connection, t.now)
    return [_row(ban, None if ban.name is None else known.get(ban.name)) for ban in found]


def _row(ban: Ban, key: Key | None) -> dict[str, Any]:
    """With the key whose user name failed; a user name without a key is kept as a hash only."""
    row = plain(ban)
    whose: dict[str, str | None] = {"service_id": None, "key_id": None, "smtp_username": None}
    if key is not None:
        whose |= {"service_id": str(key.service_id), "key_id": str(key.id), "smtp_username": key.smtp_username}
    return {"whole": row.pop("name") is None, **whose, **row}

"""notify-relay key: credentials of a service."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from inspect import Parameter, signature
from typing import Annotated, Any

import typer

from auth import keys
from auth.principal import Key, Option
from messages.message import KeyType, Lane, Language
from relay.actions import holds
from relay.actions import keys as changing
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.arguments import NamedKey, OfService, OfServiceIfAny
from relay.cli.output import Json, done, say, show, show_list, spoken
from relay.cli.services import Branding
from relay.cli.session import given, read, write
from relay.plain import plain

# What `create` and `update` take: the terms of a key (auth.keys.Terms), some under a shorter name.
TERMS: dict[str, Any] = {
    "lane": Annotated[Lane | None, typer.Option(help=texts.LANE)],
    "language": Annotated[Language | None, typer.Option(help=texts.LANGUAGE)],
    "branding": Branding,
    "reply_to_address": Annotated[str | None, typer.Option(help=texts.KEY_REPLY_TO_ADDRESS)],
    "lifetime": Annotated[int | None, typer.Option(min=0, help=texts.LIFETIME)],
    "fix": Annotated[list[Option] | None, typer.Option(metavar="|".join(Option), help=texts.FIX)],
    "per_minute": Annotated[int | None, typer.Option(min=0, help=texts.PER_MINUTE)],
    "max_bytes": Annotated[int | None, typer.Option(min=0, help=texts.MAX_BYTES)],
    "max_recipients": Annotated[int | None, typer.Option(min=0, help=texts.MAX_RECIPIENTS)],
    "allow_from": Annotated[list[str] | None, typer.Option(metavar=texts.SENDER_ARGUMENT, help=texts.ALLOW_FROM)],
    "allow_ip": Annotated[list[str] | None, typer.Option(metavar="CIDR", help=texts.ALLOW_IP)],
    "expires_at": Annotated[datetime | None, typer.Option(help=texts.EXPIRES_AT)],
}
_FIELDS = {
    "lifetime": "lifetime_seconds",
    "fix": "fixed",
    "max_bytes": "max_message_bytes",
    "allow_from": "allowed_from",
    "allow_ip": "networks",
}
Term = StrEnum("Term", [name.replace("_", "-") for name in TERMS])  # type: ignore[misc]


def _with_terms(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each term in place of its `**terms`."""
    own = [each for each in signature(command).parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    terms = [Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind) for name, kind in TERMS.items()]
    command.__signature__ = signature(command).replace(parameters=[*own, *terms])  # type: ignore[attr-defined]
    return command


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.KEY, no_args_is_help=True)
    app.command("create", help=texts.KEY_CREATE)(create)
    app.command("list", help=texts.KEY_LIST)(list_all)
    app.command("show", help=texts.KEY_SHOW)(show_one)
    app.command("update", help=texts.KEY_UPDATE)(update)
    app.command("revoke", help=texts.KEY_REVOKE)(revoke)
    app.command("unslow", help=texts.KEY_UNSLOW)(unslow)
    app.command("rotate", help=texts.KEY_ROTATE)(rotate)
    return app


@_with_terms
def create(
    *,
    service: OfService,
    name: Annotated[str, typer.Option(help=texts.NAME)],
    type: Annotated[KeyType, typer.Option(help=texts.KEY_TYPE)],  # noqa: A002 - becomes the flag's name
    as_json: Json = False,
    **terms: Any,
) -> None:
    issued = write(lambda t: changing.create(t, service, name=name, type=type, **_given(terms)))
    _show_issued(issued, as_json)


def list_all(service: OfServiceIfAny = None, as_json: Json = False) -> None:
    async def work(t: Transaction) -> list[Key]:
        owner = None if service is None else await t.service(service)
        return await keys.list_all(t.connection, t.secret, t.limits, owner.id if owner else None)

    columns = ("id", "service_id", "name", "type", "smtp_username", "last_used_at", "expires_at", "revoked_at")
    show_list("keys", map(plain, read(work)), columns, as_json)


def show_one(key: NamedKey, as_json: Json = False) -> None:
    show(plain(read(lambda t: t.key(key))), as_json)


@_with_terms
def update(
    *,
    key: NamedKey,
    name: Annotated[str | None, typer.Option(help=texts.NAME)] = None,
    clear: Annotated[list[Term] | None, typer.Option(metavar=texts.TERM_ARGUMENT, help=texts.CLEAR)] = None,
    as_json: Json = False,
    **terms: Any,
) -> None:
    both = next((each for each in clear or () if terms[each.replace("-", "_")]), None)
    if both:  # which of them counts, only who typed them knows; a list that is given replaces the old one anyway
        raise typer.BadParameter(spoken(texts.GIVEN_AND_CLEARED, option=f"--{both}"), param_hint="--clear")

    changes = _given(terms | dict.fromkeys((each.replace("-", "_") for each in clear or ()), ""))
    changes |= {} if name is None else {"name": name}
    show(plain(write(lambda t: changing.update(t, key, **changes))), as_json)


def revoke(key: NamedKey, as_json: Json = False) -> None:
    show(plain(write(lambda t: changing.revoke(t, key))), as_json)


def unslow(key: NamedKey, as_json: Json = False) -> None:
    found, was_slowed = write(lambda t: holds.unslow(t, key))
    said = texts.KEY_UNSLOWED if was_slowed else texts.KEY_NOT_SLOWED
    done({"id": str(found.id), "slowed": False}, as_json, said, id=found.id)


def rotate(
    key: NamedKey,
    overlap: Annotated[int, typer.Option(min=0, help=texts.OVERLAP)] = keys.OVERLAP_SECONDS,
    as_json: Json = False,
) -> None:
    _show_issued(write(lambda t: changing.rotate(t, key, overlap_seconds=overlap)), as_json)


def _show_issued(issued: keys.Issued, as_json: bool) -> None:
    key = plain(issued.key)
    row = {name: key[name] for name in ("id", "service_id", "name", "type")}
    row |= {
        "api_key": issued.api_key,
        "smtp_username": issued.key.smtp_username,
        "smtp_password": issued.smtp_password,
    }
    show(row, as_json)
    if not as_json:
        say(texts.SECRET_ONCE)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The terms that were named, as a key has them."""
    terms = {_FIELDS.get(name, name): value for name, value in given(**options).items()}
    if terms.get("expires_at"):
        terms["expires_at"] = terms["expires_at"].replace(tzinfo=UTC).timestamp()
    return terms

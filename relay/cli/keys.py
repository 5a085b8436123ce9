"""notify-relay key: credentials of a service."""

import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from auth import keys, services
from messages.message import KeyType, Lane, Language
from relay.cli import texts
from relay.cli.output import Json, plain, say, show, show_list
from relay.cli.session import Session, given, read, write

KeyId = Annotated[UUID, typer.Argument(metavar=texts.KEY_ARGUMENT)]
OfLane = Annotated[Lane | None, typer.Option(help=texts.LANE)]
Lang = Annotated[Language | None, typer.Option(help=texts.LANGUAGE)]
Branding = Annotated[str | None, typer.Option(help=texts.BRANDING)]
PerMinute = Annotated[int | None, typer.Option(min=0, help=texts.PER_MINUTE)]
AllowIp = Annotated[list[str] | None, typer.Option(metavar="CIDR", help=texts.ALLOW_IP)]
ExpiresAt = Annotated[datetime | None, typer.Option(help=texts.EXPIRES_AT)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.KEY, no_args_is_help=True)
    app.command("create", help=texts.KEY_CREATE)(create)
    app.command("list", help=texts.KEY_LIST)(list_all)
    app.command("update", help=texts.KEY_UPDATE)(update)
    app.command("revoke", help=texts.KEY_REVOKE)(revoke)
    app.command("rotate", help=texts.KEY_ROTATE)(rotate)
    return app


def create(
    *,
    service: Annotated[UUID, typer.Option(help=texts.OF_SERVICE)],
    name: Annotated[str, typer.Option(help=texts.NAME)],
    type: Annotated[KeyType, typer.Option(help=texts.KEY_TYPE)],  # noqa: A002 - becomes the flag's name
    lane: OfLane = None,
    language: Lang = None,
    branding: Branding = None,
    per_minute: PerMinute = None,
    allow_ip: AllowIp = None,
    expires_at: ExpiresAt = None,
    as_json: Json = False,
) -> None:
    options = given(
        lane=lane,
        language=language,
        branding=branding,
        per_minute=per_minute,
        networks=allow_ip or None,
        expires_at=_seconds(expires_at),
    )

    async def work(s: Session) -> keys.Issued:
        owner = await services.find(s.connection, s.limits, service)
        return await keys.create(s.connection, s.secret, s.limits, owner, time.time(), name=name, type=type, **options)

    _show_issued(write(work), as_json)


def list_all(
    service: Annotated[UUID | None, typer.Option(help=texts.OF_SERVICE)] = None, as_json: Json = False
) -> None:
    found = read(lambda s: keys.list_all(s.connection, s.limits, service))
    columns = ("id", "service_id", "name", "type", "smtp_username", "last_used_at", "expires_at", "revoked_at")
    show_list("keys", map(plain, found), columns, as_json)


def update(
    *,
    key_id: KeyId,
    name: Annotated[str | None, typer.Option(help=texts.NAME)] = None,
    lane: OfLane = None,
    language: Lang = None,
    branding: Branding = None,
    per_minute: PerMinute = None,
    allow_ip: AllowIp = None,
    expires_at: ExpiresAt = None,
    as_json: Json = False,
) -> None:
    changes = given(
        lane=lane,
        language=language,
        branding=branding,
        per_minute=per_minute,
        networks=allow_ip or None,
        expires_at=_seconds(expires_at),
    )
    if name is not None:
        changes["name"] = name
    show(plain(write(lambda s: keys.update(s.connection, s.limits, key_id, **changes))), as_json)


def revoke(key_id: KeyId, as_json: Json = False) -> None:
    show(plain(write(lambda s: keys.revoke(s.connection, s.limits, key_id, time.time()))), as_json)


def rotate(
    key_id: KeyId,
    overlap: Annotated[int, typer.Option(min=0, help=texts.OVERLAP)] = keys.OVERLAP_SECONDS,
    as_json: Json = False,
) -> None:
    issued = write(
        lambda s: keys.rotate(s.connection, s.secret, s.limits, key_id, time.time(), overlap_seconds=overlap)
    )
    _show_issued(issued, as_json)


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


def _seconds(time_utc: datetime | None) -> float | None:
    return None if time_utc is None else time_utc.replace(tzinfo=UTC).timestamp()

"""notify-relay message: what became of mail."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import typer

from auth import services
from auth.errors import AuthError
from config.database import Database
from config.settings import Settings
from delivery.store.base import Found, History, Search
from delivery.store.rows import Codec
from delivery.store.searching import Searching
from messages.address import Address, AddressError
from messages.message import Message
from messages.phone import PhoneNumber
from relay import wiring
from relay.actions import cancelling
from relay.actions.errors import BAD_ADDRESS
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.output import Json, done, say, show, show_list, spoken
from relay.cli.preview import preview
from relay.cli.session import with_database, write
from relay.plain import moment, plain

_FOUND = 100

To = Annotated[str | None, typer.Option("--to", metavar="ADDRESS", help=texts.FIND_TO)]
MessageId = Annotated[str | None, typer.Option("--message-id", metavar="ID", help=texts.FIND_MESSAGE_ID)]
Reference = Annotated[str | None, typer.Option("--reference", metavar="TEXT", help=texts.FIND_REFERENCE)]
Group = Annotated[UUID | None, typer.Option("--group", metavar="ID", help=texts.FIND_GROUP)]
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]
Since = Annotated[datetime | None, typer.Option("--since", formats=FORMATS, help=texts.FIND_SINCE)]
Until = Annotated[datetime | None, typer.Option("--until", formats=FORMATS, help=texts.FIND_UNTIL)]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help=texts.FIND_LIMIT)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.MESSAGE, no_args_is_help=True)
    app.command("show", help=texts.MESSAGE_SHOW)(_show)
    app.command("find", help=texts.MESSAGE_FIND, no_args_is_help=True)(_find)
    app.command("cancel", help=texts.MESSAGE_CANCEL, no_args_is_help=True)(_cancel)
    app.command("preview", help=texts.MESSAGE_PREVIEW, no_args_is_help=True)(preview)
    return app


def _show(message_id: Annotated[UUID, typer.Argument(metavar="ID")], as_json: Json = False) -> None:
    async def histories(settings: Settings, database: Database) -> list[History]:
        searching = Searching(database, Codec(wiring.secret_keyring(settings)))
        found = await searching.history(message_id)
        if found is not None:
            return [found]
        # The reply to an SMTP client names the group: take its id, too.
        return [h for each in await searching.group(message_id) if (h := await searching.history(each)) is not None]

    rows = [_history(history) for history in with_database(histories)]
    if not rows:
        raise AuthError(texts.NO_MESSAGE, id=message_id)
    if as_json:
        show(rows[0] if rows[0]["id"] == str(message_id) else {"messages": rows}, as_json)
        return
    for row in rows:
        _print_history(row)


_TABLES = {
    "attempts": ("number", "provider", "started_at", "ended_at", "outcome", "reason"),
    "events": ("at", "kind", "status", "reason", "carriage", "detail"),
    "callbacks": ("at", "status", "attempts", "outcome", "ended_at"),
}


def _print_history(row: dict[str, Any]) -> None:
    tables = {name: row.pop(name) for name in _TABLES}
    show(row, as_json=False)
    for name, rows in tables.items():
        if rows:
            typer.echo()
            say(name)
            show_list(name, rows, _TABLES[name], as_json=False)
    typer.echo()


def _history(history: History) -> dict[str, Any]:
    row = _message(history.message, history.reason)
    row["waiting_until"] = None if history.waiting_until is None else moment(history.waiting_until)
    return row | {name: [_timed(each) for each in getattr(history, name)] for name in _TABLES}


def _timed(value: Any) -> dict[str, Any]:
    row = plain(value)
    if row.get("carriage"):
        row["carriage"] = {name: each for name, each in plain(row["carriage"]).items() if each is not None}
    return row | {"at": plain_time(row["at"])} if "at" in row else row


def plain_time(seconds: float) -> str:
    """An event's time, to the millisecond: several may fall into one second."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(message: Message, reason: str | None) -> dict[str, Any]:
    dsn = None if message.dsn is None else str(message.dsn)
    return plain(message) | {"recipient": str(message.recipient), "reason": reason, "dsn": dsn}


def _find(
    to: To = None,
    message_id: MessageId = None,
    reference: Reference = None,
    group: Group = None,
    service: OfServiceIfAny = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = _FOUND,
    as_json: Json = False,
) -> None:
    asked = Search(
        recipient=_recipient(to) if to is not None else None,
        original_message_id=message_id,
        reference=reference,
        group_id=group,
        since=seconds(since),
        until=seconds(until),
    )

    async def find(settings: Settings, database: Database) -> list[Found]:
        search = asked
        if service is not None:
            async with database.read() as connection:
                search = replace(asked, service_id=(await services.named(connection, settings.limits, service)).id)
        return await Searching(database, Codec(wiring.secret_keyring(settings))).find(search, limit)

    rows = [_message(found.message, found.reason) for found in with_database(find)]
    if not rows and not as_json:
        raise AuthError(texts.NOTHING_FOUND)
    show_list("messages", rows, ("created_at", "id", "status", "recipient", "subject", "reference"), as_json)


def _cancel(
    message_id: Annotated[UUID | None, typer.Argument(metavar="ID")] = None,
    group: Annotated[UUID | None, typer.Option("--group", metavar="ID", help=texts.CANCEL_GROUP)] = None,
    as_json: Json = False,
) -> None:
    if (message_id is None) is (group is None):
        raise typer.BadParameter(spoken(texts.MESSAGE_OR_GROUP), param_hint="--group")
    if message_id is not None:
        cancelled = write(partial(cancelling.cancel, message_id=message_id))
        done({"id": str(cancelled), "status": "cancelled"}, as_json, texts.CANCELLED, id=cancelled)
    elif group is not None:
        whole = write(partial(cancelling.cancel_group, group_id=group))
        done(plain(whole), as_json, texts.GROUP_CANCELLED, count=whole.cancelled, others=whole.not_cancelled)


def _recipient(text: str) -> str:
    """Raises a TextError."""
    if "@" not in text:
        return PhoneNumber.parse(text).key
    try:
        return Address.parse(text.strip().strip("<>")).key
    except AddressError as error:
        raise AuthError(BAD_ADDRESS, reason=error.text) from None


def seconds(time: datetime | None) -> float | None:
    """What is typed without a zone is UTC."""
    return None if time is None else (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()

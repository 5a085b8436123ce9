"""notify-relay audit: who changed what."""

from datetime import datetime
from typing import Annotated, Any

import typer

from auth import audit
from auth.audit import Entry
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.messages import FORMATS, Limit, plain_time, seconds
from relay.cli.output import Json, as_json_text, show_list
from relay.cli.session import read
from relay.plain import plain

_LISTED = 100

Object = Annotated[str | None, typer.Option("--object", metavar="ID", help=texts.AUDIT_OBJECT)]
Since = Annotated[datetime | None, typer.Option("--since", formats=FORMATS, help=texts.AUDIT_SINCE)]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.AUDIT, no_args_is_help=True)
    app.command("list", help=texts.AUDIT_LIST)(list_all)

    @app.callback()
    def every() -> None:
        """Keeps `list` a word of its own while it is the only command here."""

    return app


def list_all(
    service: OfServiceIfAny = None,
    object_id: Object = None,
    since: Since = None,
    limit: Limit = _LISTED,
    as_json: Json = False,
) -> None:
    async def work(t: Transaction) -> list[Entry]:
        owner = None if service is None else await t.service(service)
        return await audit.find(
            t.connection, limit, service_id=owner.id if owner else None, object_id=object_id, since=seconds(since)
        )

    rows = [plain(entry) | {"at": plain_time(entry.at)} for entry in read(work)]
    if not as_json:
        rows = [row | {"changes": _changes(row["before"], row["after"])} for row in rows]
    show_list("entries", rows, ("at", "actor", "action", "object_id", "changes"), as_json)


def _changes(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str | None:
    """Of something made or gone all that it says of itself; else what each field was, and is."""
    if before is None or after is None:
        fields = before or after or {}
        return ", ".join(f"{name}: {_said(value)}" for name, value in fields.items() if value not in (None, [])) or None
    return ", ".join(f"{name}: {_said(before[name])} > {_said(value)}" for name, value in after.items()) or None


def _said(value: Any) -> str:
    return value if isinstance(value, str) else as_json_text(value)

"""How the command prints: lines for people, one JSON object for programs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

from relay.cli import texts

Json = Annotated[bool, typer.Option("--json", help=texts.JSON)]


def plain(value: Any) -> dict[str, Any]:
    """The fields of a frozen value as JSON has them: ids as text, times as ISO 8601 in UTC."""
    return {field.name: _plain(field.name, getattr(value, field.name)) for field in fields(value)}


def show(row: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False))
        return
    width = max(len(name) for name in row)
    for name, value in row.items():
        typer.echo(f"{name:{width}}  {_cell(value)}")


def show_list(name: str, rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """As JSON `{name: [rows]}` with every field; for people a table of `columns`."""
    rows = list(rows)
    if as_json:
        typer.echo(json.dumps({name: rows}, ensure_ascii=False))
        return
    table = [list(columns), *([_cell(row[column]) for column in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    for line in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_items(name: str, items: Iterable[str], as_json: bool) -> None:
    """As JSON `{name: [items]}`; for people one a line."""
    items = sorted(items)
    typer.echo(json.dumps({name: items}, ensure_ascii=False) if as_json else "\n".join(items) or texts.NOTHING)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    if name.endswith("_at") and value is not None:
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)

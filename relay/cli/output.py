"""How the command prints: lines for people, one JSON object for programs."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Annotated, Any

import typer

from messages.text import Text, Translate
from relay.cli import texts

# Of the one command that this process runs: the language of whoever gave it.
_translate: ContextVar[Translate] = ContextVar("translate", default=str)

# Control and directional characters, but for line feed and tab.
_UNSAFE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

Json = Annotated[bool, typer.Option("--json", help=texts.JSON)]


def speak(translate: Translate) -> None:
    """From now on everything for people is said in this language. JSON stays as it is."""
    _translate.set(translate)


def spoken(text: Text | str, **values: object) -> str:
    """The text in the language of whoever gave the command."""
    text = text if isinstance(text, Text) else Text(text, values)
    return text.render(_translate.get())


def say(text: Text | str, **values: object) -> None:
    typer.echo(spoken(text, **values))


def safe(text: str) -> str:
    """Clients and far servers wrote some of it: no terminal may take a part for an order."""
    return _UNSAFE.sub("\ufffd", text)


def as_json_text(value: object) -> str:
    """JSON that gives a terminal no orders either: it escapes only what stands below space."""
    encoded = json.dumps(value, ensure_ascii=False, default=str)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded)


def show(row: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(as_json_text(row))
        return
    named = [(spoken(name), value) for name, value in row.items()]
    width = max(len(name) for name, _ in named)
    for name, value in named:
        typer.echo(f"{name:{width}}  {_cell(value)}")


def done(row: Mapping[str, Any], as_json: bool, said: str, **values: object) -> None:
    """What was done: a sentence for people, `row` as JSON."""
    if as_json:
        show(row, as_json)
    else:
        say(said, **values)


def show_list(name: str, rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """As JSON `{name: [rows]}` with every field; for people a table of `columns`."""
    rows = list(rows)
    if as_json:
        typer.echo(as_json_text({name: rows}))
        return
    cells_of = ([_cell(row[column]).replace("\n", " ") for column in columns] for row in rows)
    table = [list(map(spoken, columns)), *cells_of]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    for line in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_items(name: str, items: Iterable[str], as_json: bool) -> None:
    """As JSON `{name: [items]}`; for people one a line."""
    items = sorted(items)
    lines = as_json_text({name: items}) if as_json else "\n".join(items)
    typer.echo(lines or spoken(texts.NOTHING))


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{spoken(name)}={_cell(each)}" for name, each in value.items()) or "-"
    if isinstance(value, list):
        return " ".join(map(_cell, value)) or "-"
    if isinstance(value, bool):
        return spoken(texts.YES if value else texts.NO)
    if isinstance(value, Text):
        return spoken(value)
    return "-" if value is None else safe(str(value))

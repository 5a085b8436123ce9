"""Help pages and errors of usage in the language of whoever gave the command.

Typer asks no catalogue for most of what it says: its sentences are recognised by their English.
"""

import re
from collections.abc import Sequence
from typing import Any

import typer
from pydantic import ValidationError

from config.problems import problem
from messages.text import Text
from relay.cli.output import spoken

# The first that fits counts: what says more stands before what says less.
SENTENCES = (
    "Missing option {name}. Choose from: {words}",
    "Missing option {name}.",
    "Missing argument {name}. Choose from: {words}",
    "Missing argument {name}.",
    "Missing command.",
    "No such command {name}. Did you mean {names}?",
    "No such command {name}.",
    "No such option: {name} (Possible options: {names})",
    "No such option: {name}",
    "Invalid value for {name}: {problem}",
    "Option {name} requires an argument.",
    "Option {name} does not take a value.",
    "Got unexpected extra argument(s) ({words})",
    "{value} is not one of {words}.",
    "{value} does not match the formats {words}.",
    "default: {value}",
    "required",
)
ERROR = "Error: {problem}"
SEE_HELP = "Try '{command}' for help."
USAGE = "Usage:"
HEADINGS = ("Options:", "Commands:", "Arguments:")
PLACEHOLDERS = ("COMMAND [ARGS]...", "<str>", "<int>", "<int range>", "<datetime>", "<path>", "<file>")
HELP_OPTION = "Show this message and exit."

_EXTRAS = re.compile(r"(?:(.*)  )?\[(.+)\]", re.DOTALL)  # help, then what Typer adds: [default: trial; required]


class Page(typer.Context.formatter_class):  # type: ignore[misc, valid-type]
    """A help page, or the first line of an error."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, f"{spoken(USAGE)} ")

    def write_heading(self, heading: str) -> None:
        self.write(f"{spoken(f'{heading}:')}\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(_types(name), _help(text)) for name, text in rows], col_max, col_spacing)


class Context(typer.Context):
    formatter_class = Page


def translate(command: Any) -> None:
    """Makes a command, and those below it, speak the language of whoever gave it."""
    command.context_class = Context
    command.help = spoken(command.help or "")
    for parameter in command.params:
        parameter.metavar = parameter.metavar and spoken(parameter.metavar)
    if hasattr(command, "commands"):
        command.subcommand_metavar = spoken(command.subcommand_metavar)
        for each in command.commands.values():
            translate(each)


def _types(name: str) -> str:
    return re.sub(r"<[^>]+>", lambda found: spoken(found[0]), name)


def _help(text: str) -> str:
    found = _EXTRAS.fullmatch(text)
    if found is None:
        return spoken(text)
    extras = "; ".join(spoken(_recognised(extra)) for extra in found[2].split("; "))
    return f"{spoken(found[1] or '')}  [{extras}]".strip()


def show(error: typer.TyperException) -> None:
    """Prints what is wrong with the command line, on standard error."""
    context = getattr(error, "ctx", None)
    sentence = error.format_message()
    if context is not None:
        if sentence == context.get_help():  # a group without a command of it: the page is the answer
            typer.echo(sentence, err=True)
            return
        typer.echo(context.get_usage(), err=True)
        help_command = f"{context.command_path} {context.help_option_names[0]}"
        typer.echo(f"{spoken(SEE_HELP, command=help_command)}\n", err=True)
    if isinstance(error.__cause__, ValidationError):
        error.message = _found_by_pydantic(error.__cause__)
    typer.echo(spoken(ERROR, problem=_recognised(error.format_message())), err=True)


def _found_by_pydantic(error: ValidationError) -> str:
    first = error.errors()[0]
    if first["type"] == "value_error":  # Typer's own check
        return first["msg"].removeprefix("Value error, ")
    return spoken(problem(first))


def _recognised(sentence: str) -> Text:
    """A sentence of Typer's with its values; one that we do not know stays as it is."""
    sentence = re.sub(r"[ \t\n]+", " ", sentence)
    for source in SENTENCES:
        found = re.fullmatch(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", re.escape(source)), sentence)
        if found:
            nested = {
                name: _recognised(value) if name == "problem" else value for name, value in found.groupdict().items()
            }
            return Text(source, nested)
    return Text(sentence)

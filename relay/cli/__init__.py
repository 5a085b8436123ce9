"""The command notify-relay. Exit codes: 0 done, 1 refused or failed (one line on standard error), 2 wrong usage."""

import errno
import io
import os
import re
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from types import ModuleType
from typing import Annotated, NoReturn

import typer
from typer.main import get_command

from messages.message import Language
from messages.text import Text, TextError, Translate
from relay.cli import refusals, texts, usage
from relay.cli.output import speak, spoken

# By the words of the command line: where each stands. Imported when it is named, since all of them take a second.
_GROUPS: Mapping[str, tuple[str, str]] = {
    "service": ("services", "commands"),
    "organisation": ("organisations", "commands"),
    "key": ("keys", "commands"),
    "template": ("templates", "commands"),
    "branding": ("brandings", "commands"),
    "domain": ("domains", "commands"),
    "db": ("operations", "database_commands"),
    "message": ("messages", "commands"),
    "queue": ("queue", "commands"),
    "smtp": ("smtp", "commands"),
    "sender": ("origination", "commands"),
    "opt-out": ("opt_outs", "commands"),
    "suppression": ("suppressions", "commands"),
    "ban": ("bans", "commands"),
    "audit": ("audit", "commands"),
    "user": ("users", "commands"),
    "person": ("persons", "commands"),
    "statistics": ("statistics", "commands"),
    "secrets": ("operations", "secrets_commands"),
}
_COMMANDS: Mapping[str, str] = {"serve": texts.SERVE, "check": texts.CHECK}


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"notify-relay {version('notify-relay')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help=texts.VERSION, is_eager=True, callback=_tell_version)]


def build(named: str | None = None) -> typer.Typer:
    """The command with all that is below it, or with what is `named` alone."""
    app = typer.Typer(
        help=texts.APP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # they print values, secrets among them
        rich_markup_mode=None,
    )
    app.callback()(_every_command)
    for name, help_text in _COMMANDS.items():
        if named in (None, name):
            app.command(name, help=help_text)(getattr(_module(name), name))
    for name, (module, commands) in _GROUPS.items():
        if named in (None, name):
            app.add_typer(getattr(_module(module), commands)(), name=name)
    return app


def _module(name: str) -> ModuleType:
    return import_module(f"{__package__}.{name}")


def _every_command(version: Version = False) -> None:
    """What may stand before a command."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: runs one command and leaves with its exit code."""
    os.umask(0o077)  # database, keys and outbox are nobody else's to read
    try:
        speak(_translator(os.environ))
        command = get_command(build(_named(sys.argv[1:] if arguments is None else arguments)))
        usage.translate(command)
        code = command.main(arguments, prog_name="notify-relay", standalone_mode=False)
    except KeyboardInterrupt:
        _fail(Text(texts.INTERRUPTED))
    except typer.TyperException as error:
        usage.show(error)
        sys.exit(error.exit_code)
    except Exception as error:
        _fail(_reason(error))
    sys.exit(code)


def _named(arguments: Sequence[str]) -> str | None:
    """The command that is asked for; None: what was written has to be told from all of them."""
    first = next(iter(arguments), None)
    return first if first in _COMMANDS or first in _GROUPS else None


def _translator(environment: Mapping[str, str]) -> Translate:
    """What LC_ALL, LC_MESSAGES or LANG, the first of them that is set, asks for: French, else English."""
    locale = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    if not re.match(r"fr(?![a-z])", locale.lower()):
        return str
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without accents is no reason to fail
    from config.words import Words  # nobody else has to wait for Babel

    return Words.load().translator(Language.FR)


def _reason(error: Exception) -> Text:
    """Why the command failed. The text of an error that was not written for people is not shown: it may hold values."""
    from config.database import OUTAGES  # here: not every command needs a database
    from config.outages import away

    if isinstance(error, TextError):
        return refusals.typed(error.text)
    if isinstance(error, OSError) and error.strerror and not _is_unreachable(error):
        reason = Text(error.strerror)
        if error.filename:
            reason = Text(texts.OF_FILE, {"name": error.filename, "problem": reason})
        return Text(texts.SYSTEM_REFUSED, {"reason": reason})
    if isinstance(error, OUTAGES):
        return away(error)
    return Text(texts.INTERNAL, {"kind": type(error).__name__})


def _is_unreachable(error: Exception) -> bool:
    """Whether a connection failed; a command makes none but the database's."""
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror | ssl.SSLError):
        return True
    # asyncio gives no errno when a name has several addresses and all of them fail.
    return isinstance(error, OSError) and error.errno in (None, errno.EHOSTUNREACH, errno.ENETUNREACH)


def _fail(reason: Text) -> NoReturn:
    typer.echo(f"notify-relay: {' '.join(spoken(reason).splitlines())}", err=True)
    sys.exit(1)

"""The command notify-relay. Exit codes: 0 done, 1 refused or failed (one line on standard error), 2 wrong usage."""

import errno
import io
import os
import re
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer
from typer.main import get_command

from config.database import OUTAGES
from config.outages import away
from messages.message import Language
from messages.text import Text, TextError, Translate
from relay.cli import (
    audit,
    bans,
    brandings,
    check,
    domains,
    keys,
    messages,
    operations,
    opt_outs,
    organisations,
    origination,
    refusals,
    serve,
    services,
    smtp,
    templates,
    texts,
    usage,
    users,
)
from relay.cli.output import speak, spoken


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"notify-relay {version('notify-relay')}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help=texts.VERSION, is_eager=True, callback=_tell_version)]


def build() -> typer.Typer:
    app = typer.Typer(
        help=texts.APP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # they print values, secrets among them
        rich_markup_mode=None,
    )
    app.callback()(_every_command)
    app.add_typer(services.commands(), name="service")
    app.add_typer(organisations.commands(), name="organisation")
    app.add_typer(keys.commands(), name="key")
    app.add_typer(templates.commands(), name="template")
    app.add_typer(brandings.commands(), name="branding")
    app.add_typer(domains.commands(), name="domain")
    app.command("serve", help=texts.SERVE)(serve.serve)
    app.command("check", help=texts.CHECK)(check.check)
    app.add_typer(operations.database_commands(), name="db")
    app.add_typer(messages.commands(), name="message")
    app.add_typer(operations.queue_commands(), name="queue")
    app.add_typer(smtp.commands(), name="smtp")
    app.add_typer(origination.commands(), name="sender")
    app.add_typer(opt_outs.commands(), name="opt-out")
    app.add_typer(bans.commands(), name="ban")
    app.add_typer(audit.commands(), name="audit")
    app.add_typer(users.commands(), name="user")
    app.add_typer(operations.secrets_commands(), name="secrets")
    return app


def _every_command(version: Version = False) -> None:
    """What may stand before a command."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: runs one command and leaves with its exit code."""
    os.umask(0o077)  # database, keys and outbox are nobody else's to read
    try:
        speak(_translator(os.environ))
        command = get_command(build())
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

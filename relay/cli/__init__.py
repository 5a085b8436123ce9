"""The command notify-relay. Exit codes: 0 done, 1 refused or failed (one line on standard error), 2 wrong usage."""

import errno
import os
import socket
import sys
from collections.abc import Sequence

import typer

from auth.errors import AuthError
from config.database import OUTAGES
from config.keyring import KeyringError
from config.settings import SettingsError
from relay.cli import check, domains, keys, operations, serve, services, texts

# Errors whose text was written for the person at the command line.
SPOKEN: tuple[type[Exception], ...] = (AuthError, SettingsError, KeyringError)


def build() -> typer.Typer:
    app = typer.Typer(
        help=texts.APP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # they print values, secrets among them
        rich_markup_mode=None,
    )
    app.add_typer(services.commands(), name="service")
    app.add_typer(keys.commands(), name="key")
    app.add_typer(domains.commands(), name="domain")
    app.command("serve", help=texts.SERVE)(serve.serve)
    app.command("check", help=texts.CHECK)(check.check)
    app.add_typer(operations.database_commands(), name="db")
    app.add_typer(operations.message_commands(), name="message")
    app.add_typer(operations.queue_commands(), name="queue")
    app.add_typer(operations.secrets_commands(), name="secrets")
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: runs one command and leaves with its exit code."""
    os.umask(0o077)  # database, keys and outbox are nobody else's to read
    try:
        build()(args=arguments, prog_name="notify-relay")
    except KeyboardInterrupt:
        _fail(texts.INTERRUPTED)
    except Exception as error:
        _fail(_line(error))


def _line(error: Exception) -> str:
    """Why the command failed. The text of an error that was not written for people is not shown: it may hold values."""
    if isinstance(error, SPOKEN):
        return str(error)
    kind = type(error).__name__
    if isinstance(error, OSError) and error.strerror and not _is_unreachable(error):
        return texts.SYSTEM_REFUSED.format(reason=": ".join(filter(None, (error.filename, error.strerror))))
    if isinstance(error, OUTAGES):
        return texts.DATABASE_AWAY.format(kind=kind)
    return texts.INTERNAL.format(kind=kind)


def _is_unreachable(error: Exception) -> bool:
    """Whether a connection failed; a command makes none but the database's."""
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return True
    # asyncio gives no errno when a name has several addresses and all of them fail.
    return isinstance(error, OSError) and error.errno in (None, errno.EHOSTUNREACH, errno.ENETUNREACH)


def _fail(reason: str) -> None:
    typer.echo(f"notify-relay: {' '.join(reason.split())}", err=True)
    sys.exit(1)

"""notify-relay smtp test: what a client goes through, step by step. Needs no settings and no database."""

import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from messages.address import Address, AddressError
from messages.text import Text, TextError
from relay.actions.errors import BAD_ADDRESS
from relay.cli import texts as command_texts
from relay.cli.output import Json, as_json_text, say, spoken
from relay.cli.smtp import texts
from relay.cli.smtp.steps import Finding, Kind, Trial, Wanted

_PORTS = {Kind.STARTTLS: 587, Kind.IMPLICIT: 465}  # RFC 6409 3.1, RFC 8314 3.3


class SmtpTestError(TextError):
    """What was given cannot be used."""


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.SMTP, no_args_is_help=True)
    app.command("test", help=texts.SMTP_TEST)(_test)
    return app


def _test(
    host: Annotated[str, typer.Option("--host", help=texts.HOST)],
    user: Annotated[str, typer.Option("--user", help=texts.USER)],
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help=texts.PORT)] = None,
    tls: Annotated[Kind | None, typer.Option("--tls", help=texts.TLS)] = None,
    to: Annotated[str | None, typer.Option("--to", help=texts.TO)] = None,
    sender: Annotated[str | None, typer.Option("--from", help=texts.FROM)] = None,
    ca_file: Annotated[Path | None, typer.Option("--ca-file", help=texts.CA_FILE)] = None,
    as_json: Json = False,
) -> None:
    recipient = _address(to)
    wanted = Wanted(
        host=host,
        username=user,
        password=_password(),
        sender=_address(sender) or recipient or "",
        recipient=recipient,
        context=_context(ca_file),
    )
    findings: list[Finding] = []
    works = False
    for trial in _trials(wanted, port, tls):
        for finding in trial.run():
            findings.append(finding)
            if not as_json:
                _say(finding)
        works = trial.works
        if works and not as_json:
            say(texts.WORKS, port=trial.port, kind=Text(texts.IMPLICIT) if trial.kind is Kind.IMPLICIT else "STARTTLS")
        if trial.is_final:
            break
    if as_json:
        typer.echo(as_json_text({"works": works, "steps": [_row(each) for each in findings]}))
    if not works:
        raise typer.Exit(1)


def _trials(wanted: Wanted, port: int | None, kind: Kind | None) -> Iterator[Trial]:
    if port is not None:
        implied = Kind.IMPLICIT if port == _PORTS[Kind.IMPLICIT] else Kind.STARTTLS
        yield Trial(wanted, port, kind or implied)
        return
    for each in Kind if kind is None else (kind,):
        yield Trial(wanted, _PORTS[each], each)


def _address(text: str | None) -> str | None:
    try:
        return None if text is None else str(Address.parse(text))
    except AddressError as error:
        raise SmtpTestError(BAD_ADDRESS, reason=error.text) from None


def _password() -> str:
    """Never from the command line, which other people of the machine can read."""
    if sys.stdin.isatty():
        given = typer.prompt(spoken(texts.PASSWORD), hide_input=True, err=True, default="", show_default=False)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise SmtpTestError(texts.NO_PASSWORD)
    return str(given)


def _context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError:
            raise SmtpTestError(texts.CA_UNREADABLE, file=ca_file) from None
        except OSError as error:
            error.filename = str(ca_file)  # OpenSSL's own error names no file
            raise
    return context


def _result(finding: Finding) -> Text:
    if not finding.tried:
        return Text(texts.NOT_TRIED)
    return Text(command_texts.CHECK_BAD if finding.cure else command_texts.CHECK_GOOD)


def _say(finding: Finding) -> None:
    typer.echo(f"{spoken(finding.step):17}{spoken(_result(finding)):12}{_words(finding.detail)}")
    if finding.cure:
        typer.echo(f"{'':29}{spoken(texts.CHANGE)} {spoken(finding.cure)}")


def _words(detail: Text | str) -> str:
    return detail if isinstance(detail, str) else spoken(detail)


def _row(finding: Finding) -> dict[str, object]:
    return {
        "step": str(finding.step),
        "port": finding.port,
        "result": str(_result(finding)),
        "detail": str(finding.detail),
        "cure": None if finding.cure is None else str(finding.cure),
    }

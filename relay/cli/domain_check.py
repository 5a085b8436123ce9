"""notify-relay domain check and register: what DNS and SES have of a domain, and giving SES what it needs."""

from typing import Annotated

import typer

from auth.domains.inspection import Finding
from relay.actions import domains
from relay.cli import texts
from relay.cli.output import Json, as_json_text, safe, say, show, spoken
from relay.cli.refusals import typed
from relay.cli.session import with_transactions
from relay.plain import plain

NameOrDefault = Annotated[str | None, typer.Argument(metavar=texts.NAME_ARGUMENT)]


def check(name: NameOrDefault = None, as_json: Json = False) -> None:
    found = with_transactions(lambda transactions: domains.check(transactions, name))
    domain, complete = found.domain.name, found.complete
    if as_json:
        rows = list(map(_row, found.findings))
        typer.echo(as_json_text({"domain": domain, "complete": complete, "usable": found.usable, "findings": rows}))
    else:
        for each in found.findings:
            _say(each)
        say(texts.DOMAIN_COMPLETE if complete else texts.DOMAIN_INCOMPLETE, name=domain)
    if not complete:
        raise typer.Exit(1)


def register(name: NameOrDefault = None, as_json: Json = False) -> None:
    done = with_transactions(lambda transactions: domains.register(transactions, name))
    domain = done.domain.name
    if as_json:
        show({"domain": domain, "findings": list(map(_row, done.findings))}, as_json)
        return
    if not done.findings:
        say(texts.NOTHING_TO_REGISTER)
        return
    for each in done.findings:
        _say(each)
    say(texts.DOMAIN_REGISTERED, name=domain, selector=done.selector)


def _say(finding: Finding) -> None:
    result = f"{spoken(texts.RESULTS[finding.result]):13}"
    by = "" if finding.resolver is None else f"  ({finding.resolver})"
    typer.echo(f"{result}{finding.type:5}{finding.name}{by}")
    if finding.advice is not None:
        # It may name what DNS holds.
        typer.echo(f"{'':18}{safe(' '.join(spoken(typed(finding.advice)).split()))}")


def _row(finding: Finding) -> dict[str, object]:
    advice = None if finding.advice is None else str(typed(finding.advice))
    return {**plain(finding), "result": finding.result.value, "advice": advice}

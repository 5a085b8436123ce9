"""notify-relay person: what is held about somebody."""

from dataclasses import asdict
from typing import Annotated

import typer

from relay.actions import persons
from relay.cli import texts
from relay.cli.output import Json, as_json_text, done, say
from relay.cli.session import with_transactions

Named = Annotated[str, typer.Argument(metavar=texts.PERSON_ARGUMENT, help=texts.NAMED_PERSON)]
_ACCOUNT = {
    "closed": texts.PERSON_ACCOUNT,
    "operator": texts.PERSON_ACCOUNT_OPERATOR,
    "manages": texts.PERSON_ACCOUNT_LAST,
}


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.PERSON, no_args_is_help=True)
    app.command("export", help=texts.PERSON_EXPORT)(export)
    app.command("delete", help=texts.PERSON_DELETE)(delete)
    return app


def export(person: Named, as_json: Json = False) -> None:
    wanted = persons.parse(person)
    typer.echo(as_json_text(with_transactions(lambda asking: persons.export(asking, wanted))))


def delete(person: Named, as_json: Json = False) -> None:
    wanted = persons.parse(person)
    gone = with_transactions(lambda asking: persons.forget(asking, wanted))
    others = sum(gone.others.values())
    counted = {"messages": gone.messages, "cancelled": gone.cancelled, "others": others}
    done(asdict(gone), as_json, texts.PERSON_DELETED, **counted)
    if as_json:
        return
    if gone.under_way:
        say(texts.PERSON_UNDER_WAY, count=gone.under_way)
    if gone.account is not None:
        say(_ACCOUNT[gone.account], service=gone.manages)

"""notify-relay sender: the numbers and pools that texts come from."""

from typing import Annotated, Any

import typer

from delivery.library import origination
from delivery.library.origination import Kind, OriginationIdentity
from messages.message import Language
from messages.text import Text
from relay.actions import origination as changing
from relay.actions import sms_account
from relay.actions.transaction import Transaction, Transactions
from relay.cli import texts
from relay.cli.arguments import OfServiceIfAny
from relay.cli.output import Json, done, show, show_list
from relay.cli.refusals import typed
from relay.cli.session import given, read, with_transactions, write
from relay.plain import plain

Identity = Annotated[str, typer.Argument(metavar=texts.ORIGINATION_ARGUMENT, help=texts.ORIGINATION_IDENTITY)]
Named = Annotated[str, typer.Argument(metavar=texts.ORIGINATION_ARGUMENT, help=texts.NAMED_ORIGINATION)]
NamedIfAny = Annotated[str | None, typer.Argument(metavar=texts.ORIGINATION_ARGUMENT, help=texts.NAMED_ORIGINATION)]
Countries = Annotated[list[str] | None, typer.Option("--country", help=texts.ORIGINATION_COUNTRY)]
Preferred = Annotated[bool | None, typer.Option("--default/--on-request", help=texts.ORIGINATION_DEFAULT)]
Rate = Annotated[float | None, typer.Option("--parts-per-second", help=texts.ORIGINATION_RATE)]
Lang = Annotated[Language | None, typer.Option(help=texts.ORIGINATION_LANGUAGE)]
SelfManaged = Annotated[
    bool | None, typer.Option("--self-managed-opt-outs/--aws-opt-outs", help=texts.ORIGINATION_OPT_OUTS)
]


def commands() -> typer.Typer:
    app = typer.Typer(help=texts.ORIGINATION, no_args_is_help=True)
    app.command("add", help=texts.ORIGINATION_ADD)(add)
    app.command("list", help=texts.ORIGINATION_LIST)(list_all)
    app.command("show", help=texts.ORIGINATION_SHOW)(show_one)
    app.command("update", help=texts.ORIGINATION_UPDATE)(update)
    app.command("remove", help=texts.ORIGINATION_REMOVE)(remove)
    app.command("check", help=texts.ORIGINATION_CHECK)(check)
    return app


def add(
    *,
    identity: Identity,
    kind: Annotated[Kind, typer.Option(help=texts.ORIGINATION_KIND)],
    service: OfServiceIfAny = None,
    country: Countries = None,
    default: Preferred = None,
    parts_per_second: Rate = None,
    language: Lang = None,
    self_managed_opt_outs: SelfManaged = None,
    as_json: Json = False,
) -> None:
    options = _given(country, default, parts_per_second, language, self_managed_opt_outs)

    async def work(transactions: Transactions) -> OriginationIdentity:
        if kind is Kind.POOL:
            options["members"] = await sms_account.members(transactions.settings, identity)
        async with transactions.write() as t:
            return await changing.add(t, kind, identity, service, **options)

    show(plain(with_transactions(work)), as_json)


def list_all(service: OfServiceIfAny = None, as_json: Json = False) -> None:
    async def work(t: Transaction) -> list[OriginationIdentity]:
        return await origination.list_all(t.connection, None if service is None else (await t.service(service)).id)

    columns = ("id", "kind", "identity", "service_id", "countries", "preferred", "parts_per_second")
    show_list("senders", map(plain, read(work)), columns, as_json)


def show_one(sender: Named, as_json: Json = False) -> None:
    show(plain(read(lambda t: origination.find(t.connection, sender))), as_json)


def update(
    *,
    sender: Named,
    country: Countries = None,
    default: Preferred = None,
    parts_per_second: Rate = None,
    language: Lang = None,
    self_managed_opt_outs: SelfManaged = None,
    as_json: Json = False,
) -> None:
    changes = _given(country, default, parts_per_second, language, self_managed_opt_outs)
    show(plain(write(lambda t: changing.update(t, sender, **changes))), as_json)


def remove(sender: Named, as_json: Json = False) -> None:
    gone = write(lambda t: changing.remove(t, sender))
    done({"id": str(gone.id), "identity": gone.identity}, as_json, texts.ORIGINATION_REMOVED, identity=gone.identity)


def check(sender: NamedIfAny = None, as_json: Json = False) -> None:
    async def work(transactions: Transactions) -> list[sms_account.Examined]:
        async with transactions.read() as t:
            every = await origination.list_all(t.connection)
            senders = every if sender is None else [await origination.find(t.connection, sender)]
        return await sms_account.examine(transactions.settings, senders)

    found = with_transactions(work)
    rows = [{"sender": each.sender.identity, "result": Text(texts.CHECK_BAD if each.problem else texts.CHECK_GOOD),
             "detail": typed(each.problem or each.detail)} for each in found]  # fmt: skip
    show_list("checks", rows, ("sender", "result", "detail"), as_json)
    if any(each.problem for each in found):
        raise typer.Exit(1)


def _given(
    country: list[str] | None,
    default: bool | None,
    parts_per_second: float | None,
    language: Language | None,
    self_managed: bool | None,
) -> dict[str, Any]:
    chosen = {"preferred": default, "self_managed_opt_outs": self_managed}
    named = {name: value for name, value in chosen.items() if value is not None}
    return given(countries=country, parts_per_second=parts_per_second, language=language) | named

"""notify-relay domain check and register: what DNS and SES have of a domain, and giving SES what it needs."""

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from auth.domains import inspection, names, records, resolvers
from auth.domains.inspection import Finding, Result
from auth.domains.names import Domain
from config.database import Database
from config.settings import Settings
from delivery.providers.base import SendError
from messages.email.dkim import SigningKey
from messages.text import Text, TextError
from relay import wiring
from relay.actions.transaction import Transaction
from relay.cli import texts
from relay.cli.output import Json, as_json_text, safe, say, show, spoken
from relay.cli.session import with_database, write
from relay.plain import plain

if TYPE_CHECKING:
    from delivery.providers.identities import Identity

NameOrDefault = Annotated[str | None, typer.Argument(metavar=texts.NAME_ARGUMENT)]


class RegisterError(TextError):
    """SES did not take the domain."""


def check(name: NameOrDefault = None, as_json: Json = False) -> None:
    async def work(settings: Settings, database: Database) -> tuple[Domain, bool, list[Finding]]:
        domain, findings = await _check(settings, database, name)
        return domain, names.is_usable(domain, settings.email), findings

    domain, usable, findings = with_database(work)
    complete = _is_complete(findings)
    if as_json:
        values = {"domain": domain.name, "complete": complete, "usable": usable, "findings": list(map(_row, findings))}
        typer.echo(as_json_text(values))
    else:
        for each in findings:
            _say(each)
        say(texts.DOMAIN_COMPLETE if complete else texts.DOMAIN_INCOMPLETE, name=domain.name)
    if not complete:
        raise typer.Exit(1)


def register(name: NameOrDefault = None, as_json: Json = False) -> None:
    async def work(t: Transaction) -> tuple[Settings, Domain, SigningKey]:
        domain = await names.named(t.connection, t.sealing, name, t.settings.email, time.time())
        return t.settings, domain, await names.shown_key(t.connection, t.sealing, domain)

    settings, domain, key = write(work)
    if settings.email.provider == "outbox":
        say(texts.NOTHING_TO_REGISTER) if not as_json else show({"domain": domain.name, "findings": []}, as_json)
        return
    findings = asyncio.run(_register(settings, domain, key))
    if as_json:
        typer.echo(as_json_text({"domain": domain.name, "findings": list(map(_row, findings))}))
        return
    for each in findings:
        _say(each)
    say(texts.DOMAIN_REGISTERED, name=domain.name, selector=key.selector)


async def _check(settings: Settings, database: Database, name: str | None) -> tuple[Domain, list[Finding]]:
    sealing, email = wiring.sealing_keyring(settings), settings.email
    async with database.write() as connection:
        domain = await names.named(connection, sealing, name, email, time.time())
    asked, began = resolvers.configured(settings.dns), time.time()
    findings, looks, identity = await asyncio.gather(
        inspection.inspect(asked, domain, settings.aws.region),
        inspection.look_at_keys(asked, domain),
        _ask_ses(settings, domain.name),
    )
    async with database.write() as connection:
        if email.provider != "outbox":  # where nobody looks, no key is withdrawn
            trusted = names.is_default(domain.name, email)
            domain, _ = await names.observe(connection, domain, looks, began, trusted=trusted)
        findings.append(inspection.signing(domain))
        if email.provider == "ses":
            findings.append(_of_ses(domain, identity))
        if _is_complete(findings):
            domain = await names.verified(connection, domain, began)
    return domain, findings


def _is_complete(findings: list[Finding]) -> bool:
    return all(each.result is Result.FOUND for each in findings if each.needed)


# -- SES -----------------------------------------------------------------------------------------------------------
async def _ask_ses(settings: Settings, name: str) -> "Identity | SendError | None":
    if settings.email.provider == "outbox":
        return None
    from delivery.providers import identities
    from delivery.providers.aws import open_client

    try:
        async with open_client("sesv2", settings.aws, 1) as client:
            return await identities.find(client, name)
    except SendError as error:
        return error


async def _register(settings: Settings, domain: Domain, key: SigningKey) -> list[Finding]:
    from delivery.providers import identities
    from delivery.providers.aws import open_client

    try:
        async with open_client("sesv2", settings.aws, 1) as client:
            return [_of_ses(domain, await identities.register(client, key, records.mail_from(domain.name)))]
    except SendError as error:
        raise RegisterError(texts.SES_REFUSED, reason=error.reason) from None


def _of_ses(domain: Domain, identity: "Identity | SendError | None") -> Finding:
    found = Finding("ses", domain.name, "SES")
    if isinstance(identity, SendError):
        return replace(found.noted(Text(texts.CHECK_PROVIDER, {"reason": identity.reason})), result=Result.UNANSWERED)
    bounce, ours = records.mail_from(domain.name), {key.selector for key in domain.keys}
    if identity is None:
        return found.not_there(resolvers.Missing(), Text(texts.SES_KNOWS_NOT, {"name": domain.name}))
    selectors = ", ".join(identity.selectors)
    values = {"name": domain.name, "host": bounce, "selectors": selectors}
    if identity.signs or identity.mail_from != bounce or (identity.byodkim and not ours.issuperset(identity.selectors)):
        return found.wrong(Text(texts.SES_HAS_OTHER, values))
    if not identity.verified:
        return found.wrong(Text(texts.SES_WAITS if identity.byodkim else texts.SES_WAITS_EASY, values))
    if not identity.mail_from_verified:
        return found.wrong(Text(texts.SES_WAITS_MX, values))
    if not identity.byodkim:
        return found.noted(Text(texts.SES_EASY, values))
    if domain.signing and identity.selectors != (domain.signing.selector,):
        return found.noted(Text(texts.SES_PREVIOUS, values))
    return found


# -- Lines ---------------------------------------------------------------------------------------------------------
def _say(finding: Finding) -> None:
    result = f"{spoken(texts.RESULTS[finding.result]):13}"
    by = "" if finding.resolver is None else f"  ({finding.resolver})"
    typer.echo(f"{result}{finding.type:5}{finding.name}{by}")
    if finding.advice is not None:
        typer.echo(f"{'':18}{safe(' '.join(spoken(finding.advice).split()))}")  # it may name what DNS holds


def _row(finding: Finding) -> dict[str, object]:
    advice = None if finding.advice is None else str(finding.advice)
    return {**plain(finding), "result": finding.result.value, "advice": advice}

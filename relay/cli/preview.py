"""notify-relay message preview: what would happen to a message, without sending it."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from auth import keys, services
from auth.domains import names, records, resolvers, spf
from auth.errors import AuthError
from auth.principal import Principal
from auth.verify import Verifier
from config.database import Database
from config.settings import Settings
from delivery.library.brandings import Brandings
from delivery.library.templates import Templates
from delivery.providers.base import SendError
from messages.address import Address, AddressError
from messages.email import headers
from messages.email.content import HeaderSection
from messages.email.mailboxes import entries, read
from messages.email.pipeline import Rewritten
from messages.envelope import Envelope
from messages.message import Submission, Trace
from messages.reply import Refused
from messages.text import Text
from relay import preview as previews
from relay import wiring
from relay.cli import texts
from relay.cli.arguments import OfService
from relay.cli.input import octets_of
from relay.cli.output import Json, say, show, show_list
from relay.cli.session import with_database
from relay.preparation import Preparer, asked_language
from relay.preview import Preview, Suppressed
from relay.smtp.intake import mend_line_ends
from relay.smtp.options import submission

_UNREADABLE = "x-unreadable"
_OF_RECIPIENTS = ["to", "cc", "bcc"]
_OF_SES = records.Record("spf", spf.SES, "TXT", "v=spf1 -all")  # it has one, whatever it says
MAX_ENCODED_BYTES = 40 * 1024 * 1024  # SES counts after base64

File = Annotated[Path, typer.Argument(metavar=texts.PREVIEW_FILE, help=texts.PREVIEW_FILE_HELP)]
OfKey = Annotated[str | None, typer.Option("--key", metavar=texts.KEY_ARGUMENT, help=texts.PREVIEW_KEY)]
To = Annotated[list[str] | None, typer.Option("--to", metavar=texts.ADDRESS_ARGUMENT, help=texts.PREVIEW_TO)]


@dataclass(frozen=True, slots=True)
class Seen:
    """A preview, and what it was made for."""

    submission: Submission
    principal: Principal
    preview: Preview


def preview(file: File, service: OfService, key: OfKey = None, to: To = None, as_json: Json = False) -> None:
    octets = octets_of(file)

    async def look(settings: Settings, database: Database) -> Seen:
        return await _look(settings, database, octets, service, key, to or [])

    try:
        seen = with_database(look)
    except Refused as refused:  # line ends and X-Notify fields are looked at before anything else
        values: dict[str, Any] = {"accepted": False, "reply": refused.line()}
        show(values, as_json)
        raise typer.Exit(1) from None
    row = _row(seen)
    if as_json:
        show(row, as_json)
    else:
        _print(row)
    if seen.preview.refused or seen.preview.waits:
        raise typer.Exit(1)


async def _look(
    settings: Settings, database: Database, octets: bytes, service: str, key: str | None, to: list[str]
) -> Seen:
    now, email = time.time(), settings.email
    principal = await _principal(settings, database, service, key)
    content = mend_line_ends(octets if octets.endswith(b"\n") else octets + b"\r\n", settings.smtp.bare_lf)
    envelope = Envelope(None, tuple(_recipients(content, to)))
    trace = Trace("preview", "127.0.0.1", "ESMTPSA", settings.smtp.hostname)
    submitted = submission(content, envelope, trace, principal, now, {})

    async def find_domain(name: str) -> names.Domain | None:
        async with database.read() as connection:
            return await names.find(connection, name)

    async def ask(name: str, type_: str) -> resolvers.Answer:
        if email.traits.needs_verified_domains:
            return await resolvers.configured(settings.dns)[0].ask(name, type_)
        # Nobody publishes anything for files: as it would be, were the records published that `domain show` prints.
        own = await find_domain(name.partition(".")[2])
        default = names.is_default(own.name, email) if own else False
        published = records.records(own, settings.aws.region, is_default=default) if own else []
        return await records.as_published([*published, _OF_SES])(name, type_)

    brandings = Brandings(wiring.load_letterheads(settings), database, time.time)
    preparer = Preparer(brandings, Templates(database, time.time), settings.smtp.max_message_bytes)
    async with _suppression(settings) as suppressed:
        found = await previews.preview(
            submitted,
            principal,
            preparer,
            max_recipients=settings.smtp.max_recipients,
            ask=ask,
            find_domain=find_domain,
            suppressed=suppressed,
            now=now,
        )
    return Seen(submitted, principal, found)


async def _principal(settings: Settings, database: Database, service: str, key: str | None) -> Principal:
    """As the key named, else the newest in force that the service has. Raises AuthError."""
    keyring = wiring.secret_keyring(settings)
    async with database.read() as connection:
        owner = await services.named(connection, settings.limits, service)
        asked = None if key is None else await keys.named(connection, keyring, settings.limits, key)
    verifier = Verifier(
        database,
        keyring,
        time.time,
        settings.limits,
        default_domain=settings.email.default_domain,
        verified_only=settings.email.traits.needs_verified_domains,
    )
    found = await verifier.credentials(owner.id)
    await verifier.close()
    for each in (credential.principal for credential in found.keys) if found else ():
        if asked.id == each.key.id if asked else not each.key.is_revoked(time.time()):
            return each
    raise AuthError(texts.PREVIEW_NO_KEY, id=owner.id)


def _recipients(content: bytes, to: list[str]) -> list[Address]:
    """Those that are named, else all that can be used of To, Cc and Bcc, read as the relay reads them."""
    if not to:
        header = HeaderSection.parse(content)
        found = (entry for name in _OF_RECIPIENTS for value in header.all(name) for entry in entries(value))
        return [each.address for _, tokens in found for each in read(tokens) if each.address]
    try:
        return [Address.parse(each.strip().strip("<>")) for each in to]
    except AddressError as error:
        raise AuthError(texts.BAD_ADDRESS, reason=error.text) from None


@asynccontextmanager
async def _suppression(settings: Settings) -> AsyncIterator[Suppressed]:
    """Asks the provider; one without a list sends to everybody."""

    async def never(address: str) -> str | None:
        return None

    if not settings.email.traits.suppresses:
        yield never
        return
    from delivery.providers import suppression
    from delivery.providers.aws import open_client

    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(open_client("sesv2", settings.aws, 1))
        except SendError as error:
            yield partial(_unknown, error)
        else:
            yield partial(suppression.reason, client)


async def _unknown(error: SendError, address: str) -> str | None:
    raise error


# -- What is shown -------------------------------------------------------------------------------------------------
def _row(seen: Seen) -> dict[str, Any]:
    found, principal, submitted = seen.preview, seen.principal, seen.submission
    row: dict[str, Any] = {
        "accepted": found.refused is None,
        "reply": found.refused.line() if found.refused else None,
        "service_id": str(principal.service.id),
        "key_id": str(principal.key.id),
        "lane": (submitted.lane or principal.lane).value,
        "branding": submitted.branding or principal.branding,
    }
    if found.prepared is not None:
        row |= _prepared(seen, found.prepared)
    row["recipients"] = [
        {
            "recipient": str(each.recipient),
            "reply": each.refused.line() if each.refused else None,
            "suppressed": each.suppressed,
            "suppressed_problem": each.suppressed_problem,
        }
        for each in found.recipients
    ]
    if found.prepared is not None:
        row["fields"] = _fields(seen, found.prepared)
        row["changes"] = [{"line": each.line, "removed": each.removed, "added": each.added} for each in found.changes]
    return row


def _prepared(seen: Seen, prepared: Rewritten) -> dict[str, Any]:
    assert isinstance(seen.submission.content, bytes)
    header = HeaderSection.parse(prepared.content)
    language = asked_language(seen.submission, seen.principal) or prepared.language or seen.principal.language
    received, size = len(seen.submission.content), len(prepared.content)
    return {
        "header_from": " ".join(prepared.sender.pieces()),
        "reply_to": header.first("reply-to"),
        "subject": prepared.subject,
        "original_message_id": prepared.original_message_id,
        "language": language.value,
        "branded": prepared.branded,
        "not_branded_because": prepared.not_branded_because,
        "size": {"received": received, "sent": size, "encoded": (size + 2) // 3 * 4, "limit": MAX_ENCODED_BYTES},
        "waits": Text(texts.PREVIEW_WAITS, {"domain": seen.preview.header_from}) if seen.preview.waits else None,
        **_alignment(seen.preview),
    }


def _alignment(found: Preview) -> dict[str, Any]:
    alignment, domain = found.alignment, found.domain
    assert alignment is not None
    key = domain.signing if domain else None
    policy = alignment.search.policy
    verdict = None if found.waits else {True: "pass", False: "fail", None: "none"}[alignment.passes]
    return {
        "dkim": {
            "domain": domain.name if domain else None,
            "selector": key.selector if key else None,
            "aligned": alignment.dkim,
        },
        "spf": {
            "domain": records.mail_from(domain.name) if domain else None,
            "aligned": alignment.spf,
            "problem": found.spf_problem,
        },
        "dmarc": {
            "verdict": verdict,
            "policy": policy.policy if policy else None,
            "found_at": policy.found_at if policy else None,
            "problem": alignment.search.problem,
        },
    }


def _fields(seen: Seen, prepared: Rewritten) -> list[dict[str, Any]]:
    """Each field of the message with its fate, then those that were added."""
    assert isinstance(seen.submission.content, bytes)
    added = {rule.name: rule for rule in headers.ADDED}
    if HeaderSection.parse(seen.submission.content).named(_UNREADABLE):  # the client's own, or one of ours that returns
        del added[_UNREADABLE]
    rows: list[dict[str, Any]] = []
    for fate in prepared.fates:
        kept = fate.kept or fate.rule.action is headers.Action.REWRITE
        action = fate.rule.action if kept else headers.Action.STRIP
        reason = added[fate.name].reason if fate.name == _UNREADABLE and _UNREADABLE in added else fate.rule.reason
        rows.append({"field": fate.name, "fate": action.value, "reason": reason})
    sent = [field.name for field in HeaderSection.parse(prepared.content).fields]
    before = [fate.name for fate in prepared.fates if fate.kept]
    for rule in headers.ADDED:
        if sent.count(rule.name) > before.count(rule.name) or rule.name == "dkim-signature":
            rows.append({"field": rule.name, "fate": rule.action.value, "reason": rule.reason})
    return rows


def _print(row: Mapping[str, Any]) -> None:
    tables: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
    tables = {"recipients": _recipient, "fields": _fate, "changes": dict}
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{inner}": each for inner, each in value.items()}
        elif name not in tables:
            flat["header_reply_to" if name == "reply_to" else name] = value  # the other one is a service's policy
    show(flat, as_json=False)
    for name, cells in tables.items():
        rows = [cells(each) for each in row.get(name, [])]
        if rows:
            typer.echo()
            say(name)
            show_list(name, rows, tuple(rows[0]), as_json=False)


def _recipient(row: Mapping[str, Any]) -> dict[str, Any]:
    problem = row["suppressed_problem"]
    suppressed = Text(texts.NOT_KNOWN, {"reason": problem}) if problem else row["suppressed"]
    return {"recipient": row["recipient"], "reply": row["reply"], "suppressed": suppressed}


def _fate(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"field": row["field"], "fate": Text(row["fate"]), "reason": Text(row["reason"])}

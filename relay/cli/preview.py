"""notify-relay message preview: what would happen to a message, without sending it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from auth.domains import records
from messages.email.content import HeaderSection
from messages.email.pipeline import Rewritten
from messages.reply import Refused
from messages.text import Text
from relay import wiring
from relay.actions import messages, text_preview
from relay.actions.preview import MAX_ENCODED_OCTETS, Preview, Reached
from relay.actions.transaction import Transactions
from relay.cli import texts
from relay.cli.arguments import OfService
from relay.cli.input import octets_of
from relay.cli.output import Json, say, show, show_list
from relay.cli.session import with_transactions

File = Annotated[Path, typer.Argument(metavar=texts.PREVIEW_FILE, help=texts.PREVIEW_FILE_HELP)]
OfKey = Annotated[str | None, typer.Option("--key", metavar=texts.KEY_ARGUMENT, help=texts.PREVIEW_KEY)]
To = Annotated[list[str] | None, typer.Option("--to", metavar=texts.ADDRESS_ARGUMENT, help=texts.PREVIEW_TO)]


def preview(file: File, service: OfService, key: OfKey = None, to: To = None, as_json: Json = False) -> None:
    octets = octets_of(file)

    async def look(transactions: Transactions) -> Preview:
        letterheads = wiring.load_letterheads(transactions.settings)
        return await messages.preview(transactions, letterheads, octets, service, key=key, to=to or [])

    try:
        found = with_transactions(look)
    except Refused as refused:  # what is looked at before anything else
        values: dict[str, Any] = {"accepted": False, "reply": refused.line()}
        show(values, as_json)
        raise typer.Exit(1) from None
    row = _row(found)
    if as_json:
        show(row, as_json)
    else:
        show_preview(row)
    if found.refused or found.waits:
        raise typer.Exit(1)


def _row(found: Preview) -> dict[str, Any]:
    row: dict[str, Any] = {
        "accepted": found.refused is None,
        "reply": found.refused.line() if found.refused else None,
        "service_id": str(found.principal.service.id),
        "key_id": str(found.principal.key.id),
        "lane": found.lane.value,
        "branding": found.branding,
    }
    if found.prepared is not None:
        row |= _prepared(found, found.prepared)
    row["text"] = text_preview.shown(found.text) if found.text else None
    row["recipients"] = [_reached(each) for each in found.recipients]
    if found.prepared is not None:
        fields = [{"field": each.name, "fate": each.action.value, "reason": each.reason} for each in found.fields]
        changes = [{"line": each.line, "removed": each.removed, "added": each.added} for each in found.changes]
        row |= {"fields": fields, "changes": changes}
    return row


def _reached(each: Reached) -> dict[str, Any]:
    return {
        "recipient": str(each.recipient),
        "reply": each.refused.line() if each.refused else None,
        "suppressed": each.suppressed,
        "suppressed_problem": each.suppressed_problem,
    }


def _prepared(found: Preview, prepared: Rewritten) -> dict[str, Any]:
    return {
        "header_from": " ".join(prepared.sender.pieces()),
        "reply_to": HeaderSection.parse(prepared.content).first("reply-to"),
        "subject": prepared.subject,
        "original_message_id": prepared.original_message_id,
        "language": found.language.value,
        "branded": prepared.branded,
        "not_branded_because": prepared.not_branded_because,
        "size": {
            "received": len(found.received),
            "sent": len(prepared.content),
            "encoded": found.encoded_octets,
            "limit": MAX_ENCODED_OCTETS,
        },
        "waits": Text(texts.PREVIEW_WAITS, {"domain": found.header_from}) if found.waits else None,
        **_alignment(found),
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


def show_preview(row: Mapping[str, Any]) -> None:
    """For people: lines, and tables below them."""
    tables: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]]
    tables = {"beyond_gsm": dict, "rewritten": dict, "recipients": _recipient, "fields": _fate, "changes": dict}
    if text := row.get("text"):
        row = {**row, **{name: text[name] for name in tables if name in text}}
        row["text"] = {name: each for name, each in text.items() if name not in tables}
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

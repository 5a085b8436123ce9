"""The header policy as one table: what happens to each field a client sends. First matching row counts.

Also the fields we add: Received and Date. Sender fields are written in rewrite.py, MIME fields in branding.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from uuid import UUID

from messages import reply
from messages.content import Edit, Field, HeaderSection
from messages.message import Trace
from messages.reply import Refused

MAX_RECEIVED = 50  # RFC 5321 6.3 asks for a large threshold; two gateways that point at each other reach it at once
_FOLDED_NAME = re.compile(rb"[!-9;-~]++[ \t]*+[\r\n][ \t\r\n]*+(?<=[ \t]):")


class Action(StrEnum):
    KEEP = "keep"
    STRIP = "strip"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done with a field; a name that ends in `*` is the beginning of a name. `once`: only the first is kept."""

    name: str
    action: Action
    reason: str
    once: bool = False

    def covers(self, name: str) -> bool:
        return name.startswith(self.name[:-1]) if self.name.endswith("*") else name == self.name


_ONCE = "SES refuses a message that has it twice"
_PARTLY = "SES refuses a message that has it twice; adapted where branding changes the message's structure"

POLICY: tuple[Rule, ...] = (
    Rule("from", Action.REWRITE, "names the service at its sending domain, so that SPF, DKIM and DMARC align"),
    Rule("reply-to", Action.REWRITE, "the author, as the service's reply-to policy allows"),
    Rule("sender", Action.STRIP, "would name someone outside the sending domain"),
    Rule("resent-sender", Action.STRIP, "would name someone outside the sending domain"),
    Rule("return-path", Action.STRIP, "written at final delivery only (RFC 5321 4.4); SES writes its own"),
    Rule("bcc", Action.STRIP, "would show hidden recipients to the others"),
    Rule("resent-bcc", Action.STRIP, "would show hidden recipients to the others"),
    Rule("x-notify-*", Action.STRIP, "options for the relay, read at the door"),
    Rule("x-ses-*", Action.STRIP, "controls of our SES account are not the client's to set"),
    Rule("dkim-signature", Action.STRIP, "broken by rewriting; SES takes one, which is ours"),
    Rule("domainkey-signature", Action.STRIP, "broken by rewriting"),
    Rule("arc-*", Action.STRIP, "a chain that rewriting breaks (RFC 8617)"),
    Rule("authentication-results", Action.STRIP, "a claim of the client's network that readers must not trust"),
    Rule("content-length", Action.STRIP, "belongs to mail stores; wrong once a field is added"),
    Rule("mime-version", Action.KEEP, _PARTLY, once=True),
    Rule("content-type", Action.KEEP, _PARTLY, once=True),
    Rule("content-transfer-encoding", Action.KEEP, _PARTLY, once=True),
    Rule("content-md5", Action.KEEP, "SES refuses it twice; dropped where branding changes the content", once=True),
    Rule("date", Action.KEEP, "added where missing (RFC 5322 3.6)", once=True),
    Rule("message-id", Action.KEEP, "remembered; SES replaces it", once=True),
    *(
        Rule(name, Action.KEEP, _ONCE, once=True)
        for name in (
            *("subject", "in-reply-to", "references", "content-*", "accept-language", "auto-submitted", "comments"),
            *("keywords", "delivered-to", "disposition-notification-options", "disposition-notification-to"),
            *("errors-to", "importance", "list-archive", "list-help", "list-id", "list-owner", "list-post"),
            *("list-subscribe", "list-unsubscribe", "list-unsubscribe-post", "organization", "original-message-id"),
            *("original-recipient", "precedence", "priority", "return-receipt-to", "thread-index", "thread-topic"),
            "user-agent",
        )
    ),
    Rule("received", Action.KEEP, "the trace; one of ours is added, and more than 50 refuse a loop (RFC 5321 6.3)"),
    Rule("*", Action.KEEP, "not ours to change"),
)


_NAMED = {name: next(rule for rule in POLICY if rule.covers(name)) for name in (rule.name for rule in POLICY)}
_BEGINNINGS = tuple(rule for rule in POLICY if rule.name.endswith("*"))


def rule_for(name: str) -> Rule:
    """The row of the table for a field name in any case."""
    name = name.lower()
    return _NAMED.get(name) or next(rule for rule in _BEGINNINGS if rule.covers(name))


def apply(header: HeaderSection) -> Iterator[Edit]:
    """The edits that take off what the policy strips. Raises Refused for a loop."""
    if len(header.named("received")) > MAX_RECEIVED:
        raise Refused(reply.LOOP, limit=MAX_RECEIVED)
    seen: set[str] = set()
    rules = {name: rule_for(name) for name in {field.name for field in header.fields}}
    folded = False
    for field in header.fields:
        rule, folded = rules[field.name], _is_folded_name(header, field, folded)
        if rule.action is Action.STRIP or (rule.once and field.name in seen) or folded or _is_mbox_line(header, field):
            yield Edit(field.start, field.end, b"")
        seen.add(field.name)


def received(trace: Trace, group_id: UUID, now: float) -> bytes:
    """Our trace field (RFC 5321 4.4). What the client said of itself is cut down to harmless characters."""
    helo = re.sub(r"[^A-Za-z0-9.:_-]", "", trace.helo)[:255] or "unknown"
    ip = re.sub(r"[^0-9A-Fa-f.:]", "", trace.client_ip)[:45]
    literal = f"IPv6:{ip}" if ":" in ip else ip  # RFC 5321 4.1.3
    lines = (
        f"Received: from {helo} ([{literal}])",
        f" by {trace.by} with {trace.protocol} id {group_id};",
        f" {_date(now)}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "replace")


def missing_date(header: HeaderSection, now: float) -> bytes:
    """A Date field where the message has none (RFC 5322 3.6 requires one), else nothing."""
    return b"" if header.named("date") else f"Date: {_date(now)}\r\n".encode()


def _date(now: float) -> str:
    return format_datetime(datetime.fromtimestamp(now, UTC))


def _is_folded_name(header: HeaderSection, field: Field, before: bool) -> bool:
    """A line of a field whose name is folded away from its colon: no field, but readers that unfold first see one."""
    if field.name:
        return False
    continued = before and header.data[field.start] in b" \t"
    return continued or bool(_FOLDED_NAME.match(header.data, field.start, header.fields_end))


def _is_mbox_line(header: HeaderSection, field: Field) -> bool:
    """`From someone Mon Jan ...`: the separator of a mail store, which is no field and hides those below it."""
    return not field.name and field.start == 0 and header.data.startswith(b"From ")

"""The header policy as one table: what happens to each field a client sends. First matching row counts.

Also the fields we add: Received and Date. Sender fields are written in rewrite.py, recipients' in recipients.py, and
MIME fields in branding.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum
from uuid import UUID

from messages import reply
from messages.email.content import Field, HeaderSection
from messages.message import Trace
from messages.reply import Refused

MAX_RECEIVED = 50  # RFC 5321 6.3 asks for a large threshold; two gateways that point at each other reach it at once


class Action(StrEnum):
    KEEP = "keep"
    STRIP = "strip"
    REWRITE = "rewrite"
    ADD = "add"


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

_RECIPIENTS = "several become one; written anew where SES, which parses it, would refuse it"
_RESENT = "written anew where not every reader could take it apart"
_RECEIPT = "asks for a receipt; readers ask their user first, since it is not the return path (RFC 8098 2.1)"
_ELSEWHERE = "answers or reports would go past the service's reply-to policy"

POLICY: tuple[Rule, ...] = (
    Rule(
        "from",
        Action.REWRITE,
        "names the service at its sending domain, so that SPF, DKIM and DMARC align; kept where "
        "the service may name its own authors",
    ),
    Rule("reply-to", Action.REWRITE, "the author, as the service's reply-to policy allows"),
    Rule("to", Action.KEEP, _RECIPIENTS),
    Rule("cc", Action.KEEP, _RECIPIENTS),
    Rule("resent-from", Action.KEEP, _RESENT),
    Rule("resent-to", Action.KEEP, _RESENT),
    Rule("resent-cc", Action.KEEP, _RESENT),
    Rule("sender", Action.STRIP, "would name someone outside the sending domain"),
    Rule("resent-sender", Action.STRIP, "would name someone outside the sending domain"),
    Rule("mail-reply-to", Action.STRIP, _ELSEWHERE),
    Rule("mail-followup-to", Action.STRIP, _ELSEWHERE),
    Rule("errors-to", Action.STRIP, _ELSEWHERE),
    Rule("bounces-to", Action.STRIP, _ELSEWHERE),
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
    Rule("date", Action.KEEP, "SES writes its own", once=True),
    Rule("message-id", Action.KEEP, "remembered, and told in callbacks; SES writes its own", once=True),
    Rule(
        "references",
        Action.REWRITE,
        "ends with the message's own Message-ID, so that answers carry it; what was sent "
        "through us is named as the recipient knows it, too",
        once=True,
    ),
    Rule(
        "in-reply-to", Action.REWRITE, "names a message that was sent through us as the recipient knows it", once=True
    ),
    Rule("disposition-notification-to", Action.KEEP, _RECEIPT, once=True),
    Rule("return-receipt-to", Action.KEEP, _RECEIPT, once=True),
    Rule("list-unsubscribe", Action.KEEP, "signed (RFC 8058 4); SES refuses it twice", once=True),
    Rule("list-unsubscribe-post", Action.KEEP, "signed (RFC 8058 4); SES refuses it twice", once=True),
    *(
        Rule(name, Action.KEEP, _ONCE, once=True)
        for name in (
            *("subject", "content-*", "accept-language", "acceptlanguage", "archived-at", "auto-submitted", "comments"),
            *("keywords", "delivered-to", "disposition-notification-options"),
            *("importance", "list-archive", "list-help", "list-id", "list-owner", "list-post", "list-subscribe"),
            *("message-context", "organization", "original-from", "original-message-id", "original-recipient"),
            *("original-subject", "precedence", "priority", "sensitivity", "solicitation"),
            *("thread-index", "thread-topic", "user-agent", "vbr-info"),
        )
    ),
    Rule("x-relay-notice", Action.KEEP, "of a notice to a sender: nobody is sent one about it"),
    Rule(
        "received",
        Action.KEEP,
        "the trace; removed where the service says so; more than 50 refuse a loop (RFC 5321 6.3)",
    ),
    Rule("*", Action.KEEP, "not ours to change"),
)

ADDED: tuple[Rule, ...] = (
    Rule(
        "received", Action.ADD, "our part of the trace (RFC 5321 4.4); without the client where the service removes it"
    ),
    Rule(
        "x-unreadable",
        Action.ADD,
        "holds a line that is no field: readers end the header section at one, and verifiers of signatures give up",
    ),
    Rule("date", Action.ADD, "where it is missing (RFC 5322 3.6)"),
    Rule("references", Action.ADD, "where it is missing, with the message's own Message-ID"),
    Rule("mime-version", Action.ADD, "where branding or another transfer encoding needs it (RFC 2045 4)"),
    Rule("dkim-signature", Action.ADD, "at the exit, by the domain of header From (RFC 6376)"),
)


_NAMED = {name: next(rule for rule in POLICY if rule.covers(name)) for name in (rule.name for rule in POLICY)}
_BEGINNINGS = tuple(rule for rule in POLICY if rule.name.endswith("*"))


def rule_for(name: str) -> Rule:
    """The row of the table for a field name in any case."""
    name = name.lower()
    return _NAMED.get(name) or next(rule for rule in _BEGINNINGS if rule.covers(name))


@dataclass(frozen=True, slots=True)
class FieldFate:
    """What became of one field: the rule that covers it, and whether its bytes go out."""

    name: str
    rule: Rule
    kept: bool
    repeated: bool = False  # gone because one of its name stands above it


def fates(header: HeaderSection, *, keep_received: bool) -> Iterator[tuple[Field, FieldFate]]:
    """Each field with what the policy makes of it. Raises Refused for a loop."""
    if len(header.named("received")) > MAX_RECEIVED:
        raise Refused(reply.LOOP, limit=MAX_RECEIVED)
    seen: set[str] = set()
    rules = {name: rule_for(name) for name in {field.name for field in header.fields}}
    for field in header.fields:
        rule = rules[field.name]
        repeated = rule.once and field.name in seen
        hidden = field.name == "received" and not keep_received
        yield field, FieldFate(field.name, rule, not (rule.action is Action.STRIP or repeated or hidden), repeated)
        seen.add(field.name)


def received(trace: Trace, group_id: UUID, now: float, *, name_client: bool) -> bytes:
    """Our trace field (RFC 5321 4.4). What the client said of itself is cut down to harmless characters.

    Without `name_client` it says nothing of the client's network, as RFC 5321 7.6 lets sites do.
    """
    helo = re.sub(r"[^A-Za-z0-9.:_-]", "", trace.helo)[:255] or "unknown"
    ip = re.sub(r"[^0-9A-Fa-f.:]", "", trace.client_ip)[:45]
    literal = f"IPv6:{ip}" if ":" in ip else ip  # RFC 5321 4.1.3
    client = f"from {helo} ([{literal}])\r\n " if name_client else ""
    line = f"Received: {client}by {trace.by} with {trace.protocol} id {group_id};\r\n {_date(now)}\r\n"
    return line.encode("ascii", "replace")


def missing_date(header: HeaderSection, now: float) -> bytes:
    """A Date field where the message has none (RFC 5322 3.6 requires one), else nothing."""
    return b"" if header.named("date") else f"Date: {_date(now)}\r\n".encode()


def _date(now: float) -> str:
    return format_datetime(datetime.fromtimestamp(now, UTC))

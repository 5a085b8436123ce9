"""Mail that somebody sent to an address of ours, as Amazon SES tells of it: who is to hear that nobody reads it. Pure.

Of what it says only the header section is looked at, for whether a program wrote it (RFC 3834 2).
"""

import re
from collections.abc import Mapping
from typing import Any

from delivery.feedback.base import Unreadable, boolean, child, children, string
from delivery.store.base import InboundMail, MailFate
from messages.address import Address, AddressError
from messages.email.notice import MARKER

RECEIVED = "Received"  # its notificationType
_MAX_RECIPIENTS = 100  # SES takes no more
_MAX_FIELDS = 1000

_PASS, _FAIL = "PASS", "FAIL"
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
# Names of programs: lists, their owners, and addresses that say themselves that nobody reads them.
_MACHINE = re.compile(
    r"mailer-daemon|postmaster|listserv|majordomo|owner-.*|.*-(?:owner|request)|bounces?(?:[-+].*)?|.*-bounces?(?:[-+].*)?"
    r"|(?:.*[-._])?(?:no|do-?not)[-._]?reply(?:[-._+].*)?",
    re.IGNORECASE,
)
_PRECEDENCE = frozenset({"bulk", "list", "junk"})
_NOT_SUPPRESSED = frozenset({"", "none"})  # of X-Auto-Response-Suppress

Fields = list[tuple[str, str]]  # names in lower case


def read(told: Mapping[str, Any]) -> InboundMail:
    """Raises Unreadable, nothing else."""
    mail, receipt = child(told, "mail"), child(told, "receipt")
    fields, source = _fields(mail), (string(mail, "source") or "").strip("<> ")
    sender = _address(source)
    refusal = _of_sender(source, sender) or _of_fields(mail, fields) or _of_verdicts(receipt)
    return InboundMail(
        recipients=tuple(each for each in children(receipt, "recipients")[:_MAX_RECIPIENTS] if isinstance(each, str)),
        sender=None if refusal else sender,
        message_id=next(
            (value for name, value in fields if name == "message-id" and _MESSAGE_ID.fullmatch(value)), None
        ),
        refusal=refusal,
    )


def _address(source: str) -> Address | None:
    try:
        found = Address.parse(source)
    except AddressError:
        return None
    return found if found.ascii else None  # SES sends to no other


def _of_sender(source: str, sender: Address | None) -> MailFate | None:
    if not source:
        return MailFate.NULL_SENDER
    if sender is None:
        return MailFate.BAD_SENDER
    return MailFate.MACHINE if _MACHINE.fullmatch(sender.local) else None


def _of_fields(mail: Mapping[str, Any], fields: Fields) -> MailFate | None:
    if boolean(mail, "headersTruncated") or not 0 < len(fields) <= _MAX_FIELDS:
        return MailFate.HEADERS_CUT
    if any(_returns_nowhere(name, value) for name, value in fields):
        return MailFate.NULL_SENDER
    if any(_is_automatic(name, value) for name, value in fields):
        return MailFate.AUTOMATIC
    return MailFate.LIST if any(_is_of_list(name, value) for name, value in fields) else None


def _returns_nowhere(name: str, value: str) -> bool:
    return name == "return-path" and value.replace(" ", "") == "<>"


def _is_automatic(name: str, value: str) -> bool:
    if name == "auto-submitted":
        return value.partition(";")[0].strip() != "no"
    if name == "x-auto-response-suppress":
        return value not in _NOT_SUPPRESSED
    is_report = name == "content-type" and value.startswith("multipart/report")
    return is_report or name in (MARKER.lower(), "x-autoreply", "x-autorespond")


def _is_of_list(name: str, value: str) -> bool:
    return name.startswith("list-") or (name == "precedence" and value in _PRECEDENCE)


def _of_verdicts(receipt: Mapping[str, Any]) -> MailFate | None:
    """An answer goes to the envelope's sender: SPF alone proves that one, a signature may be of any domain."""
    if any(_verdict(receipt, each) != _PASS for each in ("spamVerdict", "virusVerdict")):
        return MailFate.UNCLEAN
    is_proved = _verdict(receipt, "spfVerdict") == _PASS and _verdict(receipt, "dmarcVerdict") != _FAIL
    return None if is_proved else MailFate.UNPROVED


def _verdict(receipt: Mapping[str, Any], name: str) -> str | None:
    return string(child(receipt, name), "status")


def _fields(mail: Mapping[str, Any]) -> Fields:
    """Values in lower case, too, but for Message-ID's."""
    found = []
    for each in children(mail, "headers")[: _MAX_FIELDS + 1]:
        name, value = (each.get("name"), each.get("value")) if isinstance(each, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(value, str):
            raise Unreadable("headers")
        name, value = name.strip().lower(), value.strip()
        found.append((name, value if name == "message-id" else value.lower()))
    return found

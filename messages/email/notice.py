"""A notice to the sender of a message (RFC 3464): what became of it for people and for programs, and which it was.

Who hears of what, and where the words of the far server come from, is not known here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from email.utils import format_datetime
from uuid import UUID

from messages.address import Address
from messages.email import mime
from messages.email.compose import RecipeError, message_id_field
from messages.email.content import HeaderSection
from messages.email.encoded_words import fold, unstructured
from messages.email.mailboxes import Mailbox
from messages.message import Dsn, Language, Occasion
from messages.status import Status
from messages.text import clean, to_ascii

# Ours alone, and kept by every relay of our kind: whoever meets it at its door answers nothing.
MARKER = "X-Relay-Notice"
MAX_DIAGNOSTIC_CHARACTERS = 500
MAX_RETURNED_BYTES = 64 * 1024  # of a message that is returned whole (RFC 3461 4.3); larger ones as header section

_ADDRESS = re.compile(r"(?:\"[^\"]{1,64}\"|[^\s<>\"'(),;:\[\]]{1,320})@(?:\[[^\]]{1,255}\]|[^\s<>\"'(),;:\[\]]{1,255})")
_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_PREFIX = re.compile(r"smtp;\s*", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
# RFC 3463 3: subject and detail of what a provider, or we, gave as the reason.
_SUBJECTS: Mapping[str, str] = {
    "no-email": "1.1",
    "on-account-suppression-list": "7.1",
    "on-tenant-suppression-list": "7.1",
    "suppressed": "7.1",
    "opted-out": "7.1",
    "unsubscribed-recipient": "7.1",
    "mailbox-full": "2.2",
    "message-too-large": "3.4",
    "content-rejected": "6.0",
    "attachment-rejected": "6.1",
    "bad-content": "7.0",
    "spam-detected": "7.1",
    "custom-timeout-exceeded": "4.7",
    "expired": "4.7",
    "no-event": "4.7",
    "recipient-server-error": "3.0",
    "transient-communication-failure": "4.2",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a notice is made of besides the message that it is about."""

    about: UUID
    occasion: Occasion
    at: float
    status: Status | None
    reason: str | None
    subject: str
    language: Language
    sender_name: str
    sender: Address

    def to_json(self) -> bytes:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return json.dumps(values | {"about": str(self.about), "sender": str(self.sender)}).encode("ascii")

    @classmethod
    def from_json(cls, data: bytes) -> "Recipe":
        """Raises RecipeError."""
        try:
            stored = json.loads(data)
            return cls(
                about=UUID(stored["about"]),
                occasion=Occasion(stored["occasion"]),
                at=float(stored["at"]),
                status=stored["status"] and Status(stored["status"]),
                reason=stored["reason"],
                subject=str(stored["subject"]),
                language=Language(stored["language"]),
                sender_name=str(stored["sender_name"]),
                sender=Address.parse(stored["sender"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise RecipeError("not a recipe") from None


@dataclass(frozen=True, slots=True)
class Report:
    """What a program reads. Times are seconds since the epoch; addresses are ASCII."""

    reporting_mta: str
    arrived_at: float
    recipient: str
    action: str
    code: str
    dsn: Dsn
    log_id: str
    last_attempt_at: float | None = None
    diagnostic: str | None = None
    retried_until: float | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Returned:
    """What is sent back of the message: its header section, or all of it; empty: nothing."""

    content: bytes = b""
    whole: bool = False


def compose(
    recipe: Recipe,
    report: Report,
    said: str,
    returned: Returned,
    *,
    to: str,
    answers: str | None,
    message_id: UUID,
    created_at: float,
) -> bytes:
    """The whole MIME message, but for a signature. `answers` is the Message-ID of what it is about."""
    boundary = f"=_{message_id.hex}"  # nobody knows the id before, so nothing that is returned holds it
    parts = [people(said), _program(report)]
    parts += [_message(returned)] if returned.content else []
    opening = b"".join(b"--%b\r\n%b\r\n" % (boundary.encode(), part) for part in parts)
    author, marker = (recipe.sender_name, recipe.sender), recipe.occasion.lower()
    header = header_section(author, to, recipe.subject, marker, answers, message_id, created_at)
    kind = f'multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"'
    return header + f"Content-Type: {kind}\r\n\r\n".encode() + opening + f"--{boundary}--\r\n".encode()


def is_answer(header: HeaderSection) -> bool:
    """Whether a message is a notice or another program's answer, about which nobody is sent one."""
    if header.named(MARKER):
        return True
    automatic = (header.first("auto-submitted") or "").lower()
    kind = (header.first("content-type") or "").lower()
    return automatic.startswith("auto-replied") or kind.startswith("multipart/report")  # RFC 3834 2, RFC 6522


def code_of(occasion: Occasion, status: Status | None, reason: str | None, words: str | None) -> str:
    """An enhanced status code (RFC 3463): the far server's, else the one that is nearest to the reason."""
    if occasion is Occasion.SUCCESS:
        return "2.0.0"
    found = _ENHANCED.search((words or "")[:MAX_DIAGNOSTIC_CHARACTERS])
    if found and found[0][0] in ("4" if occasion is Occasion.DELAY else "45"):
        return found[0]
    is_temporary = occasion is Occasion.DELAY or status is Status.TEMPORARY_FAILURE
    other = "3.0" if status is Status.TECHNICAL_FAILURE else "0.0"
    return f"{4 if is_temporary else 5}.{_SUBJECTS.get(reason or '', other)}"


def diagnostic(words: str, recipient: str) -> str:
    """What the far server said, on one line in ASCII; it names no other address than the recipient's."""
    text = to_ascii(clean(_PREFIX.sub("", words[: 2 * MAX_DIAGNOSTIC_CHARACTERS], count=1)))
    mine = recipient.lower()
    text = _ADDRESS.sub(lambda found: found[0] if found[0].rstrip(".").lower() == mine else "(address)", text)
    return text[:MAX_DIAGNOSTIC_CHARACTERS]


def returned(content: bytes | None, octets: int, dsn: Dsn, occasion: Occasion) -> Returned:
    """As the client asked by RET; whole only what failed, since the others have it (RFC 3461 4.3).

    `content` may be the first part alone of so many octets.
    """
    if content is None or not content.isascii():
        return Returned()
    if dsn.ret == "FULL" and occasion is Occasion.FAILURE and len(content) == octets <= MAX_RETURNED_BYTES:
        return Returned(content, whole=True)
    header = HeaderSection.parse(content)
    is_cut = len(content) < octets and not header.separated
    return Returned() if is_cut else Returned(content[: header.fields_end])


def header_section(
    author: tuple[str, Address],
    to: str,
    subject: str,
    marker: str,
    answers: str | None,
    message_id: UUID,
    created_at: float,
) -> bytes:
    """What every message has that answers another one, whose Message-ID is `answers`. `author`: a name, an address."""
    name, address = author
    fields = [
        fold("From", Mailbox(name, address).pieces()),
        fold("To", [to]),
        fold("Subject", unstructured(subject)),
        fold("Date", [_date(created_at)]),
        fold("Message-ID", [message_id_field(message_id, address.domain)]),
        fold("Auto-Submitted", ["auto-replied"]),  # RFC 3834 5
        fold(MARKER, [marker]),
    ]
    if answers and _MESSAGE_ID.fullmatch(answers):
        fields += [fold("In-Reply-To", [answers]), fold("References", [answers])]
    return b"".join((*fields, b"MIME-Version: 1.0\r\n"))


def people(said: str) -> bytes:
    """Words in both languages, with the fields that say how they are written."""
    encoded, encoding = mime.encode(said.replace("\n", "\r\n").encode(), "")
    kind = "Content-Type: text/plain; charset=utf-8\r\nContent-Language: en, fr\r\n"
    return f"{kind}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + encoded + b"\r\n"


def _program(report: Report) -> bytes:
    """RFC 3464 2: a group of fields of the message, one of its recipient."""
    dsn = report.dsn
    of_message = {
        "Original-Envelope-Id": dsn.envid,
        "Reporting-MTA": f"dns; {report.reporting_mta}",
        "Arrival-Date": _date(report.arrived_at),
    }
    of_recipient = {
        "Original-Recipient": dsn.orcpt and dsn.orcpt.replace(";", "; ", 1),
        "Final-Recipient": f"rfc822; {report.recipient}",
        "Action": report.action,
        "Status": report.code,
        "Diagnostic-Code": report.diagnostic,
        "Last-Attempt-Date": report.last_attempt_at and _date(report.last_attempt_at),
        "Final-Log-ID": report.log_id,
        "Will-Retry-Until": report.retried_until and _date(report.retried_until),
    }
    groups = (_group(of_message), _group(of_recipient))
    return b"Content-Type: message/delivery-status\r\n\r\n" + b"\r\n".join(groups)


def _group(values: Mapping[str, str | float | None]) -> bytes:
    """Blanks of one after the other could make a line of blanks alone, which RFC 5322 3.2.2 forbids."""
    return b"".join(fold(name, str(value).split()) for name, value in values.items() if value)


def _message(returned: Returned) -> bytes:
    kind = b"message/rfc822" if returned.whole else b"text/rfc822-headers"
    return b"Content-Type: %b\r\n\r\n%b" % (kind, returned.content)


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(at), UTC))

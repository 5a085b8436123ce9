"""PREPARE: everything that is done to a raw message at the door, as edits on its bytes. What refuses, refuses here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from messages import reply
from messages.email import attachments, headers, mime, plain, recipients, rewrite, threads, transport
from messages.email import branding as brandings
from messages.email.body import text_of
from messages.email.branding import Branding, Untouched
from messages.email.content import Edit, HeaderSection, compose, legible, origin, splice
from messages.email.encoded_words import subject_for_people
from messages.email.headers import FieldFate
from messages.email.language import language_of
from messages.email.mailboxes import Mailbox
from messages.email.mime import Part, find_unsendable
from messages.email.rewrite import SenderPolicy
from messages.message import Language, Trace
from messages.reply import Refused, Reply
from messages.text import clean

MAX_MESSAGE_ID_CHARACTERS = 998


@dataclass(frozen=True, slots=True)
class Preparation:
    """Everything PREPARE needs, as values. `now` is in seconds since the epoch; no `branding`: none is inserted.

    `translated` has the branding for messages that say which language they are in.
    """

    sender: SenderPolicy
    branding: Branding | None
    trace: Trace
    group_id: UUID
    now: float
    translated: Mapping[Language, Branding] = field(default_factory=dict)
    keep_received: bool = True


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What is stored and sent, and what was done for it.

    `edits` are those that made `content` of what was received: the bytes outside them are the sender's.
    `not_branded_because` is None where it is branded, or no branding was asked for. `language` is the one that the
    message says it is in, None also where that makes no difference.
    """

    content: bytes
    edits: tuple[Edit, ...]
    sender: Mailbox
    subject: str
    original_message_id: str | None
    branded: bool
    not_branded_because: str | None
    language: Language | None
    fates: tuple[FieldFate, ...]

    @property
    def repeated(self) -> list[str]:
        """Which fields stood there more than once, so that the first was kept: as the policy names them."""
        return sorted({fate.rule.name for fate in self.fates if fate.repeated})


def prepare(content: bytes, preparation: Preparation) -> Rewritten:
    """The message as it is sent, but for a signature. Expects CRLF line ends. Raises Refused."""
    root, mended, arrived = _legible(content)
    header, own_id = root.header, threads.own_id(arrived)
    attachments.check(root)
    if (sealed := transport.find_sealed(root)) is not None:
        raise _refused(reply.EIGHT_BIT_SIGNED, content, sealed, mended)
    charset = plain.charset_of(root)
    sender = rewrite.sender(header, preparation.sender, charset)
    fates = list(headers.fates(header, keep_received=preparation.keep_received))
    language = language_of(root) if preparation.translated else None
    branding, reason = _branding(root, preparation, language)
    edits = [
        *_added(root, preparation),
        *(Edit(field.start, field.end, b"") for field, fate in fates if not fate.kept),
        *(threads.own_id_referenced(header) if own_id else ()),
        *rewrite.rewrite(header, preparation.sender, sender, charset),
        *recipients.mend(header, charset),
        *branding,
    ]
    edits, sent = _sendable(content, compose(mended, edits, header.data) if mended else edits)
    return Rewritten(
        content=sent,
        edits=tuple(edits),
        sender=sender,
        subject=subject_for_people(header.first("subject")),
        original_message_id=own_id or _shown_id(arrived),
        branded=bool(branding),
        not_branded_because=reason,
        language=language,
        fates=tuple(fate for _, fate in fates),
    )


def read_text(content: bytes) -> tuple[str | None, str | None]:
    """The words of a mail as one text, None where it has none; and the Message-ID that it came with. Raises Refused."""
    root, _, arrived = _legible(content)
    return text_of(root), threads.own_id(arrived) or _shown_id(arrived)


def _legible(content: bytes) -> tuple[Part, list[Edit], HeaderSection]:
    """The message as every reader takes it apart, the edits that made it so, and its fields in the sender's octets."""
    header = HeaderSection.parse(content)
    mended = legible(header)
    root = mime.parse(splice(content, mended)) if mended else mime.parse_body(header)
    more = plain.mend(root)
    if not more:
        return root, mended, root.header
    edits = compose(mended, more, root.header.data) if mended else more
    return mime.parse(splice(root.header.data, more)), edits, root.header


def _shown_id(header: HeaderSection) -> str | None:
    """A Message-ID that is none, as far as it can be looked for."""
    return clean((header.first("message-id") or "")[:MAX_MESSAGE_ID_CHARACTERS]) or None


def _added(root: Part, preparation: Preparation) -> list[Edit]:
    trace = headers.received(
        preparation.trace, preparation.group_id, preparation.now, name_client=preparation.keep_received
    )
    return [Edit(0, 0, trace + headers.missing_date(root.header, preparation.now))]


def _sendable(received: bytes, edits: list[Edit]) -> tuple[list[Edit], bytes]:
    """The edits, and what more is needed that a 7-bit path carries what they make; and that. Raises Refused."""
    edited = splice(received, edits)
    if edited.isascii() and find_unsendable(edited, 0, len(edited)) is None:
        return edits, edited
    more = transport.mend(mime.parse(edited))
    sent = splice(edited, more) if more else edited
    edits = compose(edits, more, edited) if more else edits
    found = find_unsendable(sent, 0, len(sent))
    if found is not None:
        raise _refused(reply.NUL_IN_MESSAGE if sent[found] == 0 else reply.LONG_LINE, received, found, edits)
    return edits, sent


def _refused(refusal: Reply, received: bytes, at: int, edits: list[Edit]) -> Refused:
    """Names the line as it was received; `at` is where it stands after the edits."""
    return Refused(refusal, line=received.count(b"\n", 0, origin(at, edits)) + 1)


def _branding(root: Part, preparation: Preparation, language: Language | None) -> tuple[list[Edit], str | None]:
    branding = preparation.translated[language] if language else preparation.branding
    if not branding:
        return [], None
    number, boundary = 0, f"=_{preparation.group_id.hex}"
    while boundary.encode() in root.header.data:
        number, boundary = number + 1, f"=_{preparation.group_id.hex}_{number}"
    try:
        return brandings.brand(root, branding, boundary), None
    except Untouched as untouched:
        return [], str(untouched)

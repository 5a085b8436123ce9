"""PREPARE: everything that is done to a raw message at the door, as edits on its bytes. What refuses, refuses here."""

from dataclasses import dataclass
from uuid import UUID

from messages import branding as brandings
from messages import headers, lines, mime, reply, rewrite
from messages.branding import Branding, Untouched
from messages.content import Edit, origin, separate, splice
from messages.message import Trace
from messages.mime import Part, find_unsendable
from messages.reply import Refused
from messages.rewrite import SenderPolicy
from messages.words import clean, subject_for_people

MAX_MESSAGE_ID_CHARACTERS = 998


@dataclass(frozen=True, slots=True)
class Preparation:
    """Everything PREPARE needs, as values. `now` is in seconds since the epoch; no `branding`: none is inserted."""

    sender: SenderPolicy
    branding: Branding | None
    trace: Trace
    group_id: UUID
    now: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is stored and sent. `not_branded_because` is None where it is branded, or no branding was asked for."""

    content: bytes
    subject: str
    original_message_id: str | None
    branded: bool
    not_branded_because: str | None


def prepare(content: bytes, preparation: Preparation) -> Prepared:
    """The message as it is sent, but for a signature. Expects CRLF line ends. Raises Refused."""
    root = mime.parse(separate(content))
    header = root.header
    added = headers.received(preparation.trace, preparation.group_id, preparation.now)
    added += headers.missing_date(header, preparation.now)
    branding, reason = _branding(root, preparation)
    edits = [Edit(0, 0, added), *headers.apply(header), *rewrite.rewrite(header, preparation.sender), *branding]
    message_id = header.first("message-id")
    return Prepared(
        content=_sendable(content, root, edits),
        subject=subject_for_people(header.first("subject")),
        original_message_id=clean(message_id)[:MAX_MESSAGE_ID_CHARACTERS] if message_id else None,
        branded=bool(branding),
        not_branded_because=reason,
    )


def _sendable(received: bytes, root: Part, edits: list[Edit]) -> bytes:
    """The message with the edits made, and what more its long lines and NULs need. Raises Refused."""
    edited = splice(root.header.data, edits)
    if find_unsendable(edited, 0, len(edited)) is None:
        return edited
    more = lines.mend(mime.parse(edited))
    sent = splice(edited, more)
    found = find_unsendable(sent, 0, len(sent))
    if found is None:
        return sent
    at = origin(origin(found, more), edits)
    if at >= root.header.fields_end:
        at -= len(root.header.data) - len(received)  # separate() put an empty line there
    refusal = reply.NUL_IN_MESSAGE if sent[found] == 0 else reply.LONG_LINE
    raise Refused(refusal, line=received.count(b"\n", 0, at) + 1)


def _branding(root: Part, preparation: Preparation) -> tuple[list[Edit], str | None]:
    if not preparation.branding:
        return [], None
    number, boundary = 0, f"=_{preparation.group_id.hex}"
    while boundary.encode() in root.header.data:
        number, boundary = number + 1, f"=_{preparation.group_id.hex}_{number}"
    try:
        return brandings.brand(root, preparation.branding, boundary), None
    except Untouched as untouched:
        return [], str(untouched)

"""Our answer to mail that nobody reads (RFC 3834), but for a signature. Its words are not known here."""

from uuid import UUID

from messages.address import Address
from messages.email.notice import header_section, people
from messages.message import MailAnswer

_MARKER = "answer"


def compose(answer: MailAnswer, author: tuple[str, Address], *, to: str, message_id: UUID, created_at: float) -> bytes:
    """The whole MIME message. `author`: a name, an address."""
    header = header_section(author, to, answer.subject, _MARKER, answer.answers, message_id, created_at)
    return header + people(answer.said)

"""The address fields besides From and Reply-To. SES parses To and Cc, and refuses the message for one wrong entry.

What it and strict readers take as it is keeps its octets; else the field is written anew with what can be used of it.
"""

from collections.abc import Iterator, Sequence

from messages.email.charset import guessed
from messages.email.content import Edit, Field, HeaderSection
from messages.email.encoded_words import fold
from messages.email.mailboxes import MAX_MAILBOXES, Token, entries, is_right, read, right_address

# RFC 5322 3.6.3: where nobody is named, a group without members says so.
NOBODY = "undisclosed-recipients:;"
ONE = ("to", "cc")  # several become one
FIRST = ("disposition-notification-to", "return-receipt-to")  # the policy keeps the first only
EACH = ("resent-from", "resent-to", "resent-cc")  # each time it was resent has its own (RFC 5322 3.6.6)

_LONG_CHARACTERS = 900  # without a blank, as some write lists; a line has 998


def mend(header: HeaderSection, charset: str | None) -> Iterator[Edit]:
    """The edits after which each is one that SES takes. `charset`: of the message's text, for names in raw octets."""
    for name in ONE:
        yield from _mended(header, header.named(name), charset)
    for name in FIRST:
        yield from _mended(header, header.named(name)[:1], charset)
    for name in EACH:
        for field in header.named(name):
            yield from _mended(header, [field], charset)


def _mended(header: HeaderSection, fields: Sequence[Field], charset: str | None) -> Iterator[Edit]:
    values = [guessed(header.raw(field), charset) for field in fields]
    wrong = not all(is_right(value) and _is_foldable(value) for value in values)
    if not wrong and len(fields) < 2:
        return
    grouped = not wrong and any(":" in value for value in values)
    found = values if grouped else list(_usable(values))
    if not found and fields[0].name == "to":
        found = [NOBODY]
    name = header.data[fields[0].start :][: len(fields[0].name)].decode("ascii")
    yield Edit(fields[0].start, fields[0].end, fold(name, _list(found)) if found else b"")
    yield from (Edit(field.start, field.end, b"") for field in fields[1:])


def _is_foldable(value: str) -> bool:
    return all(len(word) <= _LONG_CHARACTERS for word in value.split())


def _usable(values: list[str]) -> Iterator[str]:
    """Each mailbox that can be used, once: in its own characters where those are right."""
    seen: set[str] = set()
    unreadable = 0
    for entry, tokens in (entry for value in values for entry in entries(value)):
        if address := right_address(entry):
            found = [(address.lower(), entry.strip(" \t"))]
        elif (unreadable := unreadable + 1) <= MAX_MAILBOXES:
            found = list(_written(tokens))
        else:
            return
        yield from (written for key, written in found if key not in seen)
        seen.update(key for key, _ in found)


def _written(tokens: list[Token]) -> Iterator[tuple[str, str]]:
    for mailbox in read(tokens):
        if mailbox.address and mailbox.address.ascii:  # SES carries no local part beyond ASCII
            yield mailbox.address.key, " ".join(mailbox.pieces())


def _list(found: list[str]) -> list[str]:
    """Pieces between which the field may be folded: no blank is lost, and no line is of blanks only."""
    written = ", ".join(found)
    pieces: list[str] = []
    for piece in written.split(" "):
        if piece or not pieces:
            pieces.append(piece)
        else:
            pieces[-1] += " "
    return pieces

"""Header fields in printable ASCII, of the message, its parts and the messages in it: SES has no SMTPUTF8, and readers
differ in what they make of other octets (RFC 5322 2.2). The text stays the same.

Signed and encrypted content is left alone; address fields of the message itself lose their control characters only,
since rewrite.py reads and writes them. Knows nothing of what is done with a field.
"""

import re
from collections.abc import Callable, Iterator
from email.utils import parsedate_tz
from hashlib import sha256

from messages.email import encoded_words, mime, parameters, structured
from messages.email.charset import guessed
from messages.email.content import CONTROLS, UNPLAIN, Edit, Field
from messages.email.encoded_words import CONTROLS as CONTROLS_OF_TEXT
from messages.email.mime import Part

_RECEIPTS = ("disposition-notification-to", "return-receipt-to")
_RESENT = ("resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc")
ADDRESSES = frozenset(("from", "sender", "reply-to", "to", "cc", "bcc", *_RESENT, *_RECEIPTS))
PARAMETRISED = ("content-type", "content-disposition")
ENCODING = "content-transfer-encoding"
_DATES = ("date", "resent-date")
_TOKENS = (ENCODING, "content-md5", "mime-version")
_LISTS = ("list-help", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post", "list-owner")
_LOCATIONS = ("content-location", "content-base", "archived-at", "list-archive")
_MESSAGE_IDS = ("message-id", "resent-message-id", "in-reply-to", "references", "content-id")
_IDENTIFIERS = frozenset((*_MESSAGE_IDS, *_LOCATIONS, *_LISTS, "content-language", "received", "auto-submitted"))
_NO_BLANK = re.compile(r"[^ \t<>,;\"()]++")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f]")  # ESC shifts between the sets of ISO 2022
_MAX_MESSAGES = 8  # within each other
_LONG_OCTETS = 900  # of a word that leaves room for little else on its line


def mend(root: Part) -> list[Edit]:
    """The edits after which header fields are printable ASCII, and transfer encodings are called by their names."""
    return list(_mended(root, charset_of(root), 0))


def shortened(name: str, value: str) -> bytes:
    """A field of which no word is too long for a line, as far as it may be written in another way."""
    if name.lower() in ("references", "in-reply-to"):
        return encoded_words.folded(name, value.replace("><", "> <"))
    if name.lower() in PARAMETRISED:
        return encoded_words.folded(name, parameters.in_ascii(value, most=_LONG_OCTETS))
    if _writer(name.lower()) is encoded_words.in_ascii:
        value = encoded_words.in_ascii(value, _LONG_OCTETS)
    return encoded_words.folded(name, value)


def _mended(part: Part, charset: str | None, messages: int) -> Iterator[Edit]:
    section = part.header.data[part.start : part.body]
    meant, boundary = None if messages else _encoding(part), _boundary(part)
    if boundary or not section.isascii() or len(section.translate(None, CONTROLS)) < len(section):
        for field in part.header.fields:
            odd = UNPLAIN.search(part.header.data, field.start, field.end)
            if (odd and not (meant and field.name == ENCODING)) or (boundary and field.name == "content-type"):
                yield from _written(part, field, charset, boundary)
    if meant:
        yield from mime.field_set(part, ENCODING, f"Content-Transfer-Encoding: {meant}\r\n".encode())
    if boundary:
        yield from (Edit(start, end, boundary.encode()) for start, end in mime.boundaries(part))
    if part.type.signed or part.type.encrypted:
        return
    for child in part.children:
        yield from _mended(child, child.type.parameters.get("charset", charset), messages)
    if messages < _MAX_MESSAGES and (inner := mime.inner(part)):
        yield from _mended(inner, charset_of(inner), messages + 1)


def _written(part: Part, field: Field, charset: str | None, boundary: str) -> Iterator[Edit]:
    header, name_end = part.header, field.start + len(field.name)
    guess = guessed(header.raw(field), charset)
    text = guess.translate(CONTROLS_OF_TEXT).strip()
    name = header.data[field.start : name_end].decode("ascii")
    if part.start == 0 and field.name in ADDRESSES:
        text = _NO_BLANK.sub(_unusable, guess).translate(CONTROLS_OF_TEXT).strip()
        if text == guess and b"\x1b" not in header.raw(field):
            return
        new = f"{name}: {text}\r\n".encode()
    else:
        write = _writer(field.name)
        value = write(text) if field.name not in PARAMETRISED else parameters.in_ascii(text, boundary=boundary)
        undated = field.name in _DATES and parsedate_tz(value) is None  # another is put in its place
        new = b"" if undated else encoded_words.folded(name, value)
    ended = header.data.endswith(b"\n", field.start, field.end)
    yield Edit(field.start, field.end, new if ended else new.removesuffix(b"\r\n"))


def _unusable(word: re.Match[str]) -> str:
    """An address with a control character is none: without it, it would be somebody else's."""
    return _CONTROL.sub("\ufffd", word[0]) if "@" in word[0] else word[0]


def _writer(name: str) -> Callable[[str], str]:
    if name in _TOKENS:
        return lambda value: structured.in_ascii(value, structured.ascii_only)
    if name in ADDRESSES or name == "list-id":
        return structured.phrases_in_ascii
    return structured.in_ascii if name in _IDENTIFIERS or name in _DATES else encoded_words.in_ascii


def _encoding(part: Part) -> str | None:
    """The name of the transfer encoding where it is misspelt. A multipart has none (RFC 2045 6.4)."""
    meant = part.meant_encoding
    if meant in ("7bit", "8bit"):
        return "7bit" if part.header.data[part.body : part.end].isascii() else "8bit"
    return None if part.type.main in ("multipart", "message") else meant


def _boundary(part: Part) -> str:
    """Another boundary for parts between which octets stand that no field can hold."""
    old = part.type.boundary
    if not part.children or (old.isascii() and not UNPLAIN.search(old)):
        return ""
    new = f"=_{sha256(old).hexdigest()}"
    while new.encode() in part.header.data:
        new += "_"
    return new


def charset_of(part: Part) -> str | None:
    """What the message's text is labelled with."""
    found = (charset_of(child) for child in part.children)
    return part.type.parameters.get("charset") or next((each for each in found if each), None)

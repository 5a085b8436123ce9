"""What goes out can be carried by a 7-bit path (RFC 2045 2.7): SES asks for it, after we answered 250.

No line over 998 octets (RFC 5322 2.1.1): SES refuses it. No NUL: what drops it on the way could find an end of the
message where none was. No octet beyond ASCII in a body: SES does not keep it where it has to change the message.
Leaves get another transfer encoding, header fields are folded; what is read stays the same. Signed and encrypted
content, messages in the message and damaged encodings are left alone. Knows nothing of branding or the header policy.
"""

import re
from collections.abc import Iterator

from messages.email import mime, plain
from messages.email.content import Edit, Field, HeaderSection
from messages.email.encoded_words import has_unfoldable_word
from messages.email.mime import MAX_LINE_OCTETS, Part, find_unsendable

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_BLANKS = re.compile(rb"[ \t]{79,}+")  # no fold makes them fit, and how many there are means nothing (RFC 5322 3.2.2)
_WORD = re.compile(rb"[ \t]*+[^ \t]++(?:[ \t]++\Z)?")  # with the white space before it, where a field may be folded


def mend(root: Part) -> list[Edit]:
    """The edits that take out all that no 7-bit path carries, where that does no damage; the rest stays."""
    encoded = list(_encoded_leaves(root))
    return [*_folded_fields(root), *encoded, *(mime.version_added(root) if encoded else ())]


def find_sealed(root: Part) -> int | None:
    """Where the first octet beyond ASCII stands that is signed or encrypted (RFC 1847 2.1 wants such content 7-bit)."""
    return None if root.header.data.isascii() else next(_sealed(root), None)


def _folded_fields(part: Part) -> Iterator[Edit]:
    for field in part.header.fields:
        yield from _folded(part.header, field)
    if not (part.type.signed or part.type.encrypted):
        for child in part.children:
            yield from _folded_fields(child)


def _encoded_leaves(part: Part) -> Iterator[Edit]:
    if part.type.signed or part.type.encrypted:
        return
    for child in part.children:
        yield from _encoded_leaves(child)
    yield from _without_surroundings(part)
    if part.type.main in ("multipart", "message"):  # RFC 2045 6.4: they take no encoding
        return
    body = part.header.data[part.body : part.end]
    if not body.isascii() or find_unsendable(body, 0, len(body)) is not None:
        yield from _encoded(part)


def _without_surroundings(part: Part) -> Iterator[Edit]:
    """Text around the parts of a multipart, which no reader shows (RFC 2046 5.1.1), where it could not be carried."""
    if not part.children:
        return
    data, boundary = part.header.data, re.escape(part.type.boundary)
    before = data.rfind(b"--" + part.type.boundary, part.body, part.children[0].start)
    closing = re.compile(rb"\r?\n--" + boundary + rb"--[ \t]*\r\n").match(data, part.children[-1].end, part.end)
    for start, end in ((part.body, before), (closing.end(), part.end) if closing else (0, 0)):
        around = data[start:end]
        if not around.isascii() or find_unsendable(around, 0, len(around)) is not None:
            yield Edit(start, end, b"")


def _sealed(part: Part) -> Iterator[int]:
    if not (part.type.signed or part.type.encrypted):
        for child in part.children:
            yield from _sealed(child)
        return
    for inner in part.children or (part,):  # what stands around the parts is not signed
        start = inner.start if part.children else inner.body
        if found := _BEYOND_ASCII.search(part.header.data, start, inner.end):
            yield found.start()


def _encoded(part: Part) -> list[Edit]:
    """Text stays legible to those who look at the source; the rest, and what was base64, is base64."""
    content = part.decode()
    if content is None:
        return []
    return mime.replaced(part, content, part.encoding if part.type.main == "text" else "base64")


def _folded(header: HeaderSection, field: Field) -> Iterator[Edit]:
    """The field with its long lines folded at white space (RFC 5322 2.2.3), else with what is too long as words."""
    if field.end - field.start <= MAX_LINE_OCTETS or field.name in ("", "content-transfer-encoding"):
        return  # a long Content-Transfer-Encoding goes with the encoding, or is damage
    old = header.data[field.start : field.end].removesuffix(b"\r\n")
    if max(map(len, old.split(b"\r\n"))) <= MAX_LINE_OCTETS:
        return
    name, colon, value = old.partition(b":")
    value = _BLANKS.sub(b" ", value)
    first, *others = value.split(b"\r\n")
    lines = [*_wrapped([name + colon], first), *(piece for line in others for piece in _wrapped([], line))]
    new = b"\r\n".join(lines)
    if has_unfoldable_word(value.decode("latin-1")) or any(len(line) > MAX_LINE_OCTETS for line in lines):
        raw = _BLANKS.sub(b" ", header.raw(field))
        new = plain.shortened(name.decode("ascii"), raw.decode("ascii")).removesuffix(b"\r\n") if raw.isascii() else old
    if new != old and all(len(line) <= MAX_LINE_OCTETS for line in new.split(b"\r\n")):
        yield Edit(field.start, field.start + len(old), new)


def _wrapped(lines: list[bytes], text: bytes) -> list[bytes]:
    """`lines` and the text behind the last of them, in as few lines as it needs."""
    if sum(map(len, lines)) + len(text) <= MAX_LINE_OCTETS:
        return [b"".join((*lines, text))]
    for word in _WORD.findall(text):
        if lines and len(lines[-1]) + len(word) <= MAX_LINE_OCTETS:
            lines[-1] += word
        else:
            lines.append(word)
    return lines

"""No line over 998 octets goes out (RFC 5322 2.1.1): SES refuses it, after we answered 250. No NUL does, either: what
drops it on the way could find an end of the message where none was.

Leaves get another transfer encoding, header fields are folded; what is read stays the same. Signed and encrypted
content, messages in the message and damaged encodings are left alone. Knows nothing of branding or the header policy.
"""

import re
from collections.abc import Iterator

from messages import mime
from messages.content import Edit, Field, HeaderSection
from messages.mime import MAX_LINE_OCTETS, Part, find_unsendable

_WORD = re.compile(rb"[ \t]*+[^ \t]++(?:[ \t]++\Z)?")  # with the white space before it, where a field may be folded


def mend(root: Part) -> list[Edit]:
    """The edits that take out every long line and NUL for which that does no damage; others stay."""
    edits = list(_mended(root))
    return edits + mime.version_added(root) if edits else []


def _mended(part: Part) -> Iterator[Edit]:
    for field in part.header.fields:
        yield from _folded(part.header, field)
    if part.type.signed or part.type.encrypted:
        return
    for child in part.children:
        yield from _mended(child)
    if part.type.main in ("multipart", "message"):  # RFC 2045 6.4: they take no encoding
        return
    if find_unsendable(part.header.data, part.body, part.end) is not None:
        yield from _encoded(part)


def _encoded(part: Part) -> list[Edit]:
    """Text stays legible to those who look at the source; the rest, and what was base64, is base64."""
    content = part.decode()
    if content is None:
        return []
    return mime.replaced(part, content, part.encoding if part.type.main == "text" else "base64")


def _folded(header: HeaderSection, field: Field) -> Iterator[Edit]:
    """The field with its long lines folded at white space (RFC 5322 2.2.3), if all of them can be."""
    if field.end - field.start <= MAX_LINE_OCTETS or field.name in ("", "content-transfer-encoding"):
        return  # a long Content-Transfer-Encoding goes with the encoding, or is damage
    old = header.data[field.start : field.end].removesuffix(b"\r\n")
    name, colon, value = old.partition(b":")
    first, *others = value.split(b"\r\n")
    lines = [*_wrapped([name + colon], first), *(piece for line in others for piece in _wrapped([], line))]
    new = b"\r\n".join(lines)
    if new != old and all(len(line) <= MAX_LINE_OCTETS for line in lines):
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

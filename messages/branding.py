"""The service's branding into the parts that people read: header and footer in HTML, the footer in plain text.

Only the leaf that gets a branding is written anew; its decoded bytes outside the inserted spans stay the same.
Signed and encrypted content is left alone. Knows nothing of templates, services or header policy.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from messages import charset, html, mime
from messages.content import Edit
from messages.mime import Part

SIGNED = "signed"
ENCRYPTED = "encrypted"
INLINE_PGP = "inline PGP"
NO_TEXT = "no text part"
REPORT = "report"
DAMAGED_ENCODING = "transfer encoding unknown or damaged"
CHARSET = "charset without ASCII"
STRUCTURE = "multipart without parts"

MAX_TWIN_BYTES = 1 << 20  # longer text is a listing: doubling it costs time and the provider's size limit

_CHARSET_PARAMETER = re.compile(rb";\s*charset\*?(?:0\*?)?\s*=\s*(?:\"[^\"]*\"|[^;\s]*)", re.IGNORECASE)
_INLINE_PGP = re.compile(rb"^-----BEGIN PGP (?:SIGNED )?MESSAGE-----", re.MULTILINE)
_UUENCODED = re.compile(rb"^begin [0-7]{3,4} \S", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Branding:
    """What is inserted, as text with CRLF line ends. `lang` is the language of a part we make, None if two."""

    header_html: str
    footer_html: str
    footer_text: str
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text part that is displayed, and the multipart it stands in."""

    part: Part
    parent: Part | None


class Untouched(Exception):  # noqa: N818 - not an error: the message goes out without a branding
    """Why nothing was inserted: one of the constants above."""


def brand(root: Part, branding: Branding, boundary: str) -> list[Edit]:
    """The edits that put the branding in; `boundary` may not occur in the message. Raises Untouched."""
    leaves = list(_displayed(root, None))
    if not leaves:
        raise Untouched(STRUCTURE if root.type.main == "multipart" and not root.children else NO_TEXT)
    contents = [leaf.part.decode() for leaf in leaves]
    if any(content and _INLINE_PGP.search(content) for content in contents):
        raise Untouched(INLINE_PGP)
    edits: list[Edit] = []
    lonely = len(leaves) == 1  # no HTML yet
    for leaf, content in zip(leaves, contents, strict=True):
        if content is None or not charset.contains_ascii(leaf.part.type.parameters.get("charset")):
            continue
        if leaf.part.type.sub == "html":
            edits += _replaced(leaf.part, _into_html(leaf.part, content, branding), None)
            continue
        text, name = charset.append(content, branding.footer_text, leaf.part.type.parameters.get("charset"))
        twin = _twin(leaf.part, content, branding) if lonely else None
        edits += _with_twin(leaf, text, name, twin, boundary) if twin else _replaced(leaf.part, text, name)
    if not edits:
        raise Untouched(DAMAGED_ENCODING if None in contents else CHARSET)
    return edits + mime.version_added(root)


def _displayed(part: Part, parent: Part | None) -> Iterator[Leaf]:
    """The text leaves that readers show first. Raises Untouched where one of them is sealed."""
    kind = part.type
    if kind.encrypted:
        raise Untouched(ENCRYPTED)
    if part.attachment:
        return
    if str(kind) in ("text/plain", "text/html"):
        yield Leaf(part, parent)
    elif kind.signed:
        raise Untouched(SIGNED)
    elif str(kind) == "multipart/report":
        raise Untouched(REPORT)  # RFC 6522: machines read it
    elif kind.main == "multipart" and part.children:
        yield from _displayed_in(part)


def _displayed_in(part: Part) -> Iterator[Leaf]:
    if part.type.sub == "alternative":
        for child in part.children:
            yield from _displayed(child, part)
    elif part.type.sub == "related":  # RFC 2387 3.2: the root is the one named by start, else the first
        start = part.type.parameters.get("start", "").encode("latin-1")
        named = (child for child in part.children if start and child.value("content-id") == start)
        yield from _displayed(next(named, part.children[0]), part)
    else:  # RFC 2046 5.1.3: what is not known counts as mixed; its first text is the body
        for child in part.children:
            if leaves := list(_displayed(child, part)):
                yield from leaves
                return


def _into_html(part: Part, content: bytes, branding: Branding) -> bytes:
    top, bottom = html.places(content)
    header, footer = (
        charset.insertion(content, at, f"\r\n{block}\r\n", part.type.parameters.get("charset"))
        for at, block in ((top, branding.header_html), (bottom, branding.footer_html))
    )
    return b"".join((content[:top], header, content[top:bottom], footer, content[bottom:]))


def _twin(part: Part, content: bytes, branding: Branding) -> bytes | None:
    """An HTML part that reads as this text part, branded; None where that could lose something."""
    decoded = charset.decode_for_twin(content, part.type.parameters.get("charset"))
    if decoded is None or _UUENCODED.search(content) or len(content) > MAX_TWIN_BYTES:
        return None  # uuencoded: readers take the file out of the plain text, and would not see it in HTML
    text, name, certain = decoded
    parameters = {key: value.lower() for key, value in part.type.parameters.items()}
    flowed, joined = parameters.get("format") == "flowed", parameters.get("delsp") == "yes"
    body = html.from_text(text, flowed=flowed, joined=joined, links=certain)
    opening = f'<html lang="{branding.lang}">' if branding.lang else "<html>"
    start = f"<!DOCTYPE html>\r\n{opening}\r\n<body>\r\n{branding.header_html}\r\n"
    end = f"\r\n{branding.footer_html}\r\n</body>\r\n</html>"
    ours, theirs = ("utf-8", "utf-8") if certain else ("ascii", "latin-1")
    codecs = ((start, ours), (body, theirs), (end, ours))
    encoded, encoding = mime.encode(b"".join(piece.encode(codec, "xmlcharrefreplace") for piece, codec in codecs), "")
    parameter = f"; charset={name}" if name else ""
    return f"Content-Type: text/html{parameter}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + encoded


def _with_twin(leaf: Leaf, text: bytes, name: str | None, twin: bytes, boundary: str) -> list[Edit]:
    """The plain leaf and its HTML twin as a multipart/alternative (RFC 2046 5.1.4)."""
    part, parent = leaf.part, leaf.parent
    if parent and parent.type.sub == "alternative":
        own = parent.type.parameters["boundary"].rstrip().encode("latin-1")
        return [*_replaced(part, text, name), Edit(part.end, part.end, b"\r\n--" + own + b"\r\n" + twin)]
    if parent and parent.type.sub == "related":
        return _replaced(part, text, name)  # start= may point at this very part: its place in the tree stays
    body, encoding = mime.encode(text, part.encoding)
    fields = _type_field(part, name) + f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    delimiter = f"--{boundary}".encode()
    bodies = b"\r\n".join((delimiter, fields + body, delimiter, twin, delimiter + b"--\r\n"))
    return [
        *mime.field_set(
            part, "content-type", f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode()
        ),
        *mime.field_set(part, "content-transfer-encoding", b""),
        *mime.field_set(part, "content-md5", b""),
        Edit(part.body, part.end, bodies),
    ]


def _replaced(part: Part, content: bytes, name: str | None) -> list[Edit]:
    """The leaf with new content, in the charset `name` if it is another one."""
    edits = [*mime.replaced(part, content, part.encoding), *mime.field_set(part, "content-md5", b"")]
    return [*edits, *mime.field_set(part, "content-type", _type_field(part, name))] if name else edits


def _type_field(part: Part, name: str | None) -> bytes:
    """The leaf's Content-Type field, in the charset `name` if given; its other parameters stay (format=flowed)."""
    fields = part.header.named("content-type")
    if not name:
        return part.header.data[fields[0].start : fields[0].end] if fields else b""
    if not fields or b"/" not in part.header.raw(fields[0]):
        return f"Content-Type: text/plain; charset={name}\r\n".encode()
    field = part.header.data[fields[0].start : fields[0].end]
    field, replaced = _CHARSET_PARAMETER.subn(f"; charset={name}".encode(), field, count=1)
    return field if replaced else field.rstrip(b"\r\n\t ;") + f"; charset={name}\r\n".encode()

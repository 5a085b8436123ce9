"""The service's branding into the parts that people read: header and footer in HTML, the footer in plain text.

Only the leaf that gets a branding is written anew; its decoded bytes outside the inserted spans stay the same.
Signed and encrypted content is left alone. Knows nothing of templates, services or header policy.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from messages.email import charset, html, inline, layout, mime
from messages.email.content import Edit
from messages.email.encoded_words import subject_for_people
from messages.email.mime import Part
from messages.email.page import BARE, Page
from messages.picture import Picture


class Reason(StrEnum):
    """Why a message goes out without a branding: all there are."""

    SIGNED = "signed"
    ENCRYPTED = "encrypted"
    INLINE_PGP = "inline PGP"
    NO_TEXT = "no text part"
    DAMAGED_ENCODING = "transfer encoding unknown or damaged"
    CHARSET = "charset without ASCII"
    STRUCTURE = "multipart without parts"
    VERSIONS = "too many versions"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Reason.SIGNED: "Its text is signed (multipart/signed): any change would break the signature.",
    Reason.ENCRYPTED: "Its text is encrypted, or signed as S/MIME does it: nobody but the recipient can add to it.",
    Reason.INLINE_PGP: "PGP armour stands in its text: what is added around it looks signed or breaks it.",
    Reason.NO_TEXT: "It has no text or HTML that is displayed: only files, calendars or other content.",
    Reason.DAMAGED_ENCODING: "The transfer encoding of its text is unknown or broken: readers show different things.",
    Reason.CHARSET: "Its charset does not contain ASCII and cannot be decoded for certain.",
    Reason.VERSIONS: "It has more versions of its text than any reader chooses from; each would carry the branding.",
    Reason.STRUCTURE: "It says multipart, but its boundary is missing or marks nothing: readers guess where text is.",
}

MAX_VERSIONS = 20
MAX_TWIN_BYTES = 1 << 20  # longer text is a listing: doubling it costs time and the provider's size limit

_PGP = b"-----BEGIN PGP"  # looked for first: that is ten times as fast as the pattern
_INLINE_PGP = re.compile(rb"^-----BEGIN PGP (?:SIGNED )?MESSAGE-----", re.MULTILINE)
_UUENCODED = re.compile(rb"^begin [0-7]{3,4} \S", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Branding:
    """What is inserted, as text with CRLF line ends; false where that is nothing.

    `page` is what is put around text that has no HTML yet. `images` are those that the HTML shows by their Content-ID.
    """

    header_html: str
    footer_html: str
    footer_text: str
    page: Page = BARE
    images: tuple[Picture, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.header_html or self.footer_html or self.footer_text)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text part that is displayed, and the multipart it stands in.

    `root` is the part that it is or stands in, `related` the multipart/related whose root that is. Leaves that are read
    one after the other are a sequence: the first has the header `above` it, the last the footer `below`.
    """

    part: Part
    parent: Part | None
    root: Part | None = None
    related: Part | None = None
    above: bool = True
    below: bool = True
    reported: bool = False  # what people read of a report, most of which is for machines


class Untouched(Exception):  # noqa: N818 - not an error: the message goes out without a branding
    """Why nothing was inserted: a Reason."""


def brand(root: Part, branding: Branding, boundary: str, *, ours: bool = False) -> list[Edit]:
    """The edits that put the branding in; `boundary` may not occur in the message. Raises Untouched.

    `ours`: the text is of our own making, and what looks like PGP in it is a value that somebody typed.
    """
    leaves = list(_displayed(root, None, named=True))
    if not leaves:
        raise Untouched(Reason.STRUCTURE if root.type.main == "multipart" and not root.children else Reason.NO_TEXT)
    versions = sum(leaf.above for leaf in leaves)
    if versions > MAX_VERSIONS:
        raise Untouched(Reason.VERSIONS)
    contents = [_content(leaf.part) for leaf in leaves]
    if not ours and any(content and _PGP in content and _INLINE_PGP.search(content) for content in contents):
        raise Untouched(Reason.INLINE_PGP)
    token = boundary.removeprefix("=_")
    while branding.images and token.encode() in root.header.data:  # a message of ours that comes again
        token += "x"
    work = _Work(root, branding, boundary, token, lonely=versions == 1)
    edits = [edit for leaf, content in zip(leaves, contents, strict=True) for edit in work.edits(leaf, content)]
    if not edits:
        damaged = any(leaf.part.decode() is None for leaf in leaves)
        raise Untouched(Reason.DAMAGED_ENCODING if damaged else Reason.CHARSET)
    return edits + mime.version_added(root)


class _Work:
    """One message's branding: `lonely` if the message has but one version, and so no HTML beside its text.

    Content-IDs and boundaries are made of `token`.
    """

    def __init__(self, root: Part, branding: Branding, boundary: str, token: str, *, lonely: bool) -> None:
        self._boundary = boundary
        self._token = token
        self._images = branding.images
        self._header = inline.within(branding.header_html, branding.images, self._token)
        self._footer = inline.within(branding.footer_html, branding.images, self._token)
        self._text = branding.footer_text
        self._page = branding.page
        self._header_section = root.header
        self._lonely = lonely
        self._related: set[int] = set()  # where those start to which the images were added
        self._enclosed = 0

    def edits(self, leaf: Leaf, content: bytes | None) -> list[Edit]:
        """None for a leaf that cannot be branded; `content` is what `_content` makes of it."""
        if content is None:
            return []
        name = leaf.part.type.parameters.get("charset")
        new_name = None if charset.contains_ascii(name) else "utf-8"
        name = new_name or name
        if leaf.part.type.sub == "html":
            return self._with_images(leaf, self._into_html(leaf, content), new_name)
        text, changed_name = charset.append(content, self._text, name)
        new_name = changed_name or new_name
        twin = self._twin(leaf, content, name) if self._lonely and not leaf.reported else None
        return self._with_twin(leaf, text, new_name, twin) if twin else _replaced(leaf.part, text, new_name)

    def _into_html(self, leaf: Leaf, content: bytes) -> bytes:
        top, bottom = html.places(content)
        frame = layout.frame(content, top, bottom)
        above = "\r\n".join(filter(None, (frame.fitted(self._header) if leaf.above else "", frame.opening)))
        below = "\r\n".join(filter(None, (frame.closing, frame.fitted(self._footer) if leaf.below else "")))
        header, footer = (
            charset.insertion(content, at, f"\r\n{block}\r\n") if block else b""
            for at, block in ((top, above), (bottom, below))
        )
        return b"".join((content[:top], header, content[top:bottom], footer, content[bottom:]))

    def _with_images(self, leaf: Leaf, content: bytes, name: str | None) -> list[Edit]:
        """The HTML leaf, and the images that it shows."""
        part = leaf.part
        images = self._shown_in(content)
        if not images:
            return _replaced(part, content, name)
        if leaf.related:
            return [*_replaced(part, content, name), *self._joined(leaf)]
        body, encoding = mime.encode(content, part.encoding, part.boundaries)
        own = _type_field(part, name) + f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body
        field, bodies = inline.related(own, images, self._next_boundary(), self._token)
        return _as_multipart(part, field, bodies)

    def _shown_in(self, document: bytes) -> tuple[Picture, ...]:
        asked = (inline.within(inline.url(each), self._images, self._token).encode("ascii") for each in self._images)
        return tuple(each for each, url in zip(self._images, asked, strict=True) if url in document)

    def _joined(self, leaf: Leaf) -> list[Edit]:
        """The images in the multipart/related that the leaf is the root of, once: readers look no further."""
        assert leaf.root
        assert leaf.related
        if leaf.related.start in self._related:
            return []
        self._related.add(leaf.related.start)
        return [_beside(leaf.root, leaf.related, inline.parts(self._images, self._token))]

    def _next_boundary(self) -> str:
        """Of another beginning than all others: some readers compare no more than that."""
        self._enclosed += 1
        return f"=_{self._enclosed}.{self._token}"

    def _twin(self, leaf: Leaf, content: bytes, name: str | None) -> bytes | None:
        """An HTML part that reads as this text part, branded; None where that could lose something."""
        part = leaf.part
        if len(content) + 7 * content.count(b"\t") > MAX_TWIN_BYTES:  # a tab becomes up to eight blanks
            return None
        decoded = charset.decode_for_twin(content, name)
        if decoded is None or _UUENCODED.search(content):
            return None  # uuencoded: readers take the file out of the plain text, and would not see it in HTML
        text, label, certain = decoded
        parameters = {key: value.lower() for key, value in part.type.parameters.items()}
        flowed, joined = parameters.get("format") == "flowed", parameters.get("delsp") == "yes"
        body = html.from_text(text, flowed=flowed, joined=joined, links=certain)
        title = subject_for_people(self._header_section.first("subject"))
        start, end = self._page.around(
            title=title, utf8=certain, above=self._header, below=self._footer if leaf.below else ""
        )
        ours, theirs = ("utf-8", "utf-8") if certain else ("ascii", "latin-1")
        codecs = ((start, ours), (body, theirs), (end, ours))
        document = b"".join(each.encode(codec, "xmlcharrefreplace") for each, codec in codecs)
        encoded, encoding = mime.encode(document, "", part.boundaries)
        parameter = f"; charset={label}" if label else ""
        fields = f"Content-Type: text/html{parameter}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        return fields.encode() + encoded

    def _with_twin(self, leaf: Leaf, text: bytes, name: str | None, twin: bytes) -> list[Edit]:
        """The plain leaf and its HTML twin as a multipart/alternative (RFC 2046 5.1.4)."""
        part, parent = leaf.part, leaf.parent
        if leaf.related and leaf.root is part:
            return _replaced(part, text, name)  # start= may point at this very part: its place in the tree stays
        joined: list[Edit] = []
        if self._images and leaf.related:
            joined = self._joined(leaf)
        elif self._images:
            field, bodies = inline.related(twin, self._images, self._next_boundary(), self._token)
            twin = field + b"\r\n" + bodies.removesuffix(b"\r\n")
        if parent and parent.type.sub == "alternative":
            return [*_replaced(part, text, name), _beside(part, parent, [twin]), *joined]
        body, encoding = mime.encode(text, part.encoding, part.boundaries)
        fields = _type_field(part, name) + f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        field = f'Content-Type: multipart/alternative;\r\n boundary="{self._boundary}"\r\n'.encode()
        return [*_as_multipart(part, field, inline.enclose([fields + body, twin], self._boundary)), *joined]


def _displayed(part: Part, parent: Part | None, *, named: bool = False) -> Iterator[Leaf]:
    """The text leaves that readers show first. Raises Untouched where one of them is sealed.

    `named`: it is displayed though it has a file name, since it stands where nothing but the letter does.
    """
    kind = part.type
    if kind.encrypted:
        raise Untouched(Reason.ENCRYPTED)
    if part.detached or (part.attachment and not named):
        return
    if str(kind) in ("text/plain", "text/html"):
        yield Leaf(part, parent)
    elif kind.signed:
        raise Untouched(Reason.SIGNED)
    elif kind.main == "multipart" and part.children:
        yield from _displayed_in(part)


def _displayed_in(part: Part) -> Iterator[Leaf]:
    if part.type.sub == "alternative":
        for child in part.children:
            yield from _displayed(child, part, named=True)
    elif part.type.sub == "related":  # RFC 2387 3.2: the root is the one named by start, else the first
        start = part.type.parameters.get("start", "").encode("latin-1")
        named = (child for child in part.children if start and child.value("content-id") == start)
        shown = (child for child in part.children if not child.detached)  # a file is nobody's root
        root = next(named, None) or next(shown, part.children[0])
        for leaf in _displayed(root, part, named=True):
            yield leaf if leaf.related else replace(leaf, root=root, related=part)
    elif part.type.sub == "report":  # RFC 6522 3: the first part is for people, the others are for machines
        for leaf in _displayed(part.children[0], part):
            yield replace(leaf, reported=True)
    else:  # RFC 2046 5.1.3: what is not known counts as mixed; its first text is the body
        blank: list[Leaf] = []
        for child in part.children:
            if leaves := list(_displayed(child, part)):
                if not all(_is_blank(leaf.part) for leaf in leaves):
                    yield from _sequence(leaves, part)
                    return
                blank = blank or leaves
        yield from blank


def _sequence(leaves: list[Leaf], parent: Part) -> Iterator[Leaf]:
    """The letter of a mixed, and the HTML behind it that continues it, as Apple Mail writes around files.

    Text behind it does not: that is a mailing list's footer, or a log. Nor does what stands behind alternatives.
    """
    first = leaves[-1].part.start
    later = (child for child in parent.children if child.start > first and str(child.type) == "text/html")
    shown = [child for child in later if not child.attachment and _content(child) is not None]
    if len(leaves) > 1 or not shown or len(shown) > MAX_VERSIONS or _content(leaves[0].part) is None:
        yield from leaves
        return
    yield replace(leaves[0], below=False)
    yield from (Leaf(child, parent, above=False, below=child is shown[-1]) for child in shown)


def _is_blank(part: Part) -> bool:
    """Whether it is a text in which nothing is said, as Apple Mail writes one above HTML."""
    return part.type.sub == "plain" and (content := part.decode()) is not None and not content.strip()


def _content(part: Part) -> bytes | None:
    """The leaf's content where ASCII means ASCII: as it is, else as UTF-8. None where neither is certain."""
    content, name = part.decode(), part.type.parameters.get("charset")
    if content is None or charset.contains_ascii(name):
        return content
    return charset.as_utf8(content, name)


def _as_multipart(part: Part, field: bytes, bodies: bytes) -> list[Edit]:
    """The leaf become a multipart, with that Content-Type field and body."""
    return [
        *mime.field_set(part, "content-type", field),
        *mime.field_set(part, "content-transfer-encoding", b""),
        *mime.field_set(part, "content-md5", b""),
        Edit(part.body, part.end, bodies),
    ]


def _beside(part: Part, parent: Part, others: list[bytes]) -> Edit:
    """More parts behind one of a multipart."""
    delimiter = b"\r\n--" + parent.type.boundary + b"\r\n"
    new = b"".join(delimiter + other for other in others)
    return Edit(part.end, part.end, new + b"\r\n" if part.end == len(part.header.data) else new)


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
    return mime.charset_set(part.header.data[fields[0].start : fields[0].end], name)

"""MIME structure (RFC 2045, 2046) as byte offsets, and the transfer encodings of one leaf.

Also the edits that give a leaf other content. Knows nothing of what is displayed or why it changes, nor of policy.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from messages import reply
from messages.email.charset import codec_of
from messages.email.content import Edit, Field, HeaderSection
from messages.reply import Refused

MAX_DEPTH = 50
MAX_PARTS = 1_000  # no mail for people has so many; what stands behind them is left alone, as all that is not displayed
MAX_VALUE_CHARACTERS = 10_000  # of a Content-* field: what is longer is not read on
MAX_LEGIBLE_BYTES = 1 << 20  # nobody reads the source of more, and quoted-printable takes five times as long as base64
MAX_LINE_OCTETS = 998  # RFC 5322 2.1.1, without the line end; SES refuses more

_COMMENTS = r"\s*+(?:\([^()]*+\)\s*+)*+"  # RFC 2045 5.1 lets them stand anywhere; in front they are met
_MEDIA_TYPE = re.compile(_COMMENTS + r"([^\s;/()]+)\s*/\s*([^\s;()]+)")
PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_SEPARATOR = re.compile(rb">?From [^\r\n]*+\r\n")
_PERHAPS_EMPTY = re.compile(r';\s*([^\s=;"]+)(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;]*)|(?=\s*(?:;|\Z)))')
_DELIMITER_END = re.compile(rb"(--)?+[ \t]*+(?:\r?\n|\Z)")
_ENCODING = re.compile(_COMMENTS + r"([\w-]*+)" + _COMMENTS + ";?")
_ENCODINGS = ("7bit", "8bit", "binary", "quoted-printable", "base64")
_MISSPELT = {
    **{each.replace("-", ""): each for each in _ENCODINGS},
    "7bits": "7bit",
    "8bits": "8bit",
}
_WORDS = re.compile(rb"[a-z]{2,20} [a-z]{2,20} [a-z]{2}")
_MAX_READ_OCTETS = 4_096
_ENCODES = re.compile(r"\Ax-|quot|print|qp|uu|base|64")
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]*+(?:=\s*+){0,2}")
_NO_CODE = re.compile(rb"=(?:[= \t]|\r(?!\n))")
_BARE_SOFT_BREAK = re.compile(rb"=\r(?!\n)")  # a2b_qp would drop the rest of the line
_PADDED_SOFT_BREAK = re.compile(rb"=[ \t]++(?=\r?\n|\Z)")
_ASCII = bytes(range(128))
_SPACE = b" \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class ContentType:
    """A Content-Type value: main and sub type and the parameters' names in lower case."""

    main: str
    sub: str
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes | None, default: str = "text/plain") -> "ContentType":
        """Never fails: what has no type and subtype is the default (RFC 2045 5.2)."""
        text = (raw or b"")[:MAX_VALUE_CHARACTERS].decode("latin-1")
        found = _MEDIA_TYPE.match(text)
        main, sub = found.groups() if found else default.split("/")
        return cls(main.lower(), sub.lower(), parse_parameters(text))

    def __str__(self) -> str:
        return f"{self.main}/{self.sub}"

    @property
    def signed(self) -> bool:
        return str(self) == "multipart/signed"

    @property
    def encrypted(self) -> bool:
        """Or signed: S/MIME has one type for both (RFC 8551 3.2)."""
        return self.sub in ("pkcs7-mime", "x-pkcs7-mime") or str(self) == "multipart/encrypted"

    @property
    def boundary(self) -> bytes:
        """Of a multipart; white space at its end does not count (RFC 2046 5.1.1)."""
        return self.parameters.get("boundary", "").rstrip().encode("latin-1")


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """A message or a body part: header section, then body up to `end`; a multipart that can be read has children.

    `boundaries` are those of the multiparts that it stands in.
    """

    header: HeaderSection
    start: int
    end: int
    type: ContentType
    children: tuple["Part", ...] = ()
    boundaries: tuple[bytes, ...] = ()

    @property
    def body(self) -> int:
        return self.header.end

    @property
    def attachment(self) -> bool:
        """Whether it is a file to keep rather than text to read: what carries a file name counts as one."""
        names = {*parse_parameters(self._disposition), *self.type.parameters}
        return self.detached or any(name.split("*")[0] in ("filename", "name") for name in names)

    @property
    def detached(self) -> bool:
        """Whether its sender says that it is a file to keep (RFC 2183 2.2)."""
        return self._disposition.startswith("attachment")

    @property
    def _disposition(self) -> str:
        disposition = self.value("content-disposition")
        return disposition.decode("latin-1").lower() if disposition else ""

    @property
    def encoding(self) -> str:
        """The Content-Transfer-Encoding in lower case: 7bit where none is named (RFC 2045 6.1), ? for no token."""
        raw = (self.value("content-transfer-encoding") or b"")[:MAX_VALUE_CHARACTERS]
        found = _ENCODING.fullmatch(raw.decode("latin-1").lower())
        return (found[1] or "7bit") if found else "?"

    @property
    def meant_encoding(self) -> str | None:
        """What the Content-Transfer-Encoding means where it is no token of RFC 2045 6.1 but is clear all the same."""
        raw = self.value("content-transfer-encoding")
        if not raw or self.encoding in _ENCODINGS:
            return None
        written = raw[:MAX_VALUE_CHARACTERS].decode("ascii", "ignore").strip(" \t\"';").lower()
        meant = _MISSPELT.get(re.sub(r"[\s_-]", "", written))
        if meant == "base64" and not _BASE64.fullmatch(self.header.data, self.body, self.end):
            meant = None  # under that name it would be read as something else
        if meant or codec_of(written):
            return meant or "8bit"  # a charset's name: the text is in it, not encoded
        return "8bit" if self._reads_as_written(written) else None

    def _reads_as_written(self, encoding: str) -> bool:
        """Whether a text is not encoded, whatever it says: no encoding leaves words with blanks between them.

        Encodings of one's own begin with x- (RFC 2045 6.3): what they make is not for us to tell.
        """
        begin = self.header.data[self.body : min(self.end, self.body + _MAX_READ_OCTETS)]
        return self.type.main == "text" and not _ENCODES.search(encoding) and bool(_WORDS.search(begin))

    def value(self, name: str) -> bytes | None:
        first = self.header.named(name)
        return self.header.raw(first[0]) if first else None

    def decode(self, most: int | None = None) -> bytes | None:
        """The leaf's content; None where its transfer encoding is unknown or damaged, so that readers may differ.

        `most` is of how many octets as they were sent, from the beginning.
        """
        if not self.header.separated:
            return None
        raw = self.header.data[self.body : self.end if most is None else min(self.end, self.body + most)]
        if self.encoding in ("7bit", "8bit", "binary"):
            return raw
        if self.encoding == "quoted-printable":
            return _from_quoted_printable(raw)
        if self.encoding == "base64" and _BASE64.fullmatch(raw):
            compact = raw.translate(None, _SPACE)
            compact = compact if most is None else compact[: len(compact) // 4 * 4]
            return binascii.a2b_base64(compact) if len(compact) % 4 == 0 else None
        return None


def parse(data: bytes) -> Part:
    """The structure of a whole message. Raises Refused: no header section, or nested too deep."""
    return parse_body(HeaderSection.parse(data))


def parse_body(header: HeaderSection) -> Part:
    """The structure of a whole message whose header section is read already. Raises Refused: nested too deep."""
    return _part(header, 0, len(header.data), "text/plain", (), [MAX_PARTS])


def inner(part: Part) -> Part | None:
    """The message in a message/rfc822 part (RFC 2046 5.2.1). Raises Refused as `parse` does; None for other parts."""
    if str(part.type) not in ("message/rfc822", "message/global") or not part.header.separated:
        return None
    # Products that keep mail in mbox files forward it with the separator of those.
    separator = _SEPARATOR.match(part.header.data, part.body, part.end)
    header = HeaderSection.parse_part(part.header.data, separator.end() if separator else part.body, part.end)
    return _part(header, part.body, part.end, "text/plain", (), [MAX_PARTS])


def boundaries(part: Part) -> Iterator[tuple[int, int]]:
    """Where a multipart's boundary stands in its delimiter lines."""
    data, boundary = part.header.data, part.type.boundary
    for at, _, _ in _delimiters(data, boundary, part.body, part.end):
        start = data.index(boundary, at)
        yield start, start + len(boundary)


def charset_set(field: bytes, name: str) -> bytes:
    """A Content-Type field with another charset; its other parameters keep their bytes."""
    field = field.rstrip(b"\r\n\t ;")
    for found in _PERHAPS_EMPTY.finditer(field.decode("latin-1")):
        if found[1].lower() in ("charset", "charset*", "charset*0", "charset*0*"):
            return field[: found.start()] + f"; charset={name}".encode() + field[found.end() :] + b"\r\n"
    return field + f"; charset={name}\r\n".encode()


def parse_parameters(text: str) -> dict[str, str]:
    """Parameters behind a value; the first of a name counts. RFC 2231 continuations are put together."""
    found: dict[str, str] = {}
    for match in PARAMETER.finditer(text[:MAX_VALUE_CHARACTERS]):
        found.setdefault(match[1].lower(), unquoted(match[2]))
    for name in [name for name in found if re.fullmatch(r"[^*]+\*(0\*?)?", name)]:
        base, pieces, number = name.split("*")[0], found[name], 1
        while (piece := found.get(f"{base}*{number}", found.get(f"{base}*{number}*"))) is not None:
            pieces, number = pieces + piece, number + 1
        found.setdefault(base, unquote(pieces.split("'", 2)[-1], "latin-1") if name.endswith("*") else pieces)
    return found


def unquoted(value: str) -> str:
    """A parameter's value as it is meant, also where a quotation mark is missing."""
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return value.strip('"')


def encode(content: bytes, like: str, boundaries: tuple[bytes, ...] = ()) -> tuple[bytes, str]:
    """The content and its transfer encoding, safe for 7-bit paths: base64 stays base64, plain ASCII stays as it is.

    No line begins as a delimiter of these boundaries does: a line break that quoted-printable puts in could make one.
    """
    encoded, encoding = (b"", "base64") if like == "base64" else _as_text(content)
    lines = b"\n" + encoded
    if encoding != "base64" and not any(b"\n--" + boundary in lines for boundary in boundaries):
        return encoded, encoding
    encoded = binascii.b2a_base64(content, newline=False)  # base64.encodebytes calls it for every line
    return b"\r\n".join([encoded[at : at + 76] for at in range(0, len(encoded), 76)]), "base64"


def _as_text(content: bytes) -> tuple[bytes, str]:
    """Legible to who looks at the source, where that is not longer than base64, nor takes long to make."""
    if is_7bit(content):
        return content, "7bit"
    if _is_dense(content) or len(content) > MAX_LEGIBLE_BYTES:
        return b"", "base64"
    if not _has_bare_cr_or_lf(content):
        encoded = binascii.b2a_qp(content)
    else:  # RFC 2045 6.7 (4): a CR or LF that is no line break must be written as =0D or =0A
        encoded = b"\r\n".join(binascii.b2a_qp(line, istext=False) for line in content.split(b"\r\n"))
    # b2a_qp breaks lines with a bare LF where the content shows it no CRLF
    return encoded.replace(b"=\r\n", b"=\n").replace(b"=\n", b"=\r\n"), "quoted-printable"


def is_7bit(content: bytes) -> bool:
    """RFC 2045 2.7: ASCII without NUL, lines of at most 998 octets that end in CRLF."""
    if not content.isascii() or _has_bare_cr_or_lf(content):
        return False
    return find_unsendable(content, 0, len(content)) is None


def find_unsendable(data: bytes, start: int, end: int) -> int | None:
    """Where the first NUL is (RFC 5321 4.5.2 wants none), else the start of the first line over 998 octets."""
    nul = data.find(b"\0", start, end)
    return nul if nul >= 0 else find_long_line(data, start, end)


def find_long_line(data: bytes, start: int, end: int) -> int | None:
    """Where the first line of more than 998 octets starts. `start` is the start of a line.

    Goes in leaps as long as a line may be: a search that looks at every line takes five times longer.
    """
    while end - start > MAX_LINE_OCTETS:
        line_feed = data.rfind(b"\n", start, min(end, start + MAX_LINE_OCTETS + 2))
        if line_feed < 0:
            return start
        start = line_feed + 1
    return None


def replaced(part: Part, content: bytes, like: str) -> list[Edit]:
    """The leaf with other content, in a transfer encoding like the one given."""
    body, encoding = encode(content, like, part.boundaries)
    if part.end == len(part.header.data) and not body.endswith(b"\r\n"):
        body += b"=\r\n" if encoding == "quoted-printable" else b"\r\n"
    edits = [Edit(part.body, part.end, body)]
    if encoding != part.encoding:
        edits += field_set(part, "content-transfer-encoding", f"Content-Transfer-Encoding: {encoding}\r\n".encode())
    return edits


def field_set(part: Part, name: str, new: bytes) -> list[Edit]:
    """One field of that name, or none if `new` is empty. (More of them in the message's own header: headers.py.)"""
    first, *others = part.header.named(name) or [Field(name, part.header.fields_end, part.header.fields_end)]
    edits = [Edit(first.start, first.end, new)]
    return edits if part.start == 0 else [*edits, *(Edit(other.start, other.end, b"") for other in others)]


def version_added(root: Part) -> list[Edit]:
    """MIME-Version where it is missing: without it, the MIME fields mean nothing (RFC 2045 4)."""
    at = root.header.fields_end
    return [] if root.header.named("mime-version") else [Edit(at, at, b"MIME-Version: 1.0\r\n")]


def _from_quoted_printable(raw: bytes) -> bytes | None:
    if not _NO_CODE.search(raw):  # one look: each takes as long as decoding
        return binascii.a2b_qp(raw)
    # The first of two begins no code, so it stands for itself (RFC 2045 6.7); a2b_qp swallows one of them.
    raw = raw.replace(b"==", b"=3D=").replace(b"==", b"=3D=")
    raw = _PADDED_SOFT_BREAK.sub(b"=", raw)  # RFC 2045 6.7 (3)
    return None if _BARE_SOFT_BREAK.search(raw) else binascii.a2b_qp(raw)


def _is_dense(content: bytes) -> bool:
    """Whether so much is beyond ASCII (Greek, Arabic, Chinese) that quoted-printable is longer, and no more legible."""
    return 6 * len(content.translate(None, _ASCII)) > len(content)


def _has_bare_cr_or_lf(content: bytes) -> bool:
    return not content.count(b"\r\n") == content.count(b"\r") == content.count(b"\n")


def _part(
    header: HeaderSection, start: int, end: int, default: str, boundaries: tuple[bytes, ...], budget: list[int]
) -> Part:
    if len(boundaries) > MAX_DEPTH:
        raise Refused(reply.TOO_DEEP, limit=MAX_DEPTH)
    first = header.named("content-type")
    kind = ContentType.parse(header.raw(first[0]) if first else None, default)
    boundary = kind.boundary
    if kind.main != "multipart" or not boundary:
        return Part(header, start, end, kind, (), boundaries)
    inner_default = "message/rfc822" if kind.sub == "digest" else "text/plain"  # RFC 2046 5.1.5
    children = []
    for inner_start, inner_end in _bodies(header.data, boundary, header.end, end):
        if budget[0] <= 0:
            break
        budget[0] -= 1
        inner = HeaderSection.parse_part(header.data, inner_start, inner_end)
        children.append(_part(inner, inner_start, inner_end, inner_default, (*boundaries, boundary), budget))
    return Part(header, start, end, kind, tuple(children), boundaries)


def _bodies(data: bytes, boundary: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Where each body part starts and ends. The line break before a delimiter belongs to it (RFC 2046 5.1.1)."""
    begin = None
    for at, behind, closing in _delimiters(data, boundary, start, stop):
        if begin is not None:
            yield begin, max(begin, at)
        if closing:
            return
        begin = behind
    if begin is not None:
        yield begin, stop  # the closing delimiter is missing


def _delimiters(data: bytes, boundary: bytes, start: int, stop: int) -> Iterator[tuple[int, int, bool]]:
    """Delimiter lines, compared whole: one boundary may be the beginning of another (RFC 2046 5.1.2)."""
    needle = b"--" + boundary
    at = start if data.startswith(needle, start, stop) else data.find(b"\n" + needle, start, stop)
    while at >= 0:
        line = at + (data[at : at + 1] == b"\n")
        found = _DELIMITER_END.match(data, line + len(needle), stop)
        if found:
            before = at - 1 if line > at > start and data[at - 1 : at] == b"\r" else at
            yield before, found.end(), bool(found[1])
        at = data.find(b"\n" + needle, found.end() - 1 if found else line, stop)

"""A reader of mail by its own rules: MIME structure on octets, values of fields by the standard library.

Tolerant as mail programs are. Knows nothing of what may change between two messages.
"""

import re
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property

MAX_DEPTH = 100
SEALED_SUBTYPES = ("pkcs7-mime", "x-pkcs7-mime", "pgp-encrypted")
SEALED = ("multipart/signed", "multipart/encrypted")

MISSPELT = {'"base64"': "base64", "quoted printable": "quoted-printable", '"quoted-printable"': "quoted-printable"}

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_TYPE = re.compile(r"\s*([^\s;/()]+)\s*/\s*([^\s;/()]+)")


@dataclass(frozen=True, slots=True)
class Field:
    """A header field with all its octets but the last line end; `name` is in lower case."""

    name: str
    raw: bytes

    @property
    def value(self) -> bytes:
        return re.sub(rb"[\r\n]+(?=[ \t])", b"", self.raw.partition(b":")[2]).strip()

    @property
    def text(self) -> str:
        return self.value.decode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Part:
    """A message or a part of one. `raw` is all of it; children only where its boundary was found."""

    raw: bytes
    fields: tuple[Field, ...]
    body: bytes
    default: str = "text/plain"
    children: tuple["Part", ...] = ()
    around: tuple[bytes | None, ...] = field(default=())  # preamble and epilogue; None where nothing closes the parts

    def all(self, name: str) -> list[Field]:
        return [each for each in self.fields if each.name == name]

    @cached_property
    def _fields(self) -> Message:
        """The fields for the standard library: what it knows of parameters and encodings."""
        message = Message()
        for each in self.fields:
            if each.name.startswith("content-") and each.name not in message:
                message[each.name] = each.value.decode("ascii", "surrogateescape")
        return message

    @cached_property
    def type(self) -> str:
        found = _TYPE.match(str(self._fields.get("content-type", "")))
        return f"{found[1]}/{found[2]}".lower() if found else self.default

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Of Content-Type, RFC 2231 undone."""
        params = self._fields.get_params(failobj=[], unquote=True)[1:]
        return {
            str(name).lower(): _joined(value) for name, value in reversed(params) if name.strip()
        }  # the first counts

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "us-ascii").strip("\"'").lower()

    @property
    def filename(self) -> str | None:
        return self._fields.get_filename()

    @property
    def disposition(self) -> str | None:
        return self._fields.get_content_disposition()

    @property
    def cid(self) -> str | None:
        return next((each.text.strip("<> ") for each in self.all("content-id")), None)

    @property
    def encoding(self) -> str:
        written = str(self._fields.get("content-transfer-encoding", "7bit")).strip().lower()
        return MISSPELT.get(written, written)

    @property
    def sealed(self) -> bool:
        """Signed or encrypted."""
        return self.type in SEALED or self.type.split("/")[1] in SEALED_SUBTYPES

    @cached_property
    def content(self) -> bytes:
        """Decoded as the standard library decodes, but for quoted-printable: of two equals signs it makes one."""
        if self.encoding == "quoted-printable":
            joined = re.sub(rb"=[ \t]*(?:\r?\n|\Z)", b"", self.body)
            return re.sub(rb"=([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), joined)
        if self.encoding not in ("base64", "x-uuencode", "uuencode", "uue", "x-uue"):
            return self.body
        message = Message()
        message["content-transfer-encoding"] = self.encoding
        message.set_payload(self.body.decode("ascii", "surrogateescape"))
        return message.get_payload(decode=True)  # type: ignore[return-value]

    def walk(self) -> list["Part"]:
        """This part and all in it, in order; nothing in a sealed one or in a message."""
        return [self, *(each for child in self.children for each in child.walk())]


def read(content: bytes) -> Part:
    """A whole message."""
    return _part(content, "text/plain", 0, whole=True)


def _part(raw: bytes, default: str, depth: int, *, whole: bool = False) -> Part:
    fields, body = _head(raw, whole=whole)
    part = Part(raw, fields, body, default)
    boundary = part.parameters.get("boundary", "").rstrip()
    if depth > MAX_DEPTH or not part.type.startswith("multipart/") or not boundary or part.sealed:
        return part
    pieces = _pieces(body, boundary.encode("ascii", "surrogateescape"))
    if pieces is None:
        return part
    before, inner, behind = pieces
    inner_default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
    children = tuple(_part(each, inner_default, depth + 1) for each in inner)
    return Part(raw, fields, body, default, children, (before, behind))


def _head(raw: bytes, *, whole: bool) -> tuple[tuple[Field, ...], bytes]:
    """The fields and the body. In a whole message a garbage line ends the fields only where no field follows it."""
    lines: list[tuple[bool, int, int]] = []
    at, behind = 0, None
    while at < len(raw):
        line = _LINE.match(raw, at)
        assert line
        if not line[0].strip(b"\r\n"):
            behind = line.end()
            break
        continued = line[0][:1] in b" \t" and bool(lines)
        known = bool(_FIELD.match(line[0])) or (continued and lines[-1][0])
        if not known and not whole:
            break
        if continued:
            lines[-1] = (lines[-1][0], lines[-1][1], line.end())
        else:
            lines.append((known, at, line.end()))
        at = line.end()
    while lines and not lines[-1][0]:
        behind = lines.pop()[1]
    found = (raw[start:end].rstrip(b"\r\n") for known, start, end in lines if known)
    named = tuple(Field(_FIELD.match(each)[1].decode().lower(), each) for each in found)  # type: ignore[index]
    return named, raw[at if behind is None else behind :]


def _pieces(body: bytes, boundary: bytes) -> tuple[bytes, list[bytes], bytes | None] | None:
    """Preamble, parts, epilogue; None where no delimiter is found."""
    delimiter = re.compile(rb"(?:\A|(?<=\n))--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|\Z)")
    starts: list[int] = []
    ends: list[int] = []
    for found in delimiter.finditer(body):
        ends.append(found.start())
        starts.append(found.end())
        if found[1]:
            break
    if not starts:
        return None
    closed = bool(found[1])
    inner = [_unbroken(body[start:end]) for start, end in zip(starts, ends[1:], strict=False)]
    if not closed:
        inner.append(body[starts[-1] :])
    return body[: ends[0]], inner, body[starts[-1] :] if closed else None


def _unbroken(piece: bytes) -> bytes:
    """Without the line break that belongs to the delimiter."""
    return piece[:-2] if piece.endswith(b"\r\n") else piece.removesuffix(b"\n")


def _joined(value: object) -> str:
    if isinstance(value, tuple):
        return str(value[2]).encode("latin-1", "replace").decode(value[0] or "utf-8", "surrogateescape")
    quoted = re.match(r'"([^"]*)"', str(value))  # what stands behind it, as a field whose line end was lost, is no part
    return quoted[1] if quoted else str(value)

"""Whether a prepared message still says what was sent: compared with the standard library's parser, not with ours."""

import email
import re
from email.message import Message
from html.parser import HTMLParser

from messages.branding import Branding
from messages.pipeline import Prepared

# Field names that may change, spelled out here on purpose: the policy under test does not check itself.
CHANGED = re.compile(
    rb"(from|reply-to|mail-reply-to|mail-followup-to|errors-to|bounces-to|sender|resent-sender|return-path|bcc|resent-bcc|x-notify-.*|x-ses-.*|dkim-signature"
    rb"|domainkey-signature|arc-.*|authentication-results|content-length|content-md5|content-type"
    rb"|content-transfer-encoding|mime-version)\Z"
)


FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
LONG_LINE = re.compile(rb"[^\n]{998}(?!\r?\n)")
UNSENDABLE = re.compile(LONG_LINE.pattern + rb"|\0")


def differences(original: bytes, prepared: Prepared, branding: Branding) -> list[str]:
    """What was damaged, as short sentences; empty when nothing was."""
    found = list(_fields(original, prepared.content))
    if UNSENDABLE.search(prepared.content):
        found.append("a line is over 998 octets, or has a NUL")
    if not prepared.branded and _body(prepared.content) == _body(original):
        return found
    before, after = (email.message_from_bytes(_readable(content)) for content in (original, prepared.content))
    if prepared.branded:
        return found + list(_parts(before, after, branding))
    if original.isascii() and not UNSENDABLE.search(original):
        found.append("the body of an unbranded message changed")
    return found + list(_same_leaves(before, after))


def _readable(content: bytes) -> bytes:
    """Without what the standard library stumbles over: garbage among fields, white space before a colon, folds."""
    head, _, body = content.partition(b"\r\n\r\n")
    fields = [field for field in re.split(rb"\r\n(?![ \t])", head) if field]
    known = [i for i, field in enumerate(fields) if FIELD.match(field)]
    trailing = fields[known[-1] + 1 :] if known else []
    head = b"\r\n".join(FIELD.sub(rb"\1:", re.sub(rb"(?:\r\n[ \t]*)+\Z", b"", fields[i])) for i in known)
    content = b"\r\n\r\n".join((head, b"\r\n".join(trailing), body) if trailing else (head, body))
    return re.sub(rb"(?im)^content-type:.*(?:\r\n[ \t].*)+", lambda field: field[0].replace(b"\r\n", b""), content)


def _head(content: bytes) -> bytes:
    return content.partition(b"\r\n\r\n")[0] if not content.startswith(b"\r\n") else b""


def _body(content: bytes) -> bytes:
    return content.partition(b"\r\n\r\n")[2].rstrip(b"\r\n")


def _fields(original: bytes, content: bytes):
    """Every field that is not ours to change keeps its bytes; of those that SES takes once, the first stays."""
    before, after = ([f for f in re.split(rb"\r\n(?![ \t])", _head(c)) if f] for c in (original, content))
    kept = set(after)
    names = set()
    for field in before:
        name = field.partition(b":")[0].strip().lower()
        field = FIELD.sub(rb"\1:", field, count=1) if FIELD.match(field) else field
        duplicate = name in names and name not in (b"received", b"to", b"cc")
        names.add(name)
        if name == b"references":  # the message's own Message-ID is added behind it
            kept |= {field for each in after if each.startswith(field.rstrip())}
        folded = LONG_LINE.search(field) and _unfolded(field) in {_unfolded(other) for other in after}
        if FIELD.match(field) and not (CHANGED.match(name) or duplicate or field in kept or folded):
            yield f"field {name!r} changed or is gone"


def _unfolded(field: bytes) -> bytes:
    return field.replace(b"\r\n", b"")


def _opaque(part: Message) -> bool:
    return (
        not part.is_multipart()
        or part.get_content_type() != "multipart/" + part.get_content_subtype()
        or (part.get_content_subtype() in ("signed", "encrypted"))
    )


def _leaves(part: Message) -> list[Message]:
    if _opaque(part):
        return [part]
    return [leaf for child in part.get_payload() for leaf in _leaves(child)]


def _octets(part: Message) -> bytes:
    if part.is_multipart():
        return part.as_bytes(unixfrom=False).partition(b"\n\n")[2]
    return part.get_payload(decode=True) or b""


def _parts(before: Message, after: Message, branding: Branding):
    old, new = _leaves(before), _leaves(after)
    at = 0
    for leaf in old:
        if at >= len(new):
            yield f"part {leaf.get_content_type()} is gone"
            return
        yield from _leaf(leaf, new[at], branding)
        at += 1
        if at < len(new) and _is_twin(leaf, new, at, old):
            yield from _twin(leaf, new[at], branding)
            at += 1
    if at != len(new):
        yield "parts were added"


def _same_leaves(before: Message, after: Message):
    old, new = _leaves(before), _leaves(after)
    if [leaf.get_content_type() for leaf in old] != [leaf.get_content_type() for leaf in new]:
        yield "other parts than before"
    for leaf, other in zip(old, new, strict=False):
        if _changed(leaf, other) or leaf.get_filename() != other.get_filename():
            yield f"the content of {leaf.get_content_type()} changed"


def _is_twin(leaf: Message, new: list[Message], at: int, old: list[Message]) -> bool:
    return len(new) == len(old) + 1 and leaf.get_content_type() == "text/plain" and _changed(leaf, new[at - 1])


def _changed(leaf: Message, other: Message) -> bool:
    return _octets(leaf) != _octets(other)


def _leaf(leaf: Message, other: Message, branding: Branding):
    kind = leaf.get_content_type()
    if kind != other.get_content_type() or leaf.get_filename() != other.get_filename():
        yield f"{kind} became {other.get_content_type()}"
    elif _changed(leaf, other):
        if kind == "text/html" and not leaf.get_filename():
            yield from _html(_octets(leaf), _octets(other), branding)
        elif kind == "text/plain" and not leaf.get_filename():
            yield from _plain(leaf, other, branding)
        else:
            yield f"the content of {kind} changed"


def _html(before: bytes, after: bytes, branding: Branding):
    """Without the two blocks, the bytes are those that were sent."""
    for block in (branding.header_html, branding.footer_html):
        forms = {
            f"\r\n{block}\r\n".replace("\r\n", end).encode(codec, "xmlcharrefreplace")
            for codec in ("ascii", "utf-8", "cp1252", "iso8859-15")
            for end in ("\r\n", "\n")
        }
        found = [form for form in forms if form in after]
        if not found or after.count(found[0]) != 1 + before.count(found[0]):
            yield "the HTML holds no branding, or two"
            return
        after = after.replace(found[0], b"", 1)
    if _unshift(before).rstrip(b"\r\n") != _unshift(after).rstrip(b"\r\n"):
        yield "the HTML differs outside the branding"


def _unshift(octets: bytes) -> bytes:
    """ISO-2022-JP: an escape to ASCII and straight back says nothing."""
    return re.sub(rb"\x1b\(B(\x1b\$[@B])", rb"", octets) if b"\x1b$" in octets else octets


def _decoded(part: Message) -> str:
    octets = _octets(part)
    try:
        return octets.decode(part.get_content_charset("us-ascii"))
    except (LookupError, UnicodeError):
        return octets.decode("latin-1")


def _plain(leaf: Message, other: Message, branding: Branding):
    before, after = _decoded(leaf), _decoded(other)
    body, line, footer = after.replace("\n", "\r\n").replace("\r\r\n", "\r\n").rpartition("_" * 40)
    before = before.replace("\n", "\r\n").replace("\r\r\n", "\r\n")
    if not line or not footer.strip():
        yield "the text holds no footer"
    elif body.rstrip("\r\n").removesuffix("\x1b(B").rstrip("\r\n") != before.rstrip("\r\n").removesuffix(
        "\x1b(B"
    ).rstrip("\r\n"):
        yield "the text differs outside the footer"


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


def _twin(leaf: Message, other: Message, branding: Branding):
    if other.get_content_type() != "text/html":
        yield "no HTML stands beside the text"
        return
    document = re.sub(r"<!--.*?-->", "", _decoded(other).replace("\r\n", "\n"), flags=re.DOTALL)
    middle = document.partition("</table>")[2].rpartition("<table")[0]
    parser = _Text()
    parser.feed(middle.replace("<br>", "\n"))
    parser.close()
    if _words(parser.text, leaf) != _words(_decoded(leaf), leaf):
        yield "the HTML made of the text reads differently"


def _words(text: str, leaf: Message) -> str:
    """Without white space, and for flowed text without the marks of its quotes, which are joined."""
    flowed = str(leaf.get_param("format") or "").lower() == "flowed"
    return re.sub(r"[\s\xa0>]+" if flowed else r"[\s\xa0]+", "", text)

"""What a header field says, whichever way it is written: raw octets, encoded words (RFC 2047), RFC 2231, `%XX`.

Shares nothing with the code under test.
"""

import base64
import re
from collections.abc import Iterable
from email.message import Message
from email.utils import getaddresses
from urllib.parse import unquote

_WORDS = re.compile(r"(?:=\?[^?\s]+\?[bBqQ]\?[^?]*\?=\s*)+")
_WORD = re.compile(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_FOLD = re.compile(rb"[\r\n]+(?=[ \t])")
_JAPANESE = re.compile(rb"\x1b[$(]")
_SPACE = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")
_NOTHING = {code: None for code in (*range(9), *range(14, 28), *range(127, 160)) if code != 0x85}
RAW = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]")


def meant(octets: bytes, charsets: Iterable[str]) -> str:
    """Octets that nothing labels: as ISO-2022-JP, UTF-8 or a charset of the message's text, else windows-1252."""
    for charset in (*(["iso-2022-jp"] if _JAPANESE.search(octets) else []), "utf-8", *charsets, "cp1252"):
        try:
            text = octets.decode(charset)
            if "a:".encode(charset) != b"a:":  # no field is of UTF-16: its name is ASCII
                continue
        except (LookupError, ValueError):
            continue
        if charset in ("utf-8", "cp1252") or not re.search("[\x80-\x9f]", text):
            return text.translate(_SPACE).translate(_NOTHING)
    return octets.decode("cp1252", "replace").translate(_SPACE).translate(_NOTHING)


def spoken(raw: bytes, charsets: Iterable[str]) -> str:
    """A field's value as it is read: one line, single blanks."""
    text = meant(_FOLD.sub(b"", raw.partition(b":")[2]), charsets)
    return " ".join(_decoded(text).translate(_SPACE).translate(_NOTHING).split())


def identified(raw: bytes, charsets: Iterable[str]) -> str:
    """The same of a field whose identifiers have `%XX` for what is not ASCII."""
    return unquote(spoken(raw, charsets))


def mailboxes(raw: bytes, charsets: Iterable[str]) -> list[tuple[str, str]]:
    """Names and addresses, domains as they are read."""
    found = getaddresses([meant(_FOLD.sub(b"", raw.partition(b":")[2]), charsets)])
    return [(_decoded(name), unquote(_read(address))) for name, address in found]


def _read(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return local + at + (domain.encode().decode("idna") if "xn--" in domain else domain)


def parameters(raw: bytes, charsets: Iterable[str]) -> dict[str, str]:
    """The value and the parameters of a MIME field; the first of a name counts."""
    message = Message()
    message["x"] = meant(_FOLD.sub(b"", raw.partition(b":")[2]).strip(), charsets)
    found: dict[str, str] = {}
    for name, value in message.get_params(failobj=[], header="x", unquote=True):
        if not name:  # `;;`, or one at the end: nothing
            continue
        found.setdefault(name.lower(), _labelled(*value) if isinstance(value, tuple) else value)
    return found


def _labelled(charset: str | None, _: str | None, text: str) -> str:
    """A parameter by RFC 2231, of which the library gives the octets."""
    return text.encode("latin-1", "replace").decode(charset or "us-ascii", "replace")


def _decoded(text: str) -> str:
    """Neighbours are put together before they are decoded: some products cut them inside a character."""
    return _WORDS.sub(lambda found: _joined(found[0]), text)


def _joined(words: str) -> str:
    text, pending = "", b""
    found = _WORD.findall(words)
    for number, (charset, encoding, payload) in enumerate(found):
        charset = "cp1252" if charset.lower() in ("iso-8859-1", "us-ascii") else charset
        try:
            if encoding in "bB":
                pending += base64.b64decode(payload + "==")
            else:
                octets = payload.replace("_", " ").encode(charset)
                pending += re.sub(rb"=([0-9A-Fa-f]{2})", lambda code: bytes.fromhex(code[1].decode()), octets)
            if number + 1 == len(found) or found[number + 1][0].lower() != found[number][0].lower():
                text, pending = text + pending.decode(charset, "replace"), b""
        except (LookupError, ValueError):
            return words
    return text + words[len(words.rstrip()) :]

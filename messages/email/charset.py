"""Charsets of text leaves: what may be inserted into given bytes so that readers still decode the rest as before.

Knows nothing of MIME or of what is inserted.
"""

import re
import unicodedata
from contextlib import suppress
from encodings.aliases import aliases

from messages.text import normalised

_NOT_CHARSETS = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec"}
)
_CODECS = frozenset(aliases.values()) - _NOT_CHARSETS - {"mbcs", "tactis"}
_SHIFTING = ("iso2022", "hz", "utf_7", "utf_16", "utf_32")
_SAMPLE = bytes(range(0x20, 0x5C)) + bytes(range(0x5D, 0x7E)) + b"\t\r\n"  # Japanese sets put others at \ and ~

_ESCAPE = re.compile(rb"\x1b(?:\$\(?[@A-DOPQ]|\([BIJ])")  # ISO 2022 designations, as ISO-2022-JP uses them
_TO_ASCII = b"\x1b(B"
_C1 = re.compile("[\x80-\x9f]")
_C1_UTF_8 = re.compile(rb"\xc2[\x80-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LATIN = ("ascii", "latin_1", "iso8859_1")
_TOKEN = re.compile(r"[A-Za-z0-9._:+-]{1,40}")
_PLAIN_FORMS = str.maketrans(
    dict(zip("\u2018\u2019\u201c\u201d\u00ab\u00bb\u2013\u2014\u2011", '\'\'""""---', strict=True))
    | {"\u0153": "oe", "\u0152": "OE", "\u00e6": "ae", "\u00c6": "AE"}
)


def codec_of(name: str | None) -> str | None:
    """Python's codec for a charset name; None for one it does not know. Never imports by a name from a message."""
    plain = re.sub(r"[^a-z0-9]+", "_", (name or "us-ascii").strip().lower()).strip("_")
    codec = aliases.get(plain, plain)
    if codec == "unicode_1_1_utf_7":  # RFC 1642; Exchange labels its reports so
        codec = "utf_7"
    return codec if codec in _CODECS else None


def contains_ascii(name: str | None) -> bool:
    """Whether ASCII octets mean ASCII in that charset, ISO-2022-JP included; assumed of a charset we do not know."""
    codec = codec_of(name)
    if codec is None:
        return not re.match(r"(?i)utf-?(7|16|32)|ucs|hz|iso-2022-(?!jp)|unicode|x-?unicode", name or "")
    if codec.startswith("iso2022_jp"):
        return True
    return not codec.startswith(_SHIFTING) and _SAMPLE.decode(codec, "replace") == _SAMPLE.decode("ascii")


def text_of(content: bytes, name: str | None) -> str | None:
    """The content as text; None where it is not what its charset says, so that readers have to guess."""
    codec = codec_of(name)
    if codec is None or (b"\x1b" in content and not codec.startswith("iso2022_jp")):
        return None
    try:
        text = content.decode(codec)
    except ValueError:
        return None
    return None if _has_c1(content, text, codec) else text


def _has_c1(content: bytes, text: str, codec: str) -> bool:
    """ISO 8859-1 with octets 0x80 to 0x9F is windows-1252 to every reader, and C1 controls to Python."""
    if content.isascii() and not codec.startswith(_SHIFTING):
        return False
    if codec == "utf_8":  # looked for in octets: ten times as fast as in text
        return b"\xc2" in content and bool(_C1_UTF_8.search(content))
    return bool(_C1.search(text))


def labelled(content: bytes, name: str | None) -> str | None:
    """Short text as readers show it that go by its label, with replacements for what cannot be decoded.

    None where the label says nothing to us.
    """
    codec = codec_of(name)
    if codec is None:
        return None
    text = text_of(content, name)
    # WHATWG's Encoding Standard: these labels mean windows-1252.
    return text if text is not None else content.decode("cp1252" if codec in _LATIN else codec, "replace")


def guessed(content: bytes, name: str | None) -> str:
    """Text that has no label, in a message whose other text is labelled `name`. Never fails."""
    with suppress(UnicodeDecodeError):
        if not _ESCAPE.search(content):
            return content.decode()
    candidates = ("iso-2022-jp", name) if contains_ascii(name) else ("iso-2022-jp",)
    found = (text_of(content, each) for each in candidates)
    return next((text for text in found if text is not None), content.decode("cp1252", "replace"))


def as_utf8(content: bytes, name: str | None) -> bytes | None:
    """Text of UTF-7, UTF-16 or UTF-32 as UTF-8, if it is certain: in which order octets stand it says, or its label.

    None for every other charset.
    """
    codec = codec_of(name)
    if codec == "utf_7":
        text = text_of(content, name)
        return None if text is None or _SURROGATE.search(text) else text.encode()
    if codec is None or not codec.startswith(("utf_16", "utf_32")):
        return None
    mark = content.startswith((b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"))
    text = text_of(content, name) if mark or codec.endswith(("_le", "_be")) else None
    return None if text is None else text.removeprefix("\ufeff").encode()


def append(content: bytes, addition: str, name: str | None) -> tuple[bytes, str | None]:
    """Plain text with lines added at its end, and the charset's new name where it had to become UTF-8.

    The octets before the addition change only then. In text that cannot be decoded for certain, the addition is ASCII.
    """
    addition = ("" if content.endswith(b"\n") or not content else "\r\n") + f"\r\n{addition}\r\n"
    addition = _line_ends_of(content, addition)
    text = text_of(content, name)
    if text is None:
        return content + _shifted(content, _to_ascii(addition), restore=False), None
    try:
        return content + _shifted(content, addition.encode(codec_of(name) or "ascii"), restore=False), None
    except UnicodeEncodeError:
        return (text + addition).encode(), "utf-8"


def insertion(content: bytes, at: int, markup: str) -> bytes:
    """HTML to insert at an offset of a document in any charset that contains ASCII: the rest are references."""
    markup = _line_ends_of(content, markup)
    return _shifted(content[:at], markup.encode("ascii", "xmlcharrefreplace"), restore=True)


def decode_for_twin(content: bytes, name: str | None) -> tuple[str, str | None, bool] | None:
    """Text to make HTML of, the charset to label it with, and whether the text is certain.

    Where the charset is not certain, each octet comes as one character below U+0100, to be written back as that octet
    under the same label. None where even that could change a character.
    """
    text = text_of(content, name)
    if text is not None:
        return text, "utf-8", True
    if b"\x1b" in content:
        return None  # octets of `<` and `&` may be halves of characters
    return content.decode("latin-1"), (name if name and _TOKEN.fullmatch(name) else None), False


def _shifted(before: bytes, inserted: bytes, *, restore: bool) -> bytes:
    """ISO-2022-JP (RFC 1468): back to ASCII before the insertion, and to the former set behind it."""
    escapes = _ESCAPE.findall(before) if b"\x1b" in before else []
    if not escapes or escapes[-1] == _TO_ASCII:
        return inserted
    return _TO_ASCII + inserted + (escapes[-1] if restore else b"")


def _line_ends_of(content: bytes, text: str) -> str:
    return text.replace("\r\n", "\n") if b"\n" in content and b"\r\n" not in content else text


def _to_ascii(text: str) -> bytes:
    decomposed = normalised("NFKD", text.translate(_PLAIN_FORMS))
    return "".join(c for c in decomposed if not unicodedata.combining(c)).encode("ascii", "replace")

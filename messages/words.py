"""Encoded words (RFC 2047) in both directions, and text made safe to stand in a header field.

Knows nothing of fields or policy.
"""

import base64
import binascii
import re
import unicodedata

from messages.charset import codec_of

MAX_SUBJECT_CHARACTERS = 998
_MAX_INPUT = 16_384

_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?\r\n]*)\?=")
_BETWEEN = re.compile(r"[ \t\r\n]*")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
# Directional overrides make a name read other than it is; the rest of the format characters is needed for writing.
_DIRECTIONAL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_WORD_OCTETS = 42  # 68 characters once encoded: stands behind `From: ` on a line of 78
_FOLDABLE_CHARACTERS = 60  # a longer word would make a longer line


def decode_words(text: str) -> str:
    """The text with its encoded words decoded; what cannot be decoded stays as it is. Never fails."""
    text = text[:_MAX_INPUT]
    done: list[str] = []
    run: list[tuple[str, bytes]] = []  # neighbours, whose white space goes away (RFC 2047 6.2)
    at = 0
    for match in _WORD.finditer(text):
        between, octets = text[at : match.start()], _octets(match[2], match[3])
        if octets is None:
            continue
        if not (run and _BETWEEN.fullmatch(between)):
            done += (_join(run), between)
            run = []
        run.append((match[1].lower(), octets))
        at = match.end()
    return "".join((*done, _join(run), text[at:]))


def clean(text: str) -> str:
    """One line of visible text: control and directional characters away, white space to single blanks."""
    kept = (c if unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") else " " for c in _DIRECTIONAL.sub("", text))
    return " ".join("".join(kept).split())


def subject_for_people(raw: str | None) -> str:
    """A Subject as people read it, at most 998 characters."""
    return clean(decode_words(raw or ""))[:MAX_SUBJECT_CHARACTERS]


def phrase(name: str) -> list[str]:
    """A display name (RFC 5322 3.2.5) as the pieces between which its field may be folded."""
    if not name.isascii() or "=?" in name:  # "=?" in clear text could be taken for an encoded word
        return [_encoded_word(chunk) for chunk in _chunks(name)]
    pieces = name.split()
    if all(_ATOM.fullmatch(piece) for piece in pieces):
        return pieces
    return ('"' + re.sub(r'(["\\])', r"\\\1", " ".join(pieces)) + '"').split(" ")


def unstructured(text: str) -> list[str]:
    """A line of text (RFC 5322 3.2.5), as in Subject, as the pieces between which its field may be folded."""
    words = text.split()
    if text.isascii() and "=?" not in text and all(len(word) <= _FOLDABLE_CHARACTERS for word in words):
        return words
    return [_encoded_word(chunk) for chunk in _chunks(" ".join(words))]


def fold(name: str, pieces: list[str]) -> bytes:
    """A header field from pieces, in lines of at most 78 octets where the pieces allow it."""
    lines, line = [], f"{name}:"
    for piece in pieces:
        if len(line.encode()) + 1 + len(piece.encode()) > 78 and line.strip(" ") != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {piece}"
    return "".join(f"{line}\r\n" for line in (*lines, line)).encode()


def _octets(encoding: str, text: str) -> bytes | None:
    if not text.isascii():
        return None
    try:
        if encoding in "qQ":
            return binascii.a2b_qp(text, header=True)
        return binascii.a2b_base64(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None


def _join(run: list[tuple[str, bytes]]) -> str:
    """Words of one charset are decoded together: some products cut them inside a character."""
    text, pending, charset = "", b"", ""
    for word_charset, octets in (*run, ("", b"")):
        if word_charset != charset:
            text += _to_text(pending, charset)
            pending, charset = b"", word_charset
        pending += octets
    return text


def _to_text(octets: bytes, charset: str) -> str:
    return octets.decode(codec_of(charset) or "utf-8", "replace")


def _chunks(text: str) -> list[str]:
    chunks, chunk = [], ""
    for character in text:
        if len((chunk + character).encode()) > _WORD_OCTETS:
            chunks.append(chunk)
            chunk = ""
        chunk += character
    return [*chunks, chunk]


def _encoded_word(text: str) -> str:
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="

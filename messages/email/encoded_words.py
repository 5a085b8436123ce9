"""Encoded words (RFC 2047) in both directions, and text made safe to stand in a header field.

Knows nothing of fields or policy.
"""

import base64
import binascii
import re
from collections.abc import Callable

from messages.email.charset import codec_of, labelled
from messages.message import MAX_SUBJECT_CHARACTERS
from messages.text import clean

MAX_WORD_CHARACTERS = 75  # RFC 2047 2
_MAX_INPUT = 16_384

_WORD = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?\r\n]*)\?=")
_NO_CODE = re.compile("=(?![0-9A-Fa-f]{2})")  # stands for itself; a2b_qp swallows some
_BETWEEN = re.compile(r"[ \t\r\n]*")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
# What ends a line or separates fields to some readers (`str.splitlines`) is white space, the rest is nothing.
CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if code != 9} | dict.fromkeys(
    (10, 11, 12, 13, 28, 29, 30, 31, 0x85, 0x2028, 0x2029), " "
)
_UNSUITED = re.compile(r"[^\x00-\x7f]|=\?")
_DETIUSNU = re.compile(r"[^\x00-\x7f]|\?=")  # the same from the end
_SPACED_WORD = re.compile(r"[ \t]*+[^ \t]++(?:[ \t]++\Z)?")
_WORD_OCTETS = 42  # 68 characters once encoded: stands behind `From: ` on a line of 78
_FOLDABLE_CHARACTERS = 60  # a longer word would make a longer line


def decode_words(text: str) -> str:
    """The text with its encoded words decoded; what cannot be decoded stays as it is. Never fails."""
    return _decoded(text[:_MAX_INPUT], lambda octets, name: octets.decode(codec_of(name) or "utf-8", "replace"))


def certain(text: str) -> str:
    """One line of the text with those encoded words decoded whose charset is known, and without control characters."""
    return (_decoded(text, labelled, raw=True) if "=?" in text else text).translate(CONTROLS)


def subject_for_people(raw: str | None) -> str:
    """A Subject as people read it, at most 998 characters."""
    return clean(decode_words(raw or ""))[:MAX_SUBJECT_CHARACTERS]


def phrase(name: str) -> list[str]:
    """A display name (RFC 5322 3.2.5) as the pieces between which its field may be folded."""
    if not name.isascii() or "=?" in name:  # "=?" in clear text could be taken for an encoded word
        return encoded_words(name)
    pieces = name.split()
    if all(_ATOM.fullmatch(piece) for piece in pieces):
        return pieces
    return ('"' + re.sub(r'(["\\])', r"\\\1", " ".join(pieces)) + '"').split(" ")


def unstructured(text: str) -> list[str]:
    """A line of text (RFC 5322 3.2.5), as in Subject, as the pieces between which its field may be folded."""
    words = text.split()
    if text.isascii() and "=?" not in text and all(len(word) <= _FOLDABLE_CHARACTERS for word in words):
        return words
    return encoded_words(" ".join(words))


def in_ascii(text: str, most: int | None = None) -> str:
    """A line of text of which as much becomes encoded words as has to: what is not ASCII, or a word over `most`."""
    text = certain(text)
    first, last = _UNSUITED.search(text), _DETIUSNU.search(text[::-1])
    spans = [(first.start(), len(text) - last.start())] if first and last else []
    spans += [each.span() for each in re.finditer(rf"[^ \t]{{{most + 1},}}", text)] if most else []
    if not spans:
        return text
    start = max(text.rfind(blank, 0, min(spans)[0]) for blank in " \t") + 1
    at = max(end for _, end in spans)
    end = min(found if found >= 0 else len(text) for found in (text.find(" ", at), text.find("\t", at)))
    return text[:start] + " ".join(encoded_words(text[start:end])) + text[end:]


def has_unfoldable_word(text: str) -> bool:
    """Whether an encoded word is longer than RFC 2047 2 has it, or has blanks: no fold may stand in it."""
    return any(len(word[0]) > MAX_WORD_CHARACTERS or " " in word[0] for word in _WORD.finditer(text))


def folded(name: str, value: str) -> bytes:
    """A header field in lines of at most 78 octets where its white space allows it, which stays within the value."""
    lines, line = [], f"{name}:"
    for word in _SPACED_WORD.findall(" " + value.strip(" \t")):
        if len(line) + len(word) > 78 and line != f"{name}:":
            lines.append(line)
            line = ""
        line += word
    return "".join(f"{each}\r\n" for each in (*lines, line)).encode("ascii")


def fold(name: str, pieces: list[str]) -> bytes:
    """A header field from pieces, in lines of at most 78 octets where the pieces allow it."""
    lines, line = [], f"{name}:"
    for piece in pieces:
        if len(line.encode()) + 1 + len(piece.encode()) > 78 and line.strip(" ") != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {piece}"
    return "".join(f"{line}\r\n" for line in (*lines, line)).encode()


def _decoded(text: str, text_of: Callable[[bytes, str], str | None], *, raw: bool = False) -> str:
    done: list[str] = []
    run: list[tuple[str, bytes]] = []  # neighbours, whose white space goes away (RFC 2047 6.2)
    start = at = 0  # of the run
    for match in _WORD.finditer(text):
        between, octets = text[at : match.start()], _octets(match[1], match[2], match[3], raw=raw)
        if octets is None:
            continue
        if not (run and _BETWEEN.fullmatch(between)):
            done += (_join(run, text_of, text[start:at]), between)
            run, start = [], match.start()
        run.append((match[1].lower(), octets))
        at = match.end()
    return "".join((*done, _join(run, text_of, text[start:at]), text[at:]))


def _octets(charset: str, encoding: str, text: str, *, raw: bool) -> bytes | None:
    """`raw`: also where letters stand in it as they are."""
    try:
        if not (text.isascii() or raw):
            return None
        if encoding in "qQ":
            return binascii.a2b_qp(_NO_CODE.sub("=3D", text).encode(codec_of(charset) or "utf-8"), header=True)
        return binascii.a2b_base64(text + "=" * (-len(text) % 4))
    except ValueError:
        return None


def _join(run: list[tuple[str, bytes]], text_of: Callable[[bytes, str], str | None], source: str) -> str:
    """Words of one charset are decoded together: some products cut them inside a character."""
    text, pending, charset = "", b"", ""
    for word_charset, octets in (*run, ("", b"")):
        if word_charset != charset:
            decoded = text_of(pending, charset)
            if decoded is None:
                return source
            text += decoded
            pending, charset = b"", word_charset
        pending += octets
    return text


def encoded_words(text: str) -> list[str]:
    """UTF-8 in base64, in words of 68 characters at most."""
    octets, words, at = text.encode("utf-8", "replace"), [], 0
    while at < len(octets):
        end = at + _WORD_OCTETS
        while end < len(octets) and octets[end] & 0xC0 == 0x80:  # within a character
            end -= 1
        words.append(f"=?utf-8?B?{base64.b64encode(octets[at:end]).decode()}?=")
        at = end
    return words

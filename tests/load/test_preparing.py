"""The CPU that a large message takes: 10 MB in under 150 ms, and in proportion to its size whatever its shape."""

import base64
import gc
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from messages.reply import Refused
from tests.fidelity.preparing import prepared
from tests.harness.sampled import sampled

MEGABYTE = 1_000_000
BAR_MS = 150
ALLOWED_MS = 2 * BAR_MS  # what else the machine does slows it by half, at times: the figures are printed
FIELDS = (
    b"From: a@example.ca\r\nTo: b@example.ca\r\nSubject: s\r\nDate: Mon, 02 Jun 2025 09:00:00 -0400\r\n"
    b"MIME-Version: 1.0\r\n"
)
FILE = base64.encodebytes(hashlib.shake_256(b"any octets").digest(57 * 1000)).replace(b"\n", b"\r\n")
FRENCH = "des mots d'un texte ordinaire, accentués comme il se doit, à chaque ligne\r\n".encode()
HTML = '<p style="margin:0">des mots dans un paragraphe <b>accentué</b></p>\r\n'.encode()

Shape = Callable[[int], bytes]


def leaf(fields: str, unit: bytes, around: tuple[bytes, bytes] = (b"", b"\r\n")) -> Shape:
    head = FIELDS + fields.encode() + b"\r\n\r\n" + around[0]
    return lambda size: head + unit * ((size - len(head)) // len(unit)) + around[1]


def html(charset: str, encoding: str, unit: bytes) -> Shape:
    fields = f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: {encoding}"
    return leaf(fields, unit, (b"<html><body>", b"</body></html>\r\n") if encoding != "base64" else (b"", b"\r\n"))


def attached(fields: str, unit: bytes) -> Shape:
    before = b"--b\r\n\r\nhi\r\n--b\r\n" + fields.encode() + b"\r\n\r\n"
    return leaf("Content-Type: multipart/mixed; boundary=b", unit, (before, b"\r\n--b--\r\n"))


def in_base64(text: bytes) -> bytes:
    return base64.encodebytes(text * 57).replace(b"\n", b"\r\n")


def in_quoted_printable(text: bytes) -> bytes:
    return text.replace(b"=", b"=3D").replace(b"\xc3\xa9", b"=C3=A9").replace(b"\xc3\xa0", b"=C3=A0")


def fields_before(unit: bytes, start: bytes = b"") -> Shape:
    """In the header section, which takes a megabyte."""
    return lambda size: start + unit * (size // 8 // len(unit)) + b"\r\n" * bool(start) + FIELDS + b"\r\nx\r\n"


PDF = "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: "
PLAIN = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
ORDINARY: dict[str, Shape] = {
    "attachment": attached(f"{PDF}base64", FILE),
    "attachment of raw octets": attached(f"{PDF}binary", bytes(each for each in range(1, 256) if each not in b"\r\n")),
    "attachment of one line": attached(f"{PDF}base64", b"QUJD"),
    "many attachments": leaf(
        "Content-Type: multipart/mixed; boundary=b",
        b"--b\r\n" + PDF.encode() + b"base64\r\n\r\n" + FILE[: 78 * 300] + b"\r\n",
        (b"--b\r\n\r\nhi\r\n", b"--b--\r\n"),
    ),
    "forwarded message": attached("Content-Type: message/rfc822", b"some words of an ordinary text, in lines\r\n"),
    "text": leaf("Content-Type: text/plain", b"some words of an ordinary text, seventy octets or so in a line\r\n"),
    "text in 8 bits": leaf(f"{PLAIN}8bit", FRENCH),
    "text in quoted-printable": leaf(f"{PLAIN}quoted-printable", in_quoted_printable(FRENCH)),
    "text in base64": leaf(f"{PLAIN}base64", in_base64(FRENCH)),
    "flowed text": leaf("Content-Type: text/plain; format=flowed", b"some words that flow on and on from line to \r\n"),
    "HTML": html("us-ascii", "7bit", b'<p style="margin:0">some words in an ordinary <b>paragraph</b></p>\r\n'),
    "HTML in 8 bits": html("utf-8", "8bit", HTML),
    "HTML in quoted-printable": html("utf-8", "quoted-printable", in_quoted_printable(HTML)),
    "HTML in base64": html("utf-8", "base64", in_base64(HTML)),
}
HOSTILE: dict[str, Shape] = {
    "delimiters": leaf("Content-Type: multipart/mixed; boundary=b", b"--b\r\n\r\n"),
    "almost delimiters": attached("Content-Type: application/pdf", b"\r\n--bx"),
    "nested delimiters": leaf(
        "Content-Type: multipart/mixed; boundary=b", b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    ),
    "parts of fields": leaf("Content-Type: multipart/mixed; boundary=b", b"--b\r\n" + b"X: y\r\n" * 100 + b"\r\n"),
    "open comments": html("us-ascii", "7bit", b"<!--"),
    "open tags": html("us-ascii", "7bit", b'<body "'),
    "open quotes": html("us-ascii", "7bit", b"<a \"'<a'\" "),
    "angle brackets": html("us-ascii", "7bit", b"<"),
    "scripts": html("us-ascii", "7bit", b"<script>"),
    "bodies": html("us-ascii", "7bit", b"<body></body>"),
    "escapes of ISO-2022-JP": html("iso-2022-jp", "7bit", b"\x1b$B\x1b(B"),
    "blank lines": leaf("Content-Type: text/plain", b"\r\n"),
    "blanks": leaf("Content-Type: text/plain", b" "),
    "equals signs": leaf(f"{PLAIN}quoted-printable", b"="),
    "soft breaks": leaf(f"{PLAIN}quoted-printable", b"=\r\n"),
    "beginnings of PGP": leaf("Content-Type: text/plain", b"-----BEGIN PGP \r\n"),
    "beginnings of uuencode": leaf("Content-Type: text/plain", b"begin 644\r\n"),
    "links": leaf("Content-Type: text/plain", b"http://a.b/'.'.'."),
    "one link": leaf("Content-Type: text/plain", b".)", (b"http://a.b/", b"\r\n")),
    "NULs": leaf("Content-Type: text/plain", b"\0"),
    "an unknown charset": leaf("Content-Type: text/plain; charset=x", b"\xe9" * 76 + b"\r\n"),
    "fields": fields_before(b"X:\r\n"),
    "folds": fields_before(b"\r\n a", b"X: "),
    "garbage lines": fields_before(b"garbage\r\n"),
    "brackets in From": fields_before(b"(<", b"From: "),
    "encoded words": fields_before(b"=?utf-8?B?", b"Subject: "),
    "parameters": fields_before(b"; a*0*=b", b"Content-Type: text/plain"),
}


def cpu_ms(content: bytes, enough: float, times: int = 5) -> float:
    """The least of some runs, since what else the machine does only adds to it; no more runs than are needed."""
    least = float("inf")
    for _ in range(times):
        gc.collect()
        began = time.process_time()
        with suppress(Refused):
            prepared(content)
        least = min(least, (time.process_time() - began) * 1000)
        if least < enough:
            break
    return least


@pytest.mark.alone
@pytest.mark.parametrize("name", ORDINARY)
def test_10_megabytes_are_prepared_within_the_bar(name, capsys):
    taken = cpu_ms(ORDINARY[name](10 * MEGABYTE), BAR_MS)
    with capsys.disabled():
        print(f"\n10 MB, {name}: {taken:.0f} ms of CPU", end="")
    assert taken < ALLOWED_MS


@pytest.mark.parametrize("name", sampled([*HOSTILE], lambda at: at % 3 == 0))
def test_time_grows_in_proportion_to_size(name):
    quarter = cpu_ms(HOSTILE[name](MEGABYTE // 4), 0, times=2)
    allowed = 16 * max(quarter, 2)  # eight times the size: 8 if linear, 64 if quadratic
    assert cpu_ms(HOSTILE[name](2 * MEGABYTE), allowed) < allowed

"""Malformed quoted-printable is read as mail programs read it; what they show is what leaves (RFC 2045 6.7)."""

import pytest

from messages.email.encoded_words import decode_words
from messages.email.mime import parse
from tests.fidelity.preparing import prepared
from tests.fidelity.reading import read

HEAD = b"From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
READ = [
    (b"if (a == b) go", b"if (a == b) go"),
    (b"https://x.example/?a==&b===c====d", b"https://x.example/?a==&b===c====d"),
    (b"==41", b"=A"),
    (b"a=3D=3Db", b"a==b"),
    (b"=C3==A9", b"\xc3=\xa9"),
    (b"one = \r\ntwo", b"one two"),
    (b"one =\t \r\ntwo= \r\n", b"one two"),
    (b"a = b, c =D, =4G =zz", b"a = b, c =D, =4G =zz"),
    (b"soft=\r\nbreak", b"softbreak"),
    (b"trailing  \r\nblanks", b"trailing  \r\nblanks"),
]


@pytest.mark.parametrize(("written", "meant"), READ)
def test_text_is_read_as_it_is_shown(written: bytes, meant: bytes) -> None:
    assert (parse(HEAD + written).decode() or b"").removesuffix(b"\r\n") == meant


@pytest.mark.parametrize(("written", "meant"), READ)
def test_text_that_is_branded_says_the_same(written: bytes, meant: bytes) -> None:
    text, html = read(prepared(HEAD + written + b"\r\n").content).children
    assert text.content.startswith(meant + b"\r\n")
    assert html.type == "text/html"


@pytest.mark.parametrize(
    ("written", "shown"),
    [("a==3Db", "a==b"), ("1+1=", "1+1="), ("a==b", "a==b"), ("===C3=A9", "==é"), ("a=_=zz", "a= =zz")],
)
def test_encoded_words_are_read_as_they_are_shown(written: str, shown: str) -> None:
    assert decode_words(f"=?utf-8?Q?{written}?=") == shown

"""Products write the charset, an old spelling or quotes where the transfer encoding stands: readers go by the sense."""

import base64

import pytest

from messages.email.branding import Reason
from tests.fidelity import judge
from tests.fidelity.preparing import SERVICE, prepared
from tests.fidelity.reading import read

HEAD = "From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
TEXT = "Déjà vu, été\r\n"
UNENCODED = ["8bits", "8-bit", "8 bit", "7-bit", "7bits", "utf-8", "UTF8", "ISO-8859-1", "us-ascii", '"8bit"', "'7bit'"]
ENCODED = {
    '"base64"': base64.b64encode(TEXT.encode()),
    "base-64": base64.b64encode(TEXT.encode()),
    '"quoted-printable"': b"D=C3=A9j=C3=A0 vu, =C3=A9t=C3=A9",
    "quoted printable": b"D=C3=A9j=C3=A0 vu, =C3=A9t=C3=A9",
    "Quoted_Printable;": b"D=C3=A9j=C3=A0 vu, =C3=A9t=C3=A9",
}


def message(encoding: str, body: bytes) -> bytes:
    return f"{HEAD}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body


@pytest.mark.parametrize("encoding", UNENCODED)
def test_text_that_is_not_encoded_leaves_in_7_bits_and_branded(encoding: str) -> None:
    sent = prepared(message(encoding, TEXT.encode()))
    assert sent.branded
    assert sent.content.isascii()
    assert judge(message(encoding, TEXT.encode()), sent.content, SERVICE).damage == ()
    assert read(sent.content).children[0].content.decode().startswith(TEXT)


@pytest.mark.parametrize("encoding", ENCODED)
def test_text_that_is_encoded_leaves_decoded_and_branded(encoding: str) -> None:
    sent = prepared(message(encoding, ENCODED[encoding] + b"\r\n"))
    assert sent.branded
    part = read(sent.content).children[0]
    assert part.encoding in ("quoted-printable", "base64")
    assert part.content.decode().startswith(TEXT.rstrip())


def test_file_that_stays_as_it_is_gets_the_right_name() -> None:
    body = b"JVBERi0xLjQ=\r\n"
    part = b'--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: "base64"\r\n\r\n' + body
    content = b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + part + b"--b--\r\n"
    sent = prepared(content).content
    assert b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body in sent


@pytest.mark.parametrize("encoding", ["plain", "7 bits ascii", "none", "{{encoding}}"])
def test_text_that_says_nonsense_is_what_it_reads_as(encoding: str) -> None:
    content = message(encoding, "Do read this, Amélie, it is as it was written.\r\n".encode())
    sent = prepared(content)
    assert sent.branded
    assert sent.content.isascii()
    assert judge(content, sent.content, SERVICE).damage == ()


@pytest.mark.parametrize("encoding", ["x-rot13", "quoted-prntable", "uuencoded"])
def test_words_in_what_may_be_encoded_are_left_alone(encoding: str) -> None:
    content = message(encoding, b"all of this may mean =E9\r\n")
    assert prepared(content).not_branded_because == Reason.DAMAGED_ENCODING


@pytest.mark.parametrize("encoding", ["x-uuencode", "x-gzip64", "base9000"])
def test_what_nobody_knows_is_left_alone(encoding: str) -> None:
    content = message(encoding, b"hello\r\n")
    sent = prepared(content)
    assert sent.not_branded_because == Reason.DAMAGED_ENCODING
    assert f"Content-Transfer-Encoding: {encoding}\r\n\r\nhello\r\n".encode() in sent.content


def test_a_multipart_is_not_encoded_whatever_it_says() -> None:
    part = b"--b\r\n\r\nhello\r\n--b--\r\n"
    content = b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n" + (
        b'Content-Transfer-Encoding: "base64"\r\n\r\n' + part
    )
    assert b'Content-Transfer-Encoding: "base64"\r\n' in prepared(content).content

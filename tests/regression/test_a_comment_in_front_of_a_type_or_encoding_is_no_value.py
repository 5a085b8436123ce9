import base64

import pytest

from messages.email.branding import Reason
from messages.email.mime import parse
from tests.fidelity.preparing import prepared

HEAD = "From: a@x.example\r\nMIME-Version: 1.0\r\n"


@pytest.mark.parametrize("encoding", ["(x) base64", "base64 (x)", "(a) (b) BASE64", '"base64"'])
def test_encoding_behind_a_comment_is_the_encoding(encoding: str) -> None:
    body = base64.encodebytes(b"hello world\r\n").decode().replace("\n", "\r\n")
    sent = prepared(f"{HEAD}Content-Transfer-Encoding: {encoding}\r\n\r\n{body}".encode())
    text = parse(sent.content).children[0].decode()
    assert text is not None
    assert text.startswith(b"hello world\r\n")


@pytest.mark.parametrize("encoding", ["base64 quoted-printable", "(x", "x-unknown"])
def test_encoding_that_is_none_leaves_the_text_alone(encoding: str) -> None:
    content = f"{HEAD}Content-Transfer-Encoding: {encoding}\r\n\r\nYWJj\r\n".encode()
    assert prepared(content).not_branded_because == Reason.DAMAGED_ENCODING


def test_type_behind_a_comment_is_the_type() -> None:
    sent = prepared(f"{HEAD}Content-Type: (c) text/html\r\n\r\n<p>hi</p>\r\n".encode()).content
    assert b"&lt;p&gt;" not in sent
    signed = f"{HEAD}Content-Type: (c) multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n".encode()
    assert prepared(signed).not_branded_because == Reason.SIGNED

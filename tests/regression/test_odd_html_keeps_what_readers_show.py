import pytest

from messages.email import html
from messages.email.mime import parse
from tests.fidelity.preparing import prepared


def test_byte_order_mark_stays_in_front() -> None:
    content = b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n\xef\xbb\xbf<p>caf\xc3\xa9</p>\r\n"
    decoded = parse(prepared(content).content).decode()
    assert decoded is not None
    assert decoded.startswith(b"\xef\xbb\xbf\r\n<")


@pytest.mark.parametrize("odd", [b"<!x >", b"<![if mso]>", b"<?xml version='1.0'?>", b"<![CDATA[ </body> ]]>"])
def test_footer_stands_in_no_bogus_comment(odd: bytes) -> None:
    document = b"<html><body><p>x</p>" + odd + b"</body></html>"
    assert document[html.places(document)[1] :] == b"</body></html>"


def test_comment_that_never_ends_takes_no_footer() -> None:
    document = b"<html><body><p>x</p><!x </body"
    assert html.places(document)[1] == document.index(b"<!x")

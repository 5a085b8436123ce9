"""Exchange labels its reports `unicode-1-1-utf-7` (RFC 1642), and they are as good as ASCII: they leave in UTF-8."""

import pytest

from tests.fidelity import judge
from tests.fidelity.preparing import prepared
from tests.fidelity.reading import read

HEAD = "From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset={}\r\n\r\n"


@pytest.mark.parametrize("name", ["utf-7", "unicode-1-1-utf-7", '"Unicode-1-1-UTF-7"'])
@pytest.mark.parametrize(("body", "text"), [(b"A report.", "A report."), (b"R+AOk-sum+AOk- 1 +- 1", "Résumé 1 + 1")])
def test_it_leaves_in_utf_8_and_branded(name: str, body: bytes, text: str) -> None:
    sent = prepared(HEAD.format(name).encode() + body + b"\r\n")
    part = read(sent.content).children[0]
    assert (sent.branded, part.charset) == (True, "utf-8")
    assert part.content.decode().startswith(f"{text}\r\n")


def test_what_is_no_utf_7_is_left_alone() -> None:
    for body in (b"+2D0- half a character\r\n", b"caf\xe9\r\n"):
        content = HEAD.format("utf-7").encode() + body
        assert not prepared(content).branded
        assert judge(content, prepared(content).content).damage == ()

"""CR LF ends every line of what leaves, and nothing else does."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.email.line_ends import mend_line_ends
from messages.reply import Refused

# What line ends, dots and their look-alikes are made of, so that examples meet them often.
pieces = st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"..", b"a", b"From: x\r\n", b"\x00"])
streams = st.lists(pieces, max_size=40).map(b"".join)


@given(streams)
def test_mended_content_has_no_bare_line_ends_and_is_mended_once(content: bytes) -> None:
    mended = mend_line_ends(content, "normalise")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", mended)
    assert mend_line_ends(mended, "refuse") == mended
    assert mended.replace(b"\r\n", b"") == content.replace(b"\r", b"").replace(b"\n", b"")


def test_content_with_whole_line_ends_is_not_copied() -> None:
    content = b"From: a@b.ca\r\n\r\nx\r\n"
    assert mend_line_ends(content, "normalise") is content


def test_bare_line_ends_can_be_refused() -> None:
    for content in (b"a\nb\r\n", b"a\rb\r\n", b"a\r\r\n", b"\n\r"):
        with pytest.raises(Refused):
            mend_line_ends(content, "refuse")

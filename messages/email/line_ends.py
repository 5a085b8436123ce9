"""CR LF ends every line of a message that leaves, whatever ended it when it came."""

import io
from typing import Literal

from messages import reply
from messages.reply import Refused


def mend_line_ends(content: bytes, bare: Literal["normalise", "refuse"]) -> bytes:
    """Content in which CR LF ends every line: bare CR and LF made whole, or Refused.

    The next hop may take a bare LF for a line end that we did not see, so it never leaves this house.
    """
    if _has_crlf_only(content):
        return content
    if bare == "refuse":
        raise Refused(reply.BARE_IN_CONTENT)
    # CR CR LF is one line end gone through a text-mode copy, not an empty line that would end the header section.
    one = content.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return one.replace(b"\n", b"\r\n")


def _has_crlf_only(content: bytes) -> bool:
    """In one pass, as text files are read: to count line ends of each kind takes three times as long."""
    lines = io.IncrementalNewlineDecoder(None, translate=False)
    lines.decode(content.decode("latin-1"), final=True)
    return lines.newlines in (None, "\r\n")

"""A whole HTML document of our own, between whose pieces one message's words are put.

Knows nothing of templates or MIME.
"""

from dataclasses import dataclass
from html import escape

MARK = "\0"  # stands five times in what a page is read from: charset, title, above, content, below


@dataclass(frozen=True, slots=True)
class Page:
    """`pieces` are what stands around the five places, with CRLF line ends."""

    pieces: tuple[str, str, str, str, str, str]

    @classmethod
    def parse(cls, document: str) -> "Page":
        before, charset, title, above, content, below = document.split(MARK)
        return cls((before, charset, title, above, content, below))

    def around(self, *, title: str, utf8: bool, above: str = "", below: str = "") -> tuple[str, str]:
        """What stands before and behind the content. `above` and `below` are markup, the title is text."""
        start, head, titled, opened, closing, end = self.pieces
        charset = '<meta charset="utf-8">' if utf8 else ""
        opening = "".join((start, charset, head, escape(title, quote=False), titled, above, opened))
        return opening, "".join((closing, below, end))


BARE = Page.parse(
    f"<!DOCTYPE html>\r\n<html>\r\n<head>\r\n{MARK}<title>{MARK}</title>\r\n</head>\r\n"
    f"<body>\r\n{MARK}\r\n{MARK}\r\n{MARK}\r\n</body>\r\n</html>"
)

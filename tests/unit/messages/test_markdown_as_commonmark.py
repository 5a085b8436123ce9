"""What is read of Markdown is read as CommonMark has it: judged beside markdown-it, which passes that specification."""

import re
from html import escape

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from messages.markdown import render
from tests.harness.sampled import examples

TAGS = {"h1": "h2", "h2": "h3", "h3": "p", "h4": "p", "h5": "p", "h6": "p"}
SYNTAX = (
    *("# ", "## ", "#", "* ", "- ", "+ ", "1. ", "2) ", "10. ", "---", "***", "**", "*", "_", "__", "[", "]", "(", ")"),
    *(
        "[a](",
        "](mailto:b@c.ca)",
        "[a](tel:1)",
        "[a](<tel:1>)",
        " (t)",
        "<b>",
        "&lt;",
        "&#60;",
        "&copy",
        "&",
        "\\",
        "\\*",
    ),
    *("\n", "\n", "\n\n", "    ", "  ", " ", "   ", "a", "b c", "word", "\u00e9", "\u3002", "\u20ac", "\u2014"),
)
SOURCES = st.lists(st.sampled_from(SYNTAX), max_size=20).map("".join)
ORNAMENT = re.compile(r"(?:[*+-][ \t]+){3}")  # no lists in lists, for us


def oracle(source: str) -> str:
    parser = MarkdownIt("zero").enable(
        ["heading", "hr", "list", "newline", "escape", "emphasis", "link", "autolink", "entity"]
    )
    parser.validateLink = lambda url: not url or url.startswith(("mailto:", "tel:"))  # type: ignore[method-assign]
    return "".join(map(written, parser.parse(source)))


def written(token: Token) -> str:
    if token.type == "inline":
        return "".join(map(written, token.children or ()))
    if token.hidden:
        return ""
    if token.type in ("softbreak", "hardbreak"):
        return "<br>"
    if token.type == "hr":
        return "<hr>"
    if not token.nesting:
        return escape(token.content, quote=False)
    slash = "/" if token.nesting < 0 else ""
    attributes = "".join(f' {name}="{escape(str(value))}"' for name, value in token.attrs.items())
    return f"<{slash}{TAGS.get(token.tag, token.tag)}{attributes}>"


def bare(html: str) -> str:
    """Without what is ours: dashes, no empty headings, no links without words or address, no blanks at line ends."""
    html = re.sub(r"<(h2|h3|p)></\1>", "", re.sub(r' style="[^"]*"|\n', "", html))
    html = re.sub(r'<a href="">(.*?)</a>', r"\1", html).replace("\u2013", "-")
    html = re.sub(r'<a href="([^"]*)"([^>]*)>(?:\s|<br>)*</a>', r'<a href="\1"\2>\1</a>', html)
    return re.sub(r"\s+(?=<br>)|(?<=<br>)\s+", "", html)


@settings(max_examples=examples(400))
@given(SOURCES)
def test_any_source_reads_as_in_commonmark(source: str) -> None:
    assume(not ORNAMENT.search(source))
    assert bare(render(source).html) == bare(oracle(source))

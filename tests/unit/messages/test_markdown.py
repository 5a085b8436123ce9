import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.markdown import PREHEADER_CHARACTERS, render

TAGS = {"h2", "h3", "p", "ul", "ol", "li", "blockquote", "hr", "a", "strong", "em", "br", "div"}
ATTRIBUTES = {"style", "href", "title", "start", "lang", "dir"}
VOID = {"hr", "br"}
SYNTAX = (
    *("# ", "## ", "* ", "- ", "\u2022", "1. ", "^ ", "> ", "---", "**", "*", "_", "`", "~~", "![", "[a](", "](", ")"),
    *("<script>", "</td>", "<!--", "&lt;", "&#60;", "https://a.ca/", "javascript:", "data:text/html,", "mailto:", "\\"),
    *(
        "[[en]]",
        "[[/en]]",
        "[[fr]]",
        "[[/fr]]",
        "[[rtl]]",
        "[[/rtl]]",
        "\n",
        "\n\n",
        "    ",
        '"',
        "'",
        '"x"',
        "|",
        "\0",
    ),
)
SOURCES = st.lists(st.sampled_from(SYNTAX) | st.text(max_size=5), max_size=40).map("".join)


class Document(HTMLParser):
    """Fails on anything that is not of the subset, or not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        assert {name for name, _ in attrs} <= ATTRIBUTES
        self.found.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment

    def values(self, tag: str, attribute: str) -> list[str | None]:
        return [attributes.get(attribute) for name, attributes in self.found if name == tag]


def html(source: str) -> str:
    """Without the styles: they say nothing."""
    return re.sub(r' style="[^"]*"', "", render(source).html)


@pytest.mark.parametrize(
    ("source", "expected", "text"),
    [
        ("# One\n## Two", "<h2>One</h2>\n<h3>Two</h3>", f"One\n{'-' * 65}\n\nTwo\n{'-' * 65}"),
        ("### Three", "<p>Three</p>", "Three"),
        ("a\nb\n\nc", "<p>a<br>\nb</p>\n<p>c</p>", "a\nb\n\nc"),
        ("* a\n- b", "<ul><li>a</li>\n</ul>\n<ul><li>b</li>\n</ul>", "\u2022 a\n\n\u2022 b"),
        ("\u2022 a\n\u2022b", "<ul><li>a</li>\n<li>b</li>\n</ul>", "\u2022 a\n\u2022 b"),
        ("1. a\n1. b", "<ol><li>a</li>\n<li>b</li>\n</ol>", "1. a\n2. b"),
        ("3. a", '<ol start="3"><li>a</li>\n</ol>', "3. a"),
        ("* a\n  * b", "<ul><li>a<ul><li>b</li>\n</ul>\n</li>\n</ul>", "\u2022 a\n  \u2022 b"),
        ("a\n* b\nc", "<p>a</p>\n<ul><li>b<br>\nc</li>\n</ul>", "a\n\n\u2022 b\n  c"),
        ("^ a\n^ b\n\nc", "<blockquote><p>a<br>\nb</p>\n</blockquote>\n<p>c</p>", "a\nb\n\nc"),
        ("a\n^b", "<p>a</p>\n<blockquote><p>b</p>\n</blockquote>", "a\n\nb"),
        ("^ ^ a", "<blockquote><p>^ a</p>\n</blockquote>", "^ a"),
        ("a\n\n---\n\n***\nb", "<p>a</p>\n<hr>\n<hr>\n<p>b</p>", f"a\n\n{'=' * 65}\n\n{'=' * 65}\n\nb"),
        ("**a** *b* _c_", "<p><strong>a</strong> <em>b</em> <em>c</em></p>", "**a** _b_ _c_"),
        ("[a](https://b.ca)", '<p><a href="https://b.ca">a</a></p>', "a: https://b.ca"),
        ('[a](tel:1 "t")', '<p><a href="tel:1" title="t">a</a></p>', "a (t): tel:1"),
        ("https://a.ca/b_c_d.", '<p><a href="https://a.ca/b_c_d">https://a.ca/b_c_d</a>.</p>', "https://a.ca/b_c_d."),
        ("(http://a.ca/(b))", '<p>(<a href="http://a.ca/(b)">http://a.ca/(b)</a>)</p>', "(http://a.ca/(b))"),
        ("**https://a.ca**", '<p><strong><a href="https://a.ca">https://a.ca</a></strong></p>', "**https://a.ca**"),
        ("![alt *x*](https://a.ca/i.png)", "<p>alt <em>x</em></p>", "alt _x_"),
        ("> a", "<p>&gt; a</p>", "> a"),
        ("`a` ~~b~~ <i>c</i>", "<p>`a` ~~b~~ &lt;i&gt;c&lt;/i&gt;</p>", "`a` ~~b~~ <i>c</i>"),
        ("    indented", "<p>indented</p>", "indented"),
        ("| a | b |\n|---|---|", "<p>| a | b |<br>\n|---|---|</p>", "| a | b |\n|---|---|"),
        ("a\\*b\\* &copy; &lt;", "<p>a*b* \u00a9 &lt;</p>", "a*b* \u00a9 <"),
        ("* * * Notice", "<p>* * * Notice</p>", "* * * Notice"),
        ("", "", ""),
    ],
)
def test_subset_in_html_and_in_plain_text(source, expected, text):
    assert html(source) == expected
    assert render(source).text == text + "\n"


def test_headings_stand_off_in_plain_text():
    assert "a\n\n\nOne\n---" not in render("a\n\n## Two\n\n# One").text
    assert "---\n\n\nOne\n---" in render("a\n\n## Two\n\n# One").text


@pytest.mark.parametrize(
    "source",
    [
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert)",
        "[a](&#106;avascript:alert)",
        "[a](data:text/html,x)",
        "[a](vbscript:x)",
        "[a](//a.ca)",
        "[a](/path)",
        "[a](a.ca)",
        "[a](https:)",
        "<https:a>",
        "ftp://a.ca",
        "xhttps://a.ca",
        "[a]: mailto:b@c.ca\n\n[a]",
    ],
)
def test_other_links_are_none(source):
    assert Document(render(source).html).values("a", "href") == []


@pytest.mark.parametrize(
    "url", ["https://a.ca/b?c=d&e=%20", "http://a.ca", "mailto:a@b.ca", "tel:+16135550100", "HTTPS://a.ca"]
)
def test_links_that_are_allowed(url):
    assert Document(render(f"[a]({url})").html).values("a", "href") == [url]


def test_quotes_and_dashes_are_typographic_in_words_but_not_in_addresses():
    source = "\"**Bold**\" isn't it - o'neil@x.ca [it's](https://a.ca/o'b) https://a.ca/'x/ end ."
    document = Document(render(source).html)
    assert document.words == ("\u201cBold\u201d isn\u2019t it \u2013 o'neil@x.ca it\u2019s https://a.ca/'x/ end.")
    assert document.values("a", "href") == ["https://a.ca/o'b", "https://a.ca/'x/"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("[a](https://a.ca)[b](https://b.ca)", "a: https://a.ca b: https://b.ca"),
        ("[a](https://a.ca)s and [b](https://b.ca)*c*", "a: https://a.ca s and b: https://b.ca _c_"),
        ("([a](https://a.ca), *[b](https://b.ca)*)", "(a: https://a.ca, _b: https://b.ca_)"),
        ("[a](https://a.ca)/[b](https://b.ca)", "a: https://a.ca /b: https://b.ca"),
        ("[](https://a.ca)", "https://a.ca"),
    ],
)
def test_address_in_plain_text_ends_where_it_ends(source, text):
    assert render(source).text == text + "\n"


def test_link_without_words_shows_its_address():
    assert Document(render("[](https://a.ca) [ ](https://b.ca)").html).words == "https://a.ca https://b.ca"


def test_language_blocks_become_divisions():
    french = '<div lang="fr-CA"><h2>c</h2>\n<div dir="rtl"><p>d</p>\n</div>\n</div>'
    assert html("a\n[[en]]b[[/en]] [[FR]]\n# c\n[[rtl]]d[[/rtl]][[/fr]]\ne") == (
        f'<p>a</p>\n<div lang="en-CA"><p>b</p>\n</div>\n{french}\n<p>e</p>'
    )
    assert render("[[en]]a[[/en]][[fr]]b[[/fr]]").text == "a\n\nb\n"
    assert render("[[en]]a[[/en]][[fr]]b[[/fr]]").preheader == "a b"


@pytest.mark.parametrize(
    "source", ["[[en]]a", "a[[/en]]", "[[en]][[fr]]a[[/en]][[/fr]]", "[[/en]]a[[en]]", "[[en]][[en]]a[[/en]][[/en]]"]
)
def test_marks_without_their_other_half_are_text(source):
    assert "<div" not in render(source).html
    assert "[[en]]" in render(source).text or "[[/en]]" in render(source).text


def test_preheader_is_the_beginning_of_the_words():
    assert render("# A\n\nb **c** [d](https://x.ca)\ne\n\n* f").preheader == "A b c d e f"
    long = render("word " * 200).preheader
    assert (len(long), long[-1]) == (PREHEADER_CHARACTERS + 1, "\u2026")


def test_lists_nested_as_deep_as_people_nest_them_are_whole():
    source = "\n".join(f"{'  ' * depth}* item {depth}" for depth in range(9))
    assert all(f"item {depth}" in render(source).text for depth in range(9))


@pytest.mark.parametrize(
    "piece",
    [
        *("[", "![", "[a](", "*", "*a ", "**a _", "_a_", "***a**", "* ", "1. ", "* a\n", "^ ", "^ a\n", "[[en]]"),
        *(
            "[[en]]a[[/en]]",
            "https://a",
            "://",
            "http://",
            "\\",
            "&amp;",
            "&#",
            "[a](((",
            "<",
            '"',
            "'a ",
            "# a\n",
            "---\n",
        ),
        *(
            "a\n\n",
            "     \n",
            "](",
            "[*a](b)*",
            "https://a)))",
            "[]()",
            "* a\n  * b\n",
            "[a](https://b '",
            "- " * 30 + "x\n",
        ),
    ],
)
def test_hostile_source_takes_time_in_proportion(piece):
    source = piece * (20_000 // len(piece))
    started = time.process_time()
    Document(render(source).html)
    assert time.process_time() - started < 8


@given(SOURCES)
def test_any_source_gives_clean_html_and_text(source):
    made = render(source)
    document = Document(made.html)
    for href in document.values("a", "href"):
        assert href is None or re.match(r"(?i)https?://|mailto:|tel:", href)
    assert "<script" not in made.html
    assert made.text.endswith("\n")
    assert made.preheader.splitlines() in ([], [made.preheader])
    (made.html + made.text).encode("utf-8", "surrogatepass")


@given(SOURCES)
def test_both_alternatives_have_the_same_words(source):
    made = render(source)
    spoken = set(re.findall(r"[a-zA-Z\u00e9]{4,}", Document(made.html).words))
    assert spoken <= set(re.findall(r"[a-zA-Z\u00e9]{4,}", made.text))

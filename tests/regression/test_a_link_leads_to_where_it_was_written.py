"""An address in text is linked to its last character, and to nothing of the sentence around it, at both doors."""

import html
import re

import pytest

from messages.email.html import from_text
from messages.markdown import render
from messages.template import fill_body, fill_subject
from messages.typography import typographic
from tests.fakes.templates import template

ADDRESSES = (
    "https://example.com/reset?token=abc_",
    "https://example.com/reset?token=_abc__",
    "https://en.example.org/wiki/Perl_(language)",
    "https://example.com/q?b[]",
    "https://example.com/q?a[b]={c}",
    "https://example.com/a'b",
    "https://example.com/?q='x'",
    "https://example.com/?q=a&amp;b",
    "https://example.com/?a=1&copy=1&lt=2&notit;=3",
    "https://example.com/100%25/",
    "https://[2001:db8::1]:8443/a",
    "HTTPS://EXAMPLE.COM/A",
    "https://example.com/a*b~c_d",
    "https://example.com/~",
    "https://example.com/a-",
    "https://example.com/#/a=",
    "https://example.com/" + "a_b(c)" * 300,
)
SENTENCES = (
    "{}",
    "Go to {} now",
    "Go to {}.",
    "Really, {}?!",
    "(see {})",
    "[{}]",
    "(see {}).",
    "{}, or not",
    '"{}"',
    "'{}' is it",
    "\u00ab\u00a0{}\u00a0\u00bb",
    "\u00ab{}\u00bb",
    "\u201c{}\u201d",
    "{}\u3001{}\u3002",
    "\u8acb\u770b{}\u3002",
    "{}\u200b",
    "{}\u2026",
    "*{}*",
    "**{}**",
    "_see {}_, or",
    "<{}>",
    "{}\nnext line",
)
ENDS = (".", ",", "!", ")", "]", "'", "...", "\u00bb", "\u3002")
IN_BRACKETS = tuple(f"https://example.com/a{end}" for end in ENDS)
BODIES = ("((u))", "Go to ((u)).", "**((u))**", "_see ((u))_ x", "(((u)))", "<((u))>", "[go](((u)))", "* ((u))\n* x")


def hrefs(made: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(r'<a href="([^"]*)"', made)]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_in_plain_text_and_in_markdown(sentence: str, address: str) -> None:
    text = sentence.replace("{}", address)
    expected = [address] * sentence.count("{}")
    assert hrefs(from_text(text, flowed=False, joined=False, links=True)) == expected
    made = render(text)
    assert hrefs(made.html) == expected
    assert address in made.text
    assert address in typographic(text)


@pytest.mark.parametrize("address", IN_BRACKETS)
def test_all_that_stands_in_angle_brackets(address: str) -> None:
    assert hrefs(from_text(f"Go to <{address}>.", flowed=False, joined=False, links=True)) == [address]
    made = render(f"Go to <{address}>.")
    assert hrefs(made.html) == [address.replace("\u00bb", "%C2%BB").replace("\u3002", "%E3%80%82")]
    assert f"<{address}>" in made.text, "readers of plain text would cut it"


@pytest.mark.parametrize("address", [*ADDRESSES, *IN_BRACKETS[:7], "https://example.com/*"])
@pytest.mark.parametrize("body", BODIES)
def test_a_value_that_is_an_address(body: str, address: str) -> None:
    made = render(fill_body(template(body), {"u": address}))
    assert hrefs(made.html) == [address]
    assert address in made.text


@pytest.mark.parametrize(
    ("body", "values", "address"),
    [
        ("Go to https://e.ca/?token=((t)).", {"t": "abc_"}, "https://e.ca/?token=abc_"),
        ("Go to https://e.ca/?token=((t)).", {"t": "abc."}, "https://e.ca/?token=abc."),
        ("https://e.ca/?a=((a))&b=((b))", {"a": "x y", "b": "'z'"}, "https://e.ca/?a=x%20y&b='z'"),
        ("((base))/apply today", {"base": "https://e.ca"}, "https://e.ca/apply"),
        ("((u))", {"u": ["https://e.ca/a."]}, "https://e.ca/a."),
    ],
)
def test_a_value_within_an_address(body: str, values: dict[str, object], address: str) -> None:
    assert hrefs(render(fill_body(template(body), values)).html) == [address]


def test_what_the_address_did_not_open_is_not_of_it() -> None:
    text = "[a](https://a.ca/b)[c](https://c.ca/d), https://e.ca/f)g"
    assert hrefs(from_text(text, flowed=False, joined=False, links=True)) == [
        "https://a.ca/b",
        "https://c.ca/d",
        "https://e.ca/f",
    ]


def test_a_flowed_address_goes_on_in_the_next_line() -> None:
    made = from_text("See <https://example.com/aaa \r\nbbb_> today", flowed=True, joined=False, links=True)
    assert hrefs(made) == ["https://example.com/aaabbb_"]
    assert hrefs(from_text("https://e.ca/a \r\nb_", flowed=True, joined=True, links=True)) == ["https://e.ca/ab_"]


def test_no_curly_quote_stands_at_the_end_of_an_address() -> None:
    text = "See \"https://e.ca/a\" or 'b'"
    for made in (render(text).text, fill_subject(template("x", text), {})):
        assert made.strip() == 'See "https://e.ca/a" or \u2018b\u2019'

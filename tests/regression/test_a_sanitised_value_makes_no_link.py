"""What strangers typed is no link in any place of a template, whatever stands before it or how its host is spelt."""

import re
from uuid import UUID

import pytest

from messages.markdown import render
from messages.message import Channel
from messages.template import Template, fill_body, fill_subject

ADDRESSES = (
    "https://2130706433/login",
    "https://intranet/x",
    "http://192.0.2.1/x",
    "https://u@evil.example/x",
    "https://xn--evil.xn--p1ai/x",
    "evil.example/x",
    "evil.xn--p1ai/x",
)
LIVE = re.compile(r"://[^\s]|[a-z0-9]\.[a-z]", re.IGNORECASE)  # what readers make a link of, in plain text


def template(body: str) -> Template:
    return Template(UUID(int=1), 1, UUID(int=2), Channel.EMAIL, "Letter", "((v))", body, False, False, 0.0, None)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("before", ["", "-", "+", ".", "..", "1", "a-", "é", "(", "\\", "x:", "//"])
def test_no_address_is_left_of_it(before: str, address: str) -> None:
    value = {"v": before + address}
    for body in ("See ((v)) now", "((v))", "* ((v))", "[((v))](tel:1)"):
        made = render(fill_body(template(body), value, ["v"]))
        assert 'href="http' not in made.html
        assert not LIVE.search(made.text), made.text
    assert not LIVE.search(fill_subject(template("x"), value, ["v"]))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("https:", "//2130706433/x"),
        ("https:/", "/evil/x"),
        ("http", "://evil/x"),
        ("x https:/", "/evil"),
        ("s", "://e"),
    ],
)
def test_two_values_make_no_address_together(a: str, b: str) -> None:
    for body in ("((a))((b))", "See ((a))((b)) now", "* ((a))((b))"):
        made = render(fill_body(template(body), {"a": a, "b": b}, ["a", "b"]))
        assert 'href="http' not in made.html
        assert not LIVE.search(made.text), made.text


def test_paths_and_slashes_are_no_half_of_an_address() -> None:
    text = "// note: /home/x and/or C:/ :/"
    assert fill_subject(template("x"), {"v": text}, ["v"]) == text


def test_words_and_numbers_with_dots_are_no_addresses() -> None:
    text = "Wait...what? Dr. Roy, 3.50 $, a.b@c-d.example, e.g., 2.x"
    assert fill_subject(template("x"), {"v": text}, ["v"]) == text


PLACES = ("See ((v)) now", "((v))", "* ((v))", "[((v))](tel:1)", "**((v))**", "^ ((v))", "x((v))y")


@pytest.mark.parametrize(
    "value",
    [
        "http&colon;&sol;&sol;evil&period;example&sol;login",
        "&#104;ttps&#58;//x",
        "[[fr]]Bonjour[[/fr]]",
        "&lbrack;&lbrack;fr&rbrack;&rbrack;x",
        "# h ^ q * b 1. c + e",
        "\u2022 x",
        "**b** _c_ ~~d~~ `e` [f](g) ![h](i) <j> \\k \\* | {l}",
        "&amp; &lt; &#42; &copy &copy;",
        "((name)) ((a??b))",
        "1. x",
        "C:\\dir\\",
    ],
)
def test_it_comes_out_as_the_characters_that_were_given(value: str) -> None:
    for body in PLACES:
        made = render(fill_body(template(body), {"v": value}, ["v"]))
        assert value in made.text, made.text
        assert "http:" not in made.html
        assert made.html.count("<ul") == body.startswith("* "), "a list of its own"
        assert "<div" not in made.html
        assert "<h2" not in made.html
    assert value in fill_subject(template("x"), {"v": value}, ["v"])


@pytest.mark.parametrize("sanitised", [(), ("v",)])
@pytest.mark.parametrize(
    "value",
    [
        "http&colon;&sol;&sol;evil&period;example",
        "javascript&colon;alert(1)",
        "[[fr]]x[[/fr]]",
        "x\n\n# y",
        ") [e](https://evil.example",
    ],
)
def test_in_the_address_of_a_link_it_makes_no_other(value: str, sanitised: tuple[str, ...]) -> None:
    for body in ("[pay](((v)))", "[pay](https://a.example.ca/?q=((v))&b)", "at https://a.example.ca/((v)) x"):
        made = render(fill_body(template(body), {"v": value}, sanitised))
        assert all(href.startswith("https://a.example.ca/") for href in re.findall(r'href="([^"]*)"', made.html))
        assert "<div" not in made.html
        assert "<h2" not in made.html


@pytest.mark.parametrize(
    "value",
    [
        "evil\u3002example",
        "evil\uff0eexample",
        "ev\u00adil.exam\u200bple",
        "\u202eelpmaxe.live\u202c",
        "www.evil.example@",
    ],
)
def test_odd_dots_and_what_nobody_sees_hide_no_address(value: str) -> None:
    made = render(fill_body(template("((v)) and more"), {"v": value}, ["v"]))
    assert not re.search(r"[a-z][.\u3002\uff0e][a-z]", made.text)
    assert not re.search("[\u200b\u202a-\u202e]", made.text)

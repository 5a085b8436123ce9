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


def test_words_and_numbers_with_dots_are_no_addresses() -> None:
    text = "Wait...what? Dr. Roy, 3.50 $, a.b@c-d.example, e.g., 2.x"
    assert fill_subject(template("x"), {"v": text}, ["v"]) == text

"""Optional text goes or stays as a whole, whatever brackets, links and placeholders it holds."""

import pytest

from messages.template import fill_body, unmatched
from tests.fakes.templates import template


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ("A ((show??[Read](https://example.org/a))) B", "A [Read](https://example.org/a) B"),
        ("A ((show??See [it](https://example.org/a) (annex))) B", "A See [it](https://example.org/a) (annex) B"),
        ("A ((show??(one) (two (three)))) B", "A (one) (two (three)) B"),
        ("A ((show??Dear ((name)), hello)) B", "A Dear Zo\u00e9, hello B"),
        ("A ((show??[pay](https://e.ca/((name))) now)) B", "A [pay](https://e.ca/Zo\u00e9) now B"),
        ("A ((show??x ((show??y (z))) w)) B", "A x y (z) w B"),
        ("A ((show??one\\) two)) B", "A one\\) two B"),
        ("A ((show??:) ?? )) B", "A :) ??  B"),
        ("A (((show??x))) B", "A (x) B"),
    ],
)
def test_it_goes_or_stays_as_a_whole(body: str, kept: str) -> None:
    left = body[: body.index("((")] + body[body.rindex("))") + 2 :]
    if body.startswith("A ((("):
        left = "A () B"
    assert fill_body(template(body), {"show": "yes", "name": "Zo\u00e9"}) == kept
    assert fill_body(template(body), {"show": "no", "name": "Zo\u00e9"}) == left
    assert unmatched(body) is None


def test_the_names_in_it_are_the_templates() -> None:
    assert template("((show??Dear ((name)), ((b??c))))").placeholders == ("show", "name", "b")


def test_a_name_in_what_is_not_shown_brings_nothing_in() -> None:
    assert fill_body(template("A((a??((b??((v))))))Z"), {"a": "yes", "b": "no", "v": "v"}) == "AZ"
    assert fill_body(template("A((a??((b??((v))))))Z"), {"a": "no", "b": "yes", "v": "v"}) == "AZ"
    assert fill_body(template("A((a??((b??((v))))))Z"), {"a": "yes", "b": "yes", "v": "v"}) == "AvZ"


@pytest.mark.parametrize(
    "body", ["((a??b (c)) ((n))", "x ((show??see :( below)) y", "((a??b))((show??((x))", "((show??(x) B"]
)
def test_what_does_not_match_is_told(body: str) -> None:
    assert unmatched(body) in ("a", "show")


@pytest.mark.parametrize("body", ["((open", "((a)", "(b))", "((a (b))", "text :) and ((name))", "((??x (y))"])
def test_what_is_no_optional_text_is_none_of_its_business(body: str) -> None:
    assert unmatched(body) is None

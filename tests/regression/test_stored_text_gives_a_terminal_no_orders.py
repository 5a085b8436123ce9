"""A reference, or what a far server said of a bounce, may hold escape sequences: the command prints none of them."""

import json

import pytest

from relay.cli.output import show, show_items, show_list

HOSTILE = "a\x1b]0;b\x07\x9b2J\x7f\r\u2028c\u202ed"


def test_lines_and_tables_hold_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    show({"reference": HOSTILE, "names": [HOSTILE]}, as_json=False)
    show_list("messages", [{"reference": HOSTILE}], ["reference"], as_json=False)

    text = capsys.readouterr().out
    assert all(c == "\n" or c.isprintable() for c in text), ascii(text)


def test_a_row_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_list("messages", [{"reference": "a\nb  c"}], ["reference"], as_json=False)
    assert capsys.readouterr().out.splitlines() == ["reference", "a b  c"]


def test_a_text_of_several_lines_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show({"body": "# a\n\n* \u00a0b\tc"}, as_json=False)
    assert capsys.readouterr().out == "body  # a\n\n* \u00a0b\tc\n"


def test_json_keeps_every_character_and_gives_no_orders(capsys: pytest.CaptureFixture[str]) -> None:
    show({"reference": HOSTILE}, as_json=True)
    show_list("messages", [{"reference": HOSTILE}], ["reference"], as_json=True)
    show_items("names", [HOSTILE], as_json=True)

    printed = capsys.readouterr().out
    assert all(c == "\n" or c.isprintable() for c in printed), ascii(printed)
    row, rows, items = map(json.loads, printed.splitlines())
    assert (row, rows["messages"], items["names"]) == ({"reference": HOSTILE}, [{"reference": HOSTILE}], [HOSTILE])

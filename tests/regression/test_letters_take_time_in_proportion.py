"""No template or text holds a worker for longer than its size explains: twice the input is about twice the time."""

import time
from collections.abc import Callable

import pytest

from messages.email.html import from_text
from messages.markdown import MAX_MARKS, marks, render
from messages.template import fill_body, unmatched
from messages.typography import typographic
from messages.values import sanitised_content
from tests.fakes.templates import template
from tests.harness.sampled import in_turn, sampled

PIECES = (
    *(
        "[",
        "[[",
        "[*",
        "![",
        '!["',
        "[a](",
        "[](",
        "[a](b ",
        "[a](https://b '",
        "](",
        "]",
        "*",
        "*a ",
        "a* ",
        "**a _",
        "_a_",
    ),
    *(
        "***a** ",
        "_ ",
        "`",
        "((",
        "))",
        "((a??",
        "((a??(",
        "((a))",
        "(a",
        ":) ",
        "^ ",
        "^ a\n",
        "> ",
        "* a\n",
        "* a\n  * b\n",
    ),
    *(
        "- " * 30 + "x\n",
        "1. a\n",
        "# a\n",
        "#",
        "---\n",
        " ",
        "     \n",
        "\t",
        "a\n\n",
        "a\n",
        "&",
        "&amp;",
        "&#",
        "\\",
        "\\*",
    ),
    *(
        "://",
        "https://",
        "https://a ",
        "https://a)",
        "https://a(",
        "https://a_",
        "'https://a'",
        "<https://a",
        "<",
        "<a@b ",
    ),
    *(
        '"',
        "'",
        "'a ",
        '("',
        "a -- ",
        " ,",
        " .",
        "@",
        "a@",
        "a.",
        ".",
        "[[en]]",
        "[[en]]a[[/en]]",
        "\u2022 a\n",
        "~",
        "\u3002",
    ),
)


def read(text: str) -> None:
    render(text)


def filled(text: str) -> None:
    fill_body(template(text), {"a": "yes"})
    unmatched(text)


def value(text: str) -> None:
    values = {"v": text}
    fill_body(template("[((v))](((v))) ((v)) https://a.ca/((v))"), values)
    fill_body(template("((v))"), values, ["v"])
    sanitised_content(values, ["v"])


def plain(text: str) -> None:
    from_text(text, flowed=True, joined=False, links=True)
    typographic(text)


WORKS = [read, filled, value, plain]
CASES = [(piece, work) for piece in PIECES for work in WORKS]


@pytest.mark.parametrize(("piece", "work"), sampled(CASES, in_turn(len(WORKS))))
def test_four_times_the_input_takes_about_four_times_as_long(piece: str, work: Callable[[str], None]) -> None:
    size = 5_000 // (1 + 19 * piece.count("\n") // len(piece))
    short, long = (piece * (times * size // len(piece)) for times in (1, 4))
    work(short)
    assert takes_less(work, long, 9 * min(seconds(work, short) for _ in range(3)) + 0.02)


@pytest.mark.parametrize("piece", sampled([piece for piece in PIECES if marks(piece)], lambda at: at % 3 == 0))
def test_what_the_door_takes_is_read_in_a_moment(piece: str) -> None:
    source = piece * min(MAX_MARKS // marks(piece), 5_000)
    assert takes_less(read, source, 0.5), "0.05 on a machine with nothing else to do"


def takes_less(work: Callable[[str], None], text: str, bound: float) -> bool:
    """Whether the least of three does, as far as that is open: other processes take from the others."""
    return any(seconds(work, text) < bound for _ in range(3))


def seconds(work: Callable[[str], None], text: str) -> float:
    started = time.process_time()
    work(text)
    return time.process_time() - started

"""A product's plain HTML stands in one column with its header and footer, as Debian's Chromium draws it."""

from messages.message import Language
from tests.conftest import skip_or_fail
from tests.fidelity.preparing import prepared
from tests.harness import branded
from tests.harness.branded import Letter

WORDS = "<p>Someone has requested a password reset for the following account.</p>"
PAGES = {
    "a fragment": WORDS,
    "a page": f"<html><body><h2>Reset</h2>{WORDS}</body></html>",
    "stray end tags": f"<html><body></td></tr></table></div>{WORDS}</table></div>{WORDS}</body></html>",
    "a table that never ends": f"<html><body>{WORDS}<table><tr><td>total",
    "a body that is narrow": f"<html><body style='max-width:600px;margin:0 auto'>{WORDS}</body></html>",
    "a table within": f"<html><body>{WORDS}<table><tr><td>total</td></tr></table>{WORDS}</body></html>",
    "a wide picture": f"<html><body>{WORDS}<img alt='' width=1200 height=9 src='data:,'></body></html>",
    "a layout in the middle": f"<center><table width=280 cellpadding=0><tr><td>{WORDS}</table></center>",
}


def _letter(name: str, page: str) -> Letter:
    fields = "From: a@example.ca\r\nSubject: s\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    content = prepared((fields + page + "\r\n").encode(), Language.EN, carried=True).content
    return Letter("default", Language.EN, name, branded._shown(content))


def test_letter_header_and_footer_begin_at_one_edge_and_nothing_sticks_out() -> None:
    if problem := branded.missing():
        skip_or_fail(f"LETTERS NOT LOOKED AT: {problem}")
    letters = [_letter(name, page) for name, page in PAGES.items()]
    reports = branded.look_at(letters, "edges.cjs")
    for letter in letters:
        for width, seen in reports[letter.name].items():
            assert seen["overflow"] <= 0, (letter.name, width)
            if letter.door == "a layout in the middle":
                continue
            starts = ("Santé", "Someone", "Sent by")
            lefts = [left for words, left in seen["found"] if words.startswith(starts)]
            assert max(lefts) - min(lefts) <= 3, (letter.name, width, lefts)

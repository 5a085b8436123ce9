import time

import pytest

from messages.email import html, layout

WORDS = "<p>Someone has requested a password reset for the following account.</p>"
CELLS = "<tr><td>Build</td><td>failed</td></tr>"


def frame(document: str) -> layout.Frame:
    content = document.encode()
    return layout.frame(content, *html.places(content))


@pytest.mark.parametrize(
    "document",
    [
        WORDS,
        "words without a tag",
        f"<html><body><h2>Reset</h2>{WORDS}</body></html>",
        f"<html><body><table border=1>{CELLS}</table>{WORDS}</body></html>",
        f"<body>{WORDS * 9}<div align=center><table>{CELLS}</table></div></body>",
        f"<style>@media only screen and (max-width:600px){{p{{margin:0 auto}}}}</style>{WORDS}",
    ],
)
def test_letter_without_a_layout_stands_in_our_column(document: str) -> None:
    found = frame(document)
    assert found.width == layout.COLUMN
    assert ("</td></tr></table>\r\n<!" in found.closing) is ("<section" not in found.opening)
    assert "font-family" in found.opening


@pytest.mark.parametrize(
    ("document", "width"),
    [
        (f"<body><center><table width=700>{CELLS}</table></center></body>", 700),
        (f"<body><table align='center' width='640'>{CELLS}</table></body>", 640),
        (f"<body><div style='margin:0px auto;max-width:600px'>{WORDS}</div></body>", 600),
        (f"<style>.c{{max-width:660px;margin:0 auto}}</style><body><div class=c>{WORDS}</div></body>", 660),
        (f"<body><table width='100%'>{CELLS}</table>{WORDS}</body>", None),
        (f"<body style='max-width:700px;margin:0 auto'>{WORDS}</body>", None),
    ],
)
def test_header_and_footer_follow_a_layout_of_its_own(document: str, width: int | None) -> None:
    found = frame(document)
    assert (found.width, found.opening, found.closing) == (width, "", "")
    block = found.fitted('<table width="580" style="max-width:580px">')
    said = f"{width}px" if width else "100%"
    assert block == f'<table width="{width or "100%"}" style="max-width:{said}">'


def test_letter_with_a_typeface_keeps_it() -> None:
    assert "font-family" not in frame(f"<style>body{{font-family:Verdana}}</style><body>{WORDS}</body>").opening
    assert "font-family" not in frame(f"<body style='font:12px Verdana'>{WORDS}</body>").opening


def test_tables_that_never_end_are_ended_before_the_footer() -> None:
    assert frame(f"<table><tr><td><table><tr><td>{WORDS}").closing.startswith("</table></table></section>")


def test_tag_of_nothing_but_margins_takes_time_in_proportion() -> None:
    content = b"<div " + b"margin:" * 20_000
    started = time.process_time()
    layout.frame(content, 0, len(content))
    assert time.process_time() - started < 0.1


@pytest.mark.parametrize(
    ("document", "wrapper"),
    [
        (WORDS, "table"),
        (f"<table>{CELLS}</table>{WORDS}<!-- </table> -->", "table"),
        (f"<table><tr><td><table>{CELLS}</table></td></tr></table>", "table"),
        (f"{WORDS}</td></tr></table>", "section"),
        (f"</table>{WORDS}<table>", "section"),
        (f"{WORDS}<table>{CELLS}", "section"),
        (f"{WORDS}<table>{CELLS}<!-- </table> -->", "section"),
        (f"<td>{WORDS}</td>", "section"),
        (f"<body style='font-size:12px;font-family:Verdana'>{WORDS}</body>", "section"),
    ],
)
def test_letter_stands_in_a_table_that_nothing_in_it_can_close(document: str, wrapper: str) -> None:
    found = frame(document)
    assert ("<section" in found.opening) is (wrapper == "section")
    assert found.closing.count("</section>") == (wrapper == "section")

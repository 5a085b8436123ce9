"""What a mail reader shows of a message."""

import base64
import re

import pytest

from messages.email.shown import shown

PICTURE = base64.b64encode(b"\x89PNG\r\n").decode()


def mail(*lines: str) -> bytes:
    return "\r\n".join(lines).encode()


def parts(kind: str, *parts: tuple[str, ...]) -> bytes:
    lines = [f"Content-Type: multipart/{kind}; boundary=b", ""]
    for part in parts:
        lines += ["--b", *part]
    return mail(*lines, "--b--", "")


def test_html_and_text_are_found_with_their_charsets_and_encodings() -> None:
    found = shown(
        parts(
            "alternative",
            (
                "Content-Type: text/plain; charset=iso-8859-1",
                "Content-Transfer-Encoding: quoted-printable",
                "",
                "re=E7u",
            ),
            ("Content-Type: text/html; charset=utf-8", "", "<p>reçu</p>"),
        )
    )

    assert (found.text, found.html, found.files) == ("reçu", "<p>reçu</p>", ())


def test_a_picture_that_the_mail_carries_stands_in_its_html() -> None:
    found = shown(
        parts(
            "related",
            (
                "Content-Type: text/html",
                "",
                '<img src="cid:logo@x"><img src="cid:other"><img src="https://x.example/">',
            ),
            ("Content-Type: image/png", "Content-ID: <logo@x>", "Content-Transfer-Encoding: base64", "", PICTURE),
        )
    )

    assert found.html == (
        f'<img src="data:image/png;base64,{PICTURE}"><img src="cid:other"><img src="https://x.example/">'
    )


def test_what_is_no_picture_is_not_put_into_the_html() -> None:
    found = shown(
        parts(
            "related",
            ("Content-Type: text/html", "", '<img src="cid:x">'),
            ("Content-Type: image/svg+xml", "Content-ID: <x>", "", "<svg onload=alert(1)>"),
        )
    )

    assert found.html == '<img src="cid:x">'


def test_a_picture_named_a_thousand_times_makes_no_page_of_a_thousand_pictures() -> None:
    large = base64.b64encode(b"x" * 100_000).decode()
    found = shown(
        parts(
            "related",
            ("Content-Type: text/html", "", '<img src="cid:x">' * 1000),
            ("Content-Type: image/png", "Content-ID: <x>", "Content-Transfer-Encoding: base64", "", large),
        )
    )

    assert found.html is not None
    assert len(found.html) < 5_000_000


def test_files_are_named_in_one_clean_line() -> None:
    found = shown(
        parts(
            "mixed",
            ("Content-Type: text/plain", "", "hello"),
            ('Content-Type: application/pdf; name="a\u202egnp.\tpdf"', "Content-Disposition: attachment", "", "x"),
            ("Content-Type: text/plain", "Content-Disposition: attachment; filename=notes.txt", "", "not the letter"),
        )
    )

    assert found.text == "hello"
    assert found.files[1] == "notes.txt"
    assert "\u202e" not in found.files[0]


def test_what_is_no_mime_is_shown_as_text() -> None:
    assert shown(b"no header section at all").html is None
    assert shown(b"").html is None


@pytest.mark.parametrize("tag", ["<link rel=preconnect href=//a.example>", "<IFRAME src=//a.example>", "</object>"])
def test_no_element_is_left_for_which_a_browser_connects(tag: str) -> None:
    for before in ("", "x" * 65_530, "<" * 70_000):
        content = b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n" + (before + tag + "<b>x</b>").encode()

        html = shown(content).html

        assert html is not None
        assert html.endswith("<b>x</b>")
        assert not re.search("</?(?:link|iframe|object)", html, re.IGNORECASE)


def test_words_that_begin_like_such_an_element_stay() -> None:
    html = "<b>links</b> <framework> <metabolism> a < link"
    assert shown(b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n" + html.encode()).html == html

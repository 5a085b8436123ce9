"""The checker can fail: a correct result with one thing changed in it is reported, whatever it is."""

from collections.abc import Callable

import pytest

from tests.conftest import skip_or_fail
from tests.fidelity import judge, signatures
from tests.fidelity.preparing import SERVICE, arrived, prepared, seal, verdicts

RECEIVED = arrived(
    b"""Received: from app.dept.example.ca by mx.dept.example.ca; Mon, 02 Jun 2025 09:00:00 -0400
From: Claire Roy <claire.roy@dept.example.ca>
To: resident@example.ca
Subject: Forms
Date: Mon, 02 Jun 2025 09:00:00 -0400
Message-ID: <all@dept.example.ca>
References: <first@dept.example.ca>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

A preamble.
--outer
Content-Type: multipart/alternative; boundary=alt

--alt
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Voil=E0 the forms, in two parts.
--alt
Content-Type: multipart/related; boundary=rel

--rel
Content-Type: text/html; charset=utf-8

<html><body><p>The forms, in two parts.</p>
<img src="cid:seal@dept.example.ca" alt="seal"></body></html>
--rel
Content-Type: image/png
Content-ID: <seal@dept.example.ca>
Content-Transfer-Encoding: base64

iVBORw0KGgoAAAANSUhEUg==
--rel--
--alt--
--outer
Content-Type: application/pdf; name=form.pdf
Content-Disposition: attachment; filename=form.pdf
Content-Transfer-Encoding: base64

JVBERi0xLjcKJcTl8uXrp/Og0MTGCg==
--outer
Content-Type: text/csv; charset=utf-8; name=list.csv
Content-Disposition: attachment; filename=list.csv

one;two
--outer
Content-Type: multipart/signed; boundary=sig; protocol="application/pgp-signature"

--sig
Content-Type: text/plain

signed words \n--sig
Content-Type: application/pgp-signature

-----BEGIN PGP SIGNATURE-----
--sig--
--outer
Content-Type: message/rfc822

From: someone@example.org
Subject: inner

forwarded words
--outer--
An epilogue.
"""
)
TEXT_ONLY = arrived(b"From: a@example.ca\nSubject: s\n\nAll of the words\nin two lines.\n")
HTML_ONLY = arrived(
    b"From: a@example.ca\nMIME-Version: 1.0\nContent-Type: text/html; charset=utf-8\n\n<p>All of the words</p>\n"
)


def swap(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(sent: bytes) -> bytes:
        assert old in sent
        return sent.replace(old, new, 1)

    return change


def without(start: bytes, end: bytes) -> Callable[[bytes], bytes]:
    def change(sent: bytes) -> bytes:
        at = sent.index(start)
        return sent[:at] + sent[sent.index(end, at + len(start)) :]

    return change


def exchanged(sent: bytes) -> bytes:
    first, second, third = (
        sent.index(each)
        for each in (
            b"--outer\r\nContent-Type: application",
            b"--outer\r\nContent-Type: text/csv",
            b"--outer\r\nContent-Type: multipart/s",
        )
    )
    return sent[:first] + sent[second:third] + sent[first:second] + sent[third:]


TO_MENDED = arrived(
    "From: a@example.ca\nTo: Chan, Karen <k@example.org>, root, Zoë <z@bücher.example>\nCc: nobody\nCc: b@x.ca\n"
    "Subject: s\n\nAll of the words\n".encode()
)


CHANGES = {
    "a byte in an attachment": swap(b"JVBERi0xLjc", b"JVBERi0xLjg"),
    "a byte in an attached text": swap(b"one;two", b"one,two"),
    "an attachment dropped": without(b"--outer\r\nContent-Type: application/pdf", b"--outer\r\nContent-Type: text/csv"),
    "attachments in another order": exchanged,
    "an attachment sent twice": swap(b"--outer--", b"--outer\r\nContent-Type: application/pdf\r\n\r\nx\r\n--outer--"),
    "another name": swap(b"name=form.pdf", b"name=forms.pdf"),
    "another file name": swap(b"filename=list.csv", b"filename=lists.csv"),
    "another disposition": swap(b"attachment; filename=form", b"inline; filename=form"),
    "another type": swap(b"application/pdf", b"application/octet-stream"),
    "a From added": swap(b"Subject:", b"From: eve@example.org\r\nSubject:"),
    "a Bcc added": swap(b"Subject:", b"Bcc: eve@example.org\r\nSubject:"),
    "a field changed": swap(b"Subject: Forms", b"Subject: forms"),
    "a field dropped": swap(b"Subject: Forms\r\n", b""),
    "a field added": swap(b"Subject:", b"X-Mailer: eve\r\nSubject:"),
    "a field twice": swap(b"Subject:", b"Date: Mon, 02 Jun 2025 09:00:00 -0400\r\nSubject:"),
    "fields in another order": lambda sent: swap(b"To: resident@example.ca\r\n", b"")(sent).replace(
        b"Subject: Forms\r\n", b"Subject: Forms\r\nTo: resident@example.ca\r\n", 1
    ),
    "References rewritten": swap(b"<first@dept.example.ca>", b"=?utf-8?q?=3Cfirst=40dept=2Eexample=2Eca=3E?="),
    "a trace field dropped": swap(b"Received: from app", b"X-Received: from app"),
    "a boundary broken": swap(b"\r\n--outer\r\nContent-Type: application", b"\r\n--outre\r\nContent-Type: application"),
    "a closing delimiter lost": swap(b"\r\n--rel--", b""),
    "another boundary": swap(b"boundary=outer", b"boundary=outre"),
    "a preamble dropped": swap(b"A preamble.\r\n", b""),
    "an epilogue dropped": swap(b"An epilogue.\r\n", b""),
    "text cut": swap(b", in two parts.", b"."),
    "a letter of the text": swap(b"Voil=E0", b"Voila"),
    "text behind the footer": lambda sent: swap(b" in two parts.", b"")(sent).replace(
        b"Canada.\r\n--alt", b"Canada.\r\n in two parts.\r\n--alt"
    ),
    "a charset changed": swap(b"charset=iso-8859-1", b"charset=koi8-r"),
    "a word of the HTML": swap(b"<p>The forms", b"<p>Some forms"),
    "an attribute of the HTML": swap(b'alt="seal"', b'alt="cat"'),
    "a cid that leads nowhere": swap(b"Content-ID: <seal@", b"Content-ID: <soul@"),
    "another image": swap(b"iVBORw0KGgo", b"iVBORw0KGgp"),
    "white space in signed words": swap(b"signed words \r\n", b"signed words\r\n"),
    "a field of a signed part": swap(b"--sig\r\nContent-Type: text", b"--sig\r\nContent-type: text"),
    "a word of a forwarded message": swap(b"forwarded words", b"forwarded words!"),
    "a field of a forwarded message": swap(b"From: someone@example.org\r\n", b""),
    "a bare LF": swap(b"one;two\r\n", b"one;two\n"),
    "a NUL": swap(b"An epilogue", b"An\0epilogue"),
    "a long line": swap(b"An epilogue", b"An epilogue" + b"x" * 990),
    "no line end at the end": lambda sent: sent[:-2],
    "a branding that nobody sees": lambda sent: swap(b'<table role="presentation"', b'<table hidden><title>')(sent),
}  # fmt: skip


def test_correct_result_is_not_reported():
    sent = prepared(RECEIVED).content
    verdict = judge(RECEIVED, sent, SERVICE)
    assert verdict.damage == ()
    assert (verdict.alternatives, verdict.branded) == (2, 2)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_change_is_reported(change):
    assert judge(RECEIVED, change(prepared(RECEIVED).content), SERVICE).damage


@pytest.mark.parametrize(
    "change",
    [
        swap(b'<p dir=3D"auto">All of', b'<p dir=3D"auto">Some of'),
        swap(b"<br>", b""),
        swap(b'<p dir=3D"auto">All of', b'<!--<p dir=3D"auto">All of'),
        swap(b"text/html", b"text/css"),
    ],
    ids=["a word", "a line break", "a comment", "a type"],
)
def test_change_in_the_html_made_of_a_text_is_reported(change):
    sent = prepared(TEXT_ONLY).content
    assert judge(TEXT_ONLY, sent, SERVICE).damage == ()
    changed = change(sent)
    assert judge(TEXT_ONLY, changed, SERVICE).damage or judge(TEXT_ONLY, changed, SERVICE).branded == 1


@pytest.mark.parametrize(
    "change",
    [
        swap(b"k@example.org", b"karen@example.org"),
        swap(b'"Chan, Karen" <k@example.org>, ', b""),
        swap(b'"Chan, Karen"', b'"Chan, Kim"'),
        swap(b'"Chan, Karen"', b"Chan, Karen"),
        swap(b'"Chan, Karen"', b""),
        swap(b"=?utf-8?B?cm9vdCwgWm/Dqw==?=", "Zoë".encode()),
        swap(b"z@xn--bcher-kva.example", b"z@xn--bcher-kva.example, root"),
        swap(b"z@xn--bcher-kva.example", b"z@bucher.example"),
        swap(b"Cc: b@x.ca\r\n", b""),
        swap(b"Cc: b@x.ca\r\n", b"Cc: b@x.ca\r\nCc: b@x.ca\r\n"),
        swap(b"Cc: b@x.ca\r\nSubject: s\r\n", b"Subject: s\r\nCc: b@x.ca\r\n"),
    ],
)
def test_change_in_a_field_of_recipients_that_was_written_anew_is_reported(change):
    sent = prepared(TO_MENDED).content
    assert judge(TO_MENDED, sent, SERVICE).damage == ()
    assert judge(TO_MENDED, change(sent), SERVICE).damage


def test_recipients_written_anew_where_nothing_was_wrong_are_reported():
    right = arrived(b"From: a@example.ca\nTo: Karen  <k@example.org>\nSubject: s\n\nwords\n")
    sent = prepared(right).content
    assert judge(right, sent, SERVICE).damage == ()
    assert judge(right, sent.replace(b"Karen  <", b"Karen <"), SERVICE).damage


def test_branding_that_is_missing_is_counted():
    verdict = judge(RECEIVED, prepared(RECEIVED, variant="none").content, SERVICE)
    assert verdict.damage == ()
    assert (verdict.alternatives, verdict.branded) == (2, 0)


def test_branding_that_was_not_asked_for_is_reported():
    assert judge(HTML_ONLY, prepared(HTML_ONLY).content, "").damage
    assert judge(TEXT_ONLY, prepared(TEXT_ONLY).content, "").damage


def test_branding_in_a_comment_is_reported():
    sent = prepared(HTML_ONLY).content
    hidden = sent.replace(b"<table", b"<!--<table").replace(b"</table>", b"</table>-->")
    assert judge(HTML_ONLY, hidden, SERVICE).damage


def test_signature_of_changed_content_is_reported():
    sealed = seal(prepared(RECEIVED).content)
    changed = [sealed.replace(b"one;two", b"one,two"), sealed.replace(b"Subject: Forms", b"Subject: forms")]
    good, *bad = verdicts([sealed, *changed])
    assert set(good) == {"pass"}
    assert all("pass" not in each for each in bad)


def test_second_verifier_is_here():
    if reason := signatures.missing():
        skip_or_fail(f"SIGNATURES ARE VERIFIED BY DKIMPY ONLY: {reason}")

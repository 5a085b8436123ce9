"""In which language a message says it is."""

from dataclasses import replace

import pytest

from messages.email import mime
from messages.email.language import language_of
from messages.email.pipeline import prepare
from messages.message import Language


def spoken(crlf, text: str) -> Language | None:
    return language_of(mime.parse(crlf(text)))


@pytest.mark.parametrize(
    ("value", "language"),
    [
        ("fr", Language.FR),
        ("fr-CA", Language.FR),
        ("EN-ca", Language.EN),
        ("en, fr", Language.BOTH),
        ("fr-CA,\n en-CA", Language.BOTH),
        ("en (my favourite)", Language.EN),
        ("iu", None),
        ("french", None),
        ("de, fr", Language.FR),
        ("de (see fr guide)", None),
        ("", None),
    ],
)
def test_content_language_is_read(value, language, crlf):
    assert spoken(crlf, f"From: a@x.ca\nContent-Language: {value}\n\nbonjour\n") is language


@pytest.mark.parametrize(
    ("html", "language"),
    [
        ('<!DOCTYPE html><html lang="fr-CA"><body>x', Language.FR),
        ("<HTML xmlns='http://x' xml:lang='en' >x", Language.EN),
        ("<html lang=fr>x", Language.FR),
        ('<html class="no-js" lang="de">x', None),
        ("<html>x<p lang=fr>", None),
        ('<!--[if IE]><html lang="fr"><![endif]--><html lang=en>x', Language.EN),
        ("<html data-x='a>b' lang='fr'>x", Language.FR),
        ("<html title=' lang=fr' lang=en>x", Language.EN),
        ("<!--" + "x" * 9000 + '--><html lang="fr">', None),
    ],
)
@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
def test_lang_of_the_document_is_read(html, language, encoding, crlf):
    body, _ = mime.encode(crlf(html), "base64") if encoding == "base64" else (crlf(html), "")
    body = body.replace(b"=", b"=3D") if encoding == "quoted-printable" else body
    head = f"From: a@x.ca\nContent-Type: text/html\nContent-Transfer-Encoding: {encoding}\n\n"
    assert language_of(mime.parse(crlf(head) + body)) is language


def test_content_language_counts_before_the_document(crlf):
    html = 'Content-Type: text/html\n\n<html lang="en"><body>x'
    assert spoken(crlf, f"From: a@x.ca\nContent-Language: fr\n{html}") is Language.FR


def test_content_language_of_others_is_not_overruled_by_the_document(crlf):
    html = 'Content-Type: text/html\n\n<html lang="en"><body>x'
    assert spoken(crlf, f"From: a@x.ca\nContent-Language: de\n{html}") is None


def test_branding_of_the_language_that_the_message_says_goes_in(preparation, branding, crlf):
    french = replace(branding, footer_text="_" * 40 + "\r\nen fran\u00e7ais")
    translated = replace(preparation, translated={Language.FR: french})
    said = prepare(crlf("From: a@x.ca\nContent-Language: fr\n\nbonjour\n"), translated).content
    silent = prepare(crlf("From: a@x.ca\n\nbonjour\n"), translated).content
    assert b"en fran=C3=A7ais" in said
    assert b"en fran" not in silent

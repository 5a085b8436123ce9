"""No line over 998 octets leaves the house (RFC 5322 2.1.1): re-encoded or folded where that does no damage."""

import base64
import email
import email.policy
from dataclasses import replace

import pytest

from messages import reply
from messages.email.content import splice
from messages.email.pipeline import prepare
from messages.reply import Refused

LONG = "word " * 300
HEAD = "From: a@x.ca\nSubject: s\nMIME-Version: 1.0\n"


def parsed(content: bytes) -> email.message.Message:
    assert max(map(len, content.split(b"\r\n"))) <= 998
    return email.message_from_bytes(content)


def refused_line(content: bytes, preparation) -> str:
    with pytest.raises(Refused) as caught:
        prepare(content, preparation)
    assert caught.value.reply is reply.LONG_LINE
    return caught.value.line()


@pytest.mark.parametrize(
    "text",
    ["x" * 999, LONG, "passer l'été au bord de la mer " * 60, "a\rb" + "x" * 2000],
    ids=["ascii", "words", "é", "cr"],
)
def test_long_line_of_text_goes_out_as_quoted_printable(text, unbranded, crlf):
    content = crlf(f"{HEAD}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{text}\nb\n")
    done = parsed(prepare(content, unbranded).content)
    assert done["Content-Transfer-Encoding"] == "quoted-printable"
    assert done.get_payload(decode=True) == f"{text}\r\nb\r\n".encode()


def test_line_of_998_octets_stays_as_it_is(unbranded, crlf):
    content = crlf(f"{HEAD}\n{'x' * 998}\nb\n")
    assert prepare(content, unbranded).content.endswith(b"\r\n\r\n" + b"x" * 998 + b"\r\nb\r\n")


def test_last_line_of_a_part_counts_without_its_line_end(unbranded, crlf):
    body = f"--b\nContent-Type: text/html\n\n{'x' * 999}\n--b--\n"
    content = crlf(f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{body}")
    [part] = parsed(prepare(content, unbranded).content).get_payload()
    assert part.get_payload(decode=True) == b"x" * 999


def test_branded_text_whose_last_line_becomes_long_is_encoded(preparation, branding, crlf):
    wide = replace(preparation, branding=replace(branding, footer_html="y" * 999))
    parsed(prepare(crlf(f"{HEAD}Content-Type: text/html\n\n<p>hi</p>\n"), wide).content)


def test_message_without_mime_fields_gets_them(unbranded, crlf):
    done = parsed(prepare(crlf(f"From: a@x.ca\n\n{LONG}\n"), unbranded).content)
    assert (done["MIME-Version"], done["Content-Transfer-Encoding"]) == ("1.0", "quoted-printable")
    assert done.get_payload(decode=True) == f"{LONG}\r\n".encode()


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary", "base64", "quoted-printable"])
def test_attachment_goes_out_as_base64_with_the_same_bytes(encoding, preparation, crlf):
    octets = b"%PDF\r\n" + b"z" * 5000
    body = base64.b64encode(octets) if encoding == "base64" else octets
    head = "Content-Disposition: attachment; filename=a.pdf\nContent-MD5: kept\n"
    leaf = f"Content-Type: application/pdf\nContent-Transfer-Encoding: {encoding}\n{head}\n{body.decode()}"
    content = crlf(f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n{leaf}\n--b--\n")
    prepared = prepare(content, preparation)
    assert prepared.branded
    part = parsed(prepared.content).get_payload()[-1]
    assert part.get_all("Content-Transfer-Encoding") == ["base64"]
    assert part["Content-MD5"] == "kept"
    assert part.get_payload(decode=True) == octets


def test_long_header_lines_are_folded_at_white_space_and_read_the_same(unbranded, crlf):
    names = ", ".join(f"person{n}@example.ca" for n in range(200))
    part = f"--b\nContent-Description: {LONG}end\n\nhi\n--b--\n"
    content = crlf(f"To: {names}\nX-Long: a\n {LONG}\n b\n{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{part}")
    done = prepare(content, unbranded).content
    parsed(done)
    unfolded = done.replace(b"\r\n ", b" ")
    assert f"\r\nTo: {names}\r\n".encode() in unfolded
    assert f"\r\nX-Long: a {LONG} b\r\n".encode() in unfolded
    assert f"Content-Description: {LONG}end\r\n".encode() in unfolded
    assert not any(line.isspace() for line in done.partition(b"\r\n\r\n")[0].split(b"\r\n"))


def test_long_field_that_is_taken_off_or_written_anew_is_no_matter(unbranded, crlf):
    fields = f"Bcc: {'b' * 2000}\nX-SES-A: {'b' * 2000}\nFrom: {'c' * 2000} <a@x.ca>\n"
    parsed(prepare(crlf(f"{fields}Subject: s\n\nhi\n"), unbranded).content)


REFUSED = {
    "signed": (f"Content-Type: multipart/signed; boundary=b\n\n--b\n\n{'x' * 999}\n--b\n\nsignature\n--b--\n", 8),
    "encrypted": (f"Content-Type: multipart/encrypted; boundary=b\n\n--b\n\n{'x' * 999}\n--b--\n", 8),
    "pkcs7": (f"Content-Type: application/pkcs7-mime\nContent-Transfer-Encoding: base64\n\n{'QUJD' * 300}\n", 7),
    "identifier": (f"Content-ID: <{'k' * 999}>\n\nhi\n", 4),
    "identifier that folds not short enough": (f"References: <a> <b> <{'k' * 999}> <c>\n\nhi\n", 4),
    "unknown encoding": (f"Content-Transfer-Encoding: x-uuencode\n\n{'x' * 999}\n", 6),
    "damaged base64": (f"Content-Transfer-Encoding: base64\n\nYWJj\n{'YWJj' * 300}!\n", 7),
    "message": (f"Content-Type: message/rfc822\n\nSubject: a\n\n\n{'x' * 999}\n", 9),
    "multipart without parts": (f"Content-Type: multipart/mixed\n\n{'x' * 999}\n", 6),
}


@pytest.mark.parametrize("name", REFUSED)
def test_line_that_cannot_be_changed_is_refused_by_its_number(name, preparation, crlf):
    rest, number = REFUSED[name]
    line = refused_line(crlf(HEAD + rest), preparation)
    assert line == f"554 5.6.1 line {number} is over 998 octets and cannot be changed without damage"


def test_number_is_that_of_the_message_as_received(preparation, crlf):
    """Fields come and go before it, and the text above it is encoded and branded."""
    body = f"--b\nContent-Type: text/html\n\n{LONG}\n--b\nContent-Type: message/rfc822\n\nA: b\n\n{'x' * 999}\n--b--\n"
    content = crlf(f"Bcc: x@y.ca\n{HEAD}Reply-To: b@x.ca\nContent-Type: multipart/mixed; boundary=b\n\n{body}")
    number = content[: content.index(b"x" * 999)].count(b"\n") + 1
    assert f"line {number} is" in refused_line(content, preparation)


def test_number_is_right_where_the_empty_line_was_missing(unbranded, crlf):
    content = crlf(f"Content-Transfer-Encoding: x\nnot a field\n{'x' * 999}\n")
    assert "line 3 is" in refused_line(content, unbranded)


# -- NUL -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary"])
def test_nul_in_text_goes_out_encoded(encoding, unbranded, crlf):
    content = crlf(f"{HEAD}Content-Transfer-Encoding: {encoding}\n\na\0b\n\0.\n")
    done = prepare(content, unbranded).content
    assert b"\0" not in done
    assert parsed(done).get_payload(decode=True) == b"a\0b\r\n\0.\r\n"


def test_nul_in_an_attachment_goes_out_as_base64(unbranded, crlf):
    leaf = "Content-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n\0\1\0"
    content = crlf(f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n{leaf}\n--b--\n")
    part = parsed(prepare(content, unbranded).content).get_payload()[-1]
    assert (part["Content-Transfer-Encoding"], part.get_payload(decode=True)) == ("base64", b"\0\1\0")


@pytest.mark.parametrize(
    ("rest", "number"),
    [
        ("Content-Type: multipart/signed; boundary=b\n\n--b\n\na\0b\n--b\n\nsignature\n--b--\n", 8),
        ("Content-Transfer-Encoding: base64\n\nYW\0Jj\n", 6),
    ],
    ids=["signed", "damaged base64"],
)
def test_nul_that_cannot_be_changed_is_refused_by_its_line(rest, number, unbranded, crlf):
    with pytest.raises(Refused) as caught:
        prepare(crlf(HEAD + rest), unbranded)
    assert caught.value.reply is reply.NUL_IN_MESSAGE
    assert caught.value.line() == f"554 5.6.0 line {number} has a NUL octet and cannot be changed without damage"


@pytest.mark.parametrize(
    ("kind", "encoding"), [("text/plain; charset=utf-8", "quoted-printable"), ("application/pdf", "base64")]
)
@pytest.mark.parametrize("said", ["8bit", "7bit", "binary"])
def test_octets_beyond_ascii_are_encoded_whatever_the_message_says(kind, encoding, said, unbranded, crlf):
    octets = crlf("passer l'\u00e9t\u00e9 au bord de la mer\n")
    head = f"{HEAD}Content-Type: {kind}\nContent-Transfer-Encoding: {said}\n\n"
    content = prepare(crlf(head) + octets, unbranded).content
    assert content.isascii()
    done = parsed(content)
    assert done.get_all("Content-Transfer-Encoding") == [encoding]
    assert done.get_payload(decode=True) == octets


def test_text_of_another_script_goes_out_as_base64(unbranded, crlf):
    octets = crlf("\u1403\u14c4\u1483\u144e\u1450\u1466\n")
    content = prepare(crlf(f"{HEAD}Content-Type: text/plain; charset=utf-8\n\n") + octets, unbranded).content
    assert parsed(content)["Content-Transfer-Encoding"] == "base64"
    assert parsed(content).get_payload(decode=True) == octets


def test_message_within_the_message_keeps_its_octets(unbranded, crlf):
    inner = crlf("Subject: r\n\n\u00e9t\u00e9\n")
    content = crlf(f"{HEAD}Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n") + inner
    assert prepare(content, unbranded).content.endswith(b"\r\n\r\n" + inner)


SIGNED = "Content-Type: multipart/signed; protocol=x; micalg=y; boundary=s\n\npr\u00e9ambule\n--s\n"
SIGNATURE = "\n--s\nContent-Type: application/pgp-signature\n\nx\n--s--\n"


@pytest.mark.parametrize("at_depth", [False, True])
def test_signed_content_beyond_ascii_is_refused_with_its_line(at_depth, preparation, crlf):
    part = f"{SIGNED}Content-Type: text/plain; charset=utf-8\n\nhello\n\u00e9t\u00e9\n{SIGNATURE}"
    outer = f"{HEAD}Content-Type: multipart/mixed; boundary=m\n\n--m\n\nhi\n--m\n"
    content = crlf(f"{outer}{part}--m--\n" if at_depth else HEAD + part)
    with pytest.raises(Refused) as caught:
        prepare(content, preparation)
    assert caught.value.reply is reply.EIGHT_BIT_SIGNED
    assert content.split(b"\r\n")[caught.value.values_["line"] - 1] == "\u00e9t\u00e9".encode()


def test_what_stands_around_signed_parts_may_be_anything(preparation, crlf):
    content = crlf(f"{HEAD}{SIGNED}Content-Type: text/plain\n\nhello\n{SIGNATURE}")
    assert crlf(f"--s\nContent-Type: text/plain\n\nhello\n{SIGNATURE}") in prepare(content, preparation).content


def test_edits_say_all_that_was_changed(preparation, crlf):
    text = "passer l'\u00e9t\u00e9 au bord de la mer\n"
    content = crlf(f"To: {'a@x.ca, ' * 200}\n b@x.ca\n{HEAD}Content-Type: text/plain; charset=utf-8\n\n{text}")
    prepared = prepare(content, preparation)
    assert splice(content, prepared.edits) == prepared.content
    assert content.index(b"Subject: s") not in [at for edit in prepared.edits for at in range(edit.start, edit.end)]


@pytest.mark.parametrize("odd", ["pr\u00e9ambule", "x" * 999])
def test_text_around_the_parts_goes_where_it_cannot_be_carried(odd, unbranded, crlf):
    inner = f"Content-Type: multipart/mixed; boundary=i\n\n{odd}\n--i\n\ninner\n--i--\n{odd}"
    content = crlf(f"{HEAD}Content-Type: multipart/mixed; boundary=b\n\n{odd}\n--b\n\nhi\n--b\n{inner}\n--b--\n{odd}\n")
    sent = prepare(content, unbranded).content
    assert odd.encode() not in sent
    first, second = parsed(sent).get_payload()
    assert (first.get_payload(), second.get_payload()[0].get_payload()) == ("hi", "inner")
    assert b"\r\nplain\r\n--b\r\n" in prepare(content.replace(odd.encode(), b"plain"), unbranded).content

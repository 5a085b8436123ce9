"""Any bytes are prepared or refused; what is prepared has one From, no Bcc, no line over 998 octets and no NUL."""

import email
import re
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from messages.address import Address
from messages.email.branding import Branding
from messages.email.encoded_words import decode_words
from messages.email.mailboxes import parse_mailboxes
from messages.email.mime import MAX_LINE_OCTETS, find_long_line
from messages.email.pipeline import Preparation, Rewritten, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Trace
from messages.picture import Picture
from messages.reply import Refused
from tests.fakes.pictures import gif
from tests.fidelity import UNSENDABLE, judge
from tests.fidelity.preparing import SERVICE, arrived
from tests.fidelity.preparing import prepared as typical
from tests.fuzz.strategies import letters

BRANDING = Branding("<table>Envoyé\u2014te</table>", "<table>Envoyé</table>", "_" * 40 + "\r\nEnvoyé \u2014 Ω")
CARRIED = replace(BRANDING, images=(Picture.parse(gif(1, 1)),))

PIECES = [
    *(b"From", b"Bcc", b"Reply-To", b"Subject", b"Content-Type", b"Content-Transfer-Encoding", b"Received", b"X"),
    *(b": ", b":", b" :", b"\r\n", b"\r\n\r\n", b"\r\n ", b"\n", b"\r", b" ", b"\t", b"\0", b"\xe9", b"\xc3\xa9"),
    *(b"multipart/mixed", b"multipart/alternative", b"multipart/related", b"message/rfc822", b"text/plain"),
    *(b"text/html", b"; boundary=b", b'; boundary="b', b"; charset=", b"utf-8", b"iso-2022-jp", b"utf-16", b"hz"),
    *(b"; format=flowed", b"base64", b"quoted-printable", b"8bit", b"YWJj", b"=C3=A9", b"=", b"\r\n--b\r\n"),
    *(b"\r\n--b--\r\n", b"--", b"b", b"<body>", b"</body>", b"<!--", b"-->", b"<script>", b"</script>", b"<html>"),
    *(b"</head>", b"<a href='", b'"', b">", b"a@example.ca", b"<a@example.ca>", b"=?utf-8?B?w6k=?=", b"=?x?q?=?="),
    *(b"(", b")", b",", b";", b"\x1b$B%F", b"\x1b(B", b"begin 644 x\r\n", b"-----BEGIN PGP MESSAGE-----\r\n"),
    *(b"http://x.example/", b"text", b"x" * 999, b"word " * 250, b"YWJj" * 300, b"multipart/signed"),
]
pieces = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=6)), max_size=60).map(b"".join)
messages = st.one_of(st.binary(max_size=400), pieces, pieces.map(lambda body: b"From: a@example.ca\r\n" + body))


def prepared(content: bytes, reply_to: str, branding: Branding | None, author_name: bool) -> Rewritten | None:
    sender = SenderPolicy("Sé", Address("s", "example.ca"), author_name, reply_to, None, frozenset({"@example.ca"}))
    preparation = Preparation(sender, branding, Trace("h", "::1", "ESMTPSA", "r.example"), UUID(int=7), 1.7e9)
    try:
        return prepare(content, preparation)
    except Refused:
        return None


options = {"reply_to": st.sampled_from(["registered", "any", "none"]), "author_name": st.booleans()}


@given(content=messages, branding=st.sampled_from([None, BRANDING, CARRIED]), **options)
def test_any_bytes_are_prepared_or_refused(content, branding, reply_to, author_name):
    done = prepared(arrived(content), reply_to, branding, author_name)
    if done is None:
        return
    head = done.content.partition(b"\r\n\r\n")[0]
    lines = re.split(rb"[\r\n]+", head)
    assert len([line for line in lines if re.match(rb"(?i)from[ \t]*:", line)]) == 1
    assert len([line for line in lines if re.match(rb"(?i)reply-to[ \t]*:", line)]) <= 1
    assert not any(re.match(rb"(?i)(resent-)?bcc[ \t]*:", line) for line in lines)
    assert len(email.message_from_bytes(done.content).get_all("From", [])) == 1
    assert done.content.endswith(b"\r\n")
    assert not UNSENDABLE.search(done.content)
    assert len(done.subject) <= 998


@given(content=messages)
def test_bytes_that_are_not_normalised_do_no_harm(content):
    prepared(content, "any", BRANDING, author_name=True)


@settings(max_examples=settings.default.max_examples * 8)
@given(content=letters.map(arrived), variant=st.sampled_from(["default", "default", "none"]))
def test_letter_is_changed_only_where_it_is_said(content, variant):
    try:
        done = typical(content, variant=variant)
    except Refused:
        return
    assert judge(content, done.content, SERVICE if variant == "default" else "").damage == ()
    assert applied(done.edits, content) == done.content


def applied(edits: Sequence[tuple[int, int, bytes]], content: bytes) -> bytes:
    at, pieces = 0, []
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        assert at <= start <= end
        pieces += [content[at:start], new]
        at = end
    return b"".join([*pieces, content[at:]])


kinds = st.sampled_from(
    [
        "text/plain",
        "text/html",
        "text/plain; charset=utf-8",
        "text/html; charset=iso-8859-1",
        "text/plain; charset=koi8-r",
        "application/octet-stream",
    ]
)


@given(
    kind=kinds,
    encoding=st.sampled_from(["7bit", "8bit", "quoted-printable", "base64"]),
    body=st.one_of(pieces, st.text(max_size=80).map(str.encode)),
    branding=st.sampled_from([None, BRANDING]),
)
def test_decoded_content_stays_what_was_sent(kind, encoding, body, branding):
    head = f"From: a@example.ca\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}"
    content = arrived(head.encode() + b"\r\n\r\n" + body)
    done = prepared(content, "none", branding, author_name=False)
    if done is None:
        assert encoding in ("base64", "quoted-printable"), "only a damaged encoding keeps a long line or a NUL in place"
        assert UNSENDABLE.search(content)
    else:
        assert judge(content, done.content, "Envoyé" if branding else "").damage == ()


@given(
    lengths=st.lists(st.sampled_from([0, 1, 500, 996, 997, 998, 999, 1000, 1001, 3000]), min_size=1, max_size=8),
    end=st.sampled_from([b"", b"\r\n"]),
)
def test_first_long_line_is_found(lengths, end):
    data = b"\r\n".join(b"x" * length for length in lengths) + end
    starts = [sum(lengths[:number]) + 2 * number for number in range(len(lengths))]
    long = [start for start, length in zip(starts, lengths, strict=True) if length > MAX_LINE_OCTETS]
    assert find_long_line(data, 0, len(data)) == (long[0] if long else None)


@given(text=st.text(max_size=200))
def test_any_text_is_read_as_mailboxes_and_words(text):
    parse_mailboxes(text)
    decode_words(text)

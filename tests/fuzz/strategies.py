"""Messages as Hypothesis strategies: whole structures with the oddities that real ones have, seldom random octets.

Each is a message as a client might hand it over; what makes it odd is drawn apart from what makes it large.
"""

from collections.abc import Sequence

from hypothesis import strategies as st

CHARSETS = (
    *(
        "us-ascii",
        "utf-8",
        "UTF-8",
        '"iso-8859-1"',
        "windows-1252",
        "iso-8859-15",
        "koi8-r",
        "big5",
        "gb2312",
        "euc-kr",
    ),
    *("shift_jis", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312", "utf-7", "utf-16", "utf-16le", "x-unknown", "", "hex"),
)
ENCODINGS = (
    *(
        None,
        None,
        "7bit",
        "7bit",
        "8bit",
        "8bit",
        "binary",
        "quoted-printable",
        "quoted-printable",
        "Quoted-Printable ",
    ),
    *("base64", "x-uuencode", "x-odd"),
)
TYPES = ("text/plain", "text/html", "TEXT/HTML", "text/plain ", "text/calendar; method=REQUEST", "text/x-amp-html")
PARAMETERS = (
    *("", "", "", "; format=flowed", "; format=flowed; delsp=yes", '; name="a.txt"', ";", ";\r\n\tformat=flowed"),
    *("; charset=utf-8", "; charset*=us-ascii'en'utf-8", '; x="; charset=big5"', "\r\n ;\r\n reply-type=original"),
    *("; charset", " (a comment)"),
)
FILES = ("application/pdf", "image/png", "application/ms-tnef", "application/octet-stream", "text/csv", "audio/x-odd")
SUBTYPES = ("mixed", "alternative", "related", "digest", "report; report-type=delivery-status", "parallel", "x-odd")
NAMES = (
    *("Subject", "To", "Cc", "Bcc", "Resent-Bcc", "Reply-To", "Sender", "Date", "Message-ID", "References"),
    *("In-Reply-To", "List-Id", "List-Unsubscribe", "MIME-Version", "Content-Language", "Received", "X-Odd", "From"),
    *("DKIM-Signature", "X-Notify-Reference", "X-SES-Odd", "Return-Path", "Content-MD5", "Errors-To", "Comments"),
)
VALUES = (
    *(b"word", b"a@example.ca", b"Ann <a@example.ca>", b"<1@example.ca>", b"=?utf-8?B?w6k=?=", b"=?x?q?=E9?=", b"\xe9"),
    *(b"\xc3\xa9t\xc3\xa9", b"<1@example.ca>\r\n <2@example.ca>", b"folded\r\n\tvalue", b"1.0", b"", b"a;b,c:d;", b'"'),
    *(b"word " * 300, b"Office: a@example.ca, b@example.ca;", b"en", b"fr-CA", b"(a comment"),
)
WORDS = (
    *(b"word", b"two words", b" ", b"\r\n", b"\r\n\r\n", b"> quoted \r\n", b".", b"-- \r\n", b"\t", b"=", b"=E9"),
    *(b"=\r\n", b"<p>", b"</p>", b"<br>", b"<html>", b"<body>", b"</body>", b"</html>", b"<!-- ", b" -->", b"<b"),
    *(b"<title>x</title>", b"<style>p{}</style>", b"&eacute;", b'<img src="cid:i@x">', b"http://example.ca/?a=1&b=2"),
    *(b"YWJj", b"~{<:~}", b"~", b"+AOk-", b"begin 644 a.txt\r\n", b"From here", b"--b"),
    *(b"--b--", b"__\r\nOther footer", b"\x1b$B%F%9\x1b(B", b"\x1b$B%F"),
)
RARE = (
    *(b"\xe9", b"\xc3\xa9", b"\xe2\x82\xac", b"\x93q\x94", b"\xa4\xa4", b"\x81\x40", b"\x0e", b"\0", b"x" * 1003),
    b"word " * 220,
)
SIGNATURE = b"\r\nContent-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n"

fields = st.builds(lambda name, colon, value: name.encode() + colon + value + b"\r\n", *(
    st.sampled_from(NAMES), st.sampled_from([b": ", b":", b" : ", b":\r\n "]), st.sampled_from(VALUES)
))  # fmt: skip
garbage = st.sampled_from([b"no field\r\n", b" continued\r\n", b"-----\r\n", b"From here\r\n", b": nothing\r\n"])
plain_words = st.lists(st.sampled_from(WORDS), max_size=8).map(b"".join)
words = st.lists(
    st.one_of(*[st.sampled_from(WORDS)] * 6, st.sampled_from(RARE), st.binary(max_size=3)), max_size=12
).map(b"".join)


def described(kind: str, encoding: str | None, more: Sequence[bytes]) -> bytes:
    """The fields that describe a part, up to its empty line."""
    lines = [f"Content-Type: {kind}\r\n".encode()] if kind else []
    lines += [f"Content-Transfer-Encoding: {encoding}\r\n".encode()] if encoding else []
    return b"".join([*lines, *more, b"\r\n"])


texts = st.builds(
    lambda kind, charset, rest, encoding, more, body: (
        described(f"{kind}; charset={charset}{rest}" if charset is not None else kind + rest, encoding, more) + body
    ),
    st.sampled_from(TYPES),
    st.sampled_from([None, *CHARSETS[:7], *CHARSETS]),
    st.sampled_from(PARAMETERS),
    st.sampled_from(ENCODINGS),
    st.lists(st.sampled_from([b"Content-ID: <t@x>\r\n", b"Content-Disposition: inline\r\n", b"X: y\r\n"]), max_size=1),
    words,
)
files = st.builds(
    lambda kind, encoding, more, body: described(kind, encoding, more) + body,
    st.sampled_from(FILES),
    st.sampled_from(ENCODINGS),
    st.lists(
        st.sampled_from([
            b"Content-Disposition: attachment; filename=a.pdf\r\n",
            b"Content-Disposition: attachment;\r\n filename*=utf-8''%C3%A9.pdf\r\n",
            b"Content-ID: <i@x>\r\n",
            b"Content-MD5: x\r\n",
        ]),
        max_size=2,
    ),
    words,
)  # fmt: skip
messages_inside = st.builds(
    lambda kind, inner: described(kind, None, ()) + inner,
    st.sampled_from(["message/rfc822", "message/delivery-status", "message/partial", "message/x-odd"]),
    words,
)


def multiparts(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """A multipart of what is given; its delimiters are its own, or another's, and the last one may be missing."""
    return st.builds(
        _multipart,
        st.sampled_from(SUBTYPES),
        st.sampled_from(["b", "b", "bb", "b-1", "other"]),
        st.sampled_from(["", "", "", "", "", "", "b"]),
        st.sampled_from([b"", b"", b"preamble\r\n", b"--x\r\n"]),
        st.lists(children, min_size=1, max_size=3) | st.just([]),
        st.sampled_from([b"--", b"--", b"--", b"", b"-- \t"]),
        st.sampled_from([b"\r\n", b"\r\n", b"\r\nepilogue\r\n", b""]),
    )


def _multipart(
    subtype: str, boundary: str, used: str, before: bytes, parts: list[bytes], close: bytes, behind: bytes
) -> bytes:
    delimiter = f"--{used or boundary}".encode()
    body = b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts)
    head = described(f'multipart/{subtype}; boundary="{boundary}"', None, ())
    return head + before + body + (delimiter + close if close else b"") + behind


def _signed(inner: bytes) -> bytes:
    head = b'Content-Type: multipart/signed; boundary="sig"\r\n\r\n--sig\r\nContent-Type: text/plain\r\n\r\n'
    return head + inner + b"\r\n--sig" + SIGNATURE + b"--sig--"


sealed = st.one_of(
    plain_words.map(_signed),
    plain_words.map(lambda body: described("application/pkcs7-mime; name=smime.p7m", "base64", ()) + body),
    words.map(lambda body: b"\r\n-----BEGIN PGP MESSAGE-----\r\n" + body),
)
leaves = st.one_of(*[texts] * 7, *[files] * 2, messages_inside, sealed)
parts = st.recursive(leaves, multiparts, max_leaves=6)
heads = st.lists(st.one_of(*[fields] * 9, garbage), max_size=6).map(b"".join)
letters = st.builds(
    lambda first, head, version, part: first + head + version + part + b"\r\n",
    st.sampled_from([b"From: Ann <a@example.ca>\r\n", b"", b"From: a@example.ca\r\nFrom: b@example.ca\r\n"]),
    heads,
    st.sampled_from([b"MIME-Version: 1.0\r\n", b""]),
    parts,
)

"""SES has no SMTPUTF8, and readers differ in what raw octets mean and where a line ends: each header field says the
same as before, in printable ASCII, in the message, its parts and the messages in it.

Address fields of the message itself are not looked at here.
"""

import email
from email import policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messages import reply
from messages.reply import Refused
from tests.fidelity import judge
from tests.fidelity.fields import raw_octets
from tests.fidelity.preparing import SERVICE, prepared
from tests.fidelity.reading import read
from tests.harness.sampled import examples

FROM = b"From: a@x.example\r\nDate: Mon, 02 Jun 2025 09:00:00 -0400\r\n"
BODY = b"\r\nhello\r\n"


def sent(field: bytes, body: bytes = BODY) -> bytes:
    """What leaves; nothing else was changed in it."""
    content = FROM + field + b"\r\n" + body
    done = prepared(content).content
    assert judge(content, done, SERVICE).damage == ()
    assert max(map(len, done.split(b"\r\n"))) <= 998
    return done


def said(field: bytes, body: bytes = BODY) -> str:
    """What the standard library reads in the field of that name in what leaves."""
    name = field.partition(b":")[0].decode("ascii")
    value = email.message_from_bytes(sent(field, body), policy=policy.default)[name]
    return " ".join(str(value).split())


LATIN = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=%b\r\n" + BODY
TEXTS = {
    "UTF-8": ("Subject: Déjà vu".encode(), BODY, "Déjà vu"),
    "windows-1252": (b"Subject: l\x92\xe9t\xe9 \x96 d\xe9j\xe0", BODY, "l\u2019été \u2013 déjà"),
    "charset of the text": (b"Subject: \xf0\xd2\xc9\xd7\xc5\xd4", LATIN % b"koi8-r", "Привет"),
    "ISO-2022-JP": (b"Subject: \x1b$B4A;z\x1b(B ok", BODY, "漢字 ok"),
    "a word and octets": ("Subject: =?utf-8?Q?caf=C3=A9?= café".encode(), BODY, "café café"),
    "octets in a word": ("Subject: =?utf-8?Q?café_noir?=".encode(), BODY, "café noir"),
    "windows-1252 labelled as another": (b"Subject: =?iso-8859-1?Q?it=92s?= caf\xe9", BODY, "it\u2019s café"),
    "folded": ("Subject: un été\r\n\t  passé à la mer".encode(), BODY, "un été passé à la mer"),
    "unknown": ("X-Application-Note: à lire".encode(), BODY, "à lire"),
    "phrase": ("List-Id: Liste générale <liste.x.example>".encode(), BODY, "Liste générale <liste.x.example>"),
    "Comments": ("Comments: (à) \"b\" <é>".encode(), BODY, '(à) "b" <é>'),
    "NEL and separators": ("X-A: a\u0085b\u2028Bcc: c\u2029d".encode(), BODY, "a b Bcc: c d"),
    "long": (("Subject: " + "été à la mer " * 400).encode(), BODY, " ".join(["été à la mer"] * 400)),
    "long in one word": (b"Subject: " + b"\xe9" * 3000, BODY, "é" * 3000),
    "long encoded word": (b"Subject: =?utf-8?B?" + b"w6nDqcOp" * 300 + b"?=", BODY, "ééé" * 300),
    "long encoded word with blanks": (b"Subject: =?utf-8?Q?" + b"=C3=A9t=C3=A9 " * 200 + b"?=", BODY, "été " * 200),
    "blanks that no line holds": ("Subject: été".encode() + b" " * 1200 + b"ok", BODY, "été ok"),
    "long ASCII": (b"Subject: " + b"word " * 400, BODY, " ".join(["word"] * 400)),
    "long ASCII without a blank": (b"Subject: " + b"x" * 1500, BODY, "x" * 1500),
}  # fmt: skip


@pytest.mark.parametrize(("field", "body", "text"), TEXTS.values(), ids=TEXTS)
def test_text_is_the_same(field: bytes, body: bytes, text: str) -> None:
    assert said(field, body) == text.strip()


def test_lines_are_short_and_ascii_beside_the_words_stays() -> None:
    done = sent("X-Order: id=17; name=Zoë; état=payé; total=12".encode())
    assert b"\r\nX-Order: id=17; =?utf-8?B?" in done
    assert b"?= total=12\r\n" in done
    assert max(map(len, sent(("Subject: " + "été " * 100).encode()).partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 78


STRUCTURED = {
    "Message-ID: <é1@x.example>": "Message-ID: <%C3%A91@x.example>",
    "In-Reply-To: <é1@x.example> (le 2 août)": "In-Reply-To: <%C3%A91@x.example> (le 2 =?utf-8?B?YW/Du3Q=?=)",
    "Received: from pc-é by b; Mon, 02 Jun 2025 09:00:00 -0400": (
        "Received: from pc-%C3%A9 by b; Mon, 02 Jun 2025 09:00:00 -0400"
    ),
    "List-Unsubscribe: <https://x.example/désabonner?à=1>": (
        "List-Unsubscribe: <https://x.example/d%C3%A9sabonner?%C3%A0=1>"
    ),
    "MIME-Version: 1.0 (é)": "MIME-Version: 1.0 (=?utf-8?B?w6k=?=)",
}


@pytest.mark.parametrize("field", STRUCTURED)
def test_identifiers_and_comments_keep_their_grammar(field: str) -> None:
    done = sent(field.encode()).replace(b"\r\n ", b" ")
    assert f"\r\n{STRUCTURED[field]}\r\n".encode() in done


def test_a_message_id_that_is_none_is_told_as_its_sender_wrote_it() -> None:
    done = prepared("From: a@x.example\r\nMessage-ID: <é1@x.example>\r\n\r\nhello\r\n".encode())
    assert done.original_message_id == "<é1@x.example>"


def test_comment_of_a_date_is_encoded_and_a_date_that_is_none_is_replaced() -> None:
    zone = prepared(b"From: a@x.example\r\nDate: Mon, 02 Jun 2025 09:00:00 -0400 (Heure d'\xe9t\xe9)\r\n\r\nx\r\n")
    assert b"\r\nDate: Mon, 02 Jun 2025 09:00:00 -0400 (Heure =?utf-8?B?ZCfDqXTDqQ==?=)\r\n" in zone.content.replace(
        b"\r\n (", b" ("
    )
    none = prepared("From: a@x.example\r\nDate: lun. 02 août 2025 09:00:00 -0400\r\n\r\nx\r\n".encode())
    assert b"Date: Thu, 09 Oct 2025 08:53:20 +0000\r\n" in none.content


# -- Parts -----------------------------------------------------------------------------------------------------------

NAMES = {
    'Content-Disposition: attachment; filename="Reçu.pdf"': "Reçu.pdf",
    "Content-Disposition: attachment; filename=Reçu final.pdf": "Reçu final.pdf",
    'Content-Type: application/pdf; x=y; name="Relevé de compte, janvier 2025, version définitive.pdf"': (
        "Relevé de compte, janvier 2025, version définitive.pdf"
    ),
    "Content-Disposition: attachment; filename*=utf-8''Reçu%20é.pdf": "Reçu é.pdf",
    'Content-Disposition: attachment; filename*0="Re"; filename*1="çu.pdf"': "Reçu.pdf",
    'Content-Disposition: attachment; filename="=?utf-8?Q?Re=C3=A7u?= é.pdf"': "Reçu é.pdf",
    'Content-Disposition: attachment; filename="a \\"b\\" é; c.pdf"': 'a "b" é; c.pdf',
    'Content-Disposition: attachment; filename="Reçu.pdf': "Reçu.pdf",
    f'Content-Disposition: attachment; filename="{"n" * 1200}.pdf"': f"{'n' * 1200}.pdf",
}


def with_part(fields: bytes, body: bytes = b"JVBERi0xLjQ=") -> bytes:
    head = b"From: a@x.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return head + b"--b\r\n\r\nhello\r\n--b\r\n" + fields + b"\r\n\r\n" + body + b"\r\n--b--\r\n"


@pytest.mark.parametrize("field", NAMES)
@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_file_name_is_the_same(field: str, charset: str) -> None:
    content = with_part(field.encode(charset) + b"\r\nContent-Transfer-Encoding: base64")
    done = prepared(content).content
    assert list(raw_octets(read(done))) == []
    assert email.message_from_bytes(done, policy=policy.default).get_payload()[-1].get_filename() == NAMES[field]


def test_any_field_of_a_part_at_any_depth_is_encoded() -> None:
    inner = "--c\r\nX-Note: été\r\nContent-Description: où\r\n\r\ntext\r\n--c--".encode()
    done = prepared(with_part(b"Content-Type: multipart/mixed; boundary=c", inner)).content
    assert done.isascii()
    assert b"Content-Description: =?utf-8?B?b8O5?=\r\n" in done


def test_boundary_that_no_field_can_hold_is_another_one() -> None:
    content = with_part(b"Content-Type: application/pdf").replace(b"boundary=b", 'boundary="é"'.encode())
    done = prepared(content.replace(b"--b", "--é".encode())).content
    assert done.isascii()
    assert [each.type for each in read(done).children] == ["multipart/alternative", "application/pdf"]


def test_message_in_the_message_keeps_its_text_and_gets_ascii_fields() -> None:
    """RFC 2046 5.2.1: its header fields are always ASCII; its body may be 8bit, and stays."""
    inner = (
        'From: Zoë Été <zoë@bücher.example>\r\nTo: "Ç, d" <d@x.example>\r\nSubject: Déjà\r\n'
        "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nX-A: é\r\n\r\nété\r\n--c--"
    ).encode()
    content = with_part(b"Content-Type: message/rfc822", inner)
    done = prepared(content).content
    assert judge(content, done, SERVICE).damage == ()
    assert b"From: =?utf-8?B?Wm/DqyDDiXTDqQ==?= <zo%C3%AB@xn--bcher-kva.example>\r\n" in done
    assert b"To: =?utf-8?B?w4csIGQ=?= <d@x.example>\r\n" in done
    assert done.endswith("\r\n\r\nété\r\n--c--\r\n--b--\r\n".encode())


def test_signed_content_is_refused_for_a_field_as_for_a_body() -> None:
    signed = 'Content-Type: multipart/signed; boundary=s\r\nX-Out: é\r\n\r\n--s\r\nContent-Type: text/plain; name="{}"'
    rest = "\r\n\r\nsigned\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
    with pytest.raises(Refused) as refused:
        prepared((FROM.decode() + signed.format("é") + rest).encode())
    assert refused.value.reply is reply.EIGHT_BIT_SIGNED
    assert prepared((FROM.decode() + signed.format("e") + rest).encode()).content.isascii()


# -- Control characters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "control", [*map(chr, (*range(1, 9), 11, 12, *range(14, 32), 127)), "\x85", "\u2028", "\u2029"]
)
@pytest.mark.parametrize(
    "field", ["Subject: a{}Bcc: eve@x.example", "Sub{}ject: Bcc: eve@x.example", "{}Bcc: a", "X: {}"]
)
def test_no_reader_sees_another_field_behind_a_control_character(control: str, field: str) -> None:
    content = FROM + field.format(control).encode() + b"\r\nX-Last: x\r\n" + BODY
    done = prepared(content, variant="none").content
    head = done.partition(b"\r\n\r\n")[0]
    assert control.encode() not in head
    lines = head.decode("ascii").splitlines()
    assert [each for each in lines if each.lower().startswith("bcc")] == []
    assert email.message_from_bytes(done)["x-last"] == "x"


def test_line_of_control_characters_within_a_field_is_no_empty_line() -> None:
    done = sent(b"X-A: a\r\n \x0b\x01\r\n b")
    assert b"\r\nX-A: a" in done
    assert not any(line.isspace() for line in done.partition(b"\r\n\r\n")[0].split(b"\r\n"))


def test_file_type_is_judged_by_the_name_that_leaves() -> None:
    with pytest.raises(Refused) as refused:
        prepared(with_part(b'Content-Disposition: attachment; filename="a.e\x01xe"'))
    assert refused.value.reply is reply.ATTACHMENT_TYPE


def test_what_an_encoded_word_hides_makes_no_field() -> None:
    done = sent("Subject: =?utf-8?Q?a=0D=0ABcc:_eve@x.example=0B?= é".encode())
    assert email.message_from_bytes(done)["bcc"] is None
    assert b"\nBcc" not in done


# -- Any octets ------------------------------------------------------------------------------------------------------

ODD = (1, 9, 11, 12, 27, 28, 30, 32, 127, 0x85, 0xA0, 0xE9)
PLAIN = (b"=", b'"', b"(", b")", b"<", b">", b"@", b";", b",", b":", b"\\", b"'", b"%", b"word", b"x" * 1000)
LONGER = (b"\r\n ", b"\r\n\t", b"=?utf-8?Q?=C3=A9?=", b"=?utf-8?B?w6k=?=", b"; name=", b"; filename*=utf-8''")
LETTERS = ("é".encode(), "\u2028".encode(), b"\x1b$B", b"; charset=", b"; boundary=")
PIECES = st.sampled_from([*(bytes([each]) for each in ODD), *PLAIN, *LONGER, *LETTERS])
VALUES = st.lists(PIECES, max_size=12).map(b"".join)
FIELDS = [b"Subject", b"X-Any", b"Content-Type: text/plain", b"Content-Disposition: attachment", b"Content-ID", b"Date"]
FIELDS += [b"Message-ID", b"References", b"Received", b"List-Id", b"MIME-Version", b"Content-Transfer-Encoding"]


@settings(max_examples=examples(400))
@given(
    st.lists(st.tuples(st.sampled_from(FIELDS), VALUES), min_size=1, max_size=4),
    st.sampled_from(["message", "part", "inner"]),
)
def test_whatever_stands_in_a_field_no_octet_leaves_that_is_no_printable_ascii(
    values: list[tuple[bytes, bytes]], where: str
) -> None:
    fields = b"\r\n".join(name + (b"" if b":" in name else b": ") + value for name, value in values)
    if where == "message":
        content = b"From: a@x.example\r\n" + fields + b"\r\n\r\nhello\r\n"
    elif where == "part":
        content = with_part(fields)
    else:
        content = with_part(b"Content-Type: message/rfc822", fields + b"\r\n\r\nhello")
    try:
        done = prepared(content).content
    except Refused:
        return
    assert list(raw_octets(read(done))) == []
    assert not any(line.isspace() for line in done.partition(b"\r\n\r\n")[0].split(b"\r\n"))


def test_boundaries_that_begin_alike_stay_apart() -> None:
    outer, inner = (("é" * 20 + end).encode() for end in "AB")
    parts = b"--%b\r\n\r\none\r\n--%b\r\n\r\ntwo\r\n--%b--" % (inner, inner, inner)
    within = b'Content-Type: multipart/mixed; boundary="%b"\r\n\r\n%b\r\n' % (inner, parts)
    body = b"--%b\r\n%b--%b\r\n\r\nthree\r\n--%b--\r\n" % (outer, within, outer, outer)
    head = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="%b"\r\n\r\n' % outer
    done = email.message_from_bytes(prepared(FROM + head + body).content)
    assert [len(part.get_payload()) for part in done.walk() if part.get_content_type() == "multipart/mixed"] == [2, 2]

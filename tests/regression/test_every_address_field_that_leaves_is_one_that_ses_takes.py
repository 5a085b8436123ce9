"""SES parses From, Reply-To, To and Cc, and refuses the whole message for one entry that it cannot read."""

import email
import email.policy
import email.utils
import time
from dataclasses import replace
from email.header import decode_header, make_header
from uuid import UUID

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages.address import Address
from messages.email.line_ends import mend_line_ends
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Trace
from messages.reply import Refused
from tests.fakes import addresses, ses
from tests.fidelity.preparing import key, seal

POLICY = SenderPolicy("Service", Address("s", "notification.example.ca"), False, "any", None, frozenset())
PREPARATION = Preparation(POLICY, None, Trace("h", "::1", "ESMTPSA", "r.example"), UUID(int=7), 1.7e9)
FROM = b"From: App <app@products.example.com>\r\n"
NOBODY = b"undisclosed-recipients:;"


def leaves(fields: bytes, policy: SenderPolicy = POLICY) -> bytes:
    content = fields + b"\r\ntext\r\n"
    return prepare(content, replace(PREPARATION, sender=policy)).content


def value(fields: bytes, name: bytes) -> bytes | None:
    """Of the one field of that name that leaves, unfolded."""
    found = [value for each, value in ses.header_fields(leaves(FROM + fields)) if each == name]
    assert len(found) < 2
    return found[0].replace(b"\r\n", b"").strip() if found else None


def refused(content: bytes) -> ses.Rejection | None:
    return ses.check(content, {"ToAddresses": ["citizen@example.org"]}, [])


RIGHT = [
    b"k@example.org",
    b'K. Chan <k@example.org>, "Lee, Ann"\r\n <ann@example.org>',
    b"k@example.org (Karen Chan)",
    b"=?utf-8?Q?Caf=C3=A9?=\r\n\t<k@example.org>",
    b"Team: a@example.org, Bo <bo@example.org>;",
    b"Team:;, k@example.org",
    b"undisclosed-recipients: ;",
    b'"john doe"@city.example',
    b"reply+" + b"f" * 80 + b"@reply.example.com",
    b", ".join(b"a%d@example.org" % number for number in range(6_000)),
]


@pytest.mark.parametrize("field", RIGHT, ids=lambda field: field[:30])
@pytest.mark.parametrize("name", [b"To", b"CC", b"Resent-To", b"Disposition-Notification-To"])
def test_field_that_everybody_reads_keeps_its_octets(name, field):
    sent = leaves(FROM + name + b":  " + field + b" \r\n")
    # Nobody's line may be longer than 998 octets, so the one long line is folded.
    assert b"\r\n" + name + b":  " + field[:900] in sent
    assert sent.replace(b"\r\n ", b" ").count(field.replace(b"\r\n ", b" ")) == 1
    assert refused(sent) is None


MENDED = [
    (b"root", NOBODY),
    (b"", NOBODY),
    (b"<>", NOBODY),
    (b"Friends", NOBODY),
    (b"root@localhost, nagios@[192.0.2.1], a@b_c.example.com, a@b..example", NOBODY),
    ("élise@example.org".encode(), NOBODY),
    (b"=?utf-8?Q?=6B=40example.org?=", NOBODY),
    (b"Undisclosed recipients:", NOBODY),
    (b"Chan, Karen <k@example.org>", b'"Chan, Karen" <k@example.org>'),
    (b"Chan (HR) Karen [IT] <k@example.org>", b'"Chan Karen [IT]" <k@example.org>'),
    (b"k@example.org <k@example.org>", b'"k@example.org" <k@example.org>'),
    (b"=?utf-8?Q?Chan,_Karen?= <k@example.org>", b'"Chan, Karen" <k@example.org>'),
    (
        b"<First Last <first@example.com, Second <second@example.com>",
        b"First Last <first@example.com>, Second <second@example.com>",
    ),
    (b'"Karen <k@example.org>', b"Karen <k@example.org>"),
    (b"Karen (work <k@example.org>", b"Karen work <k@example.org>"),
    (b"Karen <k@example.org", b"Karen <k@example.org>"),
    (b"k@example.org>", b"k@example.org"),
    (b"Karen <k@example.org> work", b"Karen <k@example.org>"),
    ("user@bücher.example".encode(), b"user@xn--bcher-kva.example"),
    ("Bücher <user@bücher.example>".encode(), b"=?utf-8?B?QsO8Y2hlcg==?= <user@xn--bcher-kva.example>"),
    ("Élise <e@example.org>".encode(), b"=?utf-8?B?w4lsaXNl?= <e@example.org>"),
    ("Élise <e@example.org>".encode("latin-1"), b"=?utf-8?B?w4lsaXNl?= <e@example.org>"),
    (b"=?iso-8859-1?Q?Andr\xe9=E9?= <a@example.org>", b"=?utf-8?B?QW5kcsOpw6k=?= <a@example.org>"),
    (b"D\x92Arcy <d@example.org>", b"=?utf-8?B?ROKAmUFyY3k=?= <d@example.org>"),
    (b"a@example.org; b@example.org;", b"a@example.org, b@example.org"),
    (b"a@example.org b@example.org", b"a@example.org, b@example.org"),
    (b"a@example.org,, b@example.org,", b"a@example.org, b@example.org"),
    (b"a@example.org, A@EXAMPLE.ORG, root", b"a@example.org"),
    (b"<a@example.org, b@example.org>", b"a@example.org, b@example.org"),
    (b"<a@example.org> b@example.org (Bo) c@example.org", b"a@example.org, b@example.org, c@example.org"),
    (b"Ann <a@example.org>b@example.org", b"Ann <a@example.org>, b@example.org"),
    (b"<a@example.org> b@localhost", b"a@example.org"),
    (b"<a@example.org> <b@example.org>", b"a@example.org, b@example.org"),
    (b"Team: a@example.org, b@example.org", b"a@example.org, b@example.org"),
    (b"Team: a@example.org, root;", b"a@example.org"),
    (b"mailto:k@example.org", b"k@example.org"),
    (b"k@example.org.", b"k@example.org"),
    (b"Karen <k @example.org>, Bo <bo@example.org>", b"Bo <bo@example.org>"),
    (b'"john doe"@city.example, root', b'"john doe"@city.example'),
    (b'"help"desk@example.org, he(x)lp@example.org', NOBODY),
    (b"jo\x00hn@example.org, ka\x0bren@example.org, <k@exam\x05ple.org>", NOBODY),
    (b"Karen\x00\x1b <k@example.org>", b"Karen <k@example.org>"),
    (b"k@example.org\r\nTo: b@example.org, K@example.org", b"k@example.org, b@example.org"),
    (b"Team: a@example.org;\r\nTo: b@example.org", b"Team: a@example.org;, b@example.org"),
    (b",".join(b"a%d@x.ca" % at for at in range(999)), b", ".join(b"a%d@x.ca" % at for at in range(999))),
    (b"root\r\nTO : Bo <b@example.org>\r\nto:", b"Bo <b@example.org>"),
]


@pytest.mark.parametrize(("field", "expected"), MENDED, ids=[str(field)[:40] for field, _ in MENDED])
def test_field_that_cannot_stand_is_written_anew(field, expected):
    assert value(b"To: " + field + b"\r\n", b"to") == expected
    cc = field.replace(b"\nTo", b"\nCc").replace(b"\nTO", b"\nCC").replace(b"\nto", b"\ncc")
    assert value(b"Cc: " + cc + b"\r\n", b"cc") == (None if expected == NOBODY else expected)
    assert refused(leaves(FROM + b"To: " + field + b"\r\nCc: " + cc + b"\r\n")) is None


@pytest.mark.parametrize("name", [b"Resent-To", b"Resent-Cc", b"Resent-From", b"Return-Receipt-To"])
def test_fields_that_only_readers_parse_are_mended_too(name):
    assert value(name + b": Chan, K\xe9ren <k@example.org>\r\n", name.lower()).isascii()
    assert value(name + b": root\r\n", name.lower()) is None


def test_names_in_raw_octets_are_read_in_the_charset_of_the_text():
    letter = FROM + "To: Иван <i@example.org>\r\n".encode("koi8-r") + b"Content-Type: text/plain; charset=koi8-r\r\n"
    message = email.message_from_bytes(leaves(letter), policy=email.policy.default)
    assert message["To"].addresses[0].display_name == "Иван"


@pytest.mark.parametrize("name", ["ᐃ" * 100, "é" * 128, "\U0001f600" * 40, "a, " * 40, '"' * 128, "x" * 128])
@pytest.mark.parametrize("address", [Address("s", "notification.example.ca"), Address("s" * 231, "n.example.ca")])
def test_name_is_cut_between_characters_where_it_is_too_long_for_ses(name, address):
    own = replace(POLICY, name=name, address=address, author_name=False)
    sent = leaves(
        b"Reply-To: " + name.encode() + b" <a@example.org>\r\nTo: " + b"x" * 400 + b" <a@example.org>\r\n", own
    )
    assert refused(sent) is None
    written, shown_address = email.utils.parseaddr(email.message_from_bytes(sent)["From"].replace("\r\n", ""))
    assert shown_address == str(address)
    shown = " ".join(str(make_header(decode_header(written))).split())
    assert name.startswith(shown)
    assert len(shown) > 3


def test_a_right_list_of_100_kilobytes_costs_little_and_so_does_a_megabyte_of_wrong_ones():
    for field, seconds in ((b", ".join([b"ann.lee@example.org"] * 5_000), 0.5), (b'a a,<("' * 140_000, 1.5)):
        started = time.process_time()
        leaves(FROM + b"To: " + field + b"\r\nSubject: s\r\n")
        assert time.process_time() - started < seconds


# -- Whatever comes in ---------------------------------------------------------------------------------------------

PIECES = (
    *(b"ann@ok.ca", b"<bo@x.ca>", b"root", b"Ann", b"J.", b'"Lee, Ann"', b'"john doe"@x.ca', b"(c)", b"Team:", b"\xe9"),
    *("é@x.ca".encode(), "a@é.ca".encode(), "É".encode(), b"=?utf-8?Q?a,b?=", b"=?utf-8?B?w4k=?=", b"x" * 300, b"@"),
    *(
        b" ",
        b" ",
        b", ",
        b",",
        b";",
        b":",
        b"<",
        b">",
        b"(",
        b")",
        b'"',
        b"\\",
        b".",
        b"[",
        b"]",
        b"\r\n ",
        b"\0",
        b"=",
    ),
)
values = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)), max_size=9).map(b"".join)
lines = st.tuples(
    st.sampled_from((b"From", b"Reply-To", b"To", b"to ", b"Cc", b"CC", b"Disposition-Notification-To", b"Resent-To")),
    values,
).map(lambda pair: pair[0] + b": " + pair[1] + b"\r\n")


@given(st.lists(lines, max_size=5).map(b"".join), st.sampled_from(["any", "none"]), st.booleans())
def test_whatever_comes_in_ses_takes_what_leaves(fields, reply_to, author_name):
    policy = replace(POLICY, reply_to=reply_to, author_name=author_name)
    try:
        sent = leaves(mend_line_ends(fields, "normalise") + b"Subject: s\r\n", policy)
    except Refused:
        return
    assert refused(sent) is None
    sealed = seal(sent)
    record = key().record.encode()
    assert dkim.verify(sealed, dnsfunc=lambda *_, **__: record)
    known = [(name, value) for name, value in ses.header_fields(sent) if name in WRITTEN]
    assert all(value.isascii() for _, value in known)
    names = [name for name, _ in known if not name.startswith(b"resent-")]
    assert len(names) == len(set(names))
    assert {addresses.problem(value) for _, value in known} <= {None}


WRITTEN = (b"from", b"reply-to", b"to", b"cc", b"disposition-notification-to", b"resent-to")

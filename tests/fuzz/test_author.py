"""Whatever passes for a restricted key: no reader, strict or lenient, sees another author than the key allows."""

import email
import email.policy
import email.utils
import re
import unicodedata
from email.header import decode_header, make_header
from uuid import UUID

from hypothesis import assume, event, given
from hypothesis import strategies as st

from messages.address import Address
from messages.email.author import authors
from messages.email.content import HeaderSection, decode
from messages.email.encoded_words import decode_words
from messages.email.mailboxes import parse_mailboxes
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Trace
from messages.reply import Refused

ALLOWED = frozenset({"ann@ok.ca", "@team.ca"})

OURS = (b"ann@ok.ca", b"Ann@OK.ca", b"bo@team.ca", b"<ann@ok.ca>", b"<x@team.ca>")
OTHERS = (b"evil@x.ca", b"<evil@x.ca>", b"evil@ok.ca.x.ca", b"evil@sub.team.ca", b"@x.ca", b"evil", b"evil@")
MARKS = (
    *(
        b" ",
        b" ",
        b"\t",
        b",",
        b", ",
        b";",
        b":",
        b"<",
        b">",
        b"(",
        b")",
        b'"',
        b"\\",
        b"@",
        b".",
        b"=",
        b"?",
        b"%",
        b"!",
    ),
    *(
        b"\r\n ",
        b"\r\n\t",
        b"\0",
        b"\r",
        b"\n",
        b"\x1b",
        b"\x7f",
        b"\x85",
        b"\xa0",
        b"\xe9",
        b"\xc3\xa9",
        b"\xef\xbc\xa0",
    ),
)
WORDS = (
    *(
        b"Ann",
        b"J.",
        b'"Lee, Ann"',
        b'"ann@ok.ca"',
        b'"evil@x.ca"',
        b'"<evil@x.ca>"',
        b"(evil@x.ca)",
        b"Team:",
        b"@x.ca:",
    ),
    *(b"=?utf-8?Q?Ann?=", b"=?utf-8?Q?evil=40x.ca?=", b"=?utf-8?Q?=3Cevil=40x.ca=3E,?=", b"=?utf-8?B?ZXZpbEB4LmNh?="),
    *(
        b"=?utf-8?Q?=22?=",
        b"=?utf-8?Q?=28?=",
        b"=?utf-8?Q?=0D=0AFrom:_evil?=",
        b"=?utf-7?Q?evil+AEA-x.ca?=",
        b"=?utf-8?Q?=00?=",
        b"=?",
        b"?=",
    ),
    *(b"=?utf-16?B?AEAAeA==?=", b"=?x?Q?evil=40x.ca?=", b"=?utf-8?Q?=EF=BC=A0x.ca?=", b"=?utf-8?B?ZXZ=pbEB4LmNh?="),
)
values = st.lists(st.sampled_from((*OURS, *OURS, *OTHERS, *MARKS, *WORDS)), min_size=1, max_size=8).map(b"".join)
# Most lists of pieces are refused: these are near enough to what is right that many pass.
mailboxes = st.tuples(st.lists(st.sampled_from(WORDS), max_size=2).map(b" ".join), st.sampled_from(OURS[3:])).map(
    b" ".join
)
nearly = st.lists(st.one_of(mailboxes, st.sampled_from(OURS)), min_size=1, max_size=3).map(b", ".join)
fields = st.tuples(
    st.sampled_from((b"From: ", b"from:", b"FROM :", b"Sender: ", b" From: ", b"X: y\r\n From: ", b"Fr\0om: ")),
    st.one_of(values, nearly, nearly),
    st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\r\n \r\n", b"\r", b"\n")),
).map(b"".join)
messages = st.lists(st.one_of(fields, st.just(b"Subject: s\r\n")), min_size=1, max_size=3).map(b"".join)


def passes(content: bytes) -> bool:
    try:
        return all(address.is_in(ALLOWED) for _, address in authors(HeaderSection.parse(content)))
    except Refused:
        return False


def is_allowed(text: str) -> bool:
    try:
        return Address.parse(text).is_in(ALLOWED)
    except ValueError:
        return False


def seen(content: bytes) -> dict[str, list[str]]:
    """The addresses that readers of different schools find in From and Sender: what has an @ sign."""
    compat = email.message_from_bytes(content, policy=email.policy.compat32)
    modern = email.message_from_bytes(content, policy=email.policy.default)
    raw = [str(value) for name in ("From", "Sender") for value in compat.get_all(name, [])]
    header = HeaderSection.parse(content)
    octets = [header.raw(field) for field in header.fields if field.name in ("from", "sender")]
    ours = [*map(decode, octets), *(each.decode("utf-8", "replace") for each in octets)]
    structured = [field for name in ("From", "Sender") for field in modern.get_all(name, [])]
    found = {
        "getaddresses": [address for _, address in email.utils.getaddresses(raw)],
        "getaddresses of ours": [address for _, address in email.utils.getaddresses(ours)],
        "headerregistry": [each.addr_spec for field in structured for each in field.addresses],
        "decoded first": [address for _, address in email.utils.getaddresses(map(decoded, (*raw, *ours)))],
        "our lenient one": [str(each.address) for value in ours for each in parse_mailboxes(value) if each.address],
        "at sight": re.findall(r"[^\s<>,;:\"()\\]*@[^\s<>,;:\"()\\]*", " , ".join(map(decoded, ours))),
    }
    return {
        name: [each for each in list_ if "@" in unicodedata.normalize("NFKC", each)] for name, list_ in found.items()
    }


def decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError):
        return decode_words(value)


@given(messages)
def test_no_reader_sees_another_author_than_is_allowed(lines):
    content = lines + b"To: b@x.ca\r\n\r\nbody\r\n"
    passed = passes(content)
    event("passes" if passed else "refused")
    assume(passed)

    others = {reader: [each for each in list_ if not is_allowed(each)] for reader, list_ in seen(content).items()}
    assert {reader: list_ for reader, list_ in others.items() if list_} == {}


@given(messages)
def test_the_reply_to_of_what_passes_is_one_of_the_allowed(lines):
    content = lines + b"To: b@x.ca\r\n\r\nbody\r\n"
    assume(passes(content))
    sender = SenderPolicy("Service", Address("s", "example.ca"), True, "any", None, frozenset())
    preparation = Preparation(sender, None, Trace("h", "::1", "ESMTPSA", "r.example"), UUID(int=7), 1.7e9)
    try:
        prepared = prepare(content, preparation)
    except Refused:
        return

    sent = email.message_from_bytes(prepared.content, policy=email.policy.default)
    assert all(is_allowed(each.addr_spec) for field in sent.get_all("Reply-To", []) for each in field.addresses)
    assert [each.addr_spec for each in sent["From"].addresses] == ["s@example.ca"]


@given(st.one_of(values, nearly))
def test_any_value_is_read_or_refused(value):
    passes(b"From: " + value + b"\r\nTo: b@x.ca\r\n\r\n")

import email
import email.policy
import email.utils
from dataclasses import replace
from email.header import decode_header, make_header

import pytest

from messages import reply
from messages.email.encoded_words import decode_words, subject_for_people
from messages.email.mailboxes import parse_mailboxes
from messages.email.pipeline import prepare
from messages.email.rewrite import MAX_REPLY_TO
from messages.reply import Refused
from messages.text import clean


def prepared(fields: str | bytes, unbranded, **policy):
    octets = fields if isinstance(fields, bytes) else fields.encode()
    content = octets.replace(b"\n", b"\r\n") + b"\r\n\r\nbody\r\n"
    return prepare(content, replace(unbranded, sender=replace(unbranded.sender, **policy))).content


def senders(fields: str | bytes, unbranded, **policy) -> tuple[str, str | None]:
    """Header From and Reply-To as another parser reads them."""
    message = email.message_from_bytes(prepared(fields, unbranded, **policy), policy=email.policy.SMTP)
    assert len(message.get_all("From")) == 1
    assert len(message.get_all("Reply-To", [])) <= 1
    reply_to = message["Reply-To"]
    return str(message["From"]), str(reply_to) if reply_to is not None else None


SERVICE = "Passport Office <passports@notification.example.ca>"


@pytest.mark.parametrize(
    "fields",
    [
        "From: ann@dept.example.ca",
        "from : Ann <ann@dept.example.ca>",
        "From: a@x.ca\nSubject: s\nFrom: b@x.ca\nFROM: c@x.ca",
        "Subject: nobody",
        "From:",
        "From: undisclosed",
        "From: <>",
        "From: =?utf-8?B?////?=",
        "From: ann@dept.example.ca\nSender: other@x.ca",
    ],
)
def test_service_stands_in_the_only_from(fields, unbranded):
    assert senders(fields, unbranded)[0] == SERVICE
    assert b"ender: other" not in prepared(fields, unbranded)


def test_from_keeps_its_place_among_the_fields(unbranded):
    content = prepared("To: b@x.ca\nFrom: a@x.ca\nSubject: s", unbranded, reply_to="none")
    assert b"To: b@x.ca\r\nFrom: Passport Office <passports@notification.example.ca>\r\nSubject: s\r\n" in content


@pytest.mark.parametrize(
    ("from_field", "name"),
    [
        ("Ann Lee <ann@x.ca>", "Ann Lee"),
        ('"Lee, Ann" <ann@x.ca>', '"Lee, Ann"'),
        ('"Ann \\"Tiger\\" Lee" <ann@x.ca>', '"Ann \\"Tiger\\" Lee"'),
        ("=?iso-8859-1?Q?=C9lise_C=F4t=E9?= <e@x.ca>", "Élise Côté"),
        ("=?utf-8?B?w4k=?=\n =?utf-8?B?bGlzZQ==?= <e@x.ca>", "Élise"),
        ("=?utf-8?Q?Lee,_Ann?= <ann@x.ca>", '"Lee, Ann"'),
        ("ann@x.ca (Ann Lee)", "Ann Lee"),
        ("Ann (of (the) office) Lee <ann@x.ca>", "Ann Lee"),
    ],
)
def test_name_of_the_author_stands_where_the_service_says_so(from_field, name, unbranded):
    found = senders(f"From: {from_field}", unbranded, author_name=True)[0]
    assert found == f"{name} <passports@notification.example.ca>"


@pytest.mark.parametrize(
    "from_field",
    [
        '"boss@bank.example" <ann@x.ca>',
        "=?utf-8?Q?boss=40bank=2Eexample?= <ann@x.ca>",
        "boss\uff20bank.example <ann@x.ca>",
        "ann@x.ca",
        '"" <ann@x.ca>',
        "\u202e <ann@x.ca>",
        "a" * 200 + " <ann@x.ca>",
    ],
)
def test_name_that_could_pass_for_an_address_gives_way_to_the_service(from_field, unbranded):
    assert senders(f"From: {from_field}", unbranded, author_name=True)[0] == SERVICE


@pytest.mark.parametrize(
    "name",
    [
        "Santé",
        "Ottawa (ON)",
        "a.b",
        'x"y\\z',
        "=?utf-8?Q?x?=",
        "Ω" * 60,
        "word " * 30,
        "\U0001f600" * 40,
        "a\r\nBcc: x",
    ],
)
def test_any_service_name_is_written_so_that_it_reads_back(name, unbranded):
    content = prepared("Subject: s", unbranded, name=name)
    field = content.partition(b"From:")[2].partition(b"\r\nSubject:")[0]
    assert field.isascii()
    assert all(len(line) <= 78 for line in (b"From:" + field).split(b"\r\n"))
    read, address = email.utils.parseaddr(email.message_from_bytes(content)["From"])
    assert str(make_header(decode_header(read))) == " ".join(name.split())[:128].strip()
    assert address == "passports@notification.example.ca"


@pytest.mark.parametrize(
    ("fields", "policy", "expected"),
    [
        ("From: Ann@Dept.example.ca", "registered", "Ann@dept.example.ca"),
        ("From: Bo <bo@team.example.ca>", "registered", "Bo <bo@team.example.ca>"),
        ("From: x@other.example", "registered", None),
        ("From: x@sub.team.example.ca", "registered", None),
        ("From: x@other.example", "any", "x@other.example"),
        ("From: ann@dept.example.ca", "none", None),
        ("From: x@other.example\nReply-To: ann@dept.example.ca, y@other.example", "registered", "ann@dept.example.ca"),
        ("From: ann@dept.example.ca\nReply-To: y@other.example", "registered", None),
        ("From: a@x.ca\nReply-To: b@x.ca\nReply-To: c@x.ca, b@x.ca", "any", "b@x.ca, c@x.ca"),
        ("From: a@x.ca\nReply-To: Team: b@x.ca, c@x.ca;", "any", "b@x.ca, c@x.ca"),
        ("From: a@x.ca\nReply-To: not an address", "any", "a@x.ca"),
        ("From: a@x.ca, b@x.ca", "any", "a@x.ca, b@x.ca"),
        ("From: Ann <a@x.ca>; Bob <b@x.ca>", "any", "Ann <a@x.ca>, Bob <b@x.ca>"),
        ("From: Lee, Ann <a@x.ca>", "any", '"Lee, Ann" <a@x.ca>'),
        ("From: a@x.ca\nReply-To: Help <>", "any", "a@x.ca"),
        ("From: a@x.ca\nReply-To:", "any", "a@x.ca"),
        ('From: a@x.ca\nReply-To: "john doe"@city.example', "any", "a@x.ca"),
        ('From: a@x.ca\nReply-To: "help"desk@d.ca', "any", "a@x.ca"),
        ('From: a@x.ca\nReply-To: help"desk"@d.ca, "a"."b"@d.ca, <"john doe"@city.example>', "any", "a@x.ca"),
        ("From: a@x.ca\nReply-To: he(x)lp@d.ca", "any", "a@x.ca"),
        ('From: ann@dept.example.ca\nReply-To: "b"o@team.example.ca', "registered", "ann@dept.example.ca"),
        ("From: a@x.ca\nReply-To: \u00e9lise@x.ca", "any", "a@x.ca"),
        (f"From: a@x.ca\nReply-To: reply+{'f' * 80}@reply.x.ca", "any", f"reply+{'f' * 80}@reply.x.ca"),
        ("From: élise@x.ca", "any", None),
        ('From: "boss@bank.example" <a@x.ca>', "any", "a@x.ca"),
        ("From: Ann ann@x.ca", "any", "Ann <ann@x.ca>"),
        ("From: <@relay.example:ann@x.ca>", "any", "ann@x.ca"),
    ],
)
def test_author_goes_to_reply_to_as_the_policy_says(fields, policy, expected, unbranded):
    assert senders(fields, unbranded, reply_to=policy)[1] == expected


def test_own_reply_to_stands_in_where_no_author_may(unbranded):
    own = {"reply_to": "registered", "own_reply_to": "desk@dept.example.ca"}
    assert senders("From: x@other.example", unbranded, **own)[1] == "desk@dept.example.ca"
    assert senders("From: ann@dept.example.ca", unbranded, **own)[1] == "ann@dept.example.ca"
    assert senders("From: a@x.ca", unbranded, **own | {"reply_to": "none"})[1] == "desk@dept.example.ca"


def test_reply_to_takes_a_bounded_number_of_addresses(unbranded):
    many = ", ".join(f"a{n}@x.ca" for n in range(500))
    assert senders(f"From: a@x.ca\nReply-To: {many}", unbranded, reply_to="any")[1].count("@") == MAX_REPLY_TO


@pytest.mark.parametrize(
    "text", ["(" * 9, '"abc', "<abc", "a@x.ca>", ",;:,", '"a\\', "a <b@x.ca", ")", "\0", "a@b@c@x.ca"]
)
def test_any_list_of_mailboxes_is_read_without_an_error(text):
    assert isinstance(parse_mailboxes(text), list)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("plain", "plain"),
        ("=?UTF-8?Q?caf=C3=A9?=", "café"),
        ("=?utf-8?B?w?=", "=?utf-8?B?w?="),
        ("=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=", "café"),
        ("=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c"),
        ("=?x-none?Q?a=E9?=", "a\ufffd"),
        ("=?zip?B?eJw=?=", "x\ufffd"),
        ("=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト"),
        ("=?utf-8*fr?Q?d=C3=A9j=C3=A0?=", "déjà"),
        ("=?utf-8?Q?é?=", "=?utf-8?Q?é?="),
    ],
)
def test_encoded_words_are_decoded_or_left(raw, text):
    assert decode_words(raw) == text


def test_subject_for_people_is_one_bounded_line():
    assert subject_for_people("=?utf-8?Q?a=0D=0AB\u200b=3A?= =?utf-8?Q?_x?=".replace("\u200b", "")) == "a B: x"
    assert len(subject_for_people("x" * 5000)) == 998
    assert subject_for_people(None) == ""


def test_clean_leaves_no_control_characters():
    assert clean("a\x00b\u2028c\u202ed\ue000\ud800") == "a b cd\ue000"


OWN_DOMAINS = {"own_domains": frozenset({"dept.example.ca", "xn--bcher-kva.example"})}


@pytest.mark.parametrize(
    ("field", "kept"),
    [
        ("ann@dept.example.ca", "ann@dept.example.ca"),
        ("Ann Lee <Ann.Lee@DEPT.example.ca>", "Ann Lee <Ann.Lee@dept.example.ca>"),
        ("=?utf-8?Q?=C3=89lise?= <e@dept.example.ca>", "Élise <e@dept.example.ca>"),
        ('"=?utf-8?Q?=C3=89lise?=" <e@dept.example.ca>', "Élise <e@dept.example.ca>"),
        ("Bücher <info@bücher.example>", "Bücher <info@xn--bcher-kva.example>"),
    ],
)
def test_author_at_an_own_domain_stays_in_from_where_the_service_says_so(field, kept, unbranded):
    found, reply_to = senders(f"From: {field}", unbranded, reply_to="none", **OWN_DOMAINS)
    assert (found, reply_to) == (kept, None)


OTHERS = [
    "From: ann@sub.dept.example.ca",
    "From: ann@dept.example.ca.evil.example",
    "From: ann@dept.example.ca, bob@dept.example.ca",
    "From: ann@dept.example.ca\nFrom: bob@bank.example",
    "From: \u00e9lise@dept.example.ca",
    "From: nobody",
    "Subject: nobody",
    "From: Staff: ann@dept.example.ca;",
    'From: "boss@bank.example" <ann@dept.example.ca>',
    "From: =?utf-8?q?ceo=40bank.ca?=@dept.example.ca",
    'From: "ceo b"@dept.example.ca',
    "From: x@evil.example b@dept.example.ca",
    "From: <b@dept.example.ca> <x@evil.example>",
    'From: "Ann b@dept.example.ca"',
    "From: x@evil.example:b@dept.example.ca",
]


@pytest.mark.parametrize("fields", OTHERS)
def test_others_give_way_to_the_service(fields, unbranded):
    assert senders(fields, unbranded, reply_to="none", **OWN_DOMAINS)[0] == SERVICE


@pytest.mark.parametrize("fields", OTHERS)
def test_others_are_refused_where_the_service_says_so(fields, unbranded):
    with pytest.raises(Refused) as caught:
        senders(fields, unbranded, refuse_others=True, **OWN_DOMAINS)
    assert caught.value.reply is reply.AUTHOR_NOT_ALLOWED
    assert "passports@notification.example.ca, @dept.example.ca" in caught.value.line()


def test_own_address_of_the_service_is_its_author_too(unbranded):
    found = senders("From: Clerk <passports@notification.example.ca>", unbranded, refuse_others=True)
    assert found[0] == "Clerk <passports@notification.example.ca>"


def test_reply_to_of_a_kept_author_may_name_the_same_domain(unbranded):
    fields = "From: ann@dept.example.ca\nReply-To: desk@dept.example.ca, me@home.example"
    assert senders(fields, unbranded, **OWN_DOMAINS) == ("ann@dept.example.ca", "desk@dept.example.ca")

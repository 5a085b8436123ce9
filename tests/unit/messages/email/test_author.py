"""Whom a message says that it is from: read where it can be read in one way only, refused where it cannot."""

import pytest

from messages import reply
from messages.email import author
from messages.email.author import FROM, SENDER, authors
from messages.email.content import HeaderSection
from messages.reply import Refused
from messages.text import Text


def read(fields: str | bytes) -> list[tuple[Text, str]]:
    octets = fields if isinstance(fields, bytes) else fields.encode()
    header = HeaderSection.parse(octets.replace(b"\n", b"\r\n") + b"\r\nSubject: s\r\n\r\nbody\r\n")
    return [(role, str(address)) for role, address in authors(header)]


def addresses(fields: str | bytes) -> list[str]:
    return [address for _, address in read(fields)]


@pytest.mark.parametrize(
    "value",
    [
        "ann@x.ca",
        "<ann@x.ca>",
        "Ann <ann@x.ca>",
        "Ann<ann@X.CA>",
        "J. R. Lee <ann@x.ca>",
        '"Lee, Ann (HR) <boss>" <ann@x.ca>',
        '"Ann \\"Tiger\\" Lee" <ann@x.ca>',
        '"ann@x.ca" <ann@x.ca>',
        "=?utf-8?Q?=C3=89lise?= <ann@x.ca>",
        "=?UTF-8?B?w4k=?=\n =?UTF-8?B?bGlzZQ==?= <ann@x.ca>",
        "=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?= <ann@x.ca>",
        '"=?utf-8?Q?Lee,_Ann?=" <ann@x.ca>',
        "=?utf-8?Q?C=C3=B4t=C3=A9=2C_=C3=89lise_=28SPAC/PSPC=29?= <ann@x.ca>",
        "Élise <ann@x.ca>",
        b"\xc9lise <ann@x.ca>",
        "Ann\n <ann@x.ca>",
        "\n ann@x.ca ",
    ],
)
def test_one_plain_author_is_read(value):
    octets = value if isinstance(value, bytes) else value.encode()
    assert [address.lower() for address in addresses(b"From: " + octets)] == ["ann@x.ca"]


def test_every_author_and_the_sender_are_read_each_with_its_role():
    found = read('From: Ann <ann@x.ca> , "Bo" <bo@y.ca>,c@z.ca\nSender: Desk <desk@x.ca>')

    assert found == [(FROM, "ann@x.ca"), (FROM, "bo@y.ca"), (FROM, "c@z.ca"), (SENDER, "desk@x.ca")]


def test_message_that_names_nobody_names_nobody():
    assert read("To: b@x.ca") == []


UNCLEAR = {
    "nothing": "",
    "empty brackets": "<>",
    "no address": "undisclosed",
    "no domain": "ann",
    "short domain": "<ann@x>",
    "domain literal": "<ann@[192.0.2.1]>",
    "dot at the end": "<ann@x.ca.>",
    "two in brackets": "<ann@x.ca> <bo@y.ca>",
    "two within brackets": "<ann@x.ca, bo@y.ca>",
    "brackets in brackets": "<<ann@x.ca>>",
    "text behind": "<ann@x.ca> Ann",
    "open bracket": "Ann <ann@x.ca",
    "close bracket": "ann@x.ca>",
    "name without brackets": "Ann ann@x.ca",
    "two without comma": "ann@x.ca bo@y.ca",
    "semicolon": "ann@x.ca; bo@y.ca",
    "empty element": "ann@x.ca,, bo@y.ca",
    "comma at the end": "ann@x.ca,",
    "comma in front": ", ann@x.ca",
    "group": "Team: ann@x.ca, bo@y.ca;",
    "comment behind": "ann@x.ca (Ann)",
    "comment within": "<ann(bo@y.ca)@x.ca>",
    "comment in name": "Ann (HR) <ann@x.ca>",
    "route": "<@y.ca:ann@x.ca>",
    "routes": "<@y.ca,@z.ca:ann@x.ca>",
    "quoted local part": '"ann"@x.ca',
    "quoted address": '<"ann@y.ca"@x.ca>',
    "blank within": "<ann @x.ca>",
    "fold within": "<ann@\n x.ca>",
    "two at signs": "<ann@y.ca@x.ca>",
    "dots": "<ann..lee@x.ca>",
    "encoded address": "=?utf-8?Q?ann=40x.ca?=",
    "encoded local part": "<=?utf-8?Q?ann?=@x.ca>",
    "encoded brackets": "=?utf-8?Q?=3Cbo=40y.ca=3E?= <ann@x.ca>",
    "name that is another": '"bo@y.ca" <ann@x.ca>',
    "name with another": '"ann@x.ca bo@y.ca" <ann@x.ca>',
    "look-alike of @ in the name": "bo\uff20y.ca <ann@x.ca>",
    "look-alike of @ among broken letters": b"bo\xef\xbc\xa0y.ca\xff <ann@x.ca>",
    "encoded look-alike": "=?utf-8?Q?bo=EF=BC=A0y.ca?= <ann@x.ca>",
    "look-alike of the address": '"\u212aann@x.ca" <kann@x.ca>',
    "words without a gap": "=?utf-8?B?w4k=?==?utf-8?Q?=00?=@x.ca",
    "word of a charset nobody knows": "=?x-none?Q?Ann?= <ann@x.ca>",
    "word whose @ is no @ octet": "=?utf-7?Q?bo+AEA-y.ca?= <ann@x.ca>",
    "word in two octets each": "=?utf-16?B?AEEAbgBu?= <ann@x.ca>",
    "broken word": "=?utf-8?B?w4k?= <ann@x.ca>",
    "word with an end within": "=?utf-8?B?Ym8=QHkuY2E=?= <ann@x.ca>",
    "encoded quote": "=?utf-8?Q?=22?= <ann@x.ca>",
    "encoded open comment": "=?utf-8?Q?Ann_=28?= <ann@x.ca>",
    "open word": '"=?utf-8?Q?Ann" <ann@x.ca>',
    "letters beyond ASCII": "<élise@x.ca>",
    "look-alike letter": "<\u0430nn@x.ca>",
    "domain beyond ASCII": "<ann@québec.ca>",
    "wide domain": "<ann@\uff58.ca>",
    "no-break space": "\u00a0<ann\u00a0@x.ca>",
    "NUL": "Ann\0 <ann@x.ca>",
    "NUL in the address": "<ann@x.ca\0.y.ca>",
    "escape": "\x1b[2J <ann@x.ca>",
    "delete": "ann\x7f@x.ca",
    "open quote": '"Ann <ann@x.ca>',
    "quote within a word": 'A"nn" <ann@x.ca>',
    "escape of a letter": '"\\Ann" <ann@x.ca>',
    "long": "Ann <ann@x.ca>, " * 2000 + "ann@x.ca",
}


@pytest.mark.parametrize("value", UNCLEAR.values(), ids=UNCLEAR.keys())
@pytest.mark.parametrize(("name", "role"), [("From", FROM), ("Sender", SENDER)])
def test_author_that_readers_could_take_apart_differently_is_refused(name, role, value):
    with pytest.raises(Refused) as caught:
        read(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))

    assert caught.value.reply is reply.SENDER_UNCLEAR
    assert caught.value.values_ == {"role": role}


@pytest.mark.parametrize(
    ("fields", "role"),
    [
        ("From: ann@x.ca\nFrom: ann@x.ca", FROM),
        ("From: ann@x.ca\nFROM : bo@y.ca", FROM),
        ("From: ann@x.ca\nSender: ann@x.ca\nSender: ann@x.ca", SENDER),
        ("From: ann@x.ca\nSender: ann@x.ca, bo@x.ca", SENDER),
        ("From bo@y.ca Mon Jan  1 00:00:00 2024\nFrom: ann@x.ca", FROM),
        ("\ufeffFrom: bo@y.ca\nFrom: ann@x.ca", FROM),
        ("From\0: bo@y.ca\nFrom: ann@x.ca", FROM),
        ("Subject: x\rFrom: bo@y.ca\nFrom: ann@x.ca", FROM),
    ],
)
def test_fields_of_which_a_reader_may_choose_another_are_refused(fields, role):
    with pytest.raises(Refused) as caught:
        read(fields)

    assert caught.value.values_ == {"role": role}


def test_longest_field_takes_little_time():
    hostile = (
        b'"' * 99,
        b"a " * 8000,
        b'"a" ' * 4000,
        b"a@b" * 5000,
        b'"\\"' * 5000,
        b"=?utf-8?B?" * 1600,
        b"a," * 8000,
    )
    for value in hostile:
        with pytest.raises(Refused):
            read(b"From: " + value[: author.MAX_FIELD_OCTETS - 1])

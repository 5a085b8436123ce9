"""Files of types that SES refuses are told by their names, wherever SES looks for them."""

import base64

import pytest

from messages import reply
from messages.email.attachments import REFUSED_TYPES
from messages.email.pipeline import prepare
from messages.reply import Refused
from tests.fakes import ses

HEAD = 'From: a@x.ca\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\nhello\n--b\n'
NAMES = [
    'Content-Disposition: attachment; filename="setup.exe"',
    "Content-Disposition: attachment; filename=SETUP.EXE",
    'Content-Type: application/octet-stream; name="setup.exe"',
    "Content-Disposition: attachment; filename*=utf-8''set%20up.exe",
    "Content-Disposition: attachment; filename*0=set; filename*1=up.exe",
    'Content-Disposition: attachment; filename="=?utf-8?B?c2V0dXAuZXhl?="',
    'Content-Disposition: attachment; filename="setup.exe. "',
    'Content-Disposition: attachment; filename="report.pdf.exe"',
    'Content-Disposition: inline;\n filename="setup.exe"',
    "Content-Disposition: attachment; filename=\"a.txt\"; filename*=utf-8''a.exe",
    'Content-Type: text/plain; name="a.txt"; name="b.exe"',
    "Content-Disposition: attachment; filename=a.exe (c)",
    "Content-Disposition: attachment filename=a.exe",
]


@pytest.mark.parametrize("fields", NAMES)
def test_program_is_refused_by_its_name(fields, preparation, crlf):
    with pytest.raises(Refused) as caught:
        prepare(crlf(f"{HEAD}{fields}\n\nMZ\n--b--\n"), preparation)
    assert caught.value.reply is reply.ATTACHMENT_TYPE
    assert ".exe " in caught.value.line()


def test_program_within_a_forwarded_message_is_refused(preparation, crlf):
    inner = f"Subject: fwd\n{HEAD.replace('--b', '--c').replace(chr(34) + 'b', chr(34) + 'c')}{NAMES[0]}\n\nMZ\n--c--\n"
    with pytest.raises(Refused):
        prepare(crlf(f"{HEAD}Content-Type: message/rfc822\n\n{inner}\n--b--\n"), preparation)


@pytest.mark.parametrize(
    "name", ["report.pdf", "exe", "notes.exe.txt", "archive.zip", "a.", ".", "r\u00e9sum\u00e9.doc"]
)
def test_other_names_pass(name, preparation, crlf):
    body = base64.b64encode(b"MZ").decode()
    part = f'Content-Disposition: attachment; filename="{name}"\nContent-Transfer-Encoding: base64\n\n{body}\n--b--\n'
    assert prepare(crlf(HEAD + part), preparation).branded


def test_forwarded_message_is_named_after_its_subject(preparation, crlf):
    part = 'Content-Type: message/rfc822; name="Re: news from www.example.com"\n\nSubject: x\n\ny\n--b--\n'
    assert prepare(crlf(HEAD + part), preparation).branded


def test_program_within_a_message_of_a_mail_store_is_refused(preparation, crlf):
    part = f"Content-Type: message/rfc822\n\nFrom x Mon Jan 1\n{NAMES[2]}\n\nMZ\n--b--\n"
    with pytest.raises(Refused):
        prepare(crlf(HEAD + part), preparation)


def test_messages_within_messages_are_looked_into_to_a_bounded_depth(preparation, crlf):
    nested = "Content-Type: message/rfc822\n\n" * 2000 + "x\n"
    prepare(crlf(f"From: a@x.ca\n{nested}"), preparation)


def test_types_are_those_that_the_provider_refuses():
    assert ses.REFUSED_EXTENSIONS <= REFUSED_TYPES

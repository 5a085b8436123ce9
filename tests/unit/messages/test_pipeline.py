import time
from contextlib import suppress

import pytest

from messages.pipeline import prepare
from messages.reply import Refused


def test_prepared_message_is_told_apart_by_its_own_words(unbranded, crlf):
    content = crlf("Message-ID: <a@b>\nSubject: =?utf-8?Q?=C3=A9t=C3=A9?=\nFrom: a@x.ca\n\nbody\n")
    prepared = prepare(content, unbranded)
    assert (prepared.subject, prepared.original_message_id) == ("été", "<a@b>")


def test_long_message_id_is_cut_and_a_missing_one_is_none(unbranded, crlf):
    assert len(prepare(crlf(f"Message-ID: <{'a' * 900}\n {'a' * 900}>\n\n"), unbranded).original_message_id) == 998
    assert prepare(crlf("Subject:\n\n"), unbranded).original_message_id is None


def test_same_message_and_group_give_the_same_bytes(preparation, crlf):
    content = crlf("Subject: s\n\nbody\n")
    assert prepare(content, preparation) == prepare(content, preparation)


@pytest.mark.parametrize(
    "content", ["Subject: s\n", "Subject: s", "Subject: s\nHello\n\nmore\n", "A: b\n\n", "A: b\n\nx"]
)
def test_message_ends_in_a_line_break_and_has_its_empty_line(content, preparation, crlf):
    prepared = prepare(crlf(content), preparation).content
    assert prepared.endswith(b"\r\n")
    assert b"\r\n\r\n" in prepared


FIELDS = b"From: a@x.ca\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: "
LARGE = {
    "attachment": FIELDS
    + b"multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\nContent-Type: application/pdf\r\n\r\n"
    + b"QUJD" * 2_500_000
    + b"\r\n--b--\r\n",
    "plain text": FIELDS + b"text/plain\r\n\r\n" + b"some words of text \r\n" * 480_000,
    "flowed text": FIELDS + b"text/plain; format=flowed\r\n\r\n" + b"flow \r\n" * 140_000,
    "one line": FIELDS + b"application/pdf\r\n\r\n" + b"QUJD" * 2_500_000 + b"\r\n",
    "one line of base64": FIELDS
    + b"application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + b"QUJD" * 2_500_000
    + b"\r\n",
    "long lines of 8bit": FIELDS + b"text/plain; charset=x\r\n\r\n" + (b"\xe9" * 1200 + b"\r\n") * 3_000,
    "long header fields": b"X: " + b"a " * 450_000 + b"\r\nSubject: s\r\n\r\n" + b"A" * 1000 + b"\r\n",
    "delimiters": FIELDS + b"multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 1_000_000,
    "open comments": FIELDS + b"text/html\r\n\r\n" + b"<!--" * 500_000 + b"\r\n",
    "open tags": FIELDS + b"text/html\r\n\r\n" + b'<body "' * 200_000 + b"\r\n",
    "open quotes": FIELDS + b"text/html\r\n\r\n" + b"<a \"'<a'\" " * 200_000 + b"\r\n",
    "open brackets": b"From: " + b"(<" * 400_000 + b"\r\n\r\nx\r\n",
    "encoded words": b"Subject: " + b"=?utf-8?B?" * 90_000 + b"\r\n\r\nx\r\n",
}


@pytest.mark.parametrize("name", LARGE)
def test_large_and_hostile_messages_take_time_in_proportion(name, preparation):
    started = time.process_time()
    with suppress(Refused):  # for a header line that cannot be folded, after all the work
        prepare(LARGE[name], preparation)
    assert time.process_time() - started < 2.5  # each took under 0.5 s; catches gross slips only

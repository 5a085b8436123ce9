import email

import pytest

from tests.fidelity.preparing import prepared, seal, verdicts
from tests.fidelity.reading import read

AROUND = b"From: a@example.ca\r\nSubject: s\r\n%s\r\nX-Kept: 1\r\nMIME-Version: 1.0\r\n\r\nhello\r\n"


@pytest.mark.parametrize("garbage", [b"########", b"---", b"This is no field", b"To    : b@example.ca"])
def test_message_with_a_line_that_is_no_field_is_verified_by_every_verifier(garbage):
    sent = prepared(AROUND % garbage).content
    assert b"X-Kept: 1\r\n" in sent
    assert set(verdicts([seal(sent)])[0]) == {"pass"}


def test_line_that_is_no_field_is_not_read_as_text():
    sent = prepared(b"Subject: s\r\nthis is no field\r\nFrom: a@example.ca\r\n\r\nhello\r\n", variant="none").content
    assert read(sent).body == b"hello\r\n"
    assert "this is no field" not in email.message_from_bytes(sent).get_payload()

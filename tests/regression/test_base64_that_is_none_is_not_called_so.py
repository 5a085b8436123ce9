"""A misspelt name of a transfer encoding is mended only where the content is in it: else readers would see garbage."""

from tests.fidelity.preparing import prepared


def test_plain_text_under_a_misspelt_base64_keeps_its_name() -> None:
    letter = (
        b"From: a@example.ca\r\nTo: b@example.org\r\nContent-Transfer-Encoding: base-64\r\n\r\nNot encoded at all.\r\n"
    )
    sent = prepared(letter).content
    assert b"Not encoded at all.\r\n" in sent
    assert b"Content-Transfer-Encoding: base64" not in sent


def test_base64_under_a_misspelt_name_is_called_by_its_own() -> None:
    letter = b"From: a@example.ca\r\nTo: b@example.org\r\nContent-Transfer-Encoding: base-64\r\n\r\nSGVsbG8=\r\n"
    assert b"Content-Transfer-Encoding: base64" in prepared(letter).content

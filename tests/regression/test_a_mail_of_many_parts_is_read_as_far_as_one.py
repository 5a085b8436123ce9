"""A mail for a phone is read as far as a letter goes, not once more for each of its parts: none of them says a word."""

import time

from messages.email.body import MAX_READ_OCTETS
from messages.email.pipeline import read_text

HEAD = b"From: a@example.ca\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
QUOTED = b">\r\n" * (MAX_READ_OCTETS // 3)
NOTHING = b"\r\n"


def mail(*parts: bytes) -> bytes:
    bodies = (b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + part + b"\r\n" for part in parts)
    return HEAD + b"".join(bodies) + b"--b--\r\n"


def test_forty_parts_that_say_nothing_take_no_longer_than_a_few() -> None:
    started = time.process_time()
    assert read_text(mail(*[QUOTED] * 40))[0] is None
    assert time.process_time() - started < 2.0


def test_the_letter_behind_parts_that_say_nothing_is_read() -> None:
    assert read_text(mail(NOTHING, b"> a\r\n> b\r\n", b"Hello\r\n"))[0] == "Hello"

"""No message may hold a door for longer than its size explains: twice the input is about twice the time, not four."""

import time
from collections.abc import Callable
from uuid import UUID

import pytest

from messages.address import Address
from messages.email.branding import Branding
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Trace

PREPARATION = Preparation(
    sender=SenderPolicy("Passports", Address("passports", "n.example.ca"), False, "any", None, frozenset()),
    branding=Branding("<p>header</p>", "<p>footer</p>", "footer"),
    trace=Trace("client", "192.0.2.1", "ESMTPSA", "mail.example.ca"),
    group_id=UUID(int=1),
    now=1_700_000_000.0,
)


def quoted_name_that_never_ends(size: int) -> bytes:
    return b'From: "' + b'\\"' * (size // 2) + b"\\\r\n\r\nHello\r\n"


def end_tags_without_their_end(size: int) -> bytes:
    head = b"From: a@example.ca\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<script>"
    return head + b"</script " * (size // 9) + b"\r\n"


def field_of_blanks(size: int) -> bytes:
    return b"From: a@example.ca\r\nX-A: " + b" " * size + b"\r\n\r\nHello\r\n"


def field_of_octets_that_nobody_reads(size: int) -> bytes:
    return b"From: a@example.ca\r\nList-Id: " + b"\xe9 " * (size // 2) + b"\r\n\r\nHello\r\n"


@pytest.mark.parametrize(
    ("hostile", "size"),
    [
        (quoted_name_that_never_ends, 14_000),
        (end_tags_without_their_end, 120_000),
        (field_of_blanks, 12_000),
        (field_of_octets_that_nobody_reads, 24_000),
    ],
)
def test_twice_the_input_takes_about_twice_the_time(hostile: Callable[[int], bytes], size: int) -> None:
    assert _seconds(hostile(size * 4)) < 8 * _seconds(hostile(size)) + 0.05


def _seconds(content: bytes) -> float:
    """The best of three: what else the machine does makes some longer, and none shorter."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        prepare(content, PREPARATION)
        taken.append(time.process_time() - started)
    return min(taken)

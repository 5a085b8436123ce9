"""An address list is read off the event loop where it is long, and what is read on it is bounded."""

import threading
import time

import pytest

from auth.principal import Principal
from delivery.library.brandings import Brandings
from messages import reply
from messages.address import Address
from messages.email.author import authors
from messages.email.content import HeaderSection
from messages.email.mailboxes import MAX_AUTHORS
from messages.envelope import Envelope
from messages.message import Door, Submission, Trace, new_id
from messages.reply import Refused
from relay.checks import check_senders
from relay.preparation import email as preparation
from relay.preparation.email import EmailPreparer
from tests.fakes.principals import make_principal

NOBODY_WAITS_SECONDS = 0.02
FROM = b"From: a@x.ca\r\n"


def submission(content: bytes) -> Submission:
    envelope = Envelope(None, (Address.parse("a@b.ca"),))
    return Submission(envelope, content, Trace("client", "192.0.2.1", "ESMTPSA", "relay"), Door.SMTP)


@pytest.mark.parametrize(
    "field", [b"From: %b\r\n", FROM + b"To: %b\r\n", FROM + b"Reply-To: %b\r\n", FROM + b"X: %b\r\n"]
)
@pytest.mark.parametrize("size", [200, 62_000])
@pytest.mark.parametrize("behind", [b"", b"\r\ntext\r\n"])
async def test_message_with_a_long_header_section_is_prepared_in_a_thread(field, size, behind, monkeypatch):
    await is_prepared_in_a_thread(field % (b"a@b.ca, " * (size // 8)) + behind, size > 200, monkeypatch)


async def test_message_of_thousands_of_parts_is_prepared_in_a_thread(monkeypatch):
    parts = b"Content-Type: multipart/mixed; boundary=\xe9\r\n\r\n" + b"--\xe9\r\n\r\nx\r\n" * 6_000
    await is_prepared_in_a_thread(FROM + parts, True, monkeypatch)


async def is_prepared_in_a_thread(content, expected, monkeypatch):
    threads = []

    def prepare(*arguments):
        threads.append(threading.current_thread())
        return preparing(*arguments)

    preparing = preparation.prepare
    monkeypatch.setattr(preparation, "prepare", prepare)
    given = submission(content)
    await EmailPreparer(Brandings(), None, 10_000_000).prepare(given, make_principal(), new_id(1.7e9, b"0" * 10), 1.7e9)
    assert (threads != [threading.main_thread()]) is expected


@pytest.mark.parametrize(
    "entry", [b"a@b.ca, ", b"=?utf-8?Q?=C3=A9?= <a@b.ca>, ", b"\r\n a@b.ca,", b"(", b"<", b'"\\', b"a "]
)
@pytest.mark.parametrize("size", [16_000, 62_000, 1_000_000])
def test_authors_of_a_restricted_key_are_read_in_no_time(entry, size):
    content = b"From: " + entry * (size // len(entry)) + b"z@b.ca\r\nTo: x@b.ca\r\n\r\ntext\r\n"
    principal: Principal = make_principal(terms={"allowed_from": frozenset({"@b.ca"})})
    taken = []
    for _ in range(3):  # what disturbs one does not disturb all
        started = time.thread_time()
        with pytest.raises(Refused) as refused:
            check_senders(principal, submission(content))
        taken.append(time.thread_time() - started)
        assert refused.value.reply is reply.SENDER_UNCLEAR
    assert min(taken) < NOBODY_WAITS_SECONDS


def test_as_many_authors_as_anybody_has_are_read():
    def read(count: int) -> int:
        field = b"From: " + b", ".join(b"a%d@b.ca" % number for number in range(count)) + b"\r\n\r\n"
        return len(list(authors(HeaderSection.parse(field))))

    assert read(MAX_AUTHORS) == MAX_AUTHORS
    with pytest.raises(Refused):
        read(MAX_AUTHORS + 1)

"""Whatever content was taken, what is handed to the next hop holds nothing that could end a message early."""

import asyncio
import email
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from delivery.providers.outbox import OutboxProvider
from messages.address import Address
from messages.email.branding import Branding
from messages.email.dkim import SigningKey, generate, sign
from messages.email.line_ends import mend_line_ends
from messages.email.pipeline import Preparation, prepare
from messages.email.rewrite import SenderPolicy
from messages.message import Trace
from messages.reply import Refused
from tests.fakes.messages import make_message
from tests.fidelity import UNSENDABLE

BRANDING = Branding("<p>h</p>", "<p>f</p>", "--\r\n.\r\nfooter")
SENDER = SenderPolicy("S", Address("s", "example.ca"), False, "any", None, frozenset())
KEY = SigningKey.from_pem("example.ca", "s1", generate())

breaks = st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b"."])
words = st.sampled_from(
    [b"word", b"Subject: s", b"Content-Type: text/html", b"--b", b"=", b"\xe9", b"MAIL FROM:<a@b.ca>"]
)
bodies = st.lists(st.one_of(breaks, breaks, words), max_size=40).map(b"".join)
heads = st.sampled_from(
    [
        b"",
        b"Content-Type: text/html\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Type: multipart/signed; boundary=b\r\n",
        b"Content-Type: message/rfc822\r\n",
    ]
)


def prepared(content: bytes, branding: Branding | None) -> bytes | None:
    preparation = Preparation(SENDER, branding, Trace("h", "::1", "ESMTPSA", "r.example"), UUID(int=7), 1.7e9)
    try:
        return prepare(mend_line_ends(content, "normalise"), preparation).content
    except Refused:
        return None


def in_the_outbox(content: bytes) -> bytes:
    with TemporaryDirectory() as folder:
        message = make_message()
        asyncio.run(OutboxProvider(Path(folder)).send(message, content, UUID(int=1)))
        return Path(folder, f"{message.id}.eml").read_bytes()


@given(head=heads, body=bodies, branding=st.sampled_from([None, BRANDING]))
def test_nothing_that_leaves_could_end_a_message_early(head: bytes, body: bytes, branding: Branding | None) -> None:
    content = prepared(b"From: a@example.ca\r\n" + head + b"\r\n" + body + b"\r\n", branding)
    if content is None:
        return
    left = sign(content, KEY, 1.7e9) + content
    assert in_the_outbox(left) == left
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", left)
    assert left.endswith(b"\r\n")
    stuffed = re.sub(rb"(\r\n|\A)\.", rb"\1..", left)  # as whoever sends it on writes it (RFC 5321 4.5.2)
    assert not re.search(rb"[\r\n]\.[\r\n]", stuffed)


# -- Long lines ----------------------------------------------------------------------------------------------------

LINE_OCTETS = 64 * 1024
lengths = st.one_of(st.integers(990, 1010), st.integers(LINE_OCTETS - 100, LINE_OCTETS + 2000), st.just(300_000))
alphabets = st.sampled_from([b"x", b"word ", b"a b", b".", b"= ", "\u00e9".encode(), b"\t", b"\xff", b"From "])
kinds = st.sampled_from(["text/plain; charset=utf-8", "text/html", "application/octet-stream"])


@given(
    kind=kinds,
    encoding=st.sampled_from(["7bit", "8bit", "binary"]),
    alphabet=alphabets,
    length=lengths,
    lines=st.integers(1, 3),
)
def test_line_of_64_kib_and_more_reads_the_same_after_it_was_encoded(
    kind: str, encoding: str, alphabet: bytes, length: int, lines: int
) -> None:
    line = (alphabet * (length // len(alphabet) + 1))[:length]
    body = b"first\r\n" + b"\r\n".join([line] * lines) + b"\r\nlast\r\n"
    head = f"From: a@example.ca\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}"
    content = prepared(head.encode() + b"\r\n\r\n" + body, None)
    assert content is not None
    assert not UNSENDABLE.search(content)
    assert email.message_from_bytes(content).get_payload(decode=True) == body

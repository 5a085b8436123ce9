"""Whatever a client sends, in whatever pieces, it hears documented replies, and the session goes on or says its end."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from messages import reply
from messages.reply import Reply
from relay.smtp.conversation import Kind
from tests.harness.smtp_door import Door, plain, running_door
from tests.harness.smtp_pipe import PipedSession

DOCUMENTED = {(each.code, each.enhanced) for each in vars(reply).values() if isinstance(each, Reply)}
LINE = re.compile(r"(\d{3})([ -])(?:(\d\.\d\.\d+) )?([ -~]*)")
PLAIN_LINES = re.compile(r"220 \S+ ESMTP notify-relay|250[ -].*|334 [A-Za-z0-9+/]*=*")  # greeting, EHLO, AUTH

COMMANDS = [
    *(b"EHLO c.example.org", b"HELO c", b"AUTH PLAIN", b"AUTH LOGIN", b"AUTH XOAUTH2 x", b"AUTH PLAIN AGEAYg==", b"*"),
    *(b"MAIL FROM:<a@example.org>", b"MAIL FROM:<>", b"RCPT TO:<b@example.org>", b"DATA", b"RSET", b"NOOP", b"VRFY a"),
    *(b"EXPN a", b"HELP", b".", b"From: a@example.org", b"Subject: s", b"", b"x" * 1025, b"y" * 12_300),
]
PIECES = [
    *(
        b"\r\n",
        b"\r",
        b"\n",
        b"\0",
        b" ",
        b"\t",
        b"<",
        b">",
        b"@",
        b"=",
        b"AUTH ",
        b"MAIL FROM:",
        b"RCPT TO:<",
        b"BDAT 3",
        b"\r\r\n",
        b"NOOP\nRSET\r\n",
        b"GET / HTTP/1.1\r\n",
        b"\x16\x03\x01",
    ),
    *(
        b"SIZE=",
        b"BODY=8BITMIME",
        b"SMTPUTF8",
        b"AUTH=<>",
        b"RET=FULL",
        b"ENVID=a+20b",
        b"NOTIFY=NEVER",
        b"ORCPT=rfc822;a",
    ),
    *(b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"AGEAYg==", b"dXNlcg==", b"X-Notify-Lane: fast", b"9" * 30),
]
lines = st.sampled_from(COMMANDS).map(lambda line: line + b"\r\n")
EHLO = b"EHLO c.example.org\r\n"
ENVELOPE = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n"
CONTENT = b"DATA\r\nFrom: a@example.org\r\n\r\nx\r\n.\r\n"
PHRASES = [
    EHLO,
    EHLO + ENVELOPE,
    ENVELOPE + CONTENT,
    EHLO + ENVELOPE + b"DATA\r\n",
    CONTENT,
    b"AUTH LOGIN\r\ndXNlcg==\r\n",
]
pieces = st.one_of(lines, st.sampled_from(PHRASES), st.sampled_from(PIECES), st.binary(max_size=8))
streams = st.tuples(st.sampled_from([b"", *PHRASES]), st.lists(pieces, max_size=30).map(b"".join)).map(b"".join)
cuts = st.lists(st.integers(0, 1500), max_size=10)


def segments(stream: bytes, at: list[int]) -> Iterator[bytes]:
    places = sorted({min(cut, len(stream)) for cut in at} | {0, len(stream)})
    return (stream[start:end] for start, end in pairwise(places))


def check_documented(line: str) -> None:
    found = LINE.fullmatch(line)
    assert found, line
    assert (int(found[1]), found[3] or "") in DOCUMENTED or PLAIN_LINES.fullmatch(line), line
    assert "Error" not in line, line
    assert "Traceback" not in line, line


@asynccontextmanager
async def opened(door: Door, kind: Kind, logged_in: bool) -> AsyncIterator[PipedSession]:
    session = PipedSession(door, kind)
    await session.ask()
    if logged_in:
        await session.ask(b"EHLO c.example.org\r\n")
        assert (await session.ask(f"AUTH PLAIN {plain(*door.login())}\r\n".encode())).startswith("235 ")
    yield session
    # Whatever was begun ends: a line, a challenge of AUTH, content.
    await session.feed(b"\r\n.\r\n", b"RSET\r\nNOOP\r\nQUIT\r\n")
    await session.ended()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    with asyncio.Runner() as runner:
        yield runner.get_loop()


@pytest.fixture(scope="module")
def door(loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder: Path = tmp_path_factory.mktemp("door")
    running = running_door(folder, devices="127.0.0.0/8={normal}")
    door = loop.run_until_complete(running.__aenter__())
    loop.run_until_complete(log_in(door))
    yield door
    loop.run_until_complete(running.__aexit__(None, None, None))


async def log_in(door: Door) -> None:
    """From then on guesses do not ban the address that all examples share."""
    async with opened(door, Kind.TLS, logged_in=True):
        pass


LISTENERS = [(Kind.STARTTLS, False), (Kind.TLS, False), (Kind.TLS, True), (Kind.DEVICES, False)]


@pytest.mark.parametrize(("kind", "logged_in"), LISTENERS)
@given(stream=streams.filter(lambda stream: b"starttls" not in stream.lower()), at=cuts)
def test_any_bytes_get_documented_replies_and_the_session_goes_on(
    loop: asyncio.AbstractEventLoop, door: Door, kind: Kind, logged_in: bool, stream: bytes, at: list[int]
) -> None:
    async def converse() -> None:
        async with opened(door, kind, logged_in) as session:
            await session.feed(*segments(stream, at))
        for line in session.lines:
            check_documented(line)
        last = [line[:3] for line in session.lines[-2:]]
        assert last == ["250", "221"] or session.lines[-1].startswith(("421 ", "554 5.5.1 ")), session.lines
        assert not any(line.startswith("451 4.3.0") for line in session.lines), session.lines

    with capture_logs() as logs:
        loop.run_until_complete(converse())
    assert [line for line in logs if line["event"] == "smtp.error"] == []
    assert door.metric("relay_smtp_connections") == 0


@pytest.mark.parametrize(("kind", "logged_in"), LISTENERS)
@given(stream=streams.filter(lambda stream: b"starttls" not in stream.lower()), at=cuts)
def test_what_is_said_does_not_depend_on_how_octets_arrive(
    loop: asyncio.AbstractEventLoop, door: Door, kind: Kind, logged_in: bool, stream: bytes, at: list[int]
) -> None:
    async def said(pieces: Iterator[bytes]) -> list[str]:
        async with opened(door, kind, logged_in) as session:
            await session.ask(*pieces)
        return [line[:9] for line in session.lines]

    whole = loop.run_until_complete(said(iter([stream])))
    assert loop.run_until_complete(said(segments(stream, at))) == whole
    if len(stream) < 500:
        assert loop.run_until_complete(said(bytes([octet]) for octet in stream)) == whole

"""Where content ends, and what leaves of it: the whole matrix of line ends and NULs around a dot, in any segments.

Coming in, CR LF . CR LF ends a message and nothing like it does. Going out, no bare CR or LF and no NUL is left that a
lenient server could take, or drop, to find an end of its own.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from relay.smtp.conversation import Kind
from tests.harness.sampled import sampled
from tests.harness.smtp_door import Door, plain, run_on, running_door
from tests.harness.smtp_pipe import PipedSession

BREAKS = (b"\r", b"\n", b"\r\n", b"\0", b"\r\r\n", b"\n\r", b"\r\0\n", b"\0\r\n", b"\r\n\0", b"\0\r", b"\n\0")
HEAD = b"From: app@example.org\r\nSubject: s\r\n\r\none"
BEHIND = b"MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nFrom: x@y.org\r\n\r\ntwo"
CASES = [before + b"." + after for before, after in product(BREAKS, BREAKS)]


def whole(stream: bytes) -> Iterator[bytes]:
    yield stream


def octets(stream: bytes) -> Iterator[bytes]:
    """One octet a segment, where it matters."""
    at = stream.index(b"one")
    yield stream[:at]
    yield from (stream[i : i + 1] for i in range(at, at + 12))
    yield stream[at + 12 :]


async def logged_in(door: Door) -> PipedSession:
    session = PipedSession(door, Kind.TLS)
    await session.ask(b"EHLO client.example.org\r\n")
    assert (await session.ask(f"AUTH PLAIN {plain(*door.login())}\r\n".encode())).startswith("235 ")
    return session


async def envelope(session: PipedSession) -> None:
    await session.ask(b"MAIL FROM:<app@example.org>\r\n")
    await session.ask(b"RCPT TO:<reader@example.org>\r\n")
    assert (await session.ask(b"DATA\r\n")).startswith("354 ")


def lenient_ends(content: bytes) -> list[bytes]:
    """What some server might take for an end of content when this is sent to it, its dots doubled."""
    stuffed = re.sub(rb"(\r\n|\A)\.", rb"\1..", content)
    return re.findall(rb"[\r\n\0]+\.[\r\n\0]+", stuffed)


@pytest.mark.parametrize("cut", sampled([whole, octets], lambda at: at == 1))
def test_nothing_but_crlf_dot_crlf_ends_content_and_nothing_like_it_leaves(cut, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path, max_connections_per_key=5) as door:
            session = await logged_in(door)
            for number, case in enumerate((c for c in CASES if b"\r\n.\r\n" not in c), 1):
                await envelope(session)
                answer = await session.ask(*cut(HEAD + case + BEHIND + b"\r\n.\r\n"))
                assert re.fullmatch(r"250 2\.0\.0 \S+ queued for 1 recipients", answer), case
                assert len(door.gate.submissions) == len(door.kept.messages) == number, case
                sent = list(door.kept.contents.values())[-1]
                assert b"evil@example.org" in sent, case
                assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", sent), case
                assert lenient_ends(sent) == [], case
            await session.feed(b"QUIT\r\n")
            await session.ended()

    run_on("uvloop", test())


@pytest.mark.parametrize("cut", [whole, octets])
def test_crlf_dot_crlf_ends_content_whatever_stands_around_it(cut, tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path) as door:
            for case in (c for c in CASES if b"\r\n.\r\n" in c):
                session = await logged_in(door)
                await envelope(session)
                said = len(session.lines)
                await session.ask(*cut(HEAD + case + b"NOOP\r\nQUIT\r\n"))
                await session.ended()
                codes = [line[:3] for line in session.lines[said:]]
                assert codes[0] == "250", case
                assert codes[1] in ("250", "500"), case  # NOOP, with or without what stood before it
                assert codes[-1] == "221", case
                assert len(door.gate.submissions[-1].content) < len(HEAD + case), case

    run_on("uvloop", test())


def test_dots_at_the_start_of_lines_leave_as_they_were_meant(tmp_path: Path) -> None:
    async def test() -> None:
        async with running_door(tmp_path) as door:
            session = await logged_in(door)
            await envelope(session)
            await session.ask(HEAD + b"\r\n..\r\n...\r\n..x\r\n.\r\n")
            assert door.gate.submissions[0].content == HEAD + b"\r\n.\r\n..\r\n.x\r\n"
            sent = next(iter(door.kept.contents.values()))
            # Given to SES by HTTPS, with its length: whoever sends it on by SMTP doubles the dots.
            assert b"\r\n.\r\n..\r\n.x\r\n" in sent
            assert lenient_ends(sent) == []

    run_on("uvloop", test())

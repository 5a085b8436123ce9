"""The receive buffer of the SMTP door: lines and content out of any chunks, bounded."""

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages import reply
from messages.reply import Refused
from relay.budget import Budget, Share
from relay.smtp.intake import LINE_BYTES, PACE, Disconnected, Idle, Intake

LIMIT = 1000
BUDGET = 100_000
# What line ends, dots and their look-alikes are made of, so that examples meet them often.
pieces = st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"..", b"a", b"From: x\r\n", b"\x00"])
streams = st.lists(pieces, max_size=40).map(b"".join)


def chunks(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    return [stream[start:end] for start, end in pairwise(places)]


async def read_content(stream: list[bytes], limit: int = LIMIT, budget: int = BUDGET) -> tuple[bytes, bytes, Budget]:
    """Content, the line behind it, and the budget afterwards."""
    intake, pool = Intake(asyncio.get_running_loop()), Budget(budget, budget)
    with Share(pool, 0, {}) as share:
        reading = asyncio.create_task(intake.content(limit, 5, PACE, share))
        for chunk in stream:
            intake.feed(chunk)
            await asyncio.sleep(0)
        intake.feed_eof()
        try:
            content = await reading
        except Refused as refused:
            content = refused.line().encode()
    return content, await intake.line(5), pool


@given(content=streams, cuts=st.lists(st.integers(0, 120), max_size=8))
def test_content_is_the_same_however_it_is_cut(content: bytes, cuts: list[int]) -> None:
    if content and not content.endswith(b"\r\n"):
        content += b"\r\n"
    stuffed = re.sub(rb"(?:(?<=\r\n)|\A)\.", b"..", content)
    stream = chunks(stuffed + b".\r\nNOOP\r\n", cuts)
    received, behind, pool = asyncio.run(read_content(stream))
    assert received == content
    assert behind == b"NOOP"
    assert pool.used == 0


@given(stream=streams, cuts=st.lists(st.integers(0, 120), max_size=8))
def test_nothing_but_crlf_dot_crlf_ends_content(stream: bytes, cuts: list[int]) -> None:
    stream = (b"\r\n" + stream).replace(b"\r\n.\r\n", b"")[2:]
    if b"\r\n.\r\n" in b"\r\n" + stream:
        return
    with pytest.raises(Disconnected):
        asyncio.run(read_content(chunks(stream, cuts)))


@pytest.mark.parametrize(("octets", "accepted"), [(LIMIT, True), (LIMIT + 1, False), (20 * LIMIT, False)])
def test_content_up_to_the_limit_passes(octets: int, accepted: bool) -> None:
    stream = b"x" * (octets - 2) + b"\r\n.\r\nNOOP\r\n"
    received, behind, pool = asyncio.run(read_content(chunks(stream, list(range(0, len(stream), 700)))))
    assert (len(received) == octets) is accepted
    assert accepted or received.startswith(b"552 5.3.4")
    assert (behind, pool.used) == (b"NOOP", 0)


def test_doubled_dots_do_not_count_towards_the_limit() -> None:
    received, _, _ = asyncio.run(read_content([b"..\r\n" * 333 + b".\r\nNOOP\r\n"]))
    assert received == b".\r\n" * 333


def test_content_without_room_in_the_budget_is_put_off_and_gives_back_its_share() -> None:
    received, behind, pool = asyncio.run(read_content([b"x" * 300] * 3 + [b"\r\n.\r\nNOOP\r\n"], budget=500))
    assert received.startswith(b"452 4.3.1")
    assert (behind, pool.used) == (b"NOOP", 0)


# What a line is made of that was cut, or is to be cut, in the wrong place.
fragments = st.sampled_from([b"\r", b"\n", b"\r\n", b"\r\r\n", b"a", b"b\r\n", b"\x16", b"x" * LINE_BYTES])


async def said(stream: list[bytes]) -> list[bytes]:
    """What a reader of lines gets, refusals among them."""
    intake, found = Intake(asyncio.get_running_loop()), []

    async def read() -> None:
        with suppress(Disconnected):
            while not (found and found[-1].startswith(b"554")):
                try:
                    found.append(await intake.line(5))
                except Refused as refused:
                    found.append(refused.line().encode())

    reading = asyncio.create_task(read())
    for chunk in stream:
        intake.feed(chunk)
        await asyncio.sleep(0)
    intake.feed_eof()
    await reading
    return found


@given(stream=st.lists(fragments, max_size=12).map(b"".join), cuts=st.lists(st.integers(0, 40), max_size=8))
def test_lines_are_the_same_however_they_are_cut(stream: bytes, cuts: list[int]) -> None:
    whole = asyncio.run(said([stream]))
    assert asyncio.run(said(chunks(stream, cuts))) == whole
    if len(stream) < 200:
        assert asyncio.run(said(chunks(stream, list(range(len(stream)))))) == whole


@given(stream=st.lists(fragments, max_size=12).map(b"".join))
def test_no_line_is_more_than_what_stands_between_two_crlf(stream: bytes) -> None:
    between = [line for line in re.split(rb"(?<!\r)\r\n", stream)[:-1] if line]
    for line in asyncio.run(said([stream])):
        assert not line or line[:1].isdigit() or line in between


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"one\r\ntwo\r\n", [b"one", b"two"]),
        (b"one\ntwo\r\nthree\r\n", [b"500", b"three"]),
        (b"one\n\r\ntwo\r\n", [b"500", b"two"]),
        (b"one\r\r\ntwo\r\nthree\r\n", [b"500", b"three"]),
        (b"one\ntwo\r\r\nthree\nfour\r\nfive\r\n", [b"500", b"five"]),
        (b"o\rne\r\ntwo\r\n", [b"500", b"two"]),
        (b"one\ntwo\nthree\n", [b"500"]),
        (b"one\rtwo\r", []),
        (b"\r\none\r\n", [b"", b"one"]),
        (b"x" * 20_000 + b"\none\r\ntwo\r\n", [b"500", b"two"]),
        (b"\x16\x03\x01\n\r\n", [b"554"]),
        (b"one\r\n\x16", [b"one", b"554"]),
    ],
)
async def test_what_stands_between_two_crlf_is_one_line_or_one_refusal(sent: bytes, read: list[bytes]) -> None:
    whole = await said([sent])
    assert [line[:3] if line[:1].isdigit() else line for line in whole] == read
    assert await said([bytes([octet]) for octet in sent]) == whole


async def test_over_long_line_is_used_up_in_bounded_memory() -> None:
    intake = Intake(asyncio.get_running_loop())
    reading = asyncio.create_task(intake.line(5))
    for _ in range(20):
        intake.feed(b"x" * LINE_BYTES)
        await asyncio.sleep(0)
        assert len(intake._buffer) <= LINE_BYTES
    intake.feed(b"\r\nNOOP\r\n")
    with pytest.raises(Refused) as caught:
        await reading
    assert caught.value.reply is reply.AUTH_LINE_TOO_LONG
    assert await intake.line(1) == b"NOOP"


async def test_line_that_drips_in_is_idle() -> None:
    intake = Intake(asyncio.get_running_loop())
    reading = asyncio.create_task(intake.line(0.05))
    while not reading.done():
        intake.feed(b"x")
        await asyncio.sleep(0.01)
    with pytest.raises(Idle):
        await reading


class Hourglass(asyncio.SelectorEventLoop):
    """A loop whose time passes at once: where others wait, this one is there."""

    def __init__(self) -> None:
        super().__init__()
        self._now, select = 0.0, self._selector.select

        def wait(timeout: float | None = None) -> list[Any]:
            self._now += timeout or 0
            return select(0)

        self._selector.select = wait  # type: ignore[method-assign]

    def time(self) -> float:
        return self._now


def seconds_of(chunks_: Iterable[tuple[float, bytes]], limit: int = 100_000_000) -> tuple[float, bool]:
    """How long content takes whose chunks come after such pauses, and whether it was read to its end."""

    async def read() -> tuple[float, bool]:
        loop = asyncio.get_running_loop()
        intake = Intake(loop)
        with Share(Budget(100_000_000, 0), 0, {}) as share:
            reading = asyncio.create_task(intake.content(limit, 300, PACE, share))
            for pause, chunk in (*chunks_, (0, b"\r\n.\r\n")):
                await asyncio.wait([reading], timeout=pause)
                intake.feed(chunk)
            try:
                await reading
            except Refused as refused:
                return loop.time(), refused.reply is not reply.TOO_SLOW
            return loop.time(), True

    with asyncio.Runner(loop_factory=Hourglass) as runner:
        return runner.run(read())


def test_octet_every_ten_seconds_holds_a_place_for_a_minute_only() -> None:
    assert seconds_of([(10, b"x")] * 100) == (pytest.approx(60, abs=1), False)


def test_slow_modem_has_all_the_time_it_needs() -> None:
    """9,600 bit/s: nearly three hours for 10 MB."""
    took, whole = seconds_of([(1.04, b"x" * 1000)] * 10_000)
    assert whole
    assert took == pytest.approx(10_400)


def test_content_that_came_fast_at_first_may_not_drip_for_ever() -> None:
    """What came in the last minute counts, and not what came before."""
    assert seconds_of([(0, b"x" * 1_000_000), *[(10, b"x")] * 100]) == (pytest.approx(60, abs=1), False)
    assert seconds_of([(1, b"x" * 1_000_000), *[(10, b"x" * 1000)] * 100]) == (pytest.approx(75, abs=2), False)


def test_a_pause_is_made_good_by_what_comes_then() -> None:
    _, whole = seconds_of([(50, b"x" * 25_000)] * 100)
    assert whole


def test_content_over_its_limit_has_no_more_time_than_content_within_it() -> None:
    assert seconds_of([(1, b"x" * 10_000)] * 1000, limit=100_000) == (pytest.approx(200, abs=1), False)


async def test_lines_sent_before_the_client_left_are_read_first() -> None:
    intake = Intake(asyncio.get_running_loop())
    intake.feed(b"QUIT\r\nhalf")
    intake.feed_eof()
    assert await intake.line(1) == b"QUIT"
    with pytest.raises(Disconnected):
        await intake.line(1)


class Transport(asyncio.Transport):
    """Notes whether it was asked to stop reading."""

    paused = False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return False


async def test_reading_stops_while_too_much_is_unused() -> None:
    intake, transport = Intake(asyncio.get_running_loop()), Transport()
    intake.attach(transport)
    intake.feed(b"NOOP\r\n" * 5000)
    assert transport.paused
    for _ in range(5000):
        await intake.line(1)
    assert not transport.paused

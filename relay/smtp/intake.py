"""What a client has sent and we have not used yet: lines and content out of one buffer, bounded in bytes and time.

Knows nothing of commands or replies. Nothing but CR LF ends a line, and nothing but CR LF . CR LF ends content
(RFC 5321 4.1.1.4): a server that sees an end where the next one sees none lets messages be smuggled in.
"""

import asyncio
import re
from dataclasses import dataclass

from messages import reply
from messages.reply import Refused
from relay.budget import Share

LINE_BYTES = 12_288  # RFC 4954 4.1: an AUTH response, the longest line there is
_PAUSE_BYTES = 2 * LINE_BYTES  # unused bytes at which we stop reading from the socket
_DOT = b"\r\n."
_END = b"\r\n.\r\n"
_LINE_END = re.compile(rb"(?<!\r)\r\n")
_HANDSHAKE = b"\x16"  # RFC 8446 5.1: how TLS begins, and no command
STUFFING_BYTES = 4096  # what dots doubled by the client may add before a message counts as too large


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly content may arrive: `grace_seconds`, and time for each octet, of which at most a window is saved up.

    What came fast does not count for ever: who has sent much and then drips holds the most.
    """

    grace_seconds: float
    octets_per_second: float
    window_seconds: float = 60

    def longest(self, octets: int) -> float:
        """Seconds that content of so many octets may take at most."""
        return max(self.grace_seconds, octets / self.octets_per_second)

    def later(self, late_at: float, now: float, octets: int) -> float:
        """When content is late that was to be late at `late_at`, now that so many octets more have come."""
        return min(late_at + octets / self.octets_per_second, now + self.window_seconds)


# A modem of 4,800 bit/s keeps up; who sends an octet now and then to hold a place is out after a minute.
PACE = Pace(grace_seconds=60, octets_per_second=500)


class Disconnected(Exception):  # noqa: N818
    """The client is gone, and nothing complete is left to read."""


class Idle(Exception):  # noqa: N818
    """The client sent nothing for too long."""


class Intake:
    """The receiving half of one connection. The protocol feeds it, the session reads from it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._eof = False
        self._waiter: asyncio.Future[None] | None = None
        self._stopped: Refused | None = None
        self._in_refused = False  # what comes up to CR LF is the rest of a line that was refused
        self.in_content = False  # bytes of content are still to come: what follows is no command

    # -- Fed by the protocol ------------------------------------------------------------------------------------
    def attach(self, transport: asyncio.Transport | None) -> None:
        """Reads from `transport` from now on; None while TLS starts, when reading may not be paused."""
        self._transport = transport
        self._paused = False
        self._pause_or_resume()

    def feed(self, data: bytes) -> None:
        self._buffer += data
        self._pause_or_resume()
        self._wake()

    def feed_eof(self) -> None:
        self._eof = True
        self._wake()

    def stop(self, refused: Refused) -> None:
        """From now on asking for a line raises `refused`; content that is being read is read to its end."""
        self._stopped = refused
        self._wake()

    def discard(self) -> None:
        """Forgets what was not read: RFC 3207 4.2, nothing sent before TLS counts after it."""
        self._buffer.clear()
        self._pause_or_resume()

    # -- Read by the session ------------------------------------------------------------------------------------
    @property
    def has_line(self) -> bool:
        return self._pass_refused() and b"\n" in self._buffer

    @property
    def ended(self) -> bool:
        """Whether the client will send no more."""
        return self._eof

    async def line(self, seconds: float) -> bytes:
        """The next line without its CR LF; the whole line has `seconds` to arrive.

        Raises Refused for one that is too long, has a bare CR or LF or is no line but TLS, Idle, Disconnected. It is
        refused as soon as its bare LF arrives, and used up to CR LF unread: its sender has sent one line.
        """
        deadline = self._loop.time() + seconds
        too_long = False
        while True:
            if self._pass_refused():
                if self._buffer.startswith(_HANDSHAKE) and not too_long:
                    raise Refused(reply.NOT_SMTP, protocol="TLS")
                if (end := self._buffer.find(b"\n")) >= 0:
                    break
            if len(self._buffer) > LINE_BYTES:
                too_long = True
                self._forget_unless_ending()
            await self._wait(deadline - self._loop.time(), self._stopped)
        if self._stopped:
            raise self._stopped
        line = self._take(end + 1)
        self._in_refused = not line.endswith(b"\r\n") or line.endswith(b"\r\r\n")
        if too_long or len(line) > LINE_BYTES:
            raise Refused(reply.AUTH_LINE_TOO_LONG, limit=LINE_BYTES)
        if self._in_refused or line.count(b"\r") != 1:
            raise Refused(reply.BARE_IN_COMMAND)
        return line[:-2]

    def _pass_refused(self) -> bool:
        """Forgets the rest of a refused line; whether all of it has come."""
        if self._in_refused:
            found = _LINE_END.search(self._buffer)
            if found is None:
                self._forget_unless_ending()
            else:
                self._take(found.end())
            self._in_refused = found is None
        return not self._in_refused

    def _forget_unless_ending(self) -> None:
        """All but a CR that LF may follow, with the octet in front of it: that makes a line's end or none."""
        self._take(max(len(self._buffer) - (2 if self._buffer.endswith(b"\r") else 0), 0))

    async def content(self, limit: int, seconds: float, pace: Pace, share: Share) -> bytes:
        """All of a message's content, its dots unstuffed (RFC 5321 4.5.2); each chunk has `seconds` to arrive.

        Raises Refused: too large, or no room in the budget, both after the end was read; too slow, at once.
        Raises Idle, Disconnected.
        """
        self.in_content = True
        now = self._loop.time()
        late_at, last = now + pace.grace_seconds, now + pace.longest(limit)
        received = bytearray(b"\r\n")  # the end of DATA's own line is the first half of the end of empty content
        dotted = False
        refused: Refused | None = None
        while True:
            searched = max(len(received) - len(_END) + 1, 0)
            chunk = await self._chunk(seconds, min(late_at, last))
            late_at = pace.later(late_at, self._loop.time(), len(chunk))
            received += chunk
            if not dotted:  # few messages have lines that begin with a dot: most are searched once, for both
                searched = received.find(_DOT, searched)
                dotted = searched >= 0 and not _END.startswith(received[searched : searched + len(_END)])
            end = received.find(_END, searched) if searched >= 0 else -1
            if end >= 0:
                break
            if refused is None:
                refused = _check_room(len(received), limit, share)
            if refused is not None:
                share.shrink()
                del received[: 1 - len(_END)]
        self._buffer[:0] = received[end + len(_END) :]  # commands pipelined behind the content
        self.in_content = False
        refused = refused or _check_room(end, limit, share)
        if refused is not None:
            raise refused
        return _content(received, end, limit, dotted=dotted)

    async def end(self, seconds: float) -> None:
        """Forgets what comes until the client closes, or its time is over. Raises Disconnected, Idle."""
        deadline = self._loop.time() + seconds
        while True:
            self.discard()
            await self._wait(deadline - self._loop.time(), None)

    async def _chunk(self, seconds: float, deadline: float) -> bytearray:
        """What is there, or what comes within `seconds` and before the loop's time is `deadline`."""
        if not self._buffer:
            left = deadline - self._loop.time()
            try:
                await self._wait(min(seconds, left), None)
            except Idle:
                if left > seconds:
                    raise
                raise Refused(reply.TOO_SLOW) from None
        taken, self._buffer = self._buffer, bytearray()
        self._pause_or_resume()
        return taken

    def _take(self, count: int) -> bytes:
        taken = bytes(memoryview(self._buffer)[:count])
        del self._buffer[:count]
        self._pause_or_resume()
        return taken

    async def _wait(self, seconds: float, stopped: Refused | None) -> None:
        """Until something new was fed."""
        if stopped:
            raise stopped
        if self._eof:
            raise Disconnected
        if seconds <= 0:  # a timer would lose against who sends without a pause
            raise Idle
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._wake, Idle())
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self, error: Exception | None = None) -> None:
        waiter = self._waiter
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)

    def _pause_or_resume(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        full = len(self._buffer) > _PAUSE_BYTES
        if full and not self._paused:
            transport.pause_reading()
        elif self._paused and not full:
            transport.resume_reading()
        self._paused = full


def _check_room(size: int, limit: int, share: Share) -> Refused | None:
    if size > limit + STUFFING_BYTES:
        return Refused(reply.TOO_LARGE, limit=limit)
    refusal = share.cover(size)
    return None if refusal is None else Refused(refusal)


def _content(received: bytearray, end: int, limit: int, *, dotted: bool) -> bytes:
    """What stands in `received` between its first CR LF and its end, without the dots that the client doubled."""
    content = bytes(memoryview(received)[2 : end + 2])
    received.clear()  # never more than two copies of a message
    if dotted:
        content = content.removeprefix(b".").replace(_DOT, b"\r\n")
    if len(content) > limit:
        raise Refused(reply.TOO_LARGE, limit=limit)
    return content

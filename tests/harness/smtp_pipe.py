"""A session of the SMTP door without sockets: each piece of bytes that is fed is one segment, however small."""

import asyncio
from typing import Any

from relay.smtp.conversation import Kind
from relay.smtp.session import Session
from tests.harness.smtp_door import Door


class Pipe(asyncio.Transport):
    """The transport: keeps what the session writes, always has room for it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self._closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self._closing = True

    abort = close

    def is_closing(self) -> bool:
        return self._closing

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


class PipedSession:
    def __init__(self, door: Door, kind: Kind) -> None:
        shared, loop = door.door._shared, asyncio.get_running_loop()
        self.pipe = Pipe()
        self.session = Session(shared, kind, loop, "127.0.0.1")
        shared.connections.admit(self.session)
        self.session.connection_made(self.pipe)
        self._task = loop.create_task(self.session.converse())
        self._task.add_done_callback(lambda _: shared.connections.leave(self.session))

    async def feed(self, *segments: bytes) -> None:
        """Each is read by the session before the next one comes."""
        for segment in segments:
            self.session.data_received(segment)
            await asyncio.sleep(0)

    async def ask(self, *segments: bytes) -> str:
        """The last line that was said when all of it was read and answered, or the session has ended."""
        await self.feed(*segments)
        async with asyncio.timeout(60):
            while not (self._task.done() or self._waits):
                await asyncio.sleep(0.0005)
        return self.lines[-1]

    @property
    def _waits(self) -> bool:
        waiter = self.session._intake._waiter
        return waiter is not None and not waiter.done()

    async def ended(self) -> None:
        """Waits for the end of the session, and raises what ended it."""
        async with asyncio.timeout(60):
            await self._task

    @property
    def lines(self) -> list[str]:
        """All that was said, with which every line ends in CR LF."""
        assert self.pipe.written.endswith(b"\r\n") or not self.pipe.written
        return self.pipe.written.decode("ascii").split("\r\n")[:-1]

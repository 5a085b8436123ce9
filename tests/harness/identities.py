"""The fake SES in a thread, for commands that have an event loop of their own."""

import asyncio
import threading
from typing import Self

from tests.fakes.aws import FakeAws
from tests.fakes.identities import Identities


class RunningAws:
    """`identities` is what SES has; a test may change it between commands."""

    def __init__(self) -> None:
        self.identities = Identities()
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)
        self._loop.close()

    async def _serve(self) -> None:
        async with FakeAws(identities=self.identities) as aws:
            self.url = aws.url
            self._ready.set()
            await self._stop.wait()

"""SMTP clients that go on sending whatever happens to the relay."""

import asyncio
import random
from collections import Counter
from uuid import UUID

from tests.harness.load import NotAccepted, connected, html_message, login, trusting_context
from tests.harness.relay import Credentials

CLIENTS = 8


class Load:
    """Clients that send for ever, each message to a recipient of its own, and note what saw 250."""

    def __init__(self, port: int, credentials: Credentials, per_second: float) -> None:
        self._port = port
        self._login = login(credentials)
        self._pause_seconds = CLIENTS / per_second
        self._context = trusting_context()
        self._content = html_message()
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(CLIENTS)]
        self.accepted: dict[str, UUID] = {}  # recipient -> group
        self.cut = 0  # conversations that ended in the middle
        self.refused: Counter[str] = Counter()

    async def _client(self, number: int) -> None:
        count = 0
        while True:
            try:
                async with connected(self._port, *self._login, self._context) as connection:
                    while True:
                        count += 1
                        recipient = f"reader-{number}-{count}@example.com"
                        group_id = await connection.send("office@example.org", recipient, self._content)
                        self.accepted[recipient] = UUID(group_id)
                        await asyncio.sleep(random.uniform(0, 2 * self._pause_seconds))
            except NotAccepted as reply:
                self.refused[str(reply)[:60]] += 1
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)  # the supervisor was killed, and the next has not started
            except (OSError, EOFError):
                self.cut += 1
            await asyncio.sleep(0.02)

    async def reach(self, count: int, seconds: float) -> None:
        async with asyncio.timeout(seconds):
            while len(self.accepted) < count:
                await asyncio.sleep(0.05)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise AssertionError(outcome)

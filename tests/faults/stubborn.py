"""SMTP clients that go on sending whatever happens to the relay, and what became of what they sent."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from config.database import Database
from delivery.store.tables import messages, queue
from tests.harness.counted import kept, recounted
from tests.harness.load import NotAccepted, connected, html_message, login, trusting_context
from tests.harness.relay import Credentials
from tests.harness.ses_process import Ses

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
        deadline = time.monotonic() + seconds
        while len(self.accepted) < count:
            assert time.monotonic() < deadline, f"{len(self.accepted)} accepted, {self.cut} cut, {self.refused}"
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if not isinstance(outcome, asyncio.CancelledError):
                raise AssertionError(outcome)


@dataclass(frozen=True)
class Tally:
    """What became of what saw 250."""

    accepted: int
    lost: tuple[str, ...]  # recipients
    stored: int  # though nobody heard 250
    again: int  # sends of what SES had taken already
    cut: int
    refused: dict[str, int]
    counts_are_right: bool

    def __str__(self) -> str:
        return (
            f"{self.accepted} accepted, {self.accepted - len(self.lost)} delivered, {self.stored} stored whose reply "
            f"was lost, {self.again} sent again; {self.cut} conversations cut, {sum(self.refused.values())} refused "
            f"{self.refused}"
        )

    @property
    def permanently(self) -> list[str]:
        """Refusals that a client does not try again after."""
        return [reply for reply in self.refused if reply.startswith("5")]


async def tally(load: Load, database: Database, ses: Ses, seconds: float = 60) -> Tally:
    """Once nothing waits any more."""
    async with asyncio.timeout(seconds):
        while True:
            async with database.read() as connection:
                if not await connection.scalar(select(func.count()).select_from(queue)):
                    rows = await connection.execute(select(messages.c.group_id, messages.c.id))
                    stored = {row.group_id: row.id for row in rows}
                    right = await kept(connection) == await recounted(connection)
                    break
            await asyncio.sleep(0.2)
    sent = ses.sent()
    copies, reached = Counter(message_id for message_id, _ in sent), {recipient for _, recipient in sent}
    lost = [to for to, group in load.accepted.items() if to not in reached or not copies[stored[group]]]
    again = copies.total() - len(copies)
    unheard = len(stored) - len(load.accepted)
    return Tally(len(load.accepted), tuple(lost), unheard, again, load.cut, dict(load.refused), right)

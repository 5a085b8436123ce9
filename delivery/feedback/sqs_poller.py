"""Receives what AWS tells from an SQS queue: learned first, deleted after.

What is not deleted comes again, to whoever polls; what nobody can read goes where the queue's redrive policy says.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import structlog
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from config.database import OUTAGES, is_outage
from config.settings import Aws
from delivery.feedback.base import Unreadable
from delivery.feedback.learner import Learner
from delivery.feedback.reading import Told
from delivery.feedback.sns import unwrap
from delivery.providers.aws import classify, open_client

_LOOPS = 4  # that receive at once
_BATCH = 10  # the most that SQS gives or deletes in a call
_WAIT_SECONDS = 20  # the longest poll
_READ_SECONDS = _WAIT_SECONDS + 5.0
_MIN_ROUND_SECONDS = 1.0  # of one that deleted nothing: a queue that answers at once is not asked in a ring
_MAX_PAUSE_SECONDS = 30.0

_AWS_ERRORS = (ClientError, BotoCoreError, ResponseParserError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Received:
    """A message of the queue, read. An empty `told` says nothing of use."""

    receipt: str
    told: tuple[Told, ...]


@asynccontextmanager
async def open_queue(settings: Aws) -> AsyncIterator[Any]:
    """A client for the events' queue: where it is, its own URL says."""
    parts = urlsplit(settings.events_queue_url or "")
    host = (parts.hostname or "").split(".")
    changes = {
        "endpoint_url": f"{parts.scheme}://{parts.netloc}",
        "region": host[1] if host[0] == "sqs" and len(host) > 3 else settings.region,
        "read_timeout_seconds": _READ_SECONDS,  # a poll is no hanging call
    }
    async with open_client("sqs", settings.model_copy(update=changes), 2 * _LOOPS) as client:
        yield client


async def waiting(client: Any, queue_url: str) -> int:
    """About how many messages the queue holds. Raises a SendError that names what is wrong."""
    name = "ApproximateNumberOfMessages"
    try:
        answer = await client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
    except _AWS_ERRORS as error:
        raise classify(error) from None
    return int(answer.get("Attributes", {}).get(name, 0))


class SqsPoller:
    """One per process. `client` speaks to SQS, for at least eight calls at once."""

    def __init__(self, client: Any, queue_url: str, learner: Learner) -> None:
        self._client = client
        self._queue_url = queue_url
        self._learner = learner
        self._log = structlog.get_logger("feedback")

    async def run(self, stopping: asyncio.Event) -> None:
        """Works until `stopping` is set. Never raises for an outage, of AWS or of the database."""
        await asyncio.gather(*(self._loop(stopping) for _ in range(_LOOPS)))

    async def _loop(self, stopping: asyncio.Event) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while not stopping.is_set():
            began, deleted = loop.time(), 0
            try:
                messages = await _unless(stopping, self._receive())
                learned = await self._learned(self._read(messages or ()), stopping)
                deleted = await self._delete(learned)
                failures = 0
            except _AWS_ERRORS as error:
                failures += 1
                self._log.warning("feedback.queue_unavailable", reason=classify(error).reason)
            if not deleted:
                await _sleep(stopping, _pause(failures) or began + _MIN_ROUND_SECONDS - loop.time())

    async def _receive(self) -> Sequence[dict[str, Any]]:
        async with asyncio.timeout(_READ_SECONDS + 5):  # the client's own timeouts bound single reads, not the call
            answer = await self._client.receive_message(
                QueueUrl=self._queue_url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=_WAIT_SECONDS
            )
        return answer.get("Messages") or ()

    def _read(self, messages: Sequence[dict[str, Any]]) -> list[Received]:
        found = []
        for message in messages:
            source = str(message.get("MessageId"))
            try:
                text = unwrap(str(message.get("Body", "")))
            except Unreadable as error:
                self._learner.unreadable(error, source)
                continue
            with contextlib.suppress(Unreadable):  # said by the learner
                found.append(Received(message["ReceiptHandle"], self._learner.read(text, source)))
        return found

    async def _learned(self, received: Sequence[Received], stopping: asyncio.Event) -> list[Received]:
        """Those that are on disk. While the database is away the batch is kept, and no other received.

        Receiving on would use up the tries that the queue's redrive policy grants each message.
        """
        failures = 0
        while True:
            try:
                return await self._learn(received)
            except OUTAGES as error:
                failures += 1
                self._log.warning("feedback.database_unavailable", error=type(error).__name__)
            await _sleep(stopping, _pause(failures))
            if stopping.is_set():
                return []

    async def _learn(self, received: Sequence[Received]) -> list[Received]:
        told = [one for each in received for one in each.told]
        if not told:
            return list(received)
        try:
            await self._learner.learn(told)
        except OUTAGES as error:
            if is_outage(error):
                raise
            if len(received) == 1:
                self._log.error("event.refused", error=type(error).__name__)
                return []
            # The database is well and takes one of them not: the others shall not suffer for it.
            return [one for each in received for one in await self._learn([each])]
        return list(received)

    async def _delete(self, received: Sequence[Received]) -> int:
        if not received:
            return 0
        entries = [{"Id": str(number), "ReceiptHandle": each.receipt} for number, each in enumerate(received)]
        async with asyncio.timeout(_READ_SECONDS):
            answer = await self._client.delete_message_batch(QueueUrl=self._queue_url, Entries=entries)
        failed = len(answer.get("Failed") or ())
        if failed:  # they come again, and are known then
            self._log.warning("feedback.not_deleted", messages=failed)
        return len(received) - failed


def _pause(failures: int) -> float:
    """None without a failure, then longer each time, and never in step with others."""
    return min(2.0 ** min(failures, 10), _MAX_PAUSE_SECONDS) * (0.5 + random.random() / 2) if failures else 0.0  # noqa: S311


async def _sleep(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.0)):
            await stopping.wait()


async def _unless(stopping: asyncio.Event, receiving: Any) -> Any:
    """What `receiving` returns; None when it is time to stop first: what it would have received comes again."""
    task, stopper = asyncio.ensure_future(receiving), asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({task, stopper}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, stopper):
            each.cancel()
        await asyncio.gather(task, stopper, return_exceptions=True)

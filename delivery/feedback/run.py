"""What the feedback process does: hears from providers, and settles what nobody tells."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.applications import Starlette

from config.settings import Aws
from delivery.feedback import reading, upkeep
from delivery.feedback.certificates import FetchedCertificates
from delivery.feedback.learner import Answering, Learner, Receiving, Settling
from delivery.feedback.sns import Verifier
from delivery.feedback.sns_webhook import Webhook, confirming
from delivery.feedback.sqs_poller import SqsPoller, open_queue
from delivery.metrics import DeliveryMetrics

Part = Callable[[asyncio.Event], Coroutine[Any, Any, None]]  # works until the event is set; never raises for an outage


@dataclass(frozen=True, slots=True)
class Parts:
    """`running` work side by side; `webhook` is to be served where SNS can reach it."""

    running: tuple[Part, ...]
    webhook: Starlette


@asynccontextmanager
async def open_parts(
    settings: Aws,
    settling: Settling,
    receiving: Receiving,
    answering: Answering,
    metrics: DeliveryMetrics,
    now: Callable[[], float],
) -> AsyncIterator[Parts]:
    """One per process and event loop. No request goes out yet."""
    learner = Learner(reading.read, settling, receiving, answering, metrics, now)
    verifier = Verifier(settings.sns_topics, FetchedCertificates(settings.sns_endpoint_url), now)
    running: list[Part] = [partial(upkeep.run, learner)]
    async with AsyncExitStack() as stack:
        if settings.events_queue_url:
            client = await stack.enter_async_context(open_queue(settings))
            running.append(SqsPoller(client, settings.events_queue_url, learner).run)
        yield Parts(tuple(running), Webhook(verifier, learner, confirming(settings), metrics).application())

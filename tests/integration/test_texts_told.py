"""What carriers say of texts, from the fake of AWS through the queue to the message's row; and a text that comes in."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from config.settings import Aws, Sms
from delivery.feedback import run
from delivery.providers import aws_sms
from messages.message import Channel
from messages.status import Status
from tests.fakes import sms, sms_events
from tests.fakes.aws import FakeAws
from tests.fakes.feedback import Feedback
from tests.fakes.sms_events import TextStep
from tests.fakes.sns import TOPIC
from tests.harness.texts import put_text
from tests.integration.conftest import Works

TO, OURS = "+16135550142", "+16135550150"


@pytest.fixture
async def told(works: Works) -> AsyncIterator[Works]:
    """With a fake of AWS that takes texts."""
    async with FakeAws(texts=sms.Texts([sms.Number(OURS)]), feedback=Feedback()) as aws:
        yield replace(works, aws=aws)


@contextlib.asynccontextmanager
async def running(works: Works) -> AsyncIterator[None]:
    """A worker that sends texts by AWS, and the process that hears of them."""
    aws = Aws(endpoint_url=works.aws.url, events_queue_url=works.aws.queue_url, sns_topics=[TOPIC])
    provider = await aws_sms.open_provider(
        aws, Sms(endpoint_url=works.aws.url, configuration_set="relay"), 8, time.time
    )
    stopping, store = asyncio.Event(), works.store
    try:
        async with (
            works.worker(also={Channel.SMS: provider}),
            run.open_parts(aws, store.settling, store.receiving, store.answering, works.metrics, time.time) as parts,
            asyncio.TaskGroup() as group,
        ):
            for part in parts.running:
                group.create_task(part(stopping))
            try:
                yield
            finally:
                stopping.set()
    finally:
        await provider.close()


@pytest.mark.parametrize(
    ("steps", "status", "reason"),
    [
        (sms_events.DELIVERED, Status.DELIVERED, None),
        (sms_events.bridged(sms_events.DELIVERED), Status.DELIVERED, None),
        (sms_events.INVALID, Status.PERMANENT_FAILURE, "invalid-number"),
        (sms_events.UNREACHABLE, Status.TEMPORARY_FAILURE, "phone-unreachable"),
    ],
    ids=["delivered", "by EventBridge", "invalid", "unreachable"],
)
async def test_what_carriers_say_decides_the_end(
    told: Works, steps: tuple[TextStep, ...], status: Status, reason: str | None
) -> None:
    assert told.aws.feedback
    told.aws.feedback.texts[TO] = steps
    async with running(told):
        message = await put_text(told.store, number=TO, billable_units=2)
        history = await told.wait(message, status)

    assert history.reason == reason
    (end,) = [event for event in history.events if event.status is status]
    assert end.carriage
    assert (end.carriage.carrier, end.carriage.country, end.carriage.encoding) == ("Rogers", "CA", "GSM")
    assert (end.carriage.parts, end.carriage.price, end.carriage.fee) == (1, 0.00581, 0.00256)
    assert told.metric("delivery_texts_miscounted_total") == 1  # of one part: we said two


async def test_a_text_that_comes_in_by_the_same_queue_stops_the_next_one(told: Works) -> None:
    assert told.aws.feedback
    async with running(told):
        await told.wait(await put_text(told.store, number=TO), Status.DELIVERED)
        stop = {"originationNumber": TO, "destinationNumber": OURS, "messageBody": "Arrêt", "inboundMessageId": "in-1"}
        for _ in range(2):
            told.aws.feedback.queue.put(json.dumps(stop))
        async with asyncio.timeout(60):
            while not await told.store.suppressions.opted_out(uuid4(), [TO]):
                await asyncio.sleep(0.02)
        stopped = await put_text(told.store, number=TO)
        history = await told.wait(stopped, Status.PERMANENT_FAILURE)

    assert (history.reason, history.attempts) == ("opted-out", ())
    assert told.metric("delivery_inbound_texts_total") == 1

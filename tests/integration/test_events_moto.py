"""Against moto's SQS and SNS, which others made: SNS to SQS with and without the envelope, and moto's signatures."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiobotocore.session import get_session
from cryptography import x509
from moto.server import ThreadedMotoServer

from config.settings import Aws
from delivery.feedback import run
from delivery.feedback.sns import Verifier, parse
from tests.fakes.aws import CREDENTIALS
from tests.fakes.events import DELIVERY, tell
from tests.integration.conftest import Works

REGION = "ca-central-1"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
async def clients(moto: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Any, Any]]:
    """SNS and SQS."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    session = get_session()
    async with (
        session.create_client("sns", region_name=REGION, endpoint_url=moto) as sns,
        session.create_client("sqs", region_name=REGION, endpoint_url=moto) as sqs,
    ):
        yield sns, sqs


async def subscribed(clients: tuple[Any, Any], name: str, raw: bool) -> tuple[str, str]:
    """A topic and the URL of the queue that it feeds."""
    sns, sqs = clients
    topic = (await sns.create_topic(Name=name, Attributes={"SignatureVersion": "2"}))["TopicArn"]
    queue = (await sqs.create_queue(QueueName=name))["QueueUrl"]
    arn = (await sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"]))["Attributes"]["QueueArn"]
    attributes = {"RawMessageDelivery": "true"} if raw else {}
    await sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return topic, queue


@pytest.mark.parametrize("raw", [False, True], ids=["envelope", "raw"])
async def test_what_sns_brings_to_sqs_is_learned_and_deleted(
    works: Works, moto: str, clients: tuple[Any, Any], raw: bool
) -> None:
    topic, queue = await subscribed(clients, f"events-{raw}", raw)
    message = await works.put()
    async with works.worker():
        await works.wait(message, "sending")
    (sent,) = works.aws.sent
    told = tell(DELIVERY, sent.message_id, ["reader@example.org"], sent.tags, time.time(), REGION)
    for _ in range(2):
        await clients[0].publish(TopicArn=topic, Message=told)
    settings = Aws(events_queue_url=queue)
    stopping = asyncio.Event()
    async with (
        run.open_parts(
            settings, works.store.settling, works.store.receiving, works.store.answering, works.metrics, time.time
        ) as parts,
        asyncio.TaskGroup() as group,
    ):
        for part in parts.running:
            group.create_task(part(stopping))
        await works.wait(message, "delivered")
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        async with asyncio.timeout(60):
            while set((await left(clients[1], queue, names)).values()) != {"0"}:
                await asyncio.sleep(0.1)
        stopping.set()
    assert [event.kind.value for event in (await works.history(message)).events] == ["delivery"]


async def left(sqs: Any, queue: str, names: list[str]) -> dict[str, str]:
    found: dict[str, str] = (await sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names))["Attributes"]
    return found


class MotoCertificates:
    """moto gives its certificate only to signed requests."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    async def get(self, url: str) -> x509.Certificate:
        path = url[url.index("/", len("https://")) :]
        signed = {"Authorization": f"AWS4-HMAC-SHA256 Credential=x/20261120/{REGION}/sns/aws4_request"}
        async with aiohttp.ClientSession() as session, session.get(self._endpoint + path, headers=signed) as answer:
            assert answer.status == 200
            return x509.load_pem_x509_certificate(await answer.read())


async def test_a_signature_that_others_made_is_believed_and_a_changed_message_is_not(
    moto: str, clients: tuple[Any, Any]
) -> None:
    topic, queue = await subscribed(clients, "signed", raw=False)
    await clients[0].publish(TopicArn=topic, Message='{"eventType": "Send", "reçu": "✓"}')
    (received,) = (await clients[1].receive_message(QueueUrl=queue, WaitTimeSeconds=5))["Messages"]
    print(received["Body"])
    verifier = Verifier([topic], MotoCertificates(moto), time.time)
    await verifier.verify(parse(received["Body"].encode()), "Notification")
    changed = json.loads(received["Body"]) | {"Message": "{}"}
    with pytest.raises(Exception, match="signature"):
        await verifier.verify(parse(json.dumps(changed).encode()), "Notification")

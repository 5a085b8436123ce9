"""SNS posts to our webhook, over a real socket: what it hears, and whose word is taken."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from config.settings import Aws
from delivery.feedback import run
from delivery.feedback.base import MAX_CHARACTERS
from delivery.feedback.certificates import FetchedCertificates
from delivery.feedback.sns import CertificateUnavailable
from relay.serving import serve
from tests.fakes import received
from tests.fakes.auth import away
from tests.fakes.events import DELIVERY, Step, tell
from tests.fakes.feedback import Feedback
from tests.fakes.sns import CERTIFICATE_URL, TOPIC, FakeTopic, confirmation, headers, wrap
from tests.integration.conftest import Works


@pytest.fixture
def told(works: Works) -> Feedback:
    assert works.aws.feedback
    return works.aws.feedback


@pytest.fixture
async def url(works: Works) -> AsyncIterator[str]:
    """The webhook of a feedback process without a queue."""
    aws = Aws.model_validate({"sns_endpoint_url": works.aws.url, "sns_topics": TOPIC, "connect_timeout_seconds": 0.5})
    listener, stopping = socket.create_server(("127.0.0.1", 0)), asyncio.Event()
    async with run.open_parts(
        aws, works.store.settling, works.store.receiving, works.store.answering, works.metrics, time.time
    ) as parts:
        serving = asyncio.create_task(serve(parts.webhook, listener, stopping, max_connections=10))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        stopping.set()
        await serving


async def post(url: str, envelope: dict[str, Any], body: bytes | None = None, **more: str) -> int:
    data = json.dumps(envelope).encode() if body is None else body
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=data, headers=headers(envelope) | more) as answer,
    ):
        return answer.status


def delivery(provider_id: str = "p1", **tags: str) -> str:
    return tell(DELIVERY, provider_id, ["reader@example.org"], tags, time.time(), "ca-central-1")


async def test_a_webhook_confirms_its_topic_by_the_api_and_hears_of_deliveries(
    works: Works, told: Feedback, url: str
) -> None:
    told.topic.url = url
    told.queue.entries.clear()
    told.topic.start()
    message = await works.put()
    async with works.worker():
        await works.wait(message, "delivered")
        async with asyncio.timeout(60):  # they come in any order
            while {event.kind for event in (await works.history(message)).events} != {"send", "delivery"}:
                await asyncio.sleep(0.02)
    assert told.topic.confirmed
    assert told.topic.authenticated_unsubscribe
    assert told.certificate_requests == 1, "a certificate is fetched once"


async def test_a_lost_answer_is_made_good_by_a_post(works: Works, told: Feedback, url: str) -> None:
    from tests.fakes.aws import CUT_ACCEPTED

    told.topic.url, told.topic.confirmed = url, True
    told.scripts["reader@example.org"] = (Step("Send", only_by="sns"),)
    works.aws.script([CUT_ACCEPTED])
    message = await works.put()
    async with works.worker(unknown_wait_seconds=1):
        await works.wait(message, "sending")
        await asyncio.sleep(1.5)
    assert len(works.aws.sent) == 1


async def test_a_doubled_post_is_learned_once(works: Works, url: str) -> None:
    envelope = wrap(delivery())
    assert [await post(url, envelope) for _ in range(3)] == [200, 200, 200]
    assert works.metric("delivery_events_total", provider="ses", kind="delivery") == 1
    assert works.metric("delivery_event_fates_total", fate="repeated") == 2


async def test_mail_that_came_in_is_counted_and_not_a_word_of_it_is_logged(works: Works, url: str) -> None:
    mail = json.loads(received.tell("zoe@example.org", "nobody@notification.example.ca")) | {
        "content": "Hello from Zoe"
    }
    with capture_logs() as logs:
        assert await post(url, wrap(json.dumps(mail))) == 200
    assert works.metric("delivery_inbound_mail_total", fate="nobodys") == 1
    assert [(log["event"], log["fate"], log["service_id"]) for log in logs] == [("mail.received", "nobodys", None)]
    assert not [word for word in ("zoe", "Zoe", received.SUBJECT) if word in json.dumps(logs)]


async def test_the_greeting_of_a_new_topic_is_taken_and_dropped(works: Works, url: str) -> None:
    assert await post(url, wrap("Successfully validated SNS topic for Amazon SES event publishing.")) == 200


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        (wrap("{}") | {"Message": "{} "}, "signature"),
        (wrap("{}", TopicArn=TOPIC + "-of-others"), "topic"),
        (confirmation("t") | {"Token": "u"}, "signature"),
        (confirmation("t", topic=TOPIC + "-of-others"), "topic"),
        (wrap("{}", SignatureVersion="1"), "signature_version"),
    ],
    ids=["changed", "topic", "changed token", "topic to confirm", "sha1"],
)
async def test_a_post_that_is_not_genuine_is_forbidden_and_nothing_is_confirmed(
    works: Works, told: Feedback, url: str, envelope: dict[str, str], reason: str
) -> None:
    with capture_logs() as logs:
        assert await post(url, envelope) == 403
    assert [log["reason"] for log in logs if log["event"] == "webhook.refused"] == [reason]
    assert works.metric("delivery_event_fates_total", fate="refused") == 1
    assert not told.topic.confirmed


async def test_a_header_that_says_otherwise_than_the_body_is_forbidden(url: str) -> None:
    assert await post(url, wrap(delivery()), **{"x-amz-sns-message-type": "SubscriptionConfirmation"}) == 403


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"Type": "Notification"}', b"[" * 100_000])
async def test_a_malformed_post_is_a_bad_request(works: Works, url: str, body: bytes) -> None:
    with capture_logs() as logs:
        assert await post(url, wrap("{}"), body) == 400
    assert [log["reason"] for log in logs] == ["malformed"]
    assert works.metric("delivery_event_fates_total", fate="refused") == 1


async def test_a_genuine_envelope_around_nonsense_is_a_bad_request_and_its_words_are_not_logged(
    works: Works, url: str
) -> None:
    with capture_logs() as logs:
        assert await post(url, wrap('{"reader@example.org": 1}')) == 400
    assert "reader@example.org" not in json.dumps(logs)
    assert works.metric("delivery_event_fates_total", fate="unreadable") == 1


async def test_a_post_that_is_too_large_is_not_read(url: str) -> None:
    assert await post(url, wrap("{}"), b" " * (MAX_CHARACTERS + 1)) == 413


async def test_a_database_that_is_away_makes_sns_try_again(works: Works, url: str) -> None:
    envelope = wrap(delivery())
    with away(works.database):
        assert await post(url, envelope) == 503
    assert await post(url, envelope) == 200
    assert works.metric("delivery_event_fates_total", fate="parked") == 1


async def test_a_confirmation_that_aws_refuses_is_tried_again(works: Works, told: Feedback, url: str) -> None:
    assert await post(url, confirmation("of-another-subscription")) == 503
    assert not told.topic.confirmed


async def test_an_end_of_the_subscription_is_logged(url: str) -> None:
    with capture_logs() as logs:
        assert await post(url, confirmation("t", "UnsubscribeConfirmation")) == 200
    assert [log["topic"] for log in logs if log["event"] == "webhook.unsubscribed"] == [TOPIC]


async def test_only_posts_to_the_root_are_answered(url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert answer.status == 405
        async with session.post(url + "metrics") as answer:
            assert answer.status == 404


async def test_without_a_certificate_to_be_had_sns_tries_again(works: Works, told: Feedback, url: str) -> None:
    works.aws._server.close()  # type: ignore[union-attr]
    assert await post(url, wrap(delivery())) == 503
    with pytest.raises(CertificateUnavailable):
        await FetchedCertificates("http://127.0.0.1:1").get(CERTIFICATE_URL)


def test_a_topic_without_a_webhook_posts_nothing() -> None:
    topic = FakeTopic()
    topic.publish("{}")
    assert topic.answers == []

"""The client that polls: where its queue's URL says, and patient enough for a long poll."""

import pytest

from config.settings import Aws
from delivery.feedback.sqs_poller import open_queue
from tests.fakes.aws import CREDENTIALS


@pytest.mark.parametrize(
    ("url", "endpoint", "region"),
    [
        ("https://sqs.us-east-1.amazonaws.com/123456789012/events", "https://sqs.us-east-1.amazonaws.com", "us-east-1"),
        ("http://127.0.0.1:4100/123456789012/events", "http://127.0.0.1:4100", "ca-central-1"),
        ("http://sqs:9324/123456789012/events", "http://sqs:9324", "ca-central-1"),
    ],
)
async def test_the_queues_own_url_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, url: str, endpoint: str, region: str
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    settings = Aws(events_queue_url=url, endpoint_url="https://ses.example.ca", read_timeout_seconds=5)
    async with open_queue(settings) as client:
        assert client.meta.endpoint_url == endpoint
        assert client.meta.region_name == region
        assert client.meta.config.read_timeout > 20
        assert client.meta.config.retries["total_max_attempts"] == 1

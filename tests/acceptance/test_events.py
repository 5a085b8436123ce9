"""The real command hears from SES, by a queue and by posts of SNS: what becomes of messages."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.aws import CREDENTIALS
from tests.fakes.sns import TOPIC
from tests.harness.mail import send
from tests.harness.relay import Credentials, Relay, free_port
from tests.harness.sampled import sampled
from tests.harness.ses_process import Ses, settings

ENDS = {
    "success": "delivered",
    "bounce": "permanent-failure",
    "soft-bounce": "temporary-failure",
    "late-bounce": "permanent-failure",
    "ooto": "delivered",
    "complaint": "delivered",
    "suppressionlist": "permanent-failure",
    "reject": "technical-failure",
    "delay": "sending",
    "twice": "delivered",
    "backwards": "delivered",
    "untagged": "delivered",
}


@pytest.fixture(scope="module", params=sampled(["queue", "raw queue", "webhook"], lambda at: at == 0))
def relay(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    port, folder = free_port(), tmp_path_factory.mktemp("events")
    if request.param == "webhook":
        ses = Ses(webhook=f"http://127.0.0.1:{port}/")
        listen = f"127.0.0.1:{port}"
        heard = {"AWS__SNS_TOPICS": TOPIC, "AWS__SNS_ENDPOINT_URL": ses.url, "FEEDBACK__LISTEN": listen}
    else:
        ses = Ses(events="raw" if request.param == "raw queue" else "envelope")
        heard = {"AWS__EVENTS_QUEUE_URL": ses.queue_url}
    running = Relay(folder, PROCESSES=1, **settings(ses.url), **heard).start()
    yield running
    running.end()
    ses.end()


def simulator(name: str) -> str:
    return f"{name}@simulator.amazonses.com"


def test_every_message_ends_as_ses_tells(relay: Relay) -> None:
    key = relay.create_key()
    groups = {name: send(relay, key, simulator(name)) for name in ENDS}
    for name, status in ENDS.items():
        (history,) = relay.wait_for_status(groups[name], status)
        assert len(history["attempts"]) == 1  # type: ignore[arg-type]
    assert "delivery_events_total" in relay.get("/metrics")[1]
    log = relay.log.read_text()
    assert relay.log_lines("message.settled")
    assert "@simulator.amazonses.com" not in log


def events_found(relay: Relay, **environment: str) -> tuple[str, str]:
    """What `check` says of events: result and detail."""
    relay.environment.update({f"NOTIFY_RELAY_{name}": value for name, value in environment.items()})
    checks = json.loads(relay.run("check", "--json", check=False).stdout)["checks"]
    (found,) = [each for each in checks if each["part"] == "events"]
    return found["result"], found["detail"]


def test_check_tells_whether_anybody_will_say_what_becomes_of_mail(tmp_path: Path) -> None:
    ses = Ses(events="envelope")
    relay = Relay(tmp_path, **settings(ses.url))
    try:
        assert events_found(relay)[0] == "PROBLEM"
        topics = events_found(relay, AWS__SNS_TOPICS=TOPIC)
        assert topics == ("ok", "posts of 1 topics are taken at 127.0.0.1:8081")
        assert events_found(relay, AWS__EVENTS_QUEUE_URL=ses.queue_url) == (
            "ok",
            "the queue can be read; about 0 events wait",
        )
        result, detail = events_found(relay, AWS__EVENTS_QUEUE_URL=ses.queue_url + "-of-nobody")
        assert result == "PROBLEM"
        assert "NOTIFY_RELAY_AWS__EVENTS_QUEUE_URL" in detail
    finally:
        ses.end()


def test_the_feedback_process_stands_alone_and_ends_with_the_others(tmp_path: Path) -> None:
    ses = Ses(events="envelope")
    shared = {**settings(ses.url), "AWS__EVENTS_QUEUE_URL": ses.queue_url, "PROCESSES": 1}
    relay = Relay(tmp_path, **shared).start("--role", "feedback")
    try:
        assert sorted(relay.children().values()) == ["feedback-0", "ops"]
        assert relay.stop() == 0
    finally:
        relay.end()
        ses.end()


def test_without_a_queue_and_topics_the_feedback_process_runs_all_the_same(tmp_path: Path) -> None:
    relay = Relay(tmp_path, PROCESSES=1, **CREDENTIALS).start()
    try:
        assert "feedback-0" in relay.children().values()
        key: Credentials = relay.create_key(key_type="test")
        relay.wait_for_status(send(relay, key, "someone@example.org"), "delivered")
    finally:
        relay.end()


def test_topics_that_are_none_are_named_and_nothing_starts(tmp_path: Path) -> None:
    relay = Relay(tmp_path, AWS__SNS_TOPICS="ses-events")
    done = relay.run_afresh("serve", "--role", "feedback")
    assert done.returncode == 1
    assert "NOTIFY_RELAY_AWS__SNS_TOPICS" in done.stderr

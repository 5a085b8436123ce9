"""Through the whole relay to Amazon SES, or what stands in for it: what it is given, what becomes of its answers."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.aws import CONTENT_REJECTED, CUT, HANG_ACCEPTED, INTERNAL, TOO_FAST, FakeAws, Sent
from tests.harness.mail import CONTENT, address, attempts, email, is_signed, read, send
from tests.harness.programs import EACH_ON_A_PORT, PROGRAMS, check_letter, letter
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import sampled
from tests.harness.ses_process import settings
from tests.harness.waiting import wait_until


@pytest.fixture(scope="module")
def aws() -> Iterator[FakeAws]:
    """On a loop and thread of its own: out of the relay's processes, and in reach of the tests' hands."""
    fake = FakeAws(configuration_sets={"relay"}, verified_domains={"notification.example.ca"})
    ready, stop = threading.Event(), asyncio.Event()

    async def live() -> None:
        async with fake:
            ready.set()
            await stop.wait()

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(live(),))
    thread.start()
    assert ready.wait(60)
    yield fake
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def relay(aws: FakeAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    running = Relay(tmp_path_factory.mktemp("ses"), PROCESSES=1, **settings(aws.url)).start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def key(relay: Relay) -> Credentials:
    return relay.create_key()


def sent_to(aws: FakeAws, recipient: str) -> list[Sent]:
    return [sent for sent in aws.sent if sent.destination == {"ToAddresses": [recipient]}]


def test_ses_is_given_one_recipient_our_tags_and_our_signature(relay: Relay, key: Credentials, aws: FakeAws) -> None:
    recipients = [address(), address()]
    content = email("Reçu", "Merci ✓\n", To=", ".join(recipients), Message_ID="<1@city.example>").as_bytes()
    group = send(relay, key, *recipients, content=content)
    histories = {str(history["recipient"]): history for history in relay.wait_for_status(group, "sending")}
    for recipient in recipients:
        (sent,) = sent_to(aws, recipient)
        history = histories[recipient]
        (attempt,) = attempts(history)
        assert sent.tags == {"message_id": history["id"], "attempt_id": attempt["id"]}
        assert sent.configuration_set == "relay"
        assert sent.from_address is None
        assert history["provider_id"] == sent.message_id
        assert history["sent_at"] is not None
        assert is_signed(sent.raw, relay.records)
        assert is_signed(sent.delivered, relay.records), "what SES rewrites may not be signed"
        assert read(sent.delivered)["Message-ID"] != "<1@city.example>"
        assert history["original_message_id"] == "<1@city.example>"


@pytest.mark.parametrize(("program", "tls"), EACH_ON_A_PORT)
def test_letter_of_every_program_reaches_ses_whole(
    relay: Relay, key: Credentials, aws: FakeAws, program: str, tls: bool
) -> None:
    recipients = [address(), address("hidden")]
    PROGRAMS[program](relay, key, tls, letter(recipients).as_bytes(), recipients, None)
    for recipient in recipients:
        (sent,) = wait_until(lambda recipient=recipient: sent_to(aws, recipient))  # type: ignore[misc]
        assert is_signed(sent.delivered, relay.records)
        check_letter(read(sent.delivered), recipients)


def test_throttled_message_waits_and_costs_no_attempt(relay: Relay, key: Credentials, aws: FakeAws) -> None:
    recipient = address()
    aws.script([TOO_FAST, TOO_FAST])
    group = send(relay, key, recipient)
    wait_until(lambda: sent_to(aws, recipient))
    (history,) = relay.wait_for_status(group, "sending")
    assert [attempt["number"] for attempt in attempts(history)] == [1]


@pytest.mark.parametrize(
    ("behaviour", "times"),
    sampled([(INTERNAL, 1), (CUT, 1), (HANG_ACCEPTED, 2)], lambda at: at == 2),
    ids=["500", "cut", "hang"],
)
def test_attempt_without_an_answer_is_parked_then_sent_again(
    relay: Relay, key: Credentials, aws: FakeAws, behaviour: object, times: int
) -> None:
    recipient = address()
    aws.script([behaviour])  # type: ignore[list-item]
    group = send(relay, key, recipient)
    (history,) = relay.wait_for_status(group, "sending")
    first, second = attempts(history)
    assert (first["outcome"], second["outcome"]) == ("unknown", "relayed")
    assert len(sent_to(aws, recipient)) == times
    assert sent_to(aws, recipient)[-1].tags["attempt_id"] == second["id"]


def test_message_that_outlives_its_use_is_never_sent(relay: Relay, key: Credentials, aws: FakeAws) -> None:
    recipient = address()
    aws.recipients[recipient] = TOO_FAST
    group = send(relay, key, recipient, content=b"X-Notify-Expires: 2\r\n" + CONTENT)
    (history,) = relay.wait_for_status(group, "technical-failure")
    assert history["reason"] == "expired"
    del aws.recipients[recipient]
    other = address()
    send(relay, key, other)
    wait_until(lambda: sent_to(aws, other))
    assert sent_to(aws, recipient) == []


def test_what_ses_will_never_take_fails_and_the_others_go_on(relay: Relay, key: Credentials, aws: FakeAws) -> None:
    bad, good = address(), address()
    aws.recipients[bad] = CONTENT_REJECTED
    group = send(relay, key, bad)
    send(relay, key, good)
    (history,) = relay.wait_for_status(group, "technical-failure")
    assert history["reason"] == "ses_message_rejected"
    wait_until(lambda: sent_to(aws, good))


def test_scheduled_message_waits_for_its_time(relay: Relay, key: Credentials, aws: FakeAws) -> None:
    recipient = address()
    due = time.time() + 2.5
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(due))
    send(relay, key, recipient, content=f"X-Notify-Scheduled-For: {at}\r\n".encode() + CONTENT)
    (sent,) = wait_until(lambda: sent_to(aws, recipient))
    assert sent.at >= int(due)


def test_bad_weather_loses_nothing_and_doubles_only_what_was_unknown(tmp_path: Path) -> None:
    """The fake as a process of its own: a quarter of the calls fail, some after SES took the message."""
    folder, log = tmp_path / "ses", tmp_path / "sent"
    weather = ["--rate-429", "0.1", "--rate-500", "0.1", "--rate-cut", "0.05", "--seed", "7", "--log", str(log)]
    fake = subprocess.Popen([sys.executable, "-m", "tests.fakes.aws", *weather], stdout=subprocess.PIPE, text=True)
    assert fake.stdout is not None
    folder.mkdir()
    relay = Relay(folder, PROCESSES=2, **settings(fake.stdout.readline().strip()))
    try:
        key = relay.start().create_key()
        recipients = [address(str(number)) for number in range(30)]
        histories = relay.wait_for_status(send(relay, key, *recipients), "sending")
        given = log.read_text()
        for history in histories:
            unknown = [each for each in attempts(history) if each["outcome"] == "unknown"]
            assert 1 <= given.count(f'"{history["recipient"]}"') <= 1 + len(unknown)
        assert any(len(attempts(history)) > 1 for history in histories)
    finally:
        relay.end()
        fake.terminate()
        fake.communicate()

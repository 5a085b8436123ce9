"""X-Notify-Idempotency-Key with a real client and the real command: everybody gets it, and nobody gets it twice."""

import os
import smtplib
from collections import Counter
from functools import partial

from tests.harness.mail import QUEUED, address, connect, email
from tests.harness.relay import Credentials, Relay
from tests.harness.waiting import wait_until

LIMIT = 100  # of recipients in a transaction, unless the operator says otherwise


def send(relay: Relay, key: Credentials, recipients: list[str], content: bytes) -> list[str]:
    """As a product sends to a list: to all, then the same message to those who were one too many."""
    with connect(relay, key) as client:
        late: dict[str, tuple[int, bytes]] = client.sendmail("clerk@city.example", recipients, content)
        assert {code for code, _ in late.values()} <= {452}
        if late:
            assert client.sendmail("clerk@city.example", list(late), content) == {}
    return list(late)


def received(relay: Relay, recipients: list[str]) -> Counter[str]:
    wanted = set(recipients)
    reached = [str(recipient) for envelope, _ in relay.outbox() for recipient in envelope["rcpt_to"]]  # type: ignore[attr-defined]
    return Counter(recipient for recipient in reached if recipient in wanted)


def wait_until_received(relay: Relay, recipients: list[str], seconds: float = 60) -> None:
    reached = partial(received, relay, recipients)
    wait_until(lambda: len(reached()) >= len(recipients), seconds, lambda: f"{len(reached())} of {len(recipients)}")


def test_a_list_longer_than_the_limit_reaches_everybody_once_however_often_it_is_sent(
    relay: Relay, key: Credentials
) -> None:
    everybody = [address(f"reader-{number}") for number in range(120)]
    content = email(X_Notify_Idempotency_Key=f"list {os.urandom(8).hex()}").as_bytes()

    assert send(relay, key, everybody, content) == everybody[LIMIT:]
    wait_until_received(relay, everybody)
    # The client lost the last reply and begins anew; a relay on the way adds its field.
    assert (
        send(relay, key, everybody, b"Received: from a by b; Mon, 1 Jan 2024 10:00:00 +0000\r\n" + content)
        == (everybody[LIMIT:])
    )
    after = address("after")
    assert send(relay, key, [everybody[7], after], content) == []
    wait_until_received(relay, [*everybody, after])

    relay.wait_for_mail(after)
    assert received(relay, everybody) == Counter(everybody)


def test_the_reply_to_a_repeat_names_the_first_group_and_all_recipients(relay: Relay, key: Credentials) -> None:
    recipients = [address(), address()]
    content = email(X_Notify_Idempotency_Key=f"note {os.urandom(8).hex()}").as_bytes()
    with connect(relay, key) as client:
        first, again = (QUEUED.match(client.submit(recipients, content)) for _ in range(2))

    assert first
    assert again
    assert first.groups() == again.groups() == (first[1], "2")
    assert len(relay.wait_for_status(first[1], "delivered")) == 2


def test_without_the_field_a_message_sent_twice_is_two(relay: Relay, key: Credentials) -> None:
    recipient, content = address(), email().as_bytes()
    with connect(relay, key) as client:
        first, again = (QUEUED.match(client.submit([recipient], content)) for _ in range(2))

    assert first
    assert again
    assert first[1] != again[1]
    wait_until(lambda: received(relay, [recipient]) == {recipient: 2}, said=lambda: received(relay, [recipient]))


def test_a_key_that_cannot_be_one_is_refused_with_the_name_of_its_field(relay: Relay, key: Credentials) -> None:
    with connect(relay, key) as client:
        for field in (b"a\x00b", b"x" * 256, b"\xc3\xa9", b"a\r\nX-Notify-Idempotency-Key: b"):
            content = b"From: a@b.example\r\nX-Notify-Idempotency-Key: " + field + b"\r\n\r\nx\r\n"
            try:
                answer = client.submit([address()], content)
            except smtplib.SMTPDataError as error:
                answer = str(error)
            assert answer.startswith("554 5.6.0 header field X-Notify-Idempotency-Key cannot be used: "), answer

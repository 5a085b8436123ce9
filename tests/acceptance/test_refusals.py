"""Bad input as a client meets it: each refusal with its code, and words that say what to do."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.harness.mail import CONTENT, Client, address, connect, group_id, log_in
from tests.harness.relay import Credentials, Relay

MAX_BYTES = 20_000


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    limits = {"SMTP__MAX_MESSAGE_BYTES": MAX_BYTES, "SMTP__MAX_RECIPIENTS": 3}
    running = Relay(tmp_path_factory.mktemp("strict"), PROCESSES=2, **limits).start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def key(relay: Relay) -> Credentials:
    return relay.create_key()


@pytest.fixture
def client(relay: Relay, key: Credentials) -> Iterator[Client]:
    with connect(relay, key) as logged_in:
        yield logged_in


def test_unknown_user_and_wrong_password_sound_the_same(relay: Relay, key: Credentials) -> None:
    pairs = ((key.username, "0" * 32), ("nobody-here", key.password), (key.api_key, "x"))
    (answer,) = {log_in(relay, username, password) for username, password in pairs}
    assert answer.startswith("535 5.7.8 user name or password not accepted; check the key in use / ")


def test_password_is_not_taken_in_the_clear(relay: Relay) -> None:
    with Client("127.0.0.1", relay.port, timeout=60) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
        assert client.ask("AUTH PLAIN AGEAYg==").startswith("538 5.7.11 encryption required: issue STARTTLS")


def test_mail_needs_a_log_in(relay: Relay) -> None:
    with connect(relay) as client:
        assert client.ask("MAIL FROM:<clerk@city.example>").startswith("530 5.7.0 log in first")


@pytest.mark.parametrize("path", ["<clerk@", "clerk@city.example", "<a\tb@city.example>", "<a@city.example>b"])
def test_a_sender_that_cannot_be_read_is_refused_for_good(client: Client, path: str) -> None:
    assert re.match(r"553 5\.1\.7 malformed sender address: \w", client.ask(f"MAIL FROM:{path}"))


@pytest.mark.parametrize("path", ["<clerk@>", "<@city.example>", "<clerk@city..example>", "<a b@city.example>"])
def test_malformed_recipients_are_refused_for_good(client: Client, path: str) -> None:
    assert client.ask("MAIL FROM:<clerk@city.example>").startswith("250 ")
    assert re.match(r"553 5\.1\.3 malformed recipient address: \w", client.ask(f"RCPT TO:{path}"))


@pytest.mark.parametrize("command", ["MAIL FROM:", "MAIL clerk@city.example", "MAIL"])
def test_commands_that_cannot_be_read_tell_their_syntax(client: Client, command: str) -> None:
    assert re.match(r"(501 5\.5\.4 syntax: MAIL FROM|553 5\.1\.7 )", client.ask(command))


def test_trial_service_and_team_key_reach_their_guests_only(relay: Relay) -> None:
    guest = address("guest")
    trial, live = relay.create_service("--trial"), relay.create_service("--live")
    cases = (
        (trial, "normal", "550 5.7.1 a service in trial mode sends only to its guest list"),
        (live, "team", "550 5.7.1 a team key sends only to the guest list"),
    )
    for service, key_type, refusal in cases:
        relay.run("service", "guest", "add", str(service["id"]), guest)
        key = relay.create_key(key_type=key_type, service=str(service["id"]))
        with connect(relay, key) as client:
            client.ask("MAIL FROM:<clerk@city.example>")
            assert client.ask(f"RCPT TO:<{address()}>").startswith(refusal)
            assert client.ask(f"RCPT TO:<{guest.upper()}>").startswith("250 ")
            assert group_id(client.give(CONTENT))


def test_recipients_over_the_limit_are_put_off_and_the_others_served(relay: Relay, client: Client) -> None:
    recipients = [address(str(number)) for number in range(5)]
    client.ask("MAIL FROM:<clerk@city.example>")
    answers = [client.ask(f"RCPT TO:<{recipient}>") for recipient in recipients]
    assert [answer[:3] for answer in answers] == ["250", "250", "250", "452", "452"]
    assert answers[3].startswith("452 4.5.3 at most 3 recipients")
    assert group_id(client.give(CONTENT), 3)
    assert group_id(client.submit(recipients[3:]), 2)
    for recipient in recipients:
        relay.wait_for_mail(recipient)


def test_announced_size_over_the_limit_is_refused_at_once(client: Client) -> None:
    answer = client.ask(f"MAIL FROM:<clerk@city.example> SIZE={MAX_BYTES + 1}")
    assert answer.startswith(f"552 5.3.4 message too large: at most {MAX_BYTES} octets - ")


def test_size_over_the_limit_is_refused_after_the_content_and_the_session_goes_on(client: Client) -> None:
    line = b"x" * 70 + b"\r\n"
    too_large = CONTENT + line * (MAX_BYTES // len(line) + 1)
    refusal = f"552 5.3.4 message too large: at most {MAX_BYTES} octets - "
    assert client.submit([address()], too_large).startswith(refusal)
    assert group_id(client.submit([address()]))


@pytest.mark.parametrize(
    "content",
    [b"\r\nonly a body\r\n", b"this is no header field\r\nneither is this\r\n\r\nbody\r\n", b""],
    ids=["empty", "prose", "nothing"],
)
def test_content_without_a_header_section_is_refused(client: Client, content: bytes) -> None:
    assert client.submit([address()], content).startswith("554 5.6.0 no header section that can be read: ")


def test_loop_is_ended(client: Client) -> None:
    hop = b"Received: from a by b; Sat, 21 Nov 2026 21:00:00 +0000\r\n"
    assert group_id(client.submit([address()], hop * 50 + CONTENT))
    refused = client.submit([address()], hop * 51 + CONTENT)
    assert refused.startswith("554 5.4.6 more than 50 Received fields: the message is in a loop - https://")


def test_limit_of_a_key_lifts_at_the_minute(relay: Relay) -> None:
    key = relay.create_key("--per-minute", "2")
    with connect(relay, key) as client:
        answers = [client.submit([address()]) for _ in range(4)]
    answer = next(answer for answer in answers if not answer.startswith("250 "))  # the minute may turn in between
    found = re.match(r"451 4\.7\.1 limit of 2 messages a minute for this key reached; lifts at (\S+) - ", answer)
    assert found
    left = datetime.fromisoformat(found[1]) - datetime.now(UTC)
    assert timedelta(seconds=-5) < left <= timedelta(seconds=60)


def test_limit_of_a_service_lifts_at_midnight_and_counts_recipients(relay: Relay) -> None:
    service = relay.create_service("--live", "--per-day", "3")
    first, second = (relay.create_key(service=str(service["id"])) for _ in range(2))
    with connect(relay, first) as client:
        assert group_id(client.submit([address(), address()]), 2)
    with connect(relay, second) as client:
        answer = client.submit([address(), address()])
        found = re.match(r"451 4\.7\.1 limit of 3 messages a day for this service reached; lifts at (\S+) - ", answer)
        assert found
        assert datetime.fromisoformat(found[1]).time().isoformat() == "00:00:00"
        assert group_id(client.submit([address()]))


def test_option_that_cannot_be_used_is_named(client: Client) -> None:
    for field, value in (
        ("X-Notify-Lane", "fast"),
        ("X-Notify-Expires", "soon"),
        ("X-Notify-Branding", "not-there"),
        ("X-Notify-Scheduled-For", "tomorrow"),
    ):
        answer = client.submit([address()], f"{field}: {value}\r\n".encode() + CONTENT)
        assert answer.startswith(f"554 5.6.0 header field {field} cannot be used: ")


def test_what_was_refused_never_leaves(relay: Relay, client: Client) -> None:
    recipient, other = address(), address()
    assert client.submit([recipient], b"\r\nonly a body\r\n").startswith("554 ")
    group = group_id(client.submit([other]))
    relay.wait_for_status(group, "delivered")
    assert relay.mail_to(recipient) == []

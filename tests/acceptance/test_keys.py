"""What an operator changes is in force within five seconds, in sessions that are open too."""

import time
from functools import partial

import pytest

from tests.harness.mail import CONTENT, Client, address, connect, email, group_id, log_in, read, send
from tests.harness.relay import Credentials, Relay
from tests.harness.waiting import wait_for_answer

IN_FORCE_SECONDS = 5.0
within = partial(wait_for_answer, seconds=IN_FORCE_SECONDS)


def submit(client: Client) -> str:
    return client.submit([address()])


def test_revoked_key_is_out_in_open_sessions_and_at_log_in(relay: Relay) -> None:
    key = relay.create_key()
    with connect(relay, key) as client, connect(relay, key) as idle:
        assert group_id(submit(client))
        idle.ask("MAIL FROM:<clerk@city.example>")
        idle.ask(f"RCPT TO:<{address()}>")
        relay.run("key", "revoke", key.key_id)
        revoked_at = time.monotonic()
        within(lambda: submit(client), "535 5.7.8 this key was revoked")
        within(lambda: submit(client), "530 5.7.0 ")  # heard at DATA, it is heard at MAIL once more
        within(lambda: log_in(relay, key.username, key.password), "535 5.7.8 ")
        # Its session may live in another process, which knows a little later; after five seconds all of them do.
        time.sleep(max(0.0, revoked_at + IN_FORCE_SECONDS - time.monotonic()))
        assert idle.give(CONTENT).startswith("535 5.7.8 ")


def test_service_on_hold_is_put_off_and_served_again_after_release(relay: Relay) -> None:
    key = relay.create_key()
    with connect(relay, key) as client:
        assert group_id(submit(client))
        relay.run("service", "hold", key.service_id)
        within(lambda: submit(client), "451 4.7.1 this service is on hold")
        within(lambda: log_in(relay, key.username, key.password), "451 4.7.1 this service is on hold")
        relay.run("service", "release", key.service_id)
        within(lambda: submit(client), "250 2.0.0 ")
        within(lambda: log_in(relay, key.username, key.password), "235 2.7.0 ")


def test_rotated_key_and_its_successor_both_work_during_the_overlap(relay: Relay) -> None:
    key = relay.create_key()
    new = relay.json("key", "rotate", key.key_id, "--overlap", "600")
    successor = Credentials(
        str(new["id"]), key.service_id, str(new["smtp_username"]), str(new["smtp_password"]), str(new["api_key"])
    )
    assert log_in(relay, key.username, key.password).startswith("235 ")
    assert log_in(relay, successor.username, successor.password).startswith("235 ")


def test_key_of_another_network_is_refused(relay: Relay) -> None:
    key = relay.create_key("--allow-ip", "192.0.2.0/24")
    assert log_in(relay, key.username, key.password).startswith("535 5.7.8 ")


def test_changed_terms_of_a_key_hold_in_open_sessions(relay: Relay) -> None:
    def mail(client: Client) -> str:
        client.ask("RSET")
        return client.ask("MAIL FROM:<clerk@city.example>")

    key = relay.create_key()
    with connect(relay, key) as client:
        assert group_id(submit(client))
        relay.run("key", "update", key.key_id, "--allow-from", "@town.example", "--allow-ip", "127.0.0.0/8")
        within(lambda: mail(client), "550 5.7.1 envelope sender not allowed with this key")
        relay.run("key", "update", key.key_id, "--clear", "allow-from", "--allow-ip", "192.0.2.0/24")
        within(lambda: mail(client), "535 5.7.8 user name or password not accepted")
        assert mail(client).startswith("530 5.7.0 ")


def test_test_key_ends_in_the_simulator(relay: Relay) -> None:
    key = relay.create_key(key_type="test")
    outcomes = {
        address(): "delivered",
        "temp-fail@simulator.notify": "temporary-failure",
        "perm-fail@simulator.notify": "permanent-failure",
    }
    for recipient, status in outcomes.items():
        (history,) = relay.wait_for_status(send(relay, key, recipient), status)
        assert history["key_type"] == "test"
        assert relay.mail_to(recipient) == []


def test_author_name_and_registered_author_stand_in_the_message(relay: Relay) -> None:
    service = str(relay.create_service("--live", "--display-name", "author")["id"])
    key = relay.create_key(service=service)
    relay.run("service", "sender", "add", service, "clerk@city.example")
    relay.run("service", "sender", "add", service, "@town.example")
    cases = (
        ("Ann Clerk <clerk@city.example>", "Ann Clerk", "Ann Clerk <clerk@city.example>"),
        ("mayor@town.example", "Passports", "mayor@town.example"),
        ("Bob <bob@city.example>", "Bob", None),
    )
    for author, name, reply_to in cases:
        recipient = address()
        send(relay, key, recipient, content=email(From=author).as_bytes())
        message = read(relay.wait_for_mail(recipient)[1])
        assert message["From"].addresses[0].display_name == name
        assert message["From"].addresses[0].domain == "notification.example.ca"
        assert message["Reply-To"] == reply_to


@pytest.mark.parametrize(
    ("policy", "reply_to"), [("any", "Clerk <clerk@city.example>"), ("none", None), ("registered", None)]
)
def test_reply_to_follows_the_service(relay: Relay, policy: str, reply_to: str | None) -> None:
    key = relay.create_key(service=str(relay.create_service("--live", "--reply-to", policy)["id"]))
    recipient = address()
    send(relay, key, recipient)
    message = read(relay.wait_for_mail(recipient)[1])
    assert message["Reply-To"] == reply_to
    assert message["From"].addresses[0].display_name == "Passports"


def test_own_reply_to_stands_where_the_author_may_not(relay: Relay) -> None:
    service = relay.create_service("--live", "--reply-to", "none", "--reply-to-address", "info@city.example")
    key = relay.create_key(service=str(service["id"]))
    recipient = address()
    send(relay, key, recipient)
    assert read(relay.wait_for_mail(recipient)[1])["Reply-To"] == "info@city.example"


def test_branding_speaks_the_language_of_the_message(relay: Relay) -> None:
    key = relay.create_key("--language", "fr")
    french, none = address(), address()
    send(relay, key, french)
    send(relay, key, none, content=b"X-Notify-Branding: none\r\n" + CONTENT)
    body = read(relay.wait_for_mail(french)[1]).get_body(("plain",))
    assert body is not None
    assert "Envoyé par Passports\r\nau moyen du relais" in body.get_content()
    unbranded = relay.wait_for_mail(none)[1]
    assert b"X-Notify" not in unbranded
    assert read(unbranded).get_content() == "Hello\r\n"

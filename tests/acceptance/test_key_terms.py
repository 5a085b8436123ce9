"""What a key says for a product that cannot add header fields, by the real command and a real mail client."""

import shutil
import subprocess
from datetime import datetime

import pytest

from tests.conftest import skip_or_fail
from tests.harness.mail import CONTENT, address, connect, group_id, read, send
from tests.harness.relay import Credentials, Relay

AUTHOR = "clerk@city.example"  # of CONTENT


def swaks(relay: Relay, key: Credentials, *options: str) -> str:
    """All that the client said and heard."""
    if shutil.which("swaks") is None:
        skip_or_fail("NOT TESTED WITH swaks: not installed (Debian: apt-get install swaks)")
    login = ("--auth", "PLAIN", "--auth-user", key.username, "--auth-password", key.password)
    command = ("swaks", "--server", "127.0.0.1", "--port", str(relay.port), "--tls", *login, *options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_product_without_header_fields_sends_as_its_key_says(relay: Relay) -> None:
    terms = ("--lane", "bulk", "--language", "fr", "--lifetime", "600", "--reply-to-address", "desk@city.example")
    recipient = address()
    said = swaks(relay, relay.create_key(*terms), "--from", AUTHOR, "--to", recipient)

    (history,) = relay.wait_for_status(group_id(said), "delivered")
    assert history["lane"] == "bulk"
    created, expires = (datetime.fromisoformat(str(history[name])) for name in ("created_at", "expires_at"))
    assert (expires - created).total_seconds() == pytest.approx(600, abs=1)
    message = read(relay.wait_for_mail(recipient)[1])
    assert message["Reply-To"] == "desk@city.example"
    body = message.get_body(("plain",))
    assert body is not None
    assert "Envoyé par Passports" in body.get_content()


def test_branding_of_a_key_is_on_its_messages(relay: Relay) -> None:
    recipient = address()
    send(relay, relay.create_key("--branding", "none"), recipient)

    assert read(relay.wait_for_mail(recipient)[1]).get_content() == "Hello\r\n"


def test_message_says_otherwise_unless_its_key_fixes_it(relay: Relay) -> None:
    terms = ("--lane", "bulk", "--lifetime", "600")
    free, fixed = relay.create_key(*terms), relay.create_key(*terms, "--fix", "lane", "--fix", "expires")
    asked = b"X-Notify-Lane: priority\r\n" + CONTENT

    (history,) = relay.histories(send(relay, free, address(), content=asked))
    assert history["lane"] == "priority"
    with connect(relay, fixed) as client:
        for field, value, kept in (("X-Notify-Lane", "priority", "bulk"), ("X-Notify-Expires", "60", "600")):
            answer = client.submit([address()], f"{field}: {value}\r\n".encode() + CONTENT)
            assert answer.startswith(f"554 5.7.1 leave out header field {field}: with this key it can only be {kept}")
            assert group_id(client.submit([address()], f"{field}: {kept}\r\n".encode() + CONTENT))


def test_fixed_reply_to_is_written_over_what_the_product_sets(relay: Relay) -> None:
    service = str(relay.create_service("--live", "--reply-to", "any")["id"])
    terms = ("--reply-to-address", "desk@city.example")
    keys = {
        AUTHOR: relay.create_key(*terms, service=service),
        "desk@city.example": relay.create_key(*terms, "--fix", "reply-to", service=service),
    }
    for expected, key in keys.items():
        recipient = address()
        said = swaks(relay, key, "--from", AUTHOR, "--to", recipient, "--h-Reply-To", AUTHOR)
        assert group_id(said)
        assert read(relay.wait_for_mail(recipient)[1])["Reply-To"].addresses[0].addr_spec == expected


def test_caps_of_a_key_are_announced_and_kept(relay: Relay) -> None:
    key = relay.create_key("--max-bytes", "2048", "--max-recipients", "2")
    with connect(relay, key) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "2048"
        assert client.ask(f"MAIL FROM:<{AUTHOR}> SIZE=2049").startswith("552 5.3.4 message too large: at most 2048")
        too_large = client.submit([address()], CONTENT + b"x" * 70 + b"\r\n" + b"y\r\n" * 1000)
        assert too_large.startswith("552 5.3.4 message too large: at most 2048")
        assert client.submit([address() for _ in range(3)]).startswith("452 4.5.3 at most 2 recipients")
        assert group_id(client.submit([address(), address()]), 2)


def test_only_allowed_senders_get_in(relay: Relay) -> None:
    key = relay.create_key("--allow-from", AUTHOR, "--allow-from", "@team.example")
    listed = f"not allowed with this key; set the product to send from @team.example, {AUTHOR}"

    said = swaks(relay, key, "--from", "mayor@city.example", "--to", address())
    assert f"550 5.7.1 envelope sender {listed}" in said
    said = swaks(relay, key, "--from", AUTHOR, "--h-From", "Mayor <mayor@city.example>", "--to", address())
    assert f"550 5.7.1 header From {listed}" in said
    said = swaks(relay, key, "--from", AUTHOR, "--add-header", "Sender: mayor@city.example", "--to", address())
    assert f"550 5.7.1 header Sender {listed}" in said
    said = swaks(relay, key, "--from", AUTHOR, "--h-From", f"Mayor ({AUTHOR}) <{AUTHOR}>", "--to", address())
    assert "550 5.7.1 header From must be one field with plain addresses" in said
    for sender, author in ((AUTHOR, AUTHOR), ("<>", f"Clerk <{AUTHOR}>"), ("bo@team.example", "Bo <bo@team.example>")):
        assert group_id(swaks(relay, key, "--from", sender, "--h-From", author, "--to", address()))

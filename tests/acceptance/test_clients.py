"""Mail programs that people use, at both listeners: what they send arrives signed, branded, in the service's name."""

import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.harness.mail import address, attempts, connect, email, group_id, is_signed, read, send
from tests.harness.programs import EACH_ON_A_PORT, FRENCH, PROGRAMS, check_letter, letter
from tests.harness.relay import Credentials, Relay


@pytest.mark.parametrize(("program", "tls"), EACH_ON_A_PORT)
def test_letter_arrives_whole_from_every_program(relay: Relay, key: Credentials, program: str, tls: bool) -> None:
    recipients = [address(), address("hidden")]
    heard = PROGRAMS[program](relay, key, tls, letter(recipients).as_bytes(), recipients, None)
    assert group_id(heard, 2)
    for recipient in recipients:
        envelope, octets = relay.wait_for_mail(recipient)
        assert set(envelope) == {"id", "reverse_path", "rcpt_to", "service_id", "key_type", "tags"}
        assert (envelope["reverse_path"], envelope["service_id"]) == ("clerk@city.example", key.service_id)
        assert envelope["key_type"] == "normal"
        assert envelope["tags"].keys() == {"message_id", "attempt_id"}  # type: ignore[attr-defined]
        assert is_signed(octets, relay.records)
        check_letter(read(octets), recipients)


def test_plain_text_gets_an_html_twin(relay: Relay, key: Credentials) -> None:
    recipient = address()
    send(relay, key, recipient)
    message = read(relay.wait_for_mail(recipient)[1])
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_html_alone_stays_html(relay: Relay, key: Credentials) -> None:
    recipient = address()
    content = email()
    content.set_content("<p>Hello</p>", subtype="html")
    send(relay, key, recipient, content=content.as_bytes())
    message = read(relay.wait_for_mail(recipient)[1])
    assert message.get_content_type() == "text/html"
    assert "Sent by Passports" in message.get_content()


def test_eight_bit_content_arrives_as_it_was_meant(relay: Relay, key: Credentials) -> None:
    recipient = address()
    content = "From: a@city.example\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    content += f"Content-Transfer-Encoding: 8bit\r\n\r\n{FRENCH}\r\n"
    send(relay, key, recipient, content=content.encode())
    octets = relay.wait_for_mail(recipient)[1]
    body = read(octets).get_body(("plain",))
    assert body is not None
    assert FRENCH in body.get_content()
    assert is_signed(octets, relay.records)


def test_each_of_a_hundred_recipients_gets_one_message_of_their_own(relay: Relay, key: Credentials) -> None:
    recipients = [address(str(number)) for number in range(100)]
    group = send(relay, key, *recipients)
    relay.wait_for_status(group, "delivered")
    sent = {envelope["rcpt_to"][0] for envelope, _ in relay.outbox()}  # type: ignore[index]
    assert set(recipients) <= sent


def test_history_of_a_group_and_of_one_message(relay: Relay, key: Credentials) -> None:
    recipients = [address(), address()]
    group = send(relay, key, *recipients)
    histories = relay.wait_for_status(group, "delivered")
    assert {history["recipient"] for history in histories} == set(recipients)
    assert all(history["group_id"] == group for history in histories)
    one = relay.json("message", "show", str(histories[0]["id"]))
    assert one == histories[0]
    (attempt,) = attempts(one)
    assert (attempt["provider"], attempt["outcome"], attempt["number"]) == ("outbox", "relayed", 1)
    for_people = relay.run("message", "show", group).stdout
    assert for_people.count("delivered") == 2
    assert recipients[0] in for_people


def test_null_reverse_path_is_kept(relay: Relay, key: Credentials) -> None:
    recipient = address()
    with connect(relay, key) as client:
        assert client.submit([recipient], sender="").startswith("250 ")
    assert relay.wait_for_mail(recipient)[0]["reverse_path"] == ""


@pytest.mark.parametrize("sender", ["root@web01", "ilo.@host.example", "svc@srv_app01.corp.example.com"])
def test_a_reverse_path_that_is_no_address_of_mail_loses_no_mail(relay: Relay, key: Credentials, sender: str) -> None:
    recipient = address()
    with connect(relay, key) as client:
        assert client.submit([recipient], sender=sender).startswith("250 ")
    assert relay.wait_for_mail(recipient)[0]["reverse_path"] == sender


def test_full_api_key_and_address_form_log_in_too(relay: Relay, key: Credentials) -> None:
    with connect(relay) as client:
        assert client.login(f"{key.username}@notification.example.ca", key.api_key)[0] == 235


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Relay, Credentials, Path]]:
    """A relay with a certificate that clients can verify."""
    folder = tmp_path_factory.mktemp("certified")
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.ECDSA)
    issued.private_key_pem.write_to_path(folder / "relay.key")
    issued.cert_chain_pems[0].write_to_path(folder / "relay.crt")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    files = {"TLS__CERT_FILE": folder / "relay.crt", "TLS__KEY_FILE": folder / "relay.key"}
    relay = Relay(folder, PROCESSES=1, **files).start()
    yield relay, relay.create_key(), folder / "ca.pem"
    relay.end()


@pytest.mark.parametrize(("program", "tls"), EACH_ON_A_PORT)
def test_program_that_verifies_certificates_sends(
    certified: tuple[Relay, Credentials, Path], program: str, tls: bool
) -> None:
    relay, key, ca = certified
    recipient = address()
    content = email(To=recipient).as_bytes()
    assert group_id(PROGRAMS[program](relay, key, tls, content, [recipient], ca))


def test_certificate_by_nobody_known_is_noticed(relay: Relay, key: Credentials) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL("127.0.0.1", relay.tls_port, context=ssl.create_default_context(), timeout=5)

"""An SMTP sender hears what became of its mail (RFC 3461, 3464), as Python's parser, Postfix and Exim read it."""

import uuid
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from tests.harness.mail import Client, address, connect, group_id
from tests.harness.relay import Credentials, Relay

SECONDS = 20


@pytest.fixture(scope="module")
def domain(relay: Relay) -> str:
    name = f"{uuid.uuid4().hex[:8]}.city.example"
    relay.run("domain", "add", name)
    return name


@pytest.fixture(scope="module")
def own_key(relay: Relay, domain: str) -> Credentials:
    """Of a service that sends from a domain of its own."""
    made = relay.create_service("--live", "--domain", domain, "--language", "fr")
    return relay.create_key(service=str(made["id"]))


@pytest.fixture(scope="module")
def gone(relay: Relay, own_key: Credentials) -> str:
    """An address to which nothing is sent any more."""
    gone = address("gone")
    relay.run("suppression", "add", gone)
    return gone


def submit(client: Client, sender: str, recipient: str, *, mail: str = "", rcpt: str = "", extra: str = "") -> str:
    assert client.ask(f"MAIL FROM:<{sender}> {mail}".strip()).startswith("250")
    assert client.ask(f"RCPT TO:<{recipient}> {rcpt}".strip()).startswith("250")
    content = f"From: Zoé <{sender or 'a@b.example'}>\r\nTo: {recipient}, other@example.org\r\nSubject: Décision 31\r\n"
    content += f"Message-ID: <31@city.example>\r\n{extra}\r\nBody of it\r\n"
    return group_id(client.give(content.encode()))


def parsed(octets: bytes) -> EmailMessage:
    return message_from_bytes(octets, policy=policy.default)  # type: ignore[return-value]


def told(relay: Relay, to: str) -> EmailMessage:
    envelope, octets = relay.wait_for_mail(to, SECONDS)
    assert envelope["reverse_path"] == ""
    return parsed(octets)


def test_a_failure_is_told_to_the_sender_as_it_asked(
    relay: Relay, own_key: Credentials, domain: str, gone: str
) -> None:
    clerk = f"clerk-{uuid.uuid4().hex[:6]}@{domain}"
    with connect(relay, own_key) as client:
        client.ehlo()
        assert client.has_extn("dsn")
        submit(client, clerk, gone, mail="RET=HDRS ENVID=case+2031", rcpt=f"NOTIFY=FAILURE ORCPT=rfc822;{gone}")
    _, octets = relay.wait_for_mail(clerk, SECONDS)
    print(octets.decode())
    notice = told(relay, clerk)
    assert notice.get_content_type() == "multipart/report"
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice["In-Reply-To"] == "<31@city.example>"
    people, program, original = notice.iter_parts()
    assert people.get_content().index("Nobody reads answers") > people.get_content().index("n'a pas pu être livré")
    of_message, of_recipient = program.get_payload()
    assert of_message["Original-Envelope-Id"] == "case 31"
    assert of_message["Reporting-MTA"].startswith("dns; ")
    assert dict(of_recipient) | {
        "Original-Recipient": f"rfc822; {gone}",
        "Action": "failed",
        "Status": "5.7.1",
    } == dict(of_recipient)
    assert original.get_content_type() == "text/rfc822-headers"
    assert "Message-ID: <31@city.example>" in original.get_content()
    assert "Body of it" not in original.get_content()

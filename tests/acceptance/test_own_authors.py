"""Services that name their own authors, and what a message says of itself: the real command, a real mail client."""

import json
import re

import pytest

from tests.harness.mail import address, connect, is_signed, read, send
from tests.harness.relay import Credentials, Relay

OWN, OTHER = "city.example", "harbour.example"


def content(*fields: str, body: str = "Hello") -> bytes:
    return "".join(f"{line}\r\n" for line in (*fields, "", body)).encode()


def keyed(relay: Relay, policy: str, *options: str) -> Credentials:
    """A key of a live service at the default domain that was given an own domain."""
    relay.run("domain", "add", OWN, check=False)
    service = str(relay.create_service("--live", "--from", policy, *options)["id"])
    relay.run("service", "domain", "add", service, OWN)
    return relay.create_key(service=service)


def records(relay: Relay, domain: str) -> dict[str, str]:
    shown = json.loads(relay.run("domain", "show", domain, "--json").stdout)
    return {record["name"]: record["value"] for record in shown["records"] if record["type"] == "TXT"}


@pytest.mark.parametrize("policy", ["allow", "allow-or-refuse"])
def test_author_at_an_own_domain_stays_and_that_domain_signs(relay: Relay, policy: str) -> None:
    key, recipient = keyed(relay, policy), address()
    send(relay, key, recipient, content=content(f"From: Ann Lee <ann@{OWN}>", "Subject: x"))

    octets = relay.wait_for_mail(recipient)[1]
    assert read(octets)["From"] == f"Ann Lee <ann@{OWN}>"
    assert re.search(rb"\bd=city\.example;", octets)
    assert is_signed(octets, records(relay, OWN))


def test_other_author_gives_way_or_is_refused_as_set(relay: Relay) -> None:
    fields = (f"From: ann@{OTHER}", "Subject: x")
    recipient = address()
    send(relay, keyed(relay, "allow"), recipient, content=content(*fields))
    assert str(read(relay.wait_for_mail(recipient)[1])["From"]).endswith("@notification.example.ca>")

    with connect(relay, keyed(relay, "allow-or-refuse")) as client:
        answer = client.submit([address()], content(*fields))
    assert answer.startswith("550 5.7.1 header From must name one address in ASCII, of these: ")
    assert f"@{OWN}" in answer


def test_default_domain_is_given_to_nobody_and_a_domain_can_be_taken_away(relay: Relay) -> None:
    key = keyed(relay, "allow")
    refused = relay.run("service", "domain", "add", key.service_id, "notification.example.ca", check=False)
    assert refused.returncode == 1
    assert "default domain" in refused.stderr

    listed = relay.run("service", "domain", "list", key.service_id, "--json").stdout
    assert json.loads(listed) == {"domains": [OWN]}
    relay.run("service", "domain", "remove", key.service_id, OWN)
    assert json.loads(relay.run("service", "domain", "list", key.service_id, "--json").stdout) == {"domains": []}
    assert relay.run("service", "domain", "add", key.service_id, "unknown.example", check=False).returncode == 1


def test_trace_of_the_client_network_goes_where_the_service_says_so(relay: Relay) -> None:
    fields = ("Received: from app01.internal by mail.internal", "From: a@x.example", "Subject: x")
    kept, removed = address(), address()
    send(relay, relay.create_key(), kept, content=content(*fields))
    service = str(relay.create_service("--live", "--received", "remove")["id"])
    send(relay, relay.create_key(service=service), removed, content=content(*fields))

    assert len(read(relay.wait_for_mail(kept)[1]).get_all("Received", [])) == 2
    octets = relay.wait_for_mail(removed)[1]
    assert len(read(octets).get_all("Received", [])) == 1
    assert b"internal" not in octets
    assert b"127.0.0.1" not in octets


def test_branding_is_in_the_language_that_the_message_says(relay: Relay, key: Credentials) -> None:
    recipient = address()
    send(relay, key, recipient, content=content("From: a@x.example", "Content-Language: fr-CA", body="Bonjour"))

    body = read(relay.wait_for_mail(recipient)[1]).get_body(("plain",))
    assert body is not None
    assert "Envoyé par" in body.get_content()


def test_log_tells_fields_that_stood_there_twice(relay: Relay, key: Credentials) -> None:
    fields = ("From: a@x.example", "Subject: first", "Subject: second")
    group = send(relay, key, address(), content=content(*fields))

    lines = [json.loads(line) for line in relay.log.read_text().splitlines() if group in line]
    (accepted,) = [line for line in lines if line["event"] == "message.accepted"]
    assert accepted["repeated_fields"] == ["subject"]

"""An SMTP sender hears what became of its mail (RFC 3461, 3464), as Python's parser, Postfix and Exim read it."""

import sqlite3
import uuid
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.conftest import skip_or_fail
from tests.harness import exim, postfix
from tests.harness.exim import Exim
from tests.harness.mail import Client, address, connect, email, group_id, is_signed, read
from tests.harness.postfix import Postfix
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


def told(relay: Relay, to: str) -> tuple[EmailMessage, bytes]:
    envelope, octets = relay.wait_for_mail(to, SECONDS)
    assert envelope["reverse_path"] == ""
    assert is_signed(octets, relay.records)
    return read(octets), octets


def fields(notice: EmailMessage) -> tuple[dict[str, str], dict[str, str]]:
    """Of the message and of its recipient, as a program reads them."""
    assert notice.get_content_type() == "multipart/report"
    of_message, of_recipient = list(notice.iter_parts())[1].get_payload()
    return dict(of_message), dict(of_recipient)


def noted(relay: Relay, group: str) -> list[str]:
    """What anybody is to be told of a message that has ended: noted with its end, or never."""
    (message,) = relay.wait_for_status(group, "permanent-failure", SECONDS)
    with sqlite3.connect(relay.folder / "var/relay.db") as database:
        about = f"{message['id']} %"
        return [row[0] for row in database.execute("SELECT about FROM notices WHERE about LIKE ?", (about,))]


def offers(client: Client) -> bool:
    client.ehlo()
    return client.has_extn("dsn")


def test_a_failure_is_told_to_the_sender_as_it_asked(
    relay: Relay, own_key: Credentials, domain: str, gone: str
) -> None:
    clerk = f"clerk-{uuid.uuid4().hex[:6]}@{domain}"
    with connect(relay, own_key) as client:
        assert offers(client)
        submit(client, clerk, gone, mail="RET=HDRS ENVID=case+2031", rcpt=f"NOTIFY=FAILURE ORCPT=rfc822;{gone}")
    notice, _ = told(relay, clerk)
    assert notice["Auto-Submitted"] == "auto-replied"
    assert notice["In-Reply-To"] == "<31@city.example>"
    people, _, original = notice.iter_parts()
    assert people.get_content().index("Nobody reads answers") > people.get_content().index("n'a pas été livré")
    of_message, of_recipient = fields(notice)
    assert of_message["Original-Envelope-Id"] == "case 31"
    expected = {"Original-Recipient": f"rfc822; {gone}", "Action": "failed", "Status": "5.7.1"}
    assert expected.items() <= of_recipient.items()
    assert original.get_content_type() == "text/rfc822-headers"
    assert "Message-ID: <31@city.example>" in original.get_content()
    assert "Body of it" not in original.get_content()


@pytest.mark.parametrize("why", ["never", "null sender", "a notice", "an answer", "test key", "sender elsewhere"])
def test_nobody_is_told(relay: Relay, own_key: Credentials, domain: str, gone: str, why: str) -> None:
    key = relay.create_key(service=own_key.service_id, key_type="test") if why == "test key" else own_key
    sender = {"null sender": "", "sender elsewhere": "victim@example.net"}.get(why, f"clerk@{domain}")
    extra = {"a notice": "X-Relay-Notice: failure\r\n", "an answer": "Auto-Submitted: auto-replied\r\n"}.get(why, "")
    recipient = "perm-fail@simulator.notify" if why == "test key" else gone
    with connect(relay, key) as client:
        assert offers(client) == (why != "test key")
        rcpt = "NOTIFY=NEVER" if why == "never" else "NOTIFY=FAILURE"
        group = submit(client, sender, recipient, rcpt=rcpt, extra=extra)
    assert noted(relay, group) == []


def test_a_service_without_domain_names_an_address_and_is_offered_no_notices_else(relay: Relay, gone: str) -> None:
    place = address("bounces")
    silent, telling = (relay.create_service("--live", *options) for options in ((), ("--notice-address", place)))
    for made, is_told in ((silent, False), (telling, True)):
        with connect(relay, relay.create_key(service=str(made["id"]))) as client:
            assert offers(client) == is_told
            assert len(noted(relay, submit(client, "app@anything.example", gone))) == is_told
    assert fields(told(relay, place)[0])[1]["Action"] == "failed"
    wrong = relay.run("service", "update", str(silent["id"]), "--notice-address", "nobody", check=False)
    assert "the --notice-address cannot be used: no @ sign" in wrong.stderr
    relay.run("service", "update", str(telling["id"]), "--notice-address", "")
    assert place in relay.run("audit", "list", "--service", str(telling["id"])).stdout


@pytest.fixture
def smarthost(relay: Relay, own_key: Credentials) -> Iterator[Postfix]:
    if problem := postfix.missing():
        skip_or_fail(f"NOT TESTED WITH POSTFIX: {problem}")
    made = Postfix(relay, own_key).start()
    yield made
    made.end()


def test_postfix_asks_and_reads_what_it_is_told(relay: Relay, smarthost: Postfix, domain: str, gone: str) -> None:
    good, clerk, other = address(), f"clerk@{domain}", f"other@{domain}"
    for sender, recipient in ((clerk, gone), (other, good)):
        asked = ("-N", "failure,success", "-V", "case 31", "-R", "full")
        content = email(To=recipient, Message_ID="<31@city.example>").as_bytes()
        smarthost.run("sendmail", "-i", *asked, "-f", sender, recipient, given=content)
    failed, octets = told(relay, clerk)
    of_message, of_recipient = fields(failed)
    assert of_message["Original-Envelope-Id"] == "case 31"
    assert (of_recipient["Original-Recipient"], of_recipient["Action"]) == (f"rfc822; {gone}", "failed")
    original = list(failed.iter_parts())[2]
    assert original.get_content_type() == "message/rfc822"
    assert "Hello" in str(original.get_content())
    assert fields(told(relay, other)[0])[1]["Action"] == "relayed"
    # It answers nothing itself, and delivers what comes from the null sender as it came.
    assert smarthost.inbox == b""
    smarthost.run("sendmail", "-i", "-f", "<>", "clerk@city.example", given=octets.replace(b"\r\n", b"\n"))
    smarthost.wait_for_log("to=<clerk@city.example>", "status=sent")
    assert b"Return-Path: <>" in smarthost.inbox
    delivered = read(smarthost.inbox.partition(b"\n")[2])
    assert fields(delivered)[1] == of_recipient
    assert not any(part.defects for part in delivered.walk())


def test_exim_asks_and_a_loop_of_two_relays_ends_after_one_notice(
    relay: Relay, own_key: Credentials, domain: str, gone: str
) -> None:
    if not exim.PROGRAM.exists():
        skip_or_fail(f"NOT TESTED WITH EXIM: no {exim.PROGRAM} (.ci/run unpacks it)")
    clerk = f"exim@{domain}"
    smarthost = Exim(relay, own_key)
    try:
        smarthost.options("dsn_advertise_hosts = *\nacl_smtp_rcpt = accept")
        said = [f"MAIL FROM:<{clerk}> RET=HDRS ENVID=case+2031", f"RCPT TO:<{gone}> NOTIFY=FAILURE", "DATA"]
        content = email(To=gone, Message_ID="<31@city.example>").as_bytes().decode()
        smarthost.run("exim", "-odf", "-bs", given="\r\n".join(["EHLO x", *said, content, ".", "QUIT", ""]).encode())
        notice, octets = told(relay, clerk)
        assert fields(notice)[0]["Original-Envelope-Id"] == "case 31"
        # A forwarder at another place, in front of a relay like ours, gives it a sender, and its recipient is gone.
        smarthost.run("exim", "-odf", "-i", "-f", f"forwarder@{domain}", gone, given=octets.replace(b"\r\n", b"\n"))
        (forwarded,) = relay.json("message", "find", "--to", gone, "--limit", "1")["messages"]  # type: ignore[misc]
        assert forwarded["reverse_path"] == f"forwarder@{domain}"
        assert noted(relay, str(forwarded["group_id"])) == []
    finally:
        smarthost.end()

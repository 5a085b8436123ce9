"""What receivers make of our mail: SPF, DKIM and DMARC judged by others, with the records that `domain show` asks for.

Messages go through the whole relay; what is in the outbox goes on as SES sends it, with SES's envelope and address.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from messages.email.dkim import SigningKey, generate, public_record, sign
from tests.fakes.dns import FakeDns, Zone
from tests.fakes.ses import SES_DOMAIN, SES_SELECTOR, check, deliver, ses_key
from tests.fidelity.corpus import OWN as OWN_MESSAGES
from tests.fidelity.corpus import SENT
from tests.harness.mail import address, connect
from tests.harness.relay import Credentials, Relay
from tests.harness.sampled import IS_WHOLE, sampled
from tests.harness.verdict import Verdict, asking, judge

DEFAULT, OWN = "notification.example.ca", "mail.ville.example"
NAMES = {DEFAULT: SENT, OWN: ["alternative", *SENT[1::10]]}
LETTERS = [(domain, name) for domain, names in NAMES.items() for name in names]
SAMPLE = {*LETTERS[::6], *((domain, "alternative") for domain in NAMES)}
REGION = "ca-central-1"
OUTBOUND = "199.255.192.7"  # within SES's SPF record
STRICT, RELAXED = "v=DMARC1; p=reject; adkim=s; aspf=s", "v=DMARC1; p=reject; adkim=s; aspf=r"


@dataclass(frozen=True)
class Sender:
    domain: str
    key: Credentials


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    running = Relay(tmp_path_factory.mktemp("alignment"), PROCESSES=1)
    running.json("domain", "add", OWN)
    running.start()
    yield running
    running.end()


@pytest.fixture(params=[DEFAULT, OWN])
def sender(request: pytest.FixtureRequest, senders: dict[str, Sender]) -> Sender:
    return senders[request.param]


@pytest.fixture(scope="module")
def senders(relay: Relay) -> dict[str, Sender]:
    services = {domain: relay.create_service("--live", "--domain", domain) for domain in NAMES}
    return {
        domain: Sender(domain, relay.create_key(service=str(service["id"]))) for domain, service in services.items()
    }


@pytest.fixture(scope="module")
def published(relay: Relay) -> Zone:
    """What the domains' owners and SES have published, and a stranger with a policy of his own."""
    zone = FakeDns()
    for domain in (DEFAULT, OWN):
        records = relay.json("domain", "show", domain)["records"]
        assert isinstance(records, list)
        for record in records:
            zone.publish(record["name"], record["type"], record["value"])
    zone.publish(SES_DOMAIN, "TXT", "v=spf1 ip4:199.255.192.0/22 -all")
    zone.publish(f"{SES_SELECTOR}._domainkey.{SES_DOMAIN}", "TXT", public_record(ses_key()))
    zone.publish("_dmarc.city.example", "TXT", STRICT)
    return zone.zone


@pytest.fixture
def dns(published: Zone) -> Iterator[FakeDns]:
    with FakeDns(dict(published)).in_a_thread() as running, asking(running):
        yield running


@pytest.fixture(scope="module")
def letters(relay: Relay, senders: dict[str, Sender]) -> dict[tuple[str, str], bytes]:
    """Each message of each domain as its recipient gets it."""
    recipients = {letter: address() for letter in LETTERS if IS_WHOLE or letter in SAMPLE}
    for sender in senders.values():
        with connect(relay, sender.key) as client:
            for (domain, name), recipient in recipients.items():
                if domain == sender.domain:
                    assert client.submit([recipient], OWN_MESSAGES[name]).startswith("250 ")
    return {
        (domain, name): delivered(relay.wait_for_mail(recipient)[1], recipient, domain)
        for (domain, name), recipient in recipients.items()
    }


def delivered(sealed: bytes, recipient: str, domain: str) -> bytes:
    assert check(sealed, {"ToAddresses": [recipient]}, []) is None
    return deliver(sealed, "010d-1", REGION, time.time(), mail_from=f"bounce.{domain}")


def verdict(content: bytes, domain: str, client: str = OUTBOUND) -> Verdict:
    return judge(content, client=client, mail_from=f"010d-1@bounce.{domain}")


@pytest.fixture
def letter(letters: dict[tuple[str, str], bytes], sender: Sender) -> bytes:
    return letters[sender.domain, "alternative"]


@pytest.mark.parametrize(("domain", "name"), sampled(LETTERS, lambda at: LETTERS[at] in SAMPLE))
def test_mail_passes_dmarc_of_the_strictest_policy_by_dkim(
    letters: dict[tuple[str, str], bytes], dns: FakeDns, domain: str, name: str
) -> None:
    dns.publish(f"_dmarc.{domain}", "TXT", STRICT)

    found = verdict(letters[domain, name], domain)

    assert found == Verdict("pass", frozenset({domain, SES_DOMAIN}), "pass", "fail", "pass", "reject")


def test_spf_passes_and_aligns_in_relaxed_mode(sender: Sender, letter: bytes, dns: FakeDns) -> None:
    dns.publish(f"_dmarc.{sender.domain}", "TXT", RELAXED)

    found = verdict(letter, sender.domain)

    assert (found.spf, found.by_spf, found.dmarc) == ("pass", "pass", "pass")


def test_records_as_they_are_shown_are_enough(sender: Sender, letter: bytes, dns: FakeDns) -> None:
    found, policy = verdict(letter, sender.domain), "reject" if sender.domain == DEFAULT else "none"

    assert (found.spf, found.by_spf, found.by_dkim, found.policy) == ("pass", "pass", "pass", policy)


# -- The judge can say no ------------------------------------------------------------------------------------------
def test_changed_body_is_forged(sender: Sender, letter: bytes, dns: FakeDns) -> None:
    dns.publish(f"_dmarc.{sender.domain}", "TXT", STRICT)

    found = verdict(letter + b"And send money.\r\n", sender.domain)

    assert (found.dkim, found.dmarc, found.policy) == (frozenset(), "fail", "reject")


def test_from_that_was_not_rewritten_is_forged(sender: Sender, dns: FakeDns) -> None:
    key = SigningKey.from_pem(sender.domain, "mine", generate())
    dns.publish(f"mine._domainkey.{sender.domain}", "TXT", key.record)
    content = b"From: Clerk <clerk@city.example>\r\nTo: reader@example.org\r\nSubject: s\r\n\r\nHello\r\n"

    found = verdict(
        delivered(sign(content, key, time.time()) + content, "reader@example.org", sender.domain), sender.domain
    )

    assert (found.spf, found.dkim, found.dmarc) == ("pass", frozenset({sender.domain, SES_DOMAIN}), "fail")


def test_signature_of_another_domain_does_not_align(sender: Sender, dns: FakeDns) -> None:
    parent = sender.domain.partition(".")[2]
    key = SigningKey.from_pem(parent, "mine", generate())
    dns.publish(f"mine._domainkey.{parent}", "TXT", key.record)
    dns.publish(f"_dmarc.{sender.domain}", "TXT", STRICT)
    content = f"From: a@{sender.domain}\r\nTo: reader@example.org\r\nSubject: s\r\n\r\nHello\r\n".encode()

    found = verdict(
        delivered(sign(content, key, time.time()) + content, "reader@example.org", sender.domain), sender.domain
    )

    assert (found.dkim, found.dmarc) == (frozenset({parent, SES_DOMAIN}), "fail")


def test_revoked_key_and_foreign_address_pass_nothing(sender: Sender, letter: bytes, dns: FakeDns) -> None:
    for name, type_ in list(dns.zone):
        if name.endswith(f"._domainkey.{sender.domain}"):
            dns.publish(name, type_, "v=DKIM1; k=rsa; p=")

    found = verdict(letter, sender.domain, client="192.0.2.1")

    assert (found.spf, found.dkim, found.dmarc) == ("softfail", frozenset({SES_DOMAIN}), "fail")

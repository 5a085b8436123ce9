"""Whose posts are believed: every rule is broken once."""

import base64
import contextlib
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from delivery.feedback import sns
from delivery.feedback.base import Unreadable
from delivery.feedback.sns import SnsEnvelope, Untrusted, Verifier, parse, unwrap
from tests.fakes.sns import CERTIFICATE_URL, TOPIC, certificate, confirmation, sign, signing_key, wrap

NAMES = st.sampled_from(["Type", "Message", "Subject", "Timestamp", "TopicArn", "Signature", "SigningCertURL"])


class Kept:
    """Certificates that are there already."""

    def __init__(self, found: x509.Certificate) -> None:
        self.found = found
        self.asked: list[str] = []

    async def get(self, url: str) -> x509.Certificate:
        self.asked.append(url)
        return self.found


def envelope(told: dict[str, Any]) -> SnsEnvelope:
    return parse(json.dumps(told).encode())


async def verify(
    told: dict[str, Any], header: str | None = None, found: x509.Certificate | None = None, now: float | None = None
) -> None:
    verifier = Verifier([TOPIC], Kept(found or certificate()), lambda: now or time.time())
    await verifier.verify(envelope(told), header or told["Type"])


async def refusal(told: dict[str, Any], **more: Any) -> str:
    with pytest.raises(Untrusted) as caught:
        await verify(told, **more)
    return caught.value.reason


@pytest.mark.parametrize(
    "told",
    [wrap("{}"), wrap("Reçu ✓\n"), confirmation("t" * 64), confirmation("t", "UnsubscribeConfirmation")],
    ids=["notification", "beyond ASCII", "confirmation", "unsubscription"],
)
async def test_a_genuine_post_of_our_topic_is_believed(told: dict[str, Any]) -> None:
    await verify(told)


async def test_a_post_without_subject_is_believed() -> None:
    told = wrap("{}")
    del told["Subject"]
    await verify(sign(told))


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"])
async def test_every_signed_field_is_under_the_signature(name: str) -> None:
    other = {
        "Timestamp": (datetime.now(UTC) - timedelta(minutes=1)).isoformat(),
        "TopicArn": TOPIC + "2",
        "Type": "SubscriptionConfirmation",
    }
    told = wrap("{}", Token="t", SubscribeURL="u") | {name: other.get(name, "another")}
    verifier = Verifier([TOPIC, TOPIC + "2"], Kept(certificate()), time.time)
    with pytest.raises(Untrusted) as caught:
        await verifier.verify(envelope(told), told["Type"])
    assert caught.value.reason == "signature"


async def test_a_subject_that_was_added_or_taken_away_breaks_the_signature() -> None:
    told = wrap("{}")
    assert await refusal({name: value for name, value in told.items() if name != "Subject"}) == "signature"


async def test_another_key_signs_nothing() -> None:
    told = sign(wrap("{}"), rsa.generate_private_key(65537, 2048))
    assert await refusal(told) == "signature"


async def test_a_topic_that_is_not_ours_is_refused_though_genuine() -> None:
    assert await refusal(wrap("{}", TopicArn=TOPIC.replace("123456789012", "999999999999"))) == "topic"


async def test_header_and_body_must_agree() -> None:
    assert await refusal(wrap("{}"), header="SubscriptionConfirmation") == "type"


async def test_sha1_signatures_are_refused() -> None:
    assert await refusal(wrap("{}", SignatureVersion="1")) == "signature_version"


@pytest.mark.parametrize("minutes", [-61, 61])
async def test_a_post_of_another_hour_is_refused(minutes: int) -> None:
    stamp = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    assert await refusal(wrap("{}", Timestamp=stamp)) == "timestamp"


async def test_a_post_that_was_tried_for_most_of_an_hour_is_believed() -> None:
    await verify(wrap("{}", Timestamp=(datetime.now(UTC) - timedelta(minutes=58)).isoformat()))


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE_URL.replace("https", "http"),
        CERTIFICATE_URL.replace("ca-central-1", "us-east-1"),  # not the topic's region
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.example.org"),
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.cn"),  # not the topic's partition
        CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.eu"),
        CERTIFICATE_URL.replace("sns.", "sns.example."),
        CERTIFICATE_URL.replace("sns.", "s3."),
        CERTIFICATE_URL.replace("https://", "https://user@"),
        CERTIFICATE_URL.replace(".com/", ".com:8443/"),
        CERTIFICATE_URL.replace(".com/", ".com/a/../"),
        CERTIFICATE_URL.replace(".com/", ".com@example.org/"),
        CERTIFICATE_URL + "?x=.pem",
        CERTIFICATE_URL + "#.pem",
        CERTIFICATE_URL + "\n",
        CERTIFICATE_URL.replace("badc0de", "nothex!"),
        "https://example.org/SimpleNotificationService-00.pem",
    ],
)
async def test_only_amazons_own_certificate_urls_are_fetched(url: str) -> None:
    kept = Kept(certificate())
    with pytest.raises(Untrusted) as caught:
        await Verifier([TOPIC], kept, time.time).verify(envelope(wrap("{}", SigningCertURL=url)), "Notification")
    assert caught.value.reason == "certificate_url"
    assert kept.asked == []


@pytest.mark.parametrize(
    ("partition", "region", "domain"),
    [
        ("aws", "ca-central-1", "amazonaws.com"),
        ("aws-us-gov", "us-gov-west-1", "amazonaws.com"),
        ("aws-cn", "cn-north-1", "amazonaws.com.cn"),
        ("aws-eusc", "eusc-de-east-1", "amazonaws.eu"),
    ],
)
async def test_a_certificate_comes_from_the_partition_and_region_of_its_topic(
    partition: str, region: str, domain: str
) -> None:
    topic, kept = f"arn:{partition}:sns:{region}:123456789012:ses-events", Kept(certificate())
    verifier = Verifier([topic], kept, time.time)
    own = f"https://sns.{region}.{domain}/SimpleNotificationService-{'0a' * 16}.pem"
    await verifier.verify(envelope(wrap("{}", TopicArn=topic, SigningCertURL=own)), "Notification")
    assert kept.asked == [own]
    for other in {"amazonaws.com", "amazonaws.com.cn", "amazonaws.eu"} - {domain}:
        url = own.replace(domain + "/", other + "/")
        with pytest.raises(Untrusted, match="certificate_url"):
            await verifier.verify(envelope(wrap("{}", TopicArn=topic, SigningCertURL=url)), "Notification")
    assert kept.asked == [own]


@pytest.mark.parametrize("signature", ["", "AAAA", base64.b64encode(bytes(255)).decode()])
async def test_what_can_be_no_signature_makes_nobody_fetch(signature: str) -> None:
    kept = Kept(certificate())
    with pytest.raises((Untrusted, Unreadable)):
        await Verifier([TOPIC], kept, time.time).verify(
            envelope({**wrap("{}"), "Signature": signature}), "Notification"
        )
    assert kept.asked == []


@pytest.mark.parametrize("days", [(-10, -1), (1, 10)], ids=["expired", "not yet"])
async def test_a_certificate_out_of_its_time_is_refused(days: tuple[int, int]) -> None:
    found = certificate(None, timedelta(days=days[0]), timedelta(days=days[1]))
    assert await refusal(wrap("{}"), found=found) == "certificate_expired"


async def test_a_certificate_of_another_kind_of_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    own = certificate()
    made = x509.CertificateBuilder(
        own.subject, own.issuer, key.public_key(), 1, own.not_valid_before_utc, own.not_valid_after_utc
    ).sign(signing_key(), SHA256())
    assert await refusal(wrap("{}"), found=made) == "certificate_not_rsa"


@pytest.mark.parametrize(
    "changes",
    [
        {"Type": "Else"},
        {"Type": None},
        {"Message": None},
        {"Message": {"a": 1}},
        {"Timestamp": "now"},
        {"Signature": "***"},
        {"Signature": ""},
        {"SignatureVersion": 2},
        {"SigningCertURL": ["https://sns"]},
        {"TopicArn": "\ud800"},
    ],
)
def test_an_envelope_that_is_not_as_documented_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        envelope(wrap("{}") | changes)


@given(st.dictionaries(NAMES, st.none() | st.text() | st.integers() | st.lists(st.text())))
def test_no_envelope_raises_anything_but_unreadable(changes: dict[str, Any]) -> None:
    told = dict.fromkeys(sns._SIGNED["Notification"], "x") | {"Type": "Notification", "Signature": "eA=="}
    with contextlib.suppress(Unreadable):
        envelope(told | {"Timestamp": "2026-11-20T14:03:22.418Z", "SigningCertURL": "x"} | changes)


def test_a_queues_body_is_read_with_and_without_an_envelope() -> None:
    told = '{"eventType": "Send"}'
    assert unwrap(json.dumps(wrap(told))) == told
    assert unwrap(told) == told
    assert unwrap("Successfully validated SNS topic") == "Successfully validated SNS topic"
    with pytest.raises(Unreadable):
        unwrap('{"Type": "Notification"}')


def test_the_region_of_a_topic() -> None:
    assert sns.region(TOPIC) == "ca-central-1"

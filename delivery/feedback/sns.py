"""The envelope in which Amazon SNS carries what SES tells, and whether it is genuine.

A valid signature proves only that some AWS account sent it: the topic must be one of ours, too.
"""

import base64
import binascii
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from delivery.feedback.base import Unreadable, read_object, required, string
from messages.message import parse_time

NOTIFICATION = "Notification"
SUBSCRIPTION = "SubscriptionConfirmation"
UNSUBSCRIPTION = "UnsubscribeConfirmation"

MAX_AGE_SECONDS = 3600.0  # SNS gives up after an hour of tries
_SIGNED = {  # which fields, in which order
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    UNSUBSCRIPTION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_CERTIFICATE_PATH = re.compile(r"/SimpleNotificationService-[0-9a-f]{1,80}\.pem")
# AWS's partitions, which trust nothing of each other: the domain of their endpoints.
_DOMAINS = {
    "aws": "amazonaws.com",
    "aws-us-gov": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}
_SIGNATURE_BYTES = frozenset({256, 384, 512})  # RSA of 2048, 3072 and 4096 bits


class Untrusted(Exception):  # noqa: N818
    """Not from one of our topics, or not now. `reason` is a short code for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CertificateUnavailable(Exception):  # noqa: N818
    """The signing certificate cannot be had now: whether the envelope is genuine will show later."""


@dataclass(frozen=True, slots=True)
class SnsEnvelope:
    """What SNS posts. Nothing of it can be trusted before it is verified."""

    type: str
    topic_arn: str
    message: str
    sent_at: float
    token: str | None
    signature_version: str
    signature: bytes
    certificate_url: str
    signed: bytes  # the octets that the signature is of


class Certificates(Protocol):
    """Where signing certificates come from."""

    async def get(self, url: str) -> x509.Certificate:
        """Raises Untrusted when there is none at that URL, CertificateUnavailable when that cannot be known now."""
        ...


def parse(body: bytes) -> SnsEnvelope:
    """Raises Unreadable."""
    told = read_object(body)
    kind = required(told, "Type")
    if kind not in _SIGNED:
        raise Unreadable("Type")
    values = {name: string(told, name) for name in _SIGNED[kind]}
    if any(value is None for name, value in values.items() if name != "Subject"):
        raise Unreadable("a signed field is missing")
    try:
        signature = base64.b64decode(required(told, "Signature"), validate=True)
        sent_at = parse_time(required(told, "Timestamp"))
    except (binascii.Error, ValueError):
        raise Unreadable("Signature or Timestamp") from None
    return SnsEnvelope(
        type=kind,
        topic_arn=values["TopicArn"] or "",
        message=values["Message"] or "",
        sent_at=sent_at,
        token=values.get("Token"),
        signature_version=required(told, "SignatureVersion"),
        signature=signature,
        certificate_url=required(told, "SigningCertURL"),
        signed="".join(f"{name}\n{value}\n" for name, value in values.items() if value is not None).encode(),
    )


def unwrap(body: str) -> str:
    """The message in a queue's body: in an envelope, or as it is (RawMessageDelivery).

    Unsigned or not: who may write to the queue is said by its policy.
    """
    try:
        told = read_object(body)
    except Unreadable:
        return body  # SES's greeting; or whoever reads it will say so
    return required(told, "Message") if told.get("Type") == NOTIFICATION else body


def region(topic_arn: str) -> str:
    """The region of a topic."""
    return topic_arn.split(":")[3]


def certificate_host(topic_arn: str) -> str | None:
    """Where the topic's signing certificates are: in its own partition and region. None in one we do not know."""
    domain = _DOMAINS.get(topic_arn.split(":")[1])
    return domain and f"sns.{region(topic_arn)}.{domain}"


class Verifier:
    """Tells genuine envelopes of our topics. `topics` are ARNs; `now` gives seconds since the epoch."""

    def __init__(self, topics: Collection[str], certificates: Certificates, now: Callable[[], float]) -> None:
        self._topics = frozenset(topics)
        self._certificates = certificates
        self._now = now

    async def verify(self, envelope: SnsEnvelope, header_type: str) -> None:
        """`header_type` is what x-amz-sns-message-type says. Raises Untrusted or CertificateUnavailable."""
        # What costs no request first: strangers shall not make us fetch.
        self._check(envelope, header_type)
        certificate = await self._certificates.get(envelope.certificate_url)
        now = datetime.fromtimestamp(self._now(), UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Untrusted("certificate_expired")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise Untrusted("certificate_not_rsa")
        try:
            key.verify(envelope.signature, envelope.signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise Untrusted("signature") from None

    def _check(self, envelope: SnsEnvelope, header_type: str) -> None:
        if envelope.topic_arn not in self._topics:
            raise Untrusted("topic")
        if header_type != envelope.type:
            raise Untrusted("type")
        if envelope.signature_version != "2":  # "1" is SHA-1
            raise Untrusted("signature_version")
        if abs(self._now() - envelope.sent_at) > MAX_AGE_SECONDS:
            raise Untrusted("timestamp")
        if len(envelope.signature) not in _SIGNATURE_BYTES:
            raise Untrusted("signature")
        host = certificate_host(envelope.topic_arn)
        path = envelope.certificate_url.removeprefix(f"https://{host}")
        if host is None or not _CERTIFICATE_PATH.fullmatch(path):
            raise Untrusted("certificate_url")

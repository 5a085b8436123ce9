"""A fake SNS topic: signs envelopes (version 2) with its own certificate, feeds queues, and posts to one webhook."""

import asyncio
import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import parse_qs

import aiohttp
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.fakes.events import ACCOUNT
from tests.fakes.sigv4 import REGION
from tests.fakes.trouble import Rejection

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:ses-events"
CERTIFICATE_PATH = "/SimpleNotificationService-0badc0de0badc0de0badc0de0badc0de.pem"
CERTIFICATE_URL = f"https://sns.{REGION}.amazonaws.com{CERTIFICATE_PATH}"
SUBJECT = "Amazon SES Email Event Notification"
GREETING = "Successfully validated SNS topic for Amazon SES event publishing."

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def certificate(
    key: rsa.RSAPrivateKey | None = None, since: timedelta = timedelta(days=-1), until: timedelta = timedelta(days=30)
) -> x509.Certificate:
    """A certificate of the topic's key, from and to so long after now."""
    key, now = key or signing_key(), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now + since, now + until)
    return made.sign(key, SHA256())


@cache
def certificate_pem() -> bytes:
    return certificate().public_bytes(Encoding.PEM)


def sign(envelope: dict[str, str], key: rsa.RSAPrivateKey | None = None) -> dict[str, str]:
    """The envelope with its signature."""
    names = _NOTIFICATION if envelope["Type"] == "Notification" else _CONFIRMATION
    text = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    signature = (key or signing_key()).sign(text.encode(), PKCS1v15(), SHA256())
    return envelope | {"Signature": base64.b64encode(signature).decode()}


def wrap(message: str, **changes: str) -> dict[str, str]:
    """A signed Notification; `changes` are made before it is signed."""
    envelope = {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": TOPIC,
        "Subject": SUBJECT,
        "Message": message,
        "Timestamp": _now(),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={TOPIC}:1",
    }
    return sign(envelope | changes)


def confirmation(token: str, kind: str = "SubscriptionConfirmation", topic: str = TOPIC) -> dict[str, str]:
    """A signed SubscriptionConfirmation or UnsubscribeConfirmation."""
    host = f"https://sns.{REGION}.amazonaws.com"
    return sign(
        {
            "Type": kind,
            "MessageId": str(uuid.uuid4()),
            "Token": token,
            "TopicArn": topic,
            "Message": f"You have chosen to subscribe to the topic {topic}. Visit the SubscribeURL to confirm.",
            "SubscribeURL": f"{host}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
            "Timestamp": _now(),
            "SignatureVersion": "2",
            "SigningCertURL": CERTIFICATE_URL,
        }
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def headers(envelope: dict[str, str]) -> dict[str, str]:
    """Of the post that carries it."""
    return {
        "x-amz-sns-message-type": envelope["Type"],
        "x-amz-sns-message-id": envelope["MessageId"],
        "x-amz-sns-topic-arn": envelope["TopicArn"],
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }


@dataclass
class FakeTopic:
    """One topic. `url` is the webhook's: it must confirm before it gets notifications."""

    url: str | None = None
    retry_seconds: float = 0.2
    tries: int = 50
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    confirmed: bool = False
    authenticated_unsubscribe: bool = False
    answers: list[int] = field(default_factory=list)  # HTTP statuses of posts; 0: no answer
    queues: list[Callable[[str], None]] = field(default_factory=list)  # take the envelope's JSON

    def __post_init__(self) -> None:
        self._posts: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Asks the webhook to confirm."""
        if self.url:
            self._spawn(confirmation(self.token))

    async def close(self) -> None:
        for post in self._posts:
            post.cancel()
        await asyncio.gather(*self._posts, return_exceptions=True)

    def publish(self, message: str, by: str | None = None) -> None:
        """To all subscriptions, or only to those of one kind."""
        envelope = wrap(message)
        if by != "sns":
            for put in self.queues:
                put(json.dumps(envelope))
        if by != "sqs" and self.url:
            self._spawn(envelope)

    def answer(self, body: bytes) -> bytes | Rejection:
        """The query API: ConfirmSubscription only."""
        call = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if call.get("Action") != "ConfirmSubscription" or call.get("TopicArn") != TOPIC:
            return Rejection("NotFound", "Topic does not exist", 404)
        if call.get("Token") != self.token:
            return Rejection("InvalidParameter", "Invalid token")
        self.confirmed = True
        self.authenticated_unsubscribe = call.get("AuthenticateOnUnsubscribe") == "true"
        return (
            b'<ConfirmSubscriptionResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
            b"<ConfirmSubscriptionResult><SubscriptionArn>" + f"{TOPIC}:1".encode() + b"</SubscriptionArn>"
            b"</ConfirmSubscriptionResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"
            b"</ConfirmSubscriptionResponse>"
        )

    def _spawn(self, envelope: dict[str, str]) -> None:
        post = asyncio.get_running_loop().create_task(self._post(envelope))
        self._posts.add(post)
        post.add_done_callback(self._posts.discard)

    async def _post(self, envelope: dict[str, str]) -> None:
        """Until it is taken, or refused for good with a 4xx."""
        assert self.url
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as session:
            for _ in range(self.tries):
                if envelope["Type"] == "Notification" and not self.confirmed:
                    await asyncio.sleep(self.retry_seconds)
                    continue
                try:
                    async with session.post(
                        self.url, data=json.dumps(envelope).encode(), headers=headers(envelope)
                    ) as answer:
                        self.answers.append(answer.status)
                        if answer.status < 500 and answer.status != 429:
                            return
                except (aiohttp.ClientError, OSError):
                    self.answers.append(0)
                await asyncio.sleep(self.retry_seconds)

"""Mail as a client writes and sends it, and as a reader checks it."""

import re
import smtplib
import ssl
import uuid
from base64 import b64encode
from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage

import dkim

from tests.harness.relay import Credentials, Relay

QUEUED = re.compile(r"250[ -]2\.0\.0 ([0-9a-f-]{36}) (?:queued for|mis en file d'attente, destinataires :) (\d+)")
CONTENT = b"From: Clerk <clerk@city.example>\r\nTo: reader@example.org\r\nSubject: Notice\r\n\r\nHello\r\n"


def address(name: str = "reader") -> str:
    """An address that no other test uses."""
    return f"{name}-{uuid.uuid4().hex[:12]}@example.org"


def email(subject: str = "Notice", text: str = "Hello\n", **fields: str) -> EmailMessage:
    message = EmailMessage(policy=policy.SMTP)
    for name, value in {"From": "Clerk <clerk@city.example>", "Subject": subject, **fields}.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


def trusting() -> ssl.SSLContext:
    """For the relay's self-made certificate, which nobody can verify."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Client(smtplib.SMTP):
    """smtplib that can say anything, and tells replies as one line of text."""

    def ask(self, command: str) -> str:
        code, text = self.docmd(command)
        return f"{code} {text.decode()}"

    def give(self, content: bytes) -> str:
        """The reply to a message's content, after MAIL and RCPT."""
        try:
            code, text = self.data(content)
        except smtplib.SMTPDataError as error:
            code, text = error.smtp_code, error.smtp_error  # type: ignore[assignment]
        return f"{code} {text.decode()}"

    def submit(self, recipients: Iterable[str], content: bytes = CONTENT, sender: str = "clerk@city.example") -> str:
        """One transaction; the first refusal in it, or the reply to the whole."""
        answer = self.ask(f"MAIL FROM:<{sender}>")
        answers = [answer, *(self.ask(f"RCPT TO:<{each}>") for each in recipients if answer.startswith("250 "))]
        refused = next((answer for answer in answers if not answer.startswith("250 ")), None)
        if refused is not None:
            self.ask("RSET")
            return refused
        return self.give(content)


def connect(relay: Relay, key: Credentials | None = None) -> Client:
    """A session on the STARTTLS port, in TLS and, with a key, logged in."""
    client = Client("127.0.0.1", relay.port, local_hostname="client.example", timeout=60)
    client.starttls(context=trusting())
    client.ehlo()
    if key is not None:
        client.login(key.username, key.password)
    return client


def log_in(relay: Relay, username: str, password: str) -> str:
    """The reply to one AUTH PLAIN; smtplib's own login tries every mechanism, each with its delay."""
    with connect(relay) as client:
        return client.ask("AUTH PLAIN " + b64encode(f"\0{username}\0{password}".encode()).decode())


def send(
    relay: Relay, key: Credentials, *recipients: str, content: bytes = CONTENT, sender: str = "clerk@city.example"
) -> str:
    """Sends one message in a session of its own; the group id."""
    with connect(relay, key) as client:
        return group_id(client.submit(recipients, content, sender), len(recipients))


def group_id(answer: str, recipients: int = 1) -> str:
    """The id in a reply that says: queued."""
    found = QUEUED.search(answer)
    assert found, answer
    assert int(found[2]) == recipients
    return found[1]


def attempts(history: dict[str, object]) -> list[dict[str, object]]:
    """The attempts in what `message show` tells of a message."""
    found = history["attempts"]
    assert isinstance(found, list)
    return found


def read(octets: bytes) -> EmailMessage:
    message = message_from_bytes(octets, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def is_signed(octets: bytes, records: dict[str, str]) -> bool:
    """Whether dkimpy verifies each signature whose key is in `records`, and there is one."""
    domains = [name.split("._domainkey.")[1] for name in records if "._domainkey." in name]
    verifier = dkim.DKIM(octets)  # type: ignore[no-untyped-call]
    signatures = [value for name, value in verifier.headers if name.lower() == b"dkim-signature"]
    ours = [i for i, value in enumerate(signatures) if any(f"d={domain};".encode() in value for domain in domains)]

    def look_up(name: bytes, **_: object) -> bytes | None:
        record = records.get(name.decode().rstrip("."))
        return record.encode() if record else None

    return bool(ours) and all(
        dkim.DKIM(octets).verify(idx=i, dnsfunc=look_up)  # type: ignore[no-untyped-call]
        for i in ours
    )

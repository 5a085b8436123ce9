"""Clients that go away in the middle: a message is taken whole or not at all."""

import base64
import socket
import ssl
import struct
import time
from collections.abc import Callable

import pytest

from tests.harness.mail import CONTENT, address, connect, trusting
from tests.harness.relay import Credentials, Relay

End = Callable[[socket.socket], None]


def reset(raw: socket.socket) -> None:
    """RST instead of FIN, as a crashed client or a firewall does."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def shut(raw: socket.socket) -> None:
    raw.close()


def session(relay: Relay, key: Credentials) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", relay.tls_port), timeout=60)
    wrapped = trusting().wrap_socket(raw)
    wrapped.recv(1000)
    login = base64.b64encode(f"\0{key.username}\0{key.password}".encode())
    for line, code in ((b"EHLO client.example", b"250"), (b"AUTH PLAIN " + login, b"235")):
        wrapped.sendall(line + b"\r\n")
        assert wrapped.recv(4096).startswith(code)
    return wrapped


def transaction(wrapped: ssl.SSLSocket, recipients: list[str]) -> None:
    """Up to DATA's 354."""
    for line in ("MAIL FROM:<a@city.example>", *(f"RCPT TO:<{each}>" for each in recipients), "DATA"):
        wrapped.sendall(line.encode() + b"\r\n")
        assert wrapped.recv(4096)[:1] in (b"2", b"3")


@pytest.mark.parametrize("end", [reset, shut])
def test_disconnect_in_the_content_delivers_nothing(relay: Relay, key: Credentials, end: End) -> None:
    recipients = [address() for _ in range(3)]
    for content in (CONTENT, CONTENT + b".\r", CONTENT.rstrip() + b"\n.\r\n"):
        wrapped = session(relay, key)
        transaction(wrapped, recipients)
        wrapped.sendall(content)
        end(wrapped)
    after = address()
    with connect(relay, key) as client:
        assert client.submit([after]).startswith("250 ")
    relay.wait_for_mail(after)
    time.sleep(0.3)
    assert not any(relay.mail_to(recipient) for recipient in recipients)


@pytest.mark.parametrize("end", [reset, shut])
def test_disconnect_after_the_final_dot_delivers_to_all_or_nobody(relay: Relay, key: Credentials, end: End) -> None:
    groups = [[address(str(number)) for number in range(10)] for _ in range(8)]
    for recipients in groups:
        wrapped = session(relay, key)
        transaction(wrapped, recipients)
        wrapped.sendall(CONTENT + b".\r\n")
        end(wrapped)
    time.sleep(2)
    deadline = time.monotonic() + 60  # a busy machine may be in the middle of one
    while True:
        sent = {envelope["rcpt_to"][0] for envelope, _ in relay.outbox()}  # type: ignore[index]
        counts = [len(sent & set(recipients)) for recipients in groups]
        if set(counts) <= {0, 10}:
            break
        assert time.monotonic() < deadline, counts
        time.sleep(0.1)

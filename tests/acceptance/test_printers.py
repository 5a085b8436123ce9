"""Multifunction printers, by a script of what they say: one with TLS 1.2 and LOGIN, one that can do neither."""

import base64
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.clients_page import filled
from tests.harness.mail import address, group_id, is_signed, read
from tests.harness.relay import Credentials, Relay, free_port

PDF = b"%PDF-1.4\n" + bytes(range(256)) * 4000 + b"\n%%EOF\n"
TIFF = b"II*\0\x08\0\0\0" + bytes(reversed(range(256))) * 4000


class Printer:
    """What a device says, and what it hears."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._heard = self._socket.makefile("rb")
        assert self._reply().startswith("220 ")

    def say(self, line: str | bytes) -> str:
        octets = line.encode() if isinstance(line, str) else line
        self._socket.sendall(octets + b"\r\n")
        return self._reply()

    def _reply(self) -> str:
        lines = [self._heard.readline().decode()]
        while lines[-1][3:4] == "-":
            lines.append(self._heard.readline().decode())
        return "".join(lines)

    def secure(self, certificate: Path) -> None:
        """TLS 1.2 as old firmware speaks it: nothing newer, no server name."""
        assert self.say("STARTTLS").startswith("220 ")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.load_verify_locations(certificate)
        self._heard.close()
        secured = context.wrap_socket(self._socket)
        assert secured.version() == "TLSv1.2"
        self._socket, self._heard = secured, secured.makefile("rb")

    def end(self) -> None:
        assert self.say("QUIT").startswith("221 ")
        self._heard.close()
        self._socket.close()


def scan(recipient: str, name: str, kind: str, octets: bytes) -> bytes:
    """A message as a device makes it: no Message-ID, no Date, lines of 72 characters, the boundary always the same."""
    encoded = base64.b64encode(octets)
    lines = [encoded[at : at + 72] for at in range(0, len(encoded), 72)]
    head = (
        "From: <scanner@city.example>\r\n"
        f"To: <{recipient}>\r\n"
        "Subject: Scan from MFP-7\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="PartBoundary"\r\n\r\n'
        "--PartBoundary\r\n"
        "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
        "Scanned document attached.\r\n"
        "--PartBoundary\r\n"
        f'Content-Type: {kind}; name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    )
    return head.encode() + b"\r\n".join(lines) + b"\r\n--PartBoundary--\r\n"


def check_scan(relay: Relay, key: Credentials, recipient: str, name: str, octets: bytes) -> None:
    envelope, content = relay.wait_for_mail(recipient)
    assert (envelope["reverse_path"], envelope["service_id"]) == ("scanner@city.example", key.service_id)
    assert is_signed(content, relay.records)
    message = read(content)
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.domain) == ("Passports", "notification.example.ca")
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == name
    assert attachment.get_payload(decode=True) == octets


def test_printer_with_tls_1_2_and_login_sends_a_scan(relay: Relay, key: Credentials) -> None:
    recipients = [address(), address()]
    content = scan(recipients[0], "SCN_0001.pdf", "application/pdf", PDF)
    printer = Printer(relay.port)
    assert "STARTTLS" in printer.say("EHLO MFP-7")
    printer.secure(relay.folder / "var/tls.crt")
    assert "AUTH PLAIN LOGIN" in printer.say("EHLO MFP-7")
    assert printer.say("AUTH LOGIN").startswith("334 ")
    # As an address, since the device insists on one.
    username = f"{key.username}@notification.example.ca"
    assert printer.say(base64.b64encode(username.encode())).startswith("334 ")
    assert printer.say(base64.b64encode(key.password.encode())).startswith("235 ")
    assert printer.say(f"MAIL FROM: <scanner@city.example> SIZE={len(content)}").startswith("250 ")
    for recipient in recipients:
        assert printer.say(f"RCPT TO: <{recipient}>").startswith("250 ")
    assert printer.say("DATA").startswith("354 ")
    group_id(printer.say(content + b"."), 2)
    printer.end()
    for recipient in recipients:
        check_scan(relay, key, recipient, "SCN_0001.pdf", PDF)


@pytest.fixture
def device_relay(tmp_path: Path) -> Iterator[tuple[Relay, Credentials]]:
    """A relay with a listener for devices, as docs/clients.md says; they stand for one key."""
    relay = Relay(tmp_path, PROCESSES=1)
    key = relay.create_key()
    settings = filled("relay.env", relay, key, "").replace("10.1.2.1:25", f"127.0.0.1:{free_port()}")
    relay.environment.update(line.split("=", 1) for line in settings.replace("10.1.2.0/24", "127.0.0.0/8").splitlines())
    yield relay.start(), key
    relay.end()


def test_device_that_can_neither_encrypt_nor_log_in_sends_a_scan(device_relay: tuple[Relay, Credentials]) -> None:
    relay, key = device_relay
    recipient = address()
    port = int(relay.environment["NOTIFY_RELAY_SMTP__LISTEN_DEVICES"].rpartition(":")[2])
    printer = Printer(port)
    assert printer.say("HELO MFP-7").startswith("250 ")
    assert printer.say("MAIL FROM: <scanner@city.example>").startswith("250 ")
    assert printer.say(f"RCPT TO: <{recipient}>").startswith("250 ")
    assert printer.say("DATA").startswith("354 ")
    group_id(printer.say(scan(recipient, "SCN_0002.tif", "image/tiff", TIFF) + b"."))
    printer.end()
    check_scan(relay, key, recipient, "SCN_0002.tif", TIFF)

"""SMTP clients that make load: TLS, AUTH, and little work per message, so that what is measured is the server's."""

import asyncio
import base64
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.harness.relay import Credentials

_HTML = (
    '<html><head><meta charset="utf-8"><title>{subject}</title></head><body style="font-family: sans-serif">\r\n{rows}'
    "</body></html>\r\n"
)


class NotAccepted(Exception):
    """The server said something else than what was hoped for; the reply."""


def html_message(size_bytes: int = 2048) -> bytes:
    """A message as a business system sends it: one HTML part."""
    head = (
        "From: Licence office <office@example.org>\r\nTo: reader@example.com\r\nSubject: Your licence is ready\r\n"
        "Date: Fri, 07 Mar 2025 10:11:12 +0000\r\nMessage-ID: <licence-1@example.org>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    row = "<p>Your licence is ready. Please bring the letter that we sent you.</p>\r\n"
    missing = size_bytes - len(head) - len(_HTML)
    return (head + _HTML.format(subject="Your licence", rows=row * max(missing // len(row), 1))).encode()


def message_of(size_bytes: int) -> bytes:
    """A message of about that size: what is large is an attachment."""
    text = html_message()
    if size_bytes < 2 * len(text):
        return html_message(size_bytes)
    head, _, body = text.partition(b"Content-Type: ")
    octets = random.Random(1).randbytes((size_bytes - len(text)) * 57 // 78)  # 76 characters and CRLF to a line
    attachment = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return b"".join(
        (
            head,
            b'Content-Type: multipart/mixed; boundary="=_next"\r\n\r\n--=_next\r\nContent-Type: ',
            body,
            b"--=_next\r\nContent-Type: application/pdf; name=licence.pdf\r\nContent-Transfer-Encoding: base64\r\n"
            b"Content-Disposition: attachment; filename=licence.pdf\r\n\r\n",
            attachment,
            b"--=_next--\r\n",
        )
    )


def trusting_context() -> ssl.SSLContext:
    """For the certificate that the server made for itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Connection:
    """One session: logged in once, then any number of messages, each command waited for as most clients do."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def command(self, line: bytes, code: bytes) -> bytes:
        """The last line of the reply. Raises NotAccepted unless it begins with `code`."""
        self.writer.write(line + b"\r\n")
        return await self.reply(code)

    async def reply(self, code: bytes) -> bytes:
        while True:
            line = await self.reader.readuntil(b"\n")
            if line[3:4] != b"-":
                break
        if not line.startswith(code):
            raise NotAccepted(line.decode().strip())
        return line

    async def send(self, sender: str, recipient: str, content: bytes) -> str:
        """The group id that the 250 names."""
        await self.begin(sender, recipient)
        reply = await self.command(content + b".", b"250")
        return reply.split(b" ")[2].decode()

    async def begin(self, sender: str, recipient: str) -> None:
        """Up to and with the 354."""
        await self.command(b"MAIL FROM:<%s>" % sender.encode(), b"250")
        await self.command(b"RCPT TO:<%s>" % recipient.encode(), b"250")
        await self.command(b"DATA", b"354")


@asynccontextmanager
async def connected(
    port: int, username: str, password: str, context: ssl.SSLContext, *, starttls: bool = False
) -> AsyncIterator[Connection]:
    """A session, logged in: on the TLS port, or by STARTTLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=None if starttls else context)
    connection = Connection(reader, writer)
    try:
        await connection.reply(b"220")
        await connection.command(b"EHLO client.example.org", b"250")
        if starttls:
            await connection.command(b"STARTTLS", b"220")
            await writer.start_tls(context)
            await connection.command(b"EHLO client.example.org", b"250")
        initial = base64.b64encode(f"\0{username}\0{password}".encode())
        await connection.command(b"AUTH PLAIN " + initial, b"235")
        yield connection
    finally:
        writer.transport.abort()


def login(credentials: Credentials) -> tuple[str, str]:
    return credentials.username, credentials.password

"""One SMTP connection from the client's side, where nothing lasts longer than a step may.

smtplib waits for each piece of an answer anew; this waits for the whole of it, from any server.
"""

import re
import socket
import ssl
import threading
import time
from typing import NamedTuple

STEP_SECONDS = 10.0
_MOST_LINES = 100
_LINE_OCTETS = 2048
_SHOWN = 300
_CODE = re.compile("[0-9]{3}(?:[ -]|$)")


class Closed(Exception):  # noqa: N818 - what happened, as ConnectionError's own are named
    """The server went away."""


class NotSmtp(Exception):  # noqa: N818
    """An answer that no SMTP server gives; its text is what stands there."""


class Reply(NamedTuple):
    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.code} {' '.join(self.lines)}"[:_SHOWN]


class Dialogue:
    """Every method takes at most `seconds`, else raises TimeoutError; OSError, ssl.SSLError and Closed are possible."""

    def __init__(self, connection: socket.socket, seconds: float = STEP_SECONDS) -> None:
        self._connection = connection
        self._seconds = seconds
        self._heard = b""
        self._hidden: tuple[str, ...] = ()

    def hide(self, *secrets: str) -> None:
        """From now on no reply is told with these: some servers say the whole command again that they do not know."""
        self._hidden = secrets

    def secure(self, context: ssl.SSLContext, host: str) -> ssl.SSLSocket:
        """TLS from here on."""
        self._heard = b""  # what came before TLS was said by nobody that we know (RFC 3207 4.2)
        self._connection.settimeout(self._seconds)
        self._connection = secured = context.wrap_socket(self._connection, server_hostname=host)
        return secured

    def ask(self, command: str | bytes) -> Reply:
        """The reply to a command, or to the content of a message."""
        octets = command.encode() if isinstance(command, str) else command
        self._connection.settimeout(self._seconds)
        self._connection.sendall(octets + b"\r\n")
        return self.reply()

    def reply(self) -> Reply:
        """The next reply. Raises NotSmtp."""
        deadline = time.monotonic() + self._seconds
        lines: list[str] = []
        while len(lines) < _MOST_LINES:
            line = self._line(deadline)
            if not _CODE.match(line):
                raise NotSmtp(self._shown(line)[:_SHOWN])
            lines.append(self._shown(line[4:]))
            if line[3:4] != "-":
                return Reply(int(line[:3]), tuple(lines))
        raise NotSmtp(lines[0][:_SHOWN])

    def _shown(self, text: str) -> str:
        for secret in self._hidden:
            text = text.replace(secret, "***")
        return text

    def _line(self, deadline: float) -> str:
        while b"\n" not in self._heard and len(self._heard) < _LINE_OCTETS:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(left)
            piece = self._connection.recv(_LINE_OCTETS)
            if not piece:
                raise Closed
            self._heard += piece
        line, _, self._heard = self._heard.partition(b"\n")
        text = line.rstrip(b"\r").decode(errors="replace")
        return "".join(c if c.isprintable() else "\ufffd" for c in text)  # no terminal may take a part for an order

    def close(self) -> None:
        self._connection.close()


def resolve(host: str, port: int, seconds: float = STEP_SECONDS) -> list[str]:
    """The addresses of a host. Raises OSError, UnicodeError, or TimeoutError."""
    found: list[str] = []
    failed: list[Exception] = []

    def look() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # UnicodeError: a label of no, or too many, characters
            failed.append(error)
        else:
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    thread = threading.Thread(target=look, daemon=True)  # the system's resolver has no time limit: it is left behind
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError
    return found

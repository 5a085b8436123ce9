"""Octets to the HTTP door and back: what no HTTP library would let a test send."""

import socket
from collections.abc import Iterator, Mapping

from tests.harness.api_contract import Reply


def request(
    method: str, target: str, headers: Mapping[str, str], body: bytes = b"", version: str = "HTTP/1.1"
) -> bytes:
    """A request as it is on the wire; nothing is added but Host."""
    fields = {"Host": "127.0.0.1", **headers}
    head = f"{method} {target} {version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode("latin-1") + b"\r\n" + body


def talk(port: int, *pieces: bytes, seconds: float = 10) -> bytes:
    """All that comes back until the door closes the connection; each piece but the first waits for an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        heard = b""
        for number, piece in enumerate(pieces):
            if number:
                heard += connection.recv(65536)
            try:
                connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break  # it heard enough
        while chunk := _read(connection):
            heard += chunk
    return heard


def _read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def replies(heard: bytes, *asked: tuple[str, str]) -> Iterator[Reply]:
    """The answers to so many requests, given as method and target; all octets belong to them."""
    for method, target in asked:
        head, _, heard = heard.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in fields.items()}
        length = 0 if method == "HEAD" else int(headers["content-length"])
        yield Reply(method, target, int(start.split(" ")[1]), headers, heard[:length])
        heard = heard[length:]
    assert heard == b"", f"more than was asked for: {heard[:200]!r}"

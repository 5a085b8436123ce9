"""The HTTP door's load generator: so many kept connections, each posts one email, or text, after the other.

As the published clients do, each request has a token of its own, made with PyJWT, and a JSON body; what a client's HTTP
library would cost is left out.
"""

import asyncio
import json
import time
from dataclasses import dataclass

import jwt

from benchmarks.generator import Stopwatch, in_own_process, serve

_HEAD = (
    "POST /v2/notifications/{channel} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    "User-Agent: NOTIFY-API-PYTHON-CLIENT/13.0.0\r\n"
    "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\nContent-type: application/json\r\n"
    "Authorization: Bearer {token}\r\nContent-Length: {length}\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class HttpOrder:
    """`api_key` is of the service that has the template, which has the placeholders `name` and `number`."""

    port: int
    api_key: str
    template_id: str
    connections: int
    messages: int
    channel: str = "email"  # or sms: the template's


def _request(order: HttpOrder, number: int) -> bytes:
    claims = {"iss": order.api_key[-73:-37], "iat": int(time.time())}
    token = jwt.encode(claims, order.api_key[-36:], algorithm="HS256", headers={"typ": "JWT"})
    body = json.dumps(
        {
            **_to(order.channel, number),
            "template_id": order.template_id,
            "personalisation": {"name": "Amélie", "number": number},
            "reference": f"case {number}",
        }
    ).encode()
    return _HEAD.format(channel=order.channel, port=order.port, token=token, length=len(body)).encode() + body


def _to(channel: str, number: int) -> dict[str, str]:
    if channel == "sms":
        return {"phone_number": f"+1613555{number % 10_000:04}"}
    return {"email_address": f"reader-{number}@example.com"}


async def _answer(reader: asyncio.StreamReader) -> None:
    """Reads one answer. Raises RuntimeError unless it is 201 with a body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 201 "):
        raise RuntimeError(f"{head[:12]!r} {body!r}")


async def _run(order: HttpOrder) -> dict[str, float]:
    left = order.messages

    async def client() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", order.port)
        while left > 0:
            left -= 1
            request = _request(order, left)
            with stopwatch.waiting():
                writer.write(request)
                await _answer(reader)
        writer.transport.abort()

    stopwatch = Stopwatch()
    async with asyncio.TaskGroup() as group:
        for _ in range(order.connections):
            group.create_task(client())
    return stopwatch.figures()


async def post(order: HttpOrder) -> dict[str, float]:
    """Runs the generator in its own process."""
    return await in_own_process("benchmarks.http_load", order)


if __name__ == "__main__":
    serve(HttpOrder, _run)

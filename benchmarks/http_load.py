"""The HTTP door's load generator, a process of its own: so many kept connections, each posts one email after the other.

As the published clients do, each request has a token of its own, made with PyJWT, and a JSON body; what a client's HTTP
library would cost is left out. The order comes as JSON on standard input, what came of it goes as JSON to standard
output.
"""

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass

import jwt
import uvloop

_HEAD = (
    "POST /v2/notifications/email HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: NOTIFY-API-PYTHON-CLIENT/13.0.0\r\n"
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


def _request(order: HttpOrder, number: int) -> bytes:
    claims = {"iss": order.api_key[-73:-37], "iat": int(time.time())}
    token = jwt.encode(claims, order.api_key[-36:], algorithm="HS256", headers={"typ": "JWT"})
    body = json.dumps(
        {
            "email_address": f"reader-{number}@example.com",
            "template_id": order.template_id,
            "personalisation": {"name": "Amélie", "number": number},
            "reference": f"case {number}",
        }
    ).encode()
    return _HEAD.format(port=order.port, token=token, length=len(body)).encode() + body


async def _answer(reader: asyncio.StreamReader) -> None:
    """Reads one answer. Raises RuntimeError unless it is 201 with a body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 201 "):
        raise RuntimeError(f"{head[:12]!r} {body!r}")


async def _run(order: HttpOrder) -> dict[str, float]:
    left = order.messages
    waits: list[float] = []

    async def client() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", order.port)
        while left > 0:
            left -= 1
            request = _request(order, left)
            began = time.perf_counter()
            writer.write(request)
            await _answer(reader)
            waits.append(time.perf_counter() - began)
        writer.transport.abort()

    began, cpu = time.time(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(order.connections):
            group.create_task(client())
    waits.sort()
    return {
        "began_at": began,
        "seconds": time.time() - began,
        "cpu_seconds": time.process_time() - cpu,
        "p50": waits[len(waits) // 2],
        "p99": waits[len(waits) * 99 // 100],
    }


async def post(order: HttpOrder) -> dict[str, float]:
    """Runs the generator in its own process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.http_load"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate(json.dumps(asdict(order)).encode())
    if process.returncode != 0:
        raise RuntimeError("the load generator failed")
    answer: dict[str, float] = json.loads(output)
    return answer


if __name__ == "__main__":
    print(json.dumps(uvloop.run(_run(HttpOrder(**json.load(sys.stdin))))))

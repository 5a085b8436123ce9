"""300 unfinished bodies of 2 MiB held 789 MB, and a head that arrived at once could have any size."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from relay import serving
from relay.http import reading
from relay.http.errors import ApiError
from tests.harness.http_door import Door
from tests.integration.conftest import door, plain  # noqa: F401 - the fixtures

BODY = 2 * 1024 * 1024


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Opened = Callable[[bytes], Awaitable[Connection]]


@pytest.fixture
async def opened(door: Door) -> AsyncIterator[Opened]:  # noqa: F811
    """Connections that have sent so much."""
    writers = []

    async def open_(sent: bytes) -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writers.append(writer)
        writer.write(sent)
        await writer.drain()
        return reader, writer

    yield open_
    for writer in writers:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def unfinished(key: str, sent: int) -> bytes:
    """A request whose body does not end."""
    head = f"POST /v2/notifications/email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{key}"
    return f"{head}Content-Length: {BODY}\r\n\r\n".encode() + b" " * sent


def key(door: Door, name: str = "normal") -> str:  # noqa: F811
    return "".join(f"{field}: {value}\r\n" for field, value in door.key(name).items())


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    return head.split(b"\r\n", 1)[0], head.lower()


async def test_a_service_has_a_share_and_its_neighbour_another(door: Door, opened: Opened) -> None:  # noqa: F811
    fit = reading.SHARE_BYTES // BODY
    held = [await opened(unfinished(key(door), BODY - 1)) for _ in range(fit)]
    await asyncio.sleep(0.5)
    status, head = await answer((await opened(unfinished(key(door), BODY - 1)))[0])
    assert status == b"HTTP/1.1 503 Service Unavailable"
    assert b"retry-after: 10" in head
    assert (await door.send("trial", email_address="guest@example.org")).status == 400  # its template is another's

    for _, writer in held:
        writer.close()
    async with asyncio.timeout(60):
        while (await door.send()).status != 201:
            await asyncio.sleep(0.05)


async def test_who_has_no_key_holds_nothing(opened: Opened) -> None:
    reader, _ = await opened(unfinished("", 0))
    assert (await answer(reader))[0] == b"HTTP/1.1 401 Unauthorized"


async def test_who_sends_fast_and_then_drips_is_ended(
    door: Door,  # noqa: F811
    opened: Opened,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "PACE_SECONDS", 0.5)
    reader, writer = await opened(unfinished(key(door), BODY - 100))
    started = time.monotonic()

    async def drip() -> None:
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.1)

    dripping = asyncio.create_task(drip())
    assert (await answer(reader))[0] == b"HTTP/1.1 408 Request Timeout"
    assert time.monotonic() - started < 30
    dripping.cancel()


@pytest.mark.parametrize("before", [b"", b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["first", "second"])
async def test_a_head_over_its_limit_is_refused_also_at_once(opened: Opened, before: bytes) -> None:
    for size, status in ((serving.MAX_HEAD_BYTES - 200, b"200"), (serving.MAX_HEAD_BYTES + 1, b"400")):
        filling = b"X-Filling: " + b"x" * size + b"\r\n"
        head = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + filling + b"\r\n"
        reader, _ = await opened(before + head)
        answers = await asyncio.wait_for(reader.read(-1), 60)
        assert b"HTTP/1.1 " + status in answers
        if status == b"400":
            assert json.loads(answers.rpartition(b"\r\n\r\n")[2])["status_code"] == 400


@pytest.mark.parametrize("with_key", [True, False])
async def test_a_body_in_tiny_chunks_is_not_read_to_its_end(door: Door, opened: Opened, with_key: bool) -> None:  # noqa: F811
    field = key(door) if with_key else ""
    head = f"POST /v2/notifications/email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{field}"
    chunks = b"1\r\n \r\n" * serving.MAX_CHUNKS
    reader, _ = await opened(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"1\r\n \r\n")
    answers = await asyncio.wait_for(reader.read(-1), 60)  # the connection ends, though its body did not
    assert answers.count(b"HTTP/1.1 ") == 1
    assert answers.startswith((b"HTTP/1.1 400", b"HTTP/1.1 401")[: 1 if with_key else 2])


async def test_a_body_in_chunks_of_a_usual_size_is_read(door: Door, opened: Opened) -> None:  # noqa: F811
    head = f"POST /v2/notifications/email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{key(door)}"
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    body = chunk * (BODY // 1024 - 1) + b"2\r\n{}\r\n0\r\n\r\n"
    reader, _ = await opened(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + body)
    assert b"ValidationError" in await asyncio.wait_for(reader.readuntil(b"}]}"), 60)


def test_values_are_counted_before_they_are_read() -> None:
    started = time.thread_time()
    for body in (b"[" + b"{}," * 700_000 + b"{}]", b'["",' + b'"",' * 690_000 + b'""]'):
        with pytest.raises(ApiError):
            reading.parse(body)
    assert time.thread_time() - started < 0.5
    text = json.dumps({"a": "so, [that]: {}, " * 100_000 + '\\"'}).encode()
    assert reading.parse(text)["a"].startswith("so, ")

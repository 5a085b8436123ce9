"""The HTTP door over real sockets: whose address counts, requests that are none, connections, the stop."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from auth import keys
from config.database import Database
from config.settings import Limits
from tests.harness.http_door import Door, running_door

JSON = {"Content-Type": "application/json"}
EMAIL = "/v2/notifications/email"


@pytest.mark.parametrize(("trusted", "status"), [((), 403), (("127.0.0.0/8",), 200), (("192.0.2.1",), 403)])
async def test_a_clients_address_comes_from_trusted_proxies_only(
    plain: Database, trusted: tuple[str, ...], status: int
) -> None:
    async with running_door(plain, trusted_proxies=trusted) as door:
        async with plain.write() as connection:
            await keys.update(
                connection, door.keyring, Limits(), door.issued["normal"].key.id, networks=["198.51.100.0/24"]
            )
        answer = await door.get("/v2/templates", **{"X-Forwarded-For": "198.51.100.7"})

    assert answer.status == status


async def raw(door: Door, octets: bytes, seconds: float = 30) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(octets)
    with contextlib.suppress(ConnectionError):
        try:
            return await asyncio.wait_for(reader.read(), seconds)
        finally:
            writer.close()
    return b""


@pytest.mark.parametrize(
    "octets",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000, b"GET / HTTP/1.1\r\n\r\n"],
    ids=["not HTTP", "large head", "no Host"],
)
async def test_what_is_no_request_is_answered_in_the_same_shape(door: Door, octets: bytes) -> None:
    head, _, body = (await raw(door, octets)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["errors"][0]["error"] == "BadRequestError"


def unfinished(door: Door, key: str | None = "normal") -> bytes:
    """A request whose body's last nine octets never come."""
    head = f"POST {EMAIL} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n"
    authorization = f"Authorization: {door.key(key)['Authorization']}\r\n" if key else ""
    return f"{head}{authorization}\r\n{{".encode()


@pytest.mark.parametrize("octets", [b"", f"POST {EMAIL} HTTP/1.1\r\nHost: x\r\n".encode()], ids=["nothing", "a head"])
async def test_a_request_that_does_not_arrive_is_ended(
    door: Door, monkeypatch: pytest.MonkeyPatch, octets: bytes
) -> None:
    monkeypatch.setattr("relay.serving.ARRIVAL_SECONDS", 0.1)

    assert await raw(door, octets) == b""


async def test_a_body_that_never_ends_is_answered(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.http.reading.SECONDS", 0.1)

    assert (await raw(door, unfinished(door), 8)).startswith(b"HTTP/1.1 408 ")  # the pace alone: 10 s


async def test_who_is_refused_before_a_body_that_never_ends_hears_it_and_is_ended(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.serving.ARRIVAL_SECONDS", 2)  # long enough for an answer on a busy machine

    assert (await raw(door, unfinished(door, key=None))).startswith(b"HTTP/1.1 401 ")


async def test_connections_are_bounded(plain: Database) -> None:
    async with running_door(plain, max_connections=2) as door:
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(2)]
        await asyncio.sleep(0.1)
        answer = await raw(door, b"GET /docs HTTP/1.1\r\nHost: x\r\n\r\n")
        for _, writer in held:
            writer.close()

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["errors"][0]["error"] == "ServiceUnavailable"


async def test_a_stop_lets_a_request_end(plain: Database) -> None:
    async with running_door(plain, drain_seconds=60) as door:
        body = json.dumps(door.email()).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        head = f"POST {EMAIL} HTTP/1.1\r\nHost: x\r\nAuthorization: {door.key()['Authorization']}\r\n"
        writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        await asyncio.sleep(0.2)
        door.stopping.set()
        await asyncio.sleep(0.3)
        writer.write(body)
        answer = await asyncio.wait_for(reader.read(), 60)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 201 ")


async def test_an_error_of_ours_tells_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(door.store.searching, "find", broken)
    answer = await door.get("/v2/notifications")

    assert (answer.status, answer.errors) == (500, [("Exception", "Internal server error")])

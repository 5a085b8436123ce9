"""Who asks and never reads the answers is let go; closing alone would wait for ever for what is still to leave."""

import asyncio
import socket

import pytest

from tests.harness.http_door import running_door
from tests.harness.migrated import migrated

REQUEST = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "asked",
    [
        (REQUEST + b"\r\n") * 400,
        REQUEST + b"Connection: close\r\n\r\n",
        (REQUEST + b"\r\n") * 3 + b"nonsense\r\n\r\n",
    ],
    ids=["the door waits to write", "one answer, then close", "then what is no request"],
)
async def test_it_ends(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, asked: bytes) -> None:
    monkeypatch.setattr("relay.serving.DEPARTURE_SECONDS", 2)
    listening = socket.create_server
    monkeypatch.setattr(socket, "create_server", lambda address: _narrow(listening(address), socket.SO_SNDBUF))
    database = await migrated(sqlite_url, synchronous="OFF")
    async with running_door(database, max_connections=1) as door:
        client = _narrow(socket.socket(), socket.SO_RCVBUF)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", door.port))
        await loop.sock_sendall(client, asked)
        await asyncio.sleep(0.2)
        held = await door.get("/v2/templates")
        assert held.status == 503
        async with asyncio.timeout(60):
            while (await door.get("/v2/templates")).status != 200:
                await asyncio.sleep(0.1)
        client.close()
    await database.close()


def _narrow(each: socket.socket, direction: int) -> socket.socket:
    each.setsockopt(socket.SOL_SOCKET, direction, 4096)
    return each

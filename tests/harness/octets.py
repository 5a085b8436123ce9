"""A client's end of a connection, octet by octet: plain, then TLS, in segments as it is told."""

import asyncio
import socket
import ssl
from types import TracebackType

_SEGMENT = 1 << 16


class Octets:
    """Waits 5 s at most for whatever it waits for."""

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._received = b""
        self._from_server, self._to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None

    @classmethod
    async def connect(cls, port: int) -> "Octets":
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each `send` is a segment of its own
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        return cls(sock)

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> "Octets":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def send(self, octets: bytes, segment: int = _SEGMENT) -> None:
        if self._tls is not None:
            self._tls.write(octets)
            octets = self._to_server.read()
        for at in range(0, len(octets), segment):
            await self._loop.sock_sendall(self._sock, octets[at : at + segment])

    async def start_tls(
        self, context: ssl.SSLContext, name: str, *, first: bytes = b"", segment: int = _SEGMENT
    ) -> None:
        """`first` stands in front of the ClientHello, in the same segment. Raises EOFError, ssl.SSLError."""
        tls = context.wrap_bio(self._from_server, self._to_server, server_hostname=name)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.send(first + self._to_server.read(), segment)
                first = b""
                self._from_server.write(await self._receive())
            else:
                await self.send(self._to_server.read())
                self._tls = tls
                return

    async def _receive(self) -> bytes:
        """Whatever comes next, as it comes. Raises EOFError."""
        async with asyncio.timeout(60):
            octets = await self._loop.sock_recv(self._sock, _SEGMENT)
        if not octets:
            raise EOFError
        return octets

    async def line(self) -> str:
        """Without its end. Raises EOFError."""
        while b"\n" not in self._received:
            self._received += await self._read()
        line, _, self._received = self._received.partition(b"\r\n")
        return line.decode()

    async def _read(self) -> bytes:
        while self._tls is not None:
            try:
                return self._tls.read(_SEGMENT)
            except ssl.SSLWantReadError:
                self._from_server.write(await self._receive())
        return await self._receive()

    async def ask(self, command: str) -> str:
        """The last line of the reply."""
        await self.send(command.encode() + b"\r\n")
        return await self.reply()

    async def reply(self) -> str:
        while (line := await self.line())[3:4] == "-":
            pass
        return line

    async def ended(self) -> bytes:
        """What came until the server closed; an error when it does not within 5 s."""
        received = self._received
        try:
            while True:
                received += await self._receive()
        except (EOFError, ConnectionResetError):
            return received

"""A restart as `systemctl restart` does it: the old one ends, then the new one starts, on sockets that stay open."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.relay import Relay

Make = Callable[..., Relay]


class Clients:
    """They connect all the time, one after the other; each has to be greeted."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._connect)
        self.greeted = 0
        self.waited = 0.0
        self.failures: list[str] = []

    def __enter__(self) -> "Clients":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _connect(self) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=30) as client:
                    said = client.recv(200)
                    client.sendall(b"QUIT\r\n")
            except OSError as error:
                self.failures.append(repr(error))
                continue
            self.waited = max(self.waited, time.monotonic() - begun)
            if said.startswith(b"220 "):
                self.greeted += 1
            elif not said.startswith(b"421 "):  # it came as the old one began to stop: clients try again
                self.failures.append(repr(said))
            time.sleep(0.01)


def heard(manager: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(manager.recv(300, socket.MSG_DONTWAIT).decode())
        except BlockingIOError:
            return [each for each in found if each != "WATCHDOG=1"]


@pytest.mark.whole
def test_a_restart_refuses_nobody(make_relay: Make, tmp_path: Path) -> None:
    relay = make_relay(PROCESSES=2)
    relay.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        socket.create_server(("127.0.0.1", 0), backlog=256) as starttls,
        socket.create_server(("127.0.0.1", 0)) as tls,
        socket.create_server(("127.0.0.1", 0)) as http,
        socket.create_server(("127.0.0.1", 0)) as site,
    ):
        manager.bind(str(tmp_path / "notify"))
        sockets = {"starttls": starttls, "tls": tls, "http": http, "site": site}
        relay.start_on(sockets, seconds=60)
        assert heard(manager) == ["READY=1"]
        with Clients(starttls.getsockname()[1]) as clients:
            while clients.greeted < 20:
                time.sleep(0.05)
            assert relay.stop() == 0
            assert heard(manager) == ["STOPPING=1"]
            before = clients.greeted
            relay.start_on(sockets, seconds=60)
            assert heard(manager) == ["READY=1"]
            while clients.greeted < before + 20:
                time.sleep(0.05)
    print(f"greeted {clients.greeted}, longest wait {clients.waited:.1f} s")
    assert clients.failures == []

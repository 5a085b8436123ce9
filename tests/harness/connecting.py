"""Clients that come all the time, one after the other, whatever becomes of the relay: each has to be greeted."""

import socket
import threading
import time


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
                with socket.create_connection(("127.0.0.1", self._port), timeout=60) as client:
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

"""What a service manager is told (sd_notify(3)): that we are ready, read anew or stop, and that we live.

Where none asks (no NOTIFY_SOCKET), nothing is said. Nobody waits for it, and nothing fails because it is gone.
"""

import contextlib
import os
import socket
import time


class ServiceManager:
    """The one that started this process. Made in the process that it watches."""

    def __init__(self) -> None:
        named = os.environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{named[1:]}" if named.startswith("@") else named  # an abstract one
        watched = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._is_watching = watched and os.environ.get("WATCHDOG_USEC", "").isdecimal()

    def ready(self) -> None:
        self._tell("READY=1")

    def reloading(self) -> None:
        """Until `ready` is said again."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """To be said more often than the manager waits (WATCHDOG_USEC)."""
        if self._is_watching:
            self._tell("WATCHDOG=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as to,
        ):
            to.sendto(state.encode(), self._address)

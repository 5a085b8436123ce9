"""The sockets we listen on: bound by the supervisor, or passed by a service manager, and kept open for life.

One SO_REUSEPORT socket per door process, so that the kernel spreads connections; since the supervisor keeps each open
too, those that wait in a dead child's queue are served by its successor.
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from config.settings import PREFIX, ListenAddress, Settings, SettingsError
from messages.text import Text


@dataclass(frozen=True, slots=True)
class Listeners:
    """Bound and listening sockets, one per door process and port, kept open by the supervisor for life."""

    starttls: tuple[socket.socket, ...] = ()
    tls: tuple[socket.socket, ...] = ()
    http: tuple[socket.socket, ...] = ()
    webhook: tuple[socket.socket, ...] = ()  # of the feedback process


def bind(address: ListenAddress, setting: str, count: int = 1) -> tuple[socket.socket, ...]:
    """`count` listening sockets on one port; the kernel spreads connections over them. Raises SettingsError.

    A port that somebody else listens on is an error, also when that somebody shares ports as we do.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address.host, address.port))
            port = probe.getsockname()[1]
            probe.listen(1)
        sockets = []
        for _ in range(count):
            listener = socket.socket(family)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind((address.host, port))
            listener.listen(1024)
            listener.setblocking(False)
            sockets.append(listener)
    except OSError as error:
        raise SettingsError(
            "{name}: cannot listen on {address}: {reason}",
            name=PREFIX + setting,
            address=address,
            reason=Text(error.strerror or type(error).__name__),
        ) from None
    return tuple(sockets)


def activated(count: int) -> Listeners | None:
    """Sockets that a service manager passed (LISTEN_FDS; LISTEN_FDNAMES starttls and tls), shared by all doors."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    given = {name: socket.socket(fileno=3 + i) for i, name in enumerate(names) if name in ("starttls", "tls")}
    if not given:
        raise SettingsError("LISTEN_FDS is set, but LISTEN_FDNAMES names neither starttls nor tls")
    for listener in given.values():
        listener.setblocking(False)
    return Listeners(
        starttls=(given["starttls"],) * count if "starttls" in given else (),
        tls=(given["tls"],) * count if "tls" in given else (),
    )


def listen(settings: Settings) -> Listeners:
    """The SMTP listeners of this machine. Raises SettingsError."""
    passed = activated(settings.processes)
    return passed or Listeners(
        starttls=bind(settings.smtp.listen, "SMTP__LISTEN", settings.processes),
        tls=bind(settings.smtp.listen_tls, "SMTP__LISTEN_TLS", settings.processes),
    )


def addresses(sockets: Sequence[socket.socket]) -> str:
    """The first socket's host:port, for people."""
    return "{}:{}".format(*sockets[0].getsockname()[:2]) if sockets else "-"

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
    devices: tuple[socket.socket, ...] = ()
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


def listen(settings: Settings, role: str) -> Listeners:
    """The listeners of a role: those that a service manager passed, if it did; else bound. Raises SettingsError."""
    wanted = _wanted(settings, role)
    passed = _passed()
    if passed is None or not wanted:
        return Listeners(**{name: bind(*each) for name, each in wanted.items()})
    if not passed.keys() & wanted.keys():
        raise SettingsError("LISTEN_FDS is set, but LISTEN_FDNAMES names none of {names}", names=", ".join(wanted))
    return Listeners(**{name: (passed[name],) * count for name, (_, _, count) in wanted.items() if name in passed})


def _wanted(settings: Settings, role: str) -> dict[str, tuple[ListenAddress, str, int]]:
    """By name: the address, the setting that gives it, and how many processes listen there."""
    wanted = {}
    if role in ("all", "smtp"):
        wanted["starttls"] = (settings.smtp.listen, "SMTP__LISTEN", settings.processes)
        wanted["tls"] = (settings.smtp.listen_tls, "SMTP__LISTEN_TLS", settings.processes)
        if settings.smtp.listen_devices is not None:
            wanted["devices"] = (settings.smtp.listen_devices, "SMTP__LISTEN_DEVICES", settings.processes)
    if role in ("all", "http"):
        wanted["http"] = (settings.http.listen, "HTTP__LISTEN", settings.processes)
    if role in ("all", "feedback") and settings.aws.sns_topics:
        wanted["webhook"] = (settings.feedback.listen, "FEEDBACK__LISTEN", 1)
    return wanted


def _passed() -> dict[str, socket.socket] | None:
    """What a service manager passed (LISTEN_FDS), by the names in LISTEN_FDNAMES; shared by all processes of a kind.

    Raises SettingsError when two have one name: one of them would stay open, and nobody would accept there.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return None
    names = os.environ.get("LISTEN_FDNAMES", "").split(":")
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError("LISTEN_FDNAMES names {name} twice: pass one socket for each name", name=twice)
    passed = {name: socket.socket(fileno=3 + i) for i, name in enumerate(names) if name}
    for listener in passed.values():
        listener.set_inheritable(False)
        listener.setblocking(False)
    return passed


def addresses(sockets: Sequence[socket.socket]) -> str:
    """The first socket's host:port, for people."""
    return "{}:{}".format(*sockets[0].getsockname()[:2]) if sockets else "-"

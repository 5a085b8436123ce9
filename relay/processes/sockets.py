"""The sockets we listen on: bound by the supervisor, or passed by a service manager, and kept open for life.

One SO_REUSEPORT socket per door process, so that the kernel spreads connections; since the supervisor keeps each open
too, those that wait in a dead child's queue are served by its successor.
"""

import os
import socket
from collections.abc import Mapping, Sequence

from config.setting_values import ListenAddress
from config.settings import PREFIX, Settings, SettingsError
from messages.text import Text
from relay.processes.roles import Port, Role

Listeners = Mapping[Port, tuple[socket.socket, ...]]  # one per process; a port that is closed is not there


def listen(settings: Settings, role: Role) -> Listeners:
    """The listeners of a role: those that a service manager passed, if it did; else bound. Raises SettingsError."""
    wanted = {port: (address, count) for port, address, count in role.ports(settings)}
    passable = [port.name for port in wanted if port.is_passed]
    passed = _passed()
    if passed is None or not passable:
        return {port: _bind(address, port.setting, count) for port, (address, count) in wanted.items()}
    if passed.keys().isdisjoint(passable):
        raise SettingsError("LISTEN_FDS is set, but LISTEN_FDNAMES names none of {names}", names=", ".join(passable))
    return {
        port: (passed[port.name],) * count if port.is_passed else _bind(address, port.setting, count)
        for port, (address, count) in wanted.items()
        if port.name in passed or not port.is_passed
    }


def _bind(address: ListenAddress, setting: str, count: int) -> tuple[socket.socket, ...]:
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

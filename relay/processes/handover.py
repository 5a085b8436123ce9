"""What `serve` hands to the supervisor that it becomes: settings without secrets, and each secret by a descriptor.

Whoever prepares has to read every secret. It ends by exec, which leaves nothing of its memory or environment: the
supervisor, and with it each child that it forks, begins without any. A child reads what its role needs, and closes the
rest.
"""

import json
import os
import pickle
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from socket import socket
from typing import Any, NoReturn

from pydantic import SecretStr

from config.settings import PREFIX, Settings
from relay.processes.roles import Port, Role, Secret
from relay.processes.sockets import Listeners
from relay.processes.supervisor import hold_signals

_PLAN = "RELAY_PLAN"  # "process id:descriptor", as LISTEN_PID and LISTEN_FDS are
_AWS = "AWS_"
_SECRETS = frozenset({f"{PREFIX}SECRET_KEY", f"{PREFIX}SEALING_KEY"})


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the supervisor goes by. Holds no secret but what a database's URL holds, which every child needs."""

    settings: Settings
    role: Role
    listeners: Mapping[Port, tuple[int, ...]]  # descriptors
    secrets: Mapping[Secret, int]
    sheet: str | None = None  # for people, once all is ready
    variables: Mapping[str, str] = field(default_factory=dict)  # ours, but secrets: to read the settings anew by
    overrides: Mapping[str, Any] = field(default_factory=dict)  # what the command line says instead

    @classmethod
    def of(
        cls,
        settings: Settings,
        role: Role,
        listeners: Listeners,
        sheet: str | None,
        overrides: Mapping[str, Any] | None = None,
    ) -> "Plan":
        """Of settings in which the root secrets of the role are set."""
        given = {Secret.AWS: json.dumps({name: value for name, value in os.environ.items() if name.startswith(_AWS)})}
        for secret, value in ((Secret.SECRET_KEY, settings.secret_key), (Secret.SEALING_KEY, settings.sealing_key)):
            if value is not None:
                given[secret] = value.get_secret_value()
        return cls(
            settings.model_copy(update={"secret_key": None, "sealing_key": None}),
            role,
            {port: tuple(map(_kept, sockets)) for port, sockets in listeners.items()},
            {secret: _file(value.encode()) for secret, value in given.items()},
            sheet,
            {name: value for name, value in os.environ.items() if _is_setting(name) and name.upper() not in _SECRETS},
            overrides or {},
        )

    def sockets(self) -> Listeners:
        """Once: they are the caller's from then on."""
        return {port: tuple(map(_socket, descriptors)) for port, descriptors in self.listeners.items()}

    def entrusted(self, settings: Settings, needed: Collection[Secret]) -> Settings:
        """These settings with what is needed of the secrets, AWS's in the environment; the others are out of reach."""
        found = {secret: _read(number).decode() for secret, number in self.secrets.items() if secret in needed}
        for number in self.secrets.values():
            os.close(number)
        os.environ.update(json.loads(found.pop(Secret.AWS, "{}")))
        return settings.model_copy(update={name.value: SecretStr(secret) for name, secret in found.items()})


def received() -> Plan | None:
    """The plan of the process that became this one, if any did."""
    pid, _, number = os.environ.pop(_PLAN, "").partition(":")
    if pid != str(os.getpid()):
        return None
    plan = pickle.loads(_read(int(number)))  # noqa: S301 - our own, and nobody else can reach it
    os.close(int(number))
    assert isinstance(plan, Plan)
    for each in (*plan.secrets.values(), *(each for group in plan.listeners.values() for each in group)):
        os.set_inheritable(each, False)
    return plan


def become(plan: Plan) -> NoReturn:
    """The same command in the same process once more, to go on by the plan."""
    number = _file(pickle.dumps(plan))
    hold_signals()  # until the supervisor listens: none is lost
    os.execve(  # noqa: S606 - without a shell
        sys.executable,
        [sys.executable, *sys.orig_argv[1:]],
        environment() | {_PLAN: f"{os.getpid()}:{number}"},
    )


def environment() -> dict[str, str]:
    """Ours without our settings, which are in the plan, and without what is for AWS's SDK."""
    return {name: value for name, value in os.environ.items() if not (_is_setting(name) or name.startswith(_AWS))}


def _is_setting(variable: str) -> bool:
    return variable.upper().startswith(PREFIX)  # they are read in any case


def _file(octets: bytes) -> int:
    """A file in memory that outlives exec, for `_read`."""
    number = os.memfd_create("relay", 0)
    with open(number, "wb", closefd=False) as file:
        file.write(octets)
    return number


def _read(number: int) -> bytes:
    """From the start: where reading stands is shared by all who inherited the descriptor."""
    return os.pread(number, os.fstat(number).st_size, 0)


def _kept(listener: socket) -> int:
    """A descriptor of it that outlives exec."""
    number = os.dup(listener.fileno())
    os.set_inheritable(number, True)
    return number


def _socket(number: int) -> socket:
    found = socket(fileno=number)
    found.setblocking(False)
    return found

"""The table of roles: what each process listens on, which secrets it holds, how many there are, what they need.

`--role` and its choices, the listeners, the start and the table in docs/operations.md follow from it. What a process
runs stands in the module of its name beside this one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import Any

from config.setting_values import ListenAddress
from config.settings import Settings


class Secret(StrEnum):
    """What not every process may hold."""

    SECRET_KEY = "secret_key"  # noqa: S105 - names
    SEALING_KEY = "sealing_key"
    AWS = "aws"  # all variables of the SDK's


@dataclass(frozen=True, slots=True)
class Port:
    """Where processes listen, by the name that a service manager has for it."""

    name: str
    setting: str  # of its address
    wanted_by: str | None = None  # the setting without which it stays closed; None: it is always open
    is_passed: bool = True  # by a service manager, where one passes any; else we bind it

    def address(self, settings: Settings) -> ListenAddress | None:
        """None where it stays closed."""
        is_open = self.wanted_by is None or _value(settings, self.wanted_by)
        address: ListenAddress = _value(settings, self.setting)
        return address if is_open else None


@dataclass(frozen=True, slots=True)
class Process:
    """A kind of process. With a role of its name, which runs it alone."""

    name: str
    secrets: tuple[Secret, ...] = ()
    ports: tuple[Port, ...] = ()
    is_single: bool = False  # one on a machine; else as many as PROCESSES says
    is_door: bool = False  # does nothing but serve its ports: not started where none is open
    has_certificates: bool = False
    actions: str = ""  # of AWS's, that its credentials must allow
    reaches: str = ""  # outside, beside the database and AWS

    def count(self, settings: Settings) -> int:
        """How many run on one machine."""
        return 1 if self.is_single else settings.processes


STARTTLS = Port("starttls", "SMTP__LISTEN")
TLS = Port("tls", "SMTP__LISTEN_TLS")
DEVICES = Port("devices", "SMTP__LISTEN_DEVICES", wanted_by="SMTP__LISTEN_DEVICES")
HTTP = Port("http", "HTTP__LISTEN")
SITE = Port("site", "SITE__LISTEN")
WEBHOOK = Port("webhook", "FEEDBACK__LISTEN", wanted_by="AWS__SNS_TOPICS")
METRICS = Port("metrics", "METRICS__LISTEN", is_passed=False)  # of one `serve`, also while its successor starts

PROCESSES = (
    Process("smtp", (Secret.SECRET_KEY,), (STARTTLS, TLS, DEVICES), is_door=True, has_certificates=True),
    Process("http", (Secret.SECRET_KEY,), (HTTP,), is_door=True),
    Process("site", (Secret.SECRET_KEY,), (SITE,), is_door=True),
    Process(
        "worker",
        (Secret.SECRET_KEY, Secret.SEALING_KEY, Secret.AWS),
        actions="`ses:SendRawEmail`, `ses:SendEmail`, `ses:GetAccount`; with tenants `ses:GetTenant`; "
        "for texts `sms-voice:SendTextMessage`",
        reaches="with SES the way to the resolvers",
    ),
    Process(
        "feedback",
        (Secret.SECRET_KEY, Secret.AWS),
        (WEBHOOK,),
        is_single=True,
        actions="`sqs:ReceiveMessage`, `sqs:DeleteMessage`, `sqs:GetQueueAttributes`; with tenants `ses:GetTenant`; "
        "for pools of texts "
        "`sms-voice:DescribePhoneNumbers`; for the webhook "
        "`sns:ConfirmSubscription`",
        reaches="the way out to services' receivers",
    ),
)
OPS = Process("ops", ports=(METRICS,), is_single=True)  # beside every role: it measures what runs on the machine


@dataclass(frozen=True, slots=True)
class Role:
    """What one `serve` runs, by the name in `--role`."""

    name: str
    processes: tuple[Process, ...]

    def holds(self, secret: Secret) -> bool:
        return any(secret in each.secrets for each in self.processes)

    @property
    def has_certificates(self) -> bool:
        return any(each.has_certificates for each in self.processes)

    def ports(self, settings: Settings) -> Iterator[tuple[Port, ListenAddress, int]]:
        """Those that are opened: where, and how many processes listen there."""
        for process in (*self.processes, OPS):
            for port in process.ports:
                if (address := port.address(settings)) is not None:
                    yield port, address, process.count(settings)


ROLES = {role.name: role for role in (Role("all", PROCESSES), *(Role(each.name, (each,)) for each in PROCESSES))}


def _value(settings: Settings, name: str) -> Any:
    """Of a setting, by its variable's name without the prefix."""
    return reduce(getattr, name.lower().split("__"), settings)

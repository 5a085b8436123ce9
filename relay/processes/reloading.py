"""Settings that are read anew while the relay runs, at SIGHUP: which may be, and how.

What stands in the environment is of the start; the settings file may have changed. It may hold secrets, too, and the
supervisor has none: a process of its own reads it, hands over what is no secret, and ends.
"""

import os
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import structlog

from config.settings import Settings, SettingsError, Slice, load
from relay import wiring

# Sockets, certificates, secrets and folders that are there before any child is; the others are each child's own.
AT_RESTART = frozenset(
    {
        *("DATABASE_URL", "SECRET_KEY", "SEALING_KEY", "DATABASE_URL_FILE", "SECRET_KEY_FILE", "SEALING_KEY_FILE"),
        *("STATE_DIR", "PROCESSES", "LOG_FORMAT", "TLS__CERT_FILE", "TLS__KEY_FILE", "OUTBOX__DIR", "AWS__SNS_TOPICS"),
        *("SMTP__LISTEN", "SMTP__LISTEN_TLS", "SMTP__LISTEN_DEVICES", "HTTP__LISTEN", "SITE__LISTEN"),
        *("METRICS__LISTEN", "FEEDBACK__LISTEN"),
    }
)


@dataclass(frozen=True, slots=True)
class Merged:
    """The settings of from now on, and the names of what changed: now, or with the next restart."""

    settings: Settings
    changed: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


class Reloading:
    """Held by the supervisor; a child that starts asks for `settings`."""

    def __init__(self, settings: Settings, variables: Mapping[str, str], overrides: Mapping[str, Any]) -> None:
        self.settings = settings
        self._variables = variables
        self._overrides = overrides
        self._log = structlog.get_logger("settings")

    def reread(self) -> bool:
        """Whether anything changed that a child has to start for. What cannot be used changes nothing, and is said."""
        found = _apart(self._read)
        if isinstance(found, str):
            self._log.error("settings.not_reloaded", problem=found)
            return False
        if found.waiting:
            self._log.warning("settings.restart_needed", names=found.waiting)
        if found.changed:
            self._log.info("settings.reloaded", names=found.changed)
        self.settings = found.settings
        return bool(found.changed)

    def _read(self) -> Merged:
        os.environ.update(self._variables)
        read = load(**self._overrides)
        wiring.load_letterheads(read)  # artwork that cannot be shown would keep children from starting
        return merged(self.settings, read)


def merged(old: Settings, new: Settings) -> Merged:
    """`old` with what may change as `new` has it. No secret is taken over."""
    changed: list[str] = []
    waiting: list[str] = []

    def differing(before: Any, after: Any, prefix: str) -> dict[str, Any]:
        update: dict[str, Any] = {}
        for field in type(before).model_fields:
            was, is_now, name = getattr(before, field), getattr(after, field), f"{prefix}{field.upper()}"
            if isinstance(was, Slice):
                update[field] = was.model_copy(update=differing(was, is_now, f"{name}__"))
            elif field not in before.model_fields_set | after.model_fields_set:
                continue  # a default follows from what else is set, as a URL from where we listen: that waits
            elif was != is_now and name not in {"SECRET_KEY", "SEALING_KEY"}:
                (waiting if name in AT_RESTART else changed).append(name)
                if name not in AT_RESTART:
                    update[field] = is_now
        return update

    settings = old.model_copy(update=differing(old, new, ""))
    return Merged(settings, tuple(changed), tuple(waiting))


def _apart(work: Callable[[], Merged]) -> Merged | str:
    """What `work` found in a process that ends with it, or what it complained of."""
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return type(error).__name__
    if pid == 0:
        _answer(work, writing)
    os.close(writing)
    with open(reading, "rb") as answer:
        octets = answer.read()
    os.waitpid(pid, 0)
    found = pickle.loads(octets) if octets else "it could not be read"  # noqa: S301 - our own child's
    assert isinstance(found, Merged | str)
    return found


def _answer(work: Callable[[], Merged], writing: int) -> NoReturn:
    try:
        try:
            answer: Merged | str = work()
        except SettingsError as error:
            answer = str(error)
        with open(writing, "wb") as out:
            out.write(pickle.dumps(answer))
    finally:
        os._exit(0)

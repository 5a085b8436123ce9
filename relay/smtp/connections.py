"""The open connections of one process, and how many there may be: in all and from one address."""

from collections import Counter
from collections.abc import Iterator
from typing import Generic, TypeVar

from prometheus_client import Gauge

from config.settings import Smtp
from messages import reply
from messages.reply import Reply

_Session = TypeVar("_Session")


class Connections(Generic[_Session]):
    def __init__(self, settings: Smtp, gauge: Gauge) -> None:
        self._limit = settings.max_connections
        self._limit_per_address = settings.max_connections_per_address
        self._gauge = gauge
        self._sessions: dict[_Session, str] = {}
        self._per_address: Counter[str] = Counter()
        self._closed = False

    def admit(self, session: _Session, address: str) -> Reply | None:
        """Counts the session in, or says why not."""
        if self._closed:
            return reply.SHUTTING_DOWN
        if len(self._sessions) >= self._limit or self._per_address[address] >= self._limit_per_address:
            return reply.TOO_MANY_CONNECTIONS
        self._sessions[session] = address
        self._per_address[address] += 1
        self._gauge.inc()
        return None

    def leave(self, session: _Session) -> None:
        address = self._sessions.pop(session)
        self._gauge.dec()
        self._per_address[address] -= 1
        if not self._per_address[address]:
            del self._per_address[address]

    def close(self) -> None:
        """Nobody is admitted any more."""
        self._closed = True

    def __iter__(self) -> Iterator[_Session]:
        return iter(tuple(self._sessions))

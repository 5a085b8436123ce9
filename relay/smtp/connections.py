"""The open connections of one process, and how many there may be: in all, from one address and with one key."""

from collections import Counter
from collections.abc import Iterator
from typing import Generic, TypeVar
from uuid import UUID

from prometheus_client import Gauge

from config.settings import Smtp
from messages import reply
from messages.reply import Refused, Reply

_Session = TypeVar("_Session")
_Holder = TypeVar("_Holder")


class Connections(Generic[_Session]):
    def __init__(self, settings: Smtp, gauge: Gauge) -> None:
        self._limit = settings.max_connections
        self._limit_per_address = settings.max_connections_per_address
        self._limit_per_key = settings.max_connections_per_key
        self._gauge = gauge
        self._sessions: dict[_Session, str | None] = {}  # and its client's address
        self._per_address: Counter[str] = Counter()
        self._keys: dict[_Session, UUID] = {}
        self._per_key: Counter[UUID] = Counter()

    def admit(self, session: _Session) -> Reply | None:
        """Counts the session in, or says why not."""
        if len(self._sessions) >= self._limit:
            return reply.TOO_MANY_CONNECTIONS
        self._sessions[session] = None
        self._gauge.inc()
        return None

    def locate(self, session: _Session, address: str) -> Reply | None:
        """Counts an admitted session for its client's address, too, or says why not."""
        if self._per_address[address] >= self._limit_per_address:
            return reply.TOO_MANY_CONNECTIONS
        self._sessions[session] = address
        self._per_address[address] += 1
        return None

    def join(self, session: _Session, key_id: UUID) -> None:
        """Counts a session for the key that it uses from now on. Raises Refused: the key has enough of them."""
        if self._keys.get(session) == key_id:
            return
        if self._per_key[key_id] >= self._limit_per_key:
            raise Refused(reply.TOO_MANY_OF_KEY, limit=self._limit_per_key)
        self._part(session)
        self._keys[session] = key_id
        self._per_key[key_id] += 1

    def leave(self, session: _Session) -> None:
        address = self._sessions.pop(session)
        self._gauge.dec()
        self._part(session)
        if address is not None:
            _decrease(self._per_address, address)

    def _part(self, session: _Session) -> None:
        """From the key that the session used until now."""
        key_id = self._keys.pop(session, None)
        if key_id is not None:
            _decrease(self._per_key, key_id)

    def __iter__(self) -> Iterator[_Session]:
        return iter(tuple(self._sessions))


def _decrease(counts: Counter[_Holder], holder: _Holder) -> None:
    """Without leaving a zero behind: holders come and go for years."""
    counts[holder] -= 1
    if not counts[holder]:
        del counts[holder]

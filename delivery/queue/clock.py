"""When something may leave at a rate that all workers of all machines keep: whose clock counts, and how far apart."""

import math
import time

from sqlalchemy import Connection, text

# Networks and loaded machines deliver unevenly, and AWS counts what arrives: what is left of the rate is for that.
_SHARE = 0.98
_KEEP_SECONDS = 60.0


def interval_seconds(per_second: float) -> float:
    """Between two that leave."""
    return 1 / (per_second * _SHARE)


def tolerance_seconds(interval: float) -> float:
    """How late one may be.

    One above the rate R is in a second at most as long as none comes later than this: R+1 intervals are that much
    longer than it. Half of it is ours, half the network's.
    """
    return (interval + 1 / _SHARE - 1) / 2


class Clock:
    """Seconds since the epoch, the same for all who share the database: of one machine, or of the server.

    An answer of the server's comes at some moment after it was asked, and later on a busy machine: the quickest one of
    the last minute tells best how far its clock is from ours. Where it leaves room for no difference at all, there is
    none: workers that each believed their own answers would keep as many paces, apart by what the answers took.
    """

    def __init__(self) -> None:
        self.offset = 0.0  # from time.monotonic()
        self._told, self._error = 0.0, math.inf  # as the server told it; within so much of the truth
        self._asked_at = 0.0
        self._is_read = False

    def now(self) -> float:
        """As it was read last, without asking."""
        return time.monotonic() + self.offset if self._is_read else time.time()

    def read(self, connection: Connection) -> float:
        """Now."""
        self._is_read = True
        if connection.dialect.name != "postgresql":
            self.offset = time.time() - time.monotonic()
            return time.time()
        before = time.monotonic()
        told = float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())::float8")))
        after = time.monotonic()
        offset, error = told - (before + after) / 2, (after - before) / 2
        was_set = abs(offset - self._told) > error + self._error
        if error <= self._error or was_set or after - self._asked_at > _KEEP_SECONDS:
            self._told, self._error, self._asked_at = offset, error, after
        ours = time.time() - time.monotonic()
        self.offset = ours if abs(ours - self._told) <= self._error else self._told
        return after + self.offset

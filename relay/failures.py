"""What is said when the fault is ours: one table from what went wrong to the reply, for every door.

Nobody is told to give up for a fault of ours: what is put off is sent again, what is refused is lost. Knows no door.
"""

import errno
import traceback
from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionInTime

from auth.lookups import Unavailable
from config.database import OUTAGES
from config.keyring import KeyringError
from delivery.store.base import StoreUnavailable
from messages import reply
from messages.reply import Refused, Reply


class Failure(StrEnum):
    AWAY = "away"  # the database cannot be reached, or broke off
    LOCKED = "locked"  # somebody else holds what we need
    SLOW = "slow"  # no answer in time
    DISK_FULL = "disk_full"
    OUT_OF_MEMORY = "out_of_memory"
    UNREADABLE = "unreadable"  # what is stored does not decrypt: damaged, or made with another key
    BUG = "bug"  # whatever is none of these


REPLIES: Mapping[Failure, Reply] = {
    Failure.AWAY: reply.UNAVAILABLE,
    Failure.LOCKED: reply.BUSY,
    Failure.SLOW: reply.BUSY,
    Failure.DISK_FULL: reply.STORAGE_FULL,
    Failure.OUT_OF_MEMORY: reply.MEMORY_FULL,
    Failure.UNREADABLE: reply.UNREADABLE,
    Failure.BUG: reply.UNAVAILABLE,  # temporary: what a bug keeps out today goes through when it is mended
}

_BY_TYPE: tuple[tuple[type[Exception], Failure], ...] = (
    (MemoryError, Failure.OUT_OF_MEMORY),
    (KeyringError, Failure.UNREADABLE),
    (TimeoutError, Failure.SLOW),
    (NoConnectionInTime, Failure.SLOW),
    (StoreUnavailable, Failure.AWAY),
    (Unavailable, Failure.AWAY),
    *((each, Failure.AWAY) for each in OUTAGES),
)
_BY_ERRNO = {
    errno.ENOSPC: Failure.DISK_FULL,
    errno.EDQUOT: Failure.DISK_FULL,
    errno.ENOMEM: Failure.OUT_OF_MEMORY,
}
# What drivers call it, or how that begins: SQLite's result codes, PostgreSQL's SQLSTATE.
_BY_NAME: tuple[tuple[str, Failure], ...] = (
    ("SQLITE_FULL", Failure.DISK_FULL),
    ("SQLITE_NOMEM", Failure.OUT_OF_MEMORY),
    ("SQLITE_BUSY", Failure.LOCKED),
    ("SQLITE_LOCKED", Failure.LOCKED),
    ("53100", Failure.DISK_FULL),
    ("53200", Failure.OUT_OF_MEMORY),
    ("55P03", Failure.LOCKED),  # lock_not_available
    ("40", Failure.LOCKED),  # deadlock and its like: undone for somebody else's sake
    ("57014", Failure.SLOW),  # statement_timeout
)


def failure_of(error: BaseException) -> Failure:
    """What went wrong; a cause that is known says more than what was made of it."""
    found = Failure.BUG
    at: BaseException | None = error
    while at is not None:
        found = _kind(at) or found
        at = at.__cause__
    return found


def refusal(error: BaseException, *, at_login: bool = False) -> Refused:
    """What the client hears: always "later", never the error's own words."""
    # RFC 4954 6: to AUTH, 454 4.7.0 whatever it is; the client then keeps its password and does not ask for another.
    return Refused(reply.AUTH_UNAVAILABLE if at_login else REPLIES[failure_of(error)])


def described(error: BaseException) -> dict[str, object]:
    """For a log line: its type and where, never its text, which may hold addresses or secrets."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "failure": failure_of(error).value,
        "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _kind(error: BaseException) -> Failure | None:
    if isinstance(error, DBAPIError):
        name = str(getattr(error.orig, "sqlite_errorname", "") or getattr(error.orig, "sqlstate", ""))
        named = next((failure for start, failure in _BY_NAME if name.startswith(start)), None)
        if named is not None:
            return named
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    return next((failure for kind, failure in _BY_TYPE if isinstance(error, kind)), None)

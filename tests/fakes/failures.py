"""Failures of our own as they come: real errors of drivers and of the system, and what is made of them on the way."""

import errno
import sqlite3
from contextlib import closing

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionInTime
from sqlalchemy.pool import StaticPool

from auth.lookups import Unavailable
from config.keyring import KeyringError
from delivery.store.base import StoreUnavailable
from relay.failures import Failure

SECRET = "hunter2"  # stands in every exception that can hold a text


def sqlite_error(*statements: str) -> DBAPIError:
    """What SQLAlchemy makes of the last statement's failure, in a database of its own."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.connect() as connection:
        try:
            for statement in statements:
                connection.execute(text(statement))
        except DBAPIError as error:
            return error
        finally:
            connection.close()
            engine.dispose()
    raise AssertionError("nothing failed")


def disk_full() -> DBAPIError:
    return sqlite_error(
        "PRAGMA max_page_count=2",
        "CREATE TABLE t (x BLOB)",
        "INSERT INTO t VALUES (zeroblob(100000))",
    )


def locked() -> OperationalError:
    name = "file:held?mode=memory&cache=shared"
    with (
        closing(sqlite3.connect(name, uri=True, isolation_level=None)) as holder,
        closing(sqlite3.connect(name, uri=True, isolation_level=None, timeout=0)) as waiter,
    ):
        holder.execute("CREATE TABLE t (x)")
        holder.execute("BEGIN EXCLUSIVE")
        try:
            waiter.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            return OperationalError(SECRET, {}, error)
    raise AssertionError("nothing was locked")


class Server(Exception):
    """What SQLAlchemy's asyncpg dialect raises for an error that PostgreSQL reports."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(SECRET)
        self.sqlstate = sqlstate


def reported(sqlstate: str) -> DBAPIError:
    return DBAPIError(SECRET, {}, Server(sqlstate))


def chained(outer: Exception, cause: Exception) -> Exception:
    outer.__cause__ = cause
    return outer


def failures() -> dict[str, tuple[Exception, Failure]]:
    """By what has happened: an error, and what it is."""
    return {
        "connection refused": (ConnectionRefusedError(SECRET), Failure.AWAY),
        "statement failed": (sqlite_error("SELECT x FROM hunter2"), Failure.AWAY),
        "server shutting down": (reported("57P01"), Failure.AWAY),
        "store away": (chained(StoreUnavailable(), ConnectionResetError(SECRET)), Failure.AWAY),
        "look-up failed": (chained(Unavailable(), RuntimeError(SECRET)), Failure.AWAY),
        "database locked": (locked(), Failure.LOCKED),
        "lock timeout": (chained(StoreUnavailable(), reported("55P03")), Failure.LOCKED),
        "deadlock": (reported("40P01"), Failure.LOCKED),
        "too slow": (chained(Unavailable(), TimeoutError()), Failure.SLOW),
        "statement timeout": (reported("57014"), Failure.SLOW),
        "no connection free": (NoConnectionInTime(SECRET), Failure.SLOW),
        "database full": (disk_full(), Failure.DISK_FULL),
        "server's disk full": (chained(StoreUnavailable(), reported("53100")), Failure.DISK_FULL),
        "disk full": (OSError(errno.ENOSPC, SECRET), Failure.DISK_FULL),
        "out of memory": (MemoryError(SECRET), Failure.OUT_OF_MEMORY),
        "system out of memory": (OSError(errno.ENOMEM, SECRET), Failure.OUT_OF_MEMORY),
        "server out of memory": (reported("53200"), Failure.OUT_OF_MEMORY),
        "damaged key": (KeyringError(SECRET), Failure.UNREADABLE),
        "damaged key in a look-up": (chained(Unavailable(), KeyringError(SECRET)), Failure.UNREADABLE),
        "bug": (RuntimeError(SECRET), Failure.BUG),
        "bug with a cause": (chained(ValueError(SECRET), KeyError(SECRET)), Failure.BUG),
    }

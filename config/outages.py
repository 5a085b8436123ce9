"""Why the database cannot be used, and what to change: in our own words, since an error's may hold values."""

import errno
import socket
import ssl

from sqlalchemy.exc import DBAPIError

from messages.text import Text

_HELD = Text("another program holds the file in NOTIFY_RELAY_DATABASE_URL: end that, and try again")
# By the SQLSTATE of PostgreSQL (appendix A of its manual) or SQLite's name of the error, or how it begins.
_BY_NAME = (
    ("28P01", Text("the server refuses the user name or the password in NOTIFY_RELAY_DATABASE_URL")),
    (
        "28",
        Text("the server does not know the user, or does not let it in from here: look at its pg_hba.conf, or ssl="),
    ),
    ("3D000", Text("the server has no database of the name in NOTIFY_RELAY_DATABASE_URL: create it, or mend the name")),
    ("42501", Text("its user may not do this there: grant it, or name another in NOTIFY_RELAY_DATABASE_URL")),
    ("42P01", Text("a table is missing: run `notify-relay db upgrade`")),
    ("53300", Text("the server has no connection left: raise its max_connections, or lower NOTIFY_RELAY_PROCESSES")),
    ("53100", Text("its disk is full")),
    ("57P", Text("the server is starting or stopping: try again")),
    ("25006", Text("the server is a read-only copy: name the one that takes writes in NOTIFY_RELAY_DATABASE_URL")),
    ("SQLITE_NOTADB", Text("the file in NOTIFY_RELAY_DATABASE_URL is no SQLite database")),
    ("SQLITE_CANTOPEN", Text("the file in NOTIFY_RELAY_DATABASE_URL cannot be opened: look at its folder and owner")),
    ("SQLITE_READONLY", Text("the file in NOTIFY_RELAY_DATABASE_URL cannot be written: look at its folder and owner")),
    ("SQLITE_CORRUPT", Text("the file in NOTIFY_RELAY_DATABASE_URL is damaged: put a copy in its place")),
    ("SQLITE_FULL", Text("its disk is full")),
    ("SQLITE_BUSY", _HELD),
    ("SQLITE_LOCKED", _HELD),
)
_NO_NAME = Text("the host in NOTIFY_RELAY_DATABASE_URL is not found: check its name")
_REFUSED = Text("nothing listens at the host and port in NOTIFY_RELAY_DATABASE_URL")
_SILENT = Text("no answer from the host in NOTIFY_RELAY_DATABASE_URL: check its name, and firewalls between")
_NO_TLS = Text("the server takes no TLS, which ssl= in NOTIFY_RELAY_DATABASE_URL asks for")
_BAD_TLS = Text("TLS with the server fails: check its certificate, and ssl= in NOTIFY_RELAY_DATABASE_URL")


def away(error: BaseException) -> Text:
    """What to tell whoever runs the relay of one of `config.database.OUTAGES`."""
    return Text("the database cannot be used: {problem}", {"problem": _problem(error)})


def _problem(error: BaseException) -> Text:
    if isinstance(error, DBAPIError):
        name = str(getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", ""))
        for begins, problem in _BY_NAME:
            if name.startswith(begins):
                return problem
    if isinstance(error, socket.gaierror):
        return _NO_NAME
    if isinstance(error, ssl.SSLError):
        return _BAD_TLS
    if isinstance(error, ConnectionRefusedError):
        return _REFUSED
    if isinstance(error, TimeoutError) or getattr(error, "errno", None) in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return _SILENT
    if type(error) is ConnectionError:  # asyncpg's own: the server answered that it has none
        return _NO_TLS
    return Text("{kind}; check NOTIFY_RELAY_DATABASE_URL", {"kind": type(error).__name__})

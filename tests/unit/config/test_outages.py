"""What is told of a database that cannot be used: what to change, and never the words of the error."""

import errno
import socket
import ssl

import pytest
from sqlalchemy.exc import DBAPIError

from config.outages import away
from tests.fakes.failures import SECRET, disk_full, locked, reported


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (reported("28P01"), "refuses the user name or the password"),
        (reported("28000"), "pg_hba.conf"),
        (reported("3D000"), "has no database of the name"),
        (reported("42501"), "may not do this there"),
        (reported("42P01"), "notify-relay db upgrade"),
        (reported("53300"), "no connection left"),
        (reported("57P03"), "starting or stopping"),
        (reported("25006"), "read-only copy"),
        (reported("XX000"), "DBAPIError; check NOTIFY_RELAY_DATABASE_URL"),
        (disk_full(), "its disk is full"),
        (locked(), "another program holds the file"),
        (socket.gaierror(-2, SECRET), "is not found"),
        (ConnectionRefusedError(SECRET), "nothing listens"),
        (TimeoutError(SECRET), "no answer from the host"),
        (OSError(errno.EHOSTUNREACH, SECRET), "no answer from the host"),
        (ConnectionError(SECRET), "takes no TLS"),
        (ConnectionResetError(SECRET), "ConnectionResetError"),
        (ssl.SSLCertVerificationError(1, SECRET), "check its certificate"),
        (DBAPIError(SECRET, {}, Exception(SECRET)), "DBAPIError"),
    ],
)
def test_it_is_told_what_to_change(error: Exception, words: str) -> None:
    said = str(away(error))
    assert said.startswith("the database cannot be used: ")
    assert words in said
    assert SECRET not in said

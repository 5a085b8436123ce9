"""A copy of a SQLite database that is in use: whole, of one moment, and nobody waits for it.

PostgreSQL has tools of its own (docs/operations.md, "Backup and restore").
"""

import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from messages.text import TextError


class BackupError(TextError):
    """SQLite does not give a copy."""


def copy(path: Path, to: Path) -> None:
    """When this returns the copy is on disk, and sound. Raises OSError or BackupError."""
    if to.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(to))
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = to.with_name(f".{to.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))  # SQLite takes one that is empty
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=30)) as source:
            source.execute("VACUUM INTO ?", (str(temporary),))
        with closing(sqlite3.connect(temporary)) as made:
            (found,) = made.execute("PRAGMA quick_check").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        for each in (temporary, to.parent):
            descriptor = os.open(each, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        os.link(temporary, to)
    except sqlite3.Error as error:
        raise BackupError("{file} cannot be copied: {reason}", file=path, reason=error) from None
    finally:
        temporary.unlink(missing_ok=True)

"""The command, killed between a message's commit and its reply: python killed.py COMMAND serve (`through` of Relay).

A process dies when a file named `kill` lies in the working directory, which it takes away: once for each time it is put
there. Nothing of ours is touched; the database library says when a commit is over.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import Pool

from relay.cli import main

KILL = Path("kill").absolute()


def _note(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
    if statement.startswith("INSERT INTO messages"):
        connection.info["stored"] = True


def _note_commit(connection: Connection) -> None:
    connection.info["committed"] = connection.info.pop("stored", False)


def _kill(_: Any, record: Any) -> None:
    """The connection goes back to its pool: what was committed is."""
    if record.info.pop("committed", False) and KILL.exists():
        KILL.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    event.listen(Engine, "before_cursor_execute", _note)
    event.listen(Engine, "commit", _note_commit)
    event.listen(Pool, "checkin", _kill)
    sys.argv = ["notify-relay", *sys.argv[sys.argv.index("serve") :]]
    main()

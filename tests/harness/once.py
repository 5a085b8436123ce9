"""What takes long to make, and is the same for all tests: made once in a run, by the first process that needs it."""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from uuid import uuid4


def once(name: str, make: Callable[[Path], None]) -> Path:
    """What `make` put at the path that it was given. Not to be changed: others have it, too."""
    made = _folder() / name
    with (_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            beside = made.with_suffix(".begun")
            shutil.rmtree(beside, ignore_errors=True)
            make(beside)
            beside.rename(made)
    return made


@cache
def _folder() -> Path:
    """Of this run of tests, gone with the last of its processes."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
    folder = Path(tempfile.gettempdir(), f"relay-tests-{run}")
    folder.mkdir(mode=0o700, exist_ok=True)
    used = os.open(folder, os.O_RDONLY)
    fcntl.flock(used, fcntl.LOCK_SH)
    atexit.register(_leave, folder, used, os.getpid())
    return folder


def _leave(folder: Path, used: int, pid: int) -> None:
    if os.getpid() != pid:  # a fork of it
        return
    try:
        fcntl.flock(used, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    shutil.rmtree(folder, ignore_errors=True)

"""Files that only their owner reads, and that are whole or not there at all."""

import os
import stat
from collections.abc import Callable
from pathlib import Path


def write(path: Path, octets: bytes) -> None:
    """The file is on disk when this returns, in place of an older one."""
    _write(path, octets, os.replace)


def write_new(path: Path, octets: bytes) -> None:
    """As `write`, but raises FileExistsError when there is a file: of two writers the first one wins."""
    _write(path, octets, os.link)


def is_open_to_others(path: Path) -> bool:
    """Whether users of this machine who are neither its owner nor in its group can read a file that is there."""
    try:
        found = path.resolve(strict=True)
        if not found.stat().st_mode & stat.S_IROTH:
            return False
        return all(folder.stat().st_mode & stat.S_IXOTH for folder in found.parents)
    except OSError:
        return False


def _write(path: Path, octets: bytes, place: Callable[[Path, Path], None]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)  # of one that died with our process id
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or a loss of power may take the name away again
    finally:
        os.close(folder)

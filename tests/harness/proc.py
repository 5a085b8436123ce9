"""What Linux tells of a process: proc(5)."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

KIB, MIB = 1024, 1024 * 1024


def parent(pid: int) -> int | None:
    """Of a process that runs; None for one that ended, which stays as a zombie where nobody collects it."""
    try:
        state, of, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(of)


def is_running(pid: int) -> bool:
    return parent(pid) is not None


def children(pid: int) -> list[int]:
    """Zombies among them."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descriptors(pid: int) -> Iterator[str]:
    """What it has open, without what it closes meanwhile."""
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(each)


def _octets(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * KIB


def resident(pid: int) -> int:
    """Octets of memory now."""
    return _octets(pid, "VmRSS")


def most_resident(pid: int) -> int:
    """Octets of memory, the most there ever were."""
    return _octets(pid, "VmHWM")

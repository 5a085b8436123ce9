"""CPU seconds that processes used, user and system together, from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def used(pids: Iterable[int]) -> float:
    """By all threads of these processes."""
    return sum(int(field) for pid in pids for field in _stat(pid)[11:13]) * _TICK


def used_by_tree(pid: int) -> float:
    """By a process and all that it ever started and waited for, or that still runs under it."""
    total = 0.0
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = _stat(int(folder.name))
            except OSError:
                continue
            if int(folder.name) == pid:
                total += sum(map(int, fields[11:15])) * _TICK
            elif int(fields[1]) == pid:
                total += sum(map(int, fields[11:13])) * _TICK
    return total

"""What a process keeps in memory, as Linux tells it."""

import re
from pathlib import Path

KIB, MIB = 1024, 1024 * 1024


def _octets(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * KIB


def resident(pid: int) -> int:
    """Octets now."""
    return _octets(pid, "VmRSS")


def most_resident(pid: int) -> int:
    """Octets, the most there ever were."""
    return _octets(pid, "VmHWM")

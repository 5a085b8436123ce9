"""Until something is so: looked at again and again, and for a minute at most, however busy the machine is."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(look: Callable[[], T], seconds: float = 60, said: Callable[[], object] | None = None) -> T:
    """What `look` finds, once that is true; `said` tells how far it has come."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, said() if said else f"only {found!r}"
        time.sleep(0.02)
    return found


def wait_for_answer(ask: Callable[[], str], wanted: str, seconds: float = 60) -> str:
    """The first answer that begins as wanted."""
    answers = [""]

    def look() -> bool:
        answers.append(ask())
        return answers[-1].startswith(wanted)

    wait_until(look, seconds, lambda: f"still {answers[-1]}")
    return answers[-1]


async def until(look: Callable[[], object], seconds: float = 60) -> None:
    """As `wait_until`, while others of the event loop go on."""
    async with asyncio.timeout(seconds):
        while not look():
            await asyncio.sleep(0.01)

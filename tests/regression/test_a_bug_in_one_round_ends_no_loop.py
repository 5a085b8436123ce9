"""What goes round beside the work of a process goes on after a bug that one round met: nobody misses it for days."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from delivery import retention
from delivery.backlog import measuring, pressure
from delivery.feedback import upkeep as hearing
from delivery.figures import upkeep as folding
from delivery.guard import run as guarding
from delivery.rate import asking

NOTHING: Any = None
Loop = Callable[[Any, asyncio.Event], Coroutine[Any, Any, None]]


class Erring:
    """Errs `times`; then what waits for it may go on."""

    def __init__(self, times: int = 1) -> None:
        self.left, self.again = times, asyncio.Event()

    async def __call__(self, *_: Any) -> int:
        self.left -= 1
        if self.left >= 0:
            raise KeyError("a bug")
        self.again.set()
        return 0


class Alone:
    """A database that is nobody else's."""

    @contextlib.asynccontextmanager
    async def alone(self, what: str) -> AsyncIterator[bool]:
        yield True


ALONE: Any = Alone()


def reading(step: Any, stopping: asyncio.Event) -> Coroutine[Any, Any, None]:
    made: Any = pressure.Pressure(NOTHING, lambda: 0.0)
    made.read = step
    return made.run()  # type: ignore[no-any-return]


def counting(step: Any, stopping: asyncio.Event) -> Coroutine[Any, Any, None]:
    made: Any = measuring.Measuring(NOTHING, lambda: 0.0)
    made.measure = step
    return made.run()  # type: ignore[no-any-return]


def asked(step: Any, stopping: asyncio.Event) -> Coroutine[Any, Any, None]:
    made: Any = asking.Asking(NOTHING, "ses", NOTHING, lambda: 0.0)
    made.ask = step
    return made.run(stopping)  # type: ignore[no-any-return]


def folded(step: Any, stopping: asyncio.Event) -> Coroutine[Any, Any, None]:
    made: Any = SimpleNamespace(fold=step, age=Erring(0))
    return folding.run(made, lambda: 0.0, stopping)


def retired(step: Any, stopping: asyncio.Event) -> Coroutine[Any, Any, None]:
    made: Any = SimpleNamespace(contents=step)
    return retention.run(made, lambda: 0.0, stopping)


def guarded(step: Any, stopping: asyncio.Event) -> Coroutine[Any, Any, None]:
    return guarding.run(ALONE, [step], stopping)


def heard(step: Any, stopping: asyncio.Event) -> Coroutine[Any, Any, None]:
    return hearing.repeat(step, 0.01, stopping)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pressure, measuring, retention, guarding):
        monkeypatch.setattr(module, "_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(folding, "FOLD_SECONDS", 0.01)
    monkeypatch.setattr(asking, "_ROUND_SECONDS", 0.01)


@pytest.mark.parametrize("loop", [reading, counting, asked, folded, retired, guarded, heard])
async def test_the_next_round_comes_and_the_bug_is_told(loop: Loop) -> None:
    step, stopping = Erring(), asyncio.Event()
    with capture_logs() as logged:
        running = asyncio.create_task(loop(step, stopping))
        await asyncio.wait({running, asyncio.create_task(step.again.wait())}, return_when=asyncio.FIRST_COMPLETED)
        stopping.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert step.again.is_set()
    assert logged[0]["event"].endswith(".bug")
    assert logged[0]["error"] == "KeyError"


async def test_a_guard_that_errs_keeps_no_other_guard_from_its_round() -> None:
    second, stopping = Erring(0), asyncio.Event()
    running = asyncio.create_task(guarding.run(ALONE, [Erring(9), second], stopping))
    await asyncio.wait({running, asyncio.create_task(second.again.wait())}, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    await running

"""One pace for all workers: a database that answers late moves no worker's clock."""

from typing import Any, cast

import pytest
from sqlalchemy import Connection

from delivery.queue.clock import Clock


class Machine:
    """The time of this machine, in place of `time`: it passes only while the database answers."""

    def __init__(self) -> None:
        self.passed = 0.0

    def time(self) -> float:
        return 1_800_000_000.0 + self.passed

    def monotonic(self) -> float:
        return 5_000.0 + self.passed


class Server:
    """A database whose clock is `ahead` of ours, and whose answers take time: on the way there, and on the way back."""

    class dialect:
        name = "postgresql"

    def __init__(self, machine: Machine, ahead: float, there: float, back: float) -> None:
        self._machine, self._ahead, self._there, self._back = machine, ahead, there, back

    def scalar(self, _: Any) -> float:
        self._machine.passed += self._there
        told = self._machine.time() + self._ahead
        self._machine.passed += self._back
        return told


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr("delivery.queue.clock.time", machine)
    return machine


def read(clock: Clock, server: Server) -> float:
    return clock.read(cast("Connection", server))


@pytest.mark.parametrize(("there", "back"), [(0.1, 0.0), (0.0, 0.1), (5.0, 0.0), (0.0, 5.0)])
def test_workers_whose_answers_came_late_agree_with_those_whose_did_not(
    machine: Machine, there: float, back: float
) -> None:
    assert read(Clock(), Server(machine, 0.0, there, back)) == pytest.approx(machine.time(), abs=1e-6)


@pytest.mark.parametrize(("there", "back"), [(0.002, 0.0), (0.0, 0.002), (0.001, 0.001)])
def test_a_server_with_another_time_is_believed(machine: Machine, there: float, back: float) -> None:
    clock = Clock()
    assert read(clock, Server(machine, 30.0, there, back)) == pytest.approx(machine.time() + 30, abs=0.001001)
    assert clock.now() == pytest.approx(machine.time() + 30, abs=0.001001)


def test_the_quickest_answer_tells_best_how_far_a_server_is_from_us(machine: Machine) -> None:
    clock = Clock()
    read(clock, Server(machine, 30.0, 0.0, 0.002))
    quick = clock.offset
    assert read(clock, Server(machine, 30.0, 0.5, 0.0)) == pytest.approx(machine.time() + 30, abs=0.001001)
    assert clock.offset == quick

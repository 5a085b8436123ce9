"""One pace for all workers: a database that answers late moves no worker's clock."""

import time
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from delivery.queue.clock import Clock


class Server:
    """A database whose clock is `ahead` of ours, and whose answers take time: on the way there, and on the way back."""

    class dialect:
        name = "postgresql"

    def __init__(self, ahead: float, there: float, back: float) -> None:
        self._ahead, self._there, self._back = ahead, there, back

    def scalar(self, _: Any) -> float:
        time.sleep(self._there)
        told = time.time() + self._ahead
        time.sleep(self._back)
        return told


@pytest.mark.parametrize(("there", "back"), [(0.1, 0.0), (0.0, 0.1)])
def test_workers_whose_answers_came_late_agree_with_those_whose_did_not(there: float, back: float) -> None:
    late = Clock().read(cast("Connection", Server(0.0, there, back)))
    assert late == pytest.approx(time.time(), abs=0.02)


def test_a_server_with_another_time_is_believed() -> None:
    clock = Clock()
    read = clock.read(cast("Connection", Server(30.0, 0.0, 0.002)))
    assert read == pytest.approx(time.time() + 30, abs=0.02)
    assert clock.offset == pytest.approx(time.time() + 30 - time.monotonic(), abs=0.02)

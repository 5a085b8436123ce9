"""The parts of a mail are many objects at once: looking for garbage among them stops every thread, the loop's too."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

from messages.email.shown import shown

HEAD = b"From: a@example.ca\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
MAIL = HEAD + b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 10_000 + b"--b--\r\n"


@contextmanager
def as_a_process() -> Iterator[list[float]]:
    """How long each collection took, of the processor; with what relay/processes/life.py sets."""
    pauses: list[float] = []

    def note(phase: str, _: object) -> None:
        now = time.thread_time()
        pauses.append(now if phase == "start" else now - pauses.pop())

    threshold = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.callbacks.append(note)
    try:
        yield pauses
    finally:
        gc.callbacks.remove(note)
        gc.set_threshold(*threshold)
        gc.unfreeze()


def test_what_is_made_of_it_calls_for_no_collection() -> None:
    with as_a_process() as pauses:
        for _ in range(6):
            shown(MAIL)

    assert len(pauses) <= 1
    assert max(pauses, default=0) < 0.02

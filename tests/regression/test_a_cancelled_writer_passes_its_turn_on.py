"""A writer that is cancelled while it waits may not take the turn away from the one behind it."""

import asyncio
import fcntl
import os
from pathlib import Path

import pytest

from config.database import Turn


async def test_the_writer_behind_a_cancelled_one_keeps_its_turn_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "turn"
    turn, elsewhere = Turn(path), os.open(path, os.O_RDWR)
    fcntl.flock(elsewhere, fcntl.LOCK_EX)  # another process writes

    async def write() -> None:
        async with turn.taken():
            await asyncio.sleep(0.05)  # whatever the cancelled one leaves behind would strike now
            with pytest.raises(BlockingIOError):
                fcntl.flock(elsewhere, fcntl.LOCK_EX | fcntl.LOCK_NB)

    cancelled, behind = asyncio.create_task(write()), asyncio.create_task(write())
    await asyncio.sleep(0.05)
    cancelled.cancel()
    await asyncio.sleep(0.05)
    fcntl.flock(elsewhere, fcntl.LOCK_UN)
    await behind
    with pytest.raises(asyncio.CancelledError):
        await cancelled

    fcntl.flock(elsewhere, fcntl.LOCK_EX | fcntl.LOCK_NB)  # free again
    os.close(elsewhere)
    turn.close()

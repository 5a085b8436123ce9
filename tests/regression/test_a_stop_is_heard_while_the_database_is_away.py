"""A process that waits for its database at the start ends on SIGTERM, and is not left to be killed."""

import subprocess
import sys
import time

SCRIPT = """
import asyncio, os, signal, sys
from relay.processes import life
from relay.processes.supervisor import Links

async def away(stopping, ready):
    asyncio.get_running_loop().call_later(0.2, os.kill, os.getpid(), signal.SIGTERM)
    raise ConnectionRefusedError

alive, ready = os.pipe(), os.pipe()
sys.exit(asyncio.run(life.live(away, Links(alive[0], ready[1], 0))))
"""


def test_it_ends_soon_after_sigterm() -> None:
    started = time.monotonic()
    running = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.DEVNULL)
    try:
        running.wait(60)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    assert (running.returncode, time.monotonic() - started < 20) == (0, True)  # it gives up after 30

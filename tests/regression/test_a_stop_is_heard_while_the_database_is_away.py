"""A process that waits for its database at the start ends on SIGTERM, and is not left to be killed."""

import subprocess
import sys
import time

SCRIPT = """
import asyncio, os, signal, sys, threading
from relay.processes import life
from relay.processes.supervisor import Links

async def away(stopping, ready):
    raise ConnectionRefusedError

alive, ready = os.pipe(), os.pipe()
threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start()
sys.exit(asyncio.run(life.live(away, Links(alive[0], ready[1], 0))))
"""


def test_it_ends_soon_after_sigterm() -> None:
    started = time.monotonic()
    running = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.DEVNULL)
    try:
        running.wait(6)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    assert (running.returncode, time.monotonic() - started < 5) == (0, True)

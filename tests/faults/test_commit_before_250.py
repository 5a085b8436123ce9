"""The 250 leaves after the disk has the message.

kill -9 cannot show this: the page cache outlives the process. A trace of the door's system calls can.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from config.database import Database
from tests.conftest import skip_or_fail
from tests.harness.load import connected, html_message, login, trusting_context
from tests.harness.relay import Relay

_READS = ("read", "recvfrom", "recvmsg", "readv")
_WRITES = ("write", "writev", "sendto", "sendmsg")
_CALL = re.compile(
    r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\(\d+<(?P<file>.*?)>[,)])(?P<rest>.*)"
)


@dataclass(frozen=True)
class Call:
    """A system call's begin or its end; a call that nothing interrupted is both at once."""

    name: str
    file: str  # a path, or the two ends of a connection
    began: bool
    result: int | None


def parse(trace: str) -> Iterator[Call]:
    open_calls: dict[str, tuple[str, str]] = {}
    for line in trace.splitlines():
        match = _CALL.match(line)
        if match is None:
            continue
        began = match["name"] is not None
        name, file = (match["name"], match["file"]) if began else open_calls.pop(match["thread"], ("", ""))
        if line.endswith("<unfinished ...>"):
            open_calls[match["thread"]] = name, file
            yield Call(name, file, began, None)
        else:
            result = re.search(r"= (-?\d+)", match["rest"])
            yield Call(name, file, began, int(result[1]) if result else None)


def synced_before_reply(trace: str, client_port: int) -> bool:
    """Whether between the last of the message's octets and the reply the write-ahead log was written and synced."""
    calls = list(parse(trace))
    ours = [(at, call) for at, call in enumerate(calls) if f"->127.0.0.1:{client_port}]" in call.file]
    replied = next(at for at, call in ours if call.name in _WRITES and call.began)
    received = max(at for at, call in ours if at < replied and call.name in _READS and (call.result or 0) > 0)
    stored = [call for call in calls[received:replied] if call.file.endswith("-wal")]
    names = [call.name for call in stored if call.result is not None and call.result >= 0]
    assert "pwrite64" in names, trace  # the message went this way in any case
    last_write = len(names) - 1 - names[::-1].index("pwrite64")
    return any(name in ("fsync", "fdatasync") for name in names[last_write:])


@pytest.fixture(scope="module")
def strace() -> str:
    path = shutil.which("strace")
    if path is None:
        skip_or_fail("NOT TESTED: fsync before 250; no strace here (Debian: apt-get install strace)")
    elif subprocess.run([path, "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        skip_or_fail("NOT TESTED: fsync before 250; this machine does not permit ptrace")
    return str(path)


@asynccontextmanager
async def _traced(strace: str, pid: int, output: Path) -> AsyncIterator[None]:
    calls = ",".join(("fsync", "fdatasync", "pwrite64", *_READS, *_WRITES))
    command = [strace, "-f", "-yy", "-s", "0", "-o", str(output), "-e", f"trace={calls}", "-p", str(pid)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        threads = [task / "status" for task in Path(f"/proc/{pid}/task").iterdir()]
        async with asyncio.timeout(60):
            while any("TracerPid:\t0\n" in thread.read_text() for thread in threads):
                await asyncio.sleep(0.01)
        yield
    finally:
        process.terminate()
        await process.wait()


async def _trace_one_message(strace: str, pid: int, port: int, username: str, password: str, folder: Path) -> bool:
    """The door's calls around one message, everything else idle. Whether it was synced before the reply."""
    output = folder / "trace"
    async with connected(port, username, password, trusting_context()) as client:
        await client.send("office@example.org", "reader@example.com", html_message())  # all connections are open
        await client.begin("office@example.org", "reader@example.com")
        await asyncio.sleep(0.3)
        async with _traced(strace, pid, output):
            await client.command(html_message() + b".", b"250")
        client_port = client.writer.get_extra_info("sockname")[1]
    return synced_before_reply(output.read_text(), client_port)


async def test_fsync_returns_before_the_250_is_written(strace: str, tmp_path: Path) -> None:
    relay = Relay(tmp_path, PROCESSES=1)
    credentials = relay.create_key()
    try:
        relay.start("--role", "smtp")
        (pid,) = (pid for pid, name in relay.children().items() if name.startswith("smtp"))
        assert await _trace_one_message(strace, pid, relay.tls_port, *login(credentials), tmp_path)
    finally:
        relay.end()


@pytest.mark.parametrize(("synchronous", "synced"), [("FULL", True), ("OFF", False)])
async def test_the_trace_tells_a_door_that_syncs_from_one_that_does_not(
    strace: str, tmp_path: Path, synchronous: str, synced: bool
) -> None:
    command = [sys.executable, "-m", "tests.faults.door", str(tmp_path), synchronous]
    door = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert door.stdout is not None
    try:
        told = json.loads(door.stdout.readline())
        assert synced is await _trace_one_message(strace, door.pid, **told, folder=tmp_path)
    finally:
        door.kill()
        door.communicate()


async def test_postgresql_sessions_commit_synchronously(postgres_url: str) -> None:
    database = Database(postgres_url)
    async with database.write() as connection:
        assert await connection.scalar(text("SHOW synchronous_commit")) == "on"
    await database.close()

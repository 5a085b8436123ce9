"""The fake SES beside what is tested: as a process of its own, and in a thread."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from tests.fakes.aws import CREDENTIALS, FakeAws
from tests.fakes.identities import Identities
from tests.fakes.sms import Texts


def settings(url: str) -> dict[str, object]:
    """What sends a relay's mail to the one at `url`, with little patience."""
    return {
        **CREDENTIALS,
        "EMAIL__PROVIDER": "ses",
        "AWS__ENDPOINT_URL": url,
        "AWS__CONFIGURATION_SET": "relay",
        "AWS__READ_TIMEOUT_SECONDS": 1,
        "AWS__CONNECT_TIMEOUT_SECONDS": 1,
        "DELIVERY__UNKNOWN_WAIT_SECONDS": 1,
        "DELIVERY__RETRY_BASE_SECONDS": 0.5,
    }


class Ses:
    """A process: it outlives whatever is killed, and writes down what it was given.

    Without `log` it forgets. It takes any signature: checking them costs more than all else it does.
    """

    def __init__(
        self,
        log: Path | None = None,
        *,
        events: str | None = None,
        webhook: str | None = None,
        numbers: Sequence[str] = (),
        text_log: Path | None = None,
        call_log: Path | None = None,
        **rates: float,
    ) -> None:
        """`events` ("envelope" or "raw") tells what becomes of messages by a queue, `webhook` by posts to that URL.

        `numbers` are what texts come from, as NUMBER=PARTS_PER_SECOND; `rates` are further numbers that the program
        takes, of trouble above all.
        """
        self._log, self._text_log, self._call_log = log, text_log, call_log
        given: dict[str, object] = {"--log": log, "--events": events, "--webhook": webhook, "--text-log": text_log}
        given["--call-log"] = call_log
        given |= {f"--{name.replace('_', '-')}": rate for name, rate in rates.items()}
        options = [str(word) for pair in given.items() if pair[1] for word in pair]
        options += [word for number in numbers for word in ("--number", number)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.aws", "--no-verify", *options], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self.queue_url = self._process.stdout.readline().strip() if events or webhook else ""

    def sent(self) -> list[tuple[UUID, str]]:
        """Message id and recipient of each message it accepted, in order."""
        return [(UUID(line["tags"]["message_id"]), line["destination"]["ToAddresses"][0]) for line in self.accepted()]

    def accepted(self) -> list[dict[str, Any]]:
        """Each message it accepted, in order, as it noted it."""
        assert self._log is not None
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def calls(self) -> dict[UUID, tuple[float, float]]:
        """When each attempt's call came, and when it had its answer or its connection was gone."""
        assert self._call_log is not None
        found: dict[UUID, tuple[float, float]] = {}
        for attempt, what, at in map(str.split, self._call_log.read_text().splitlines()):
            came, _ = found.get(UUID(attempt), (float(at), inf))
            found[UUID(attempt)] = (came, inf if what == "came" else float(at))
        return found

    def texts(self) -> list[dict[str, Any]]:
        """Each text it accepted, in order."""
        return _lines(self._text_log)

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate()


def _lines(log: Path | None) -> list[dict[str, Any]]:
    assert log is not None
    whole, _, _ = log.read_text().rpartition("\n") if log.exists() else ("", "", "")
    return [json.loads(line) for line in whole.splitlines()]


class RunningAws:
    """In a thread, for commands that have an event loop of their own.

    `identities` is what SES has, `texts` what End User Messaging has; a test may change both between commands.
    """

    def __init__(self) -> None:
        self.identities, self.texts = Identities(), Texts()
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        self._loop.close()

    async def _serve(self) -> None:
        async with FakeAws(identities=self.identities, texts=self.texts) as aws:
            self.url = aws.url
            self._ready.set()
            await self._stop.wait()

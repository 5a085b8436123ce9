"""The fake SES as a process of its own: it outlives whatever is killed, and writes down what it was given."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID


class Ses:
    """Without `log` it forgets. It takes any signature: checking them costs more than all else it does."""

    def __init__(self, log: Path | None = None, *, events: str | None = None, webhook: str | None = None) -> None:
        """`events` ("envelope" or "raw") tells what becomes of messages by a queue, `webhook` by posts to that URL."""
        self._log = log
        given = {"--log": log, "--events": events, "--webhook": webhook}
        options = [str(word) for pair in given.items() if pair[1] for word in pair]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.aws", "--no-verify", *options], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self.queue_url = self._process.stdout.readline().strip() if events or webhook else ""

    def sent(self) -> list[tuple[UUID, str]]:
        """Message id and recipient of each message it accepted, in order."""
        assert self._log is not None
        lines = [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []
        return [(UUID(line["tags"]["message_id"]), line["destination"]["ToAddresses"][0]) for line in lines]

    def end(self) -> None:
        self._process.terminate()
        self._process.communicate()

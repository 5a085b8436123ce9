"""The published Node client, unmodified, in a process of its own (tests/node/notify.cjs)."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.harness.api_contract import Contract, Reply

FOLDER = Path(__file__).parents[1] / "node"


def missing() -> str | None:
    """Why it cannot run here."""
    if shutil.which("node") is None:
        return "node is not installed (Debian: apt-get install nodejs npm)"
    if not (FOLDER / "node_modules/notifications-node-client").is_dir():
        return "its packages are not installed (npm ci --prefix tests/node)"
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call resolved to, or the class of the error that it was rejected with."""

    status: int
    data: Any
    error: str | None


class NodeClient:
    """Calls by the client's own names, one after the other; every reply passes the contract."""

    def __init__(self, url: str, api_key: str, contract: Contract) -> None:
        self._contract = contract
        self._process = subprocess.Popen(
            ["node", FOLDER / "notify.cjs", url, api_key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, name: str, *values: Any) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"call": name, "values": values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the node client ended in {name}: {self._process.wait(60)}"
        told = json.loads(line)
        parts = urlsplit(told["url"])
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        content = json.dumps(told["data"]).encode()
        self._contract.check(Reply(told["method"], target, told["status"], told["headers"], content))
        return Answer(told["status"], told["data"], told.get("error"))

    def end(self) -> None:
        self._process.communicate(timeout=60)

"""A fake SQS queue: JSON 1.0, long polling, visibility timeouts, a redrive policy."""

import asyncio
import hashlib
import itertools
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.events import ACCOUNT
from tests.fakes.trouble import Rejection

TARGET = "AmazonSQS."
_RECEIVE_SECONDS = 0.02


@dataclass
class Entry:
    """A message in the queue."""

    body: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    visible_at: float = 0
    receives: int = 0
    receipt: str = ""


@dataclass
class FakeQueue:
    """One standard queue: at least once, in any order."""

    name: str = "ses-events"
    visibility_seconds: float = 30
    max_receives: int | None = None  # then to `dead`
    fail_deletes: int = 0  # so many of the next deletions are answered with Failed
    refuse: Rejection | None = None  # the answer to all calls, where it is set
    entries: dict[str, Entry] = field(default_factory=dict)
    dead: list[Entry] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)  # bodies

    @property
    def path(self) -> str:
        return f"/{ACCOUNT}/{self.name}"

    def put(self, body: str) -> None:
        entry = Entry(body)
        self.entries[entry.id] = entry

    async def answer(self, operation: str, body: bytes) -> dict[str, Any] | Rejection:
        """What SQS says to one call."""
        self.calls[operation] = self.calls.get(operation, 0) + 1
        if self.refuse:
            return self.refuse
        call = json.loads(body)
        if not call.get("QueueUrl", "").endswith(self.path):
            return Rejection("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
        if operation == "ReceiveMessage":
            return await self._receive(call)
        if operation == "DeleteMessageBatch":
            return self._delete(call["Entries"])
        if operation == "GetQueueAttributes":
            return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.entries))}}
        return Rejection("com.amazonaws.sqs#UnsupportedOperation", operation)

    async def _receive(self, call: dict[str, Any]) -> dict[str, Any] | Rejection:
        limit, wait = call.get("MaxNumberOfMessages", 1), call.get("WaitTimeSeconds", 0)
        if not 1 <= limit <= 10 or not 0 <= wait <= 20:
            return Rejection("com.amazonaws.sqs#InvalidParameterValue", "out of range")
        until = time.monotonic() + wait
        while not (found := self._take(limit)) and time.monotonic() < until:
            await asyncio.sleep(_RECEIVE_SECONDS)
        return {"Messages": found} if found else {}

    def _take(self, limit: int) -> list[dict[str, str]]:
        now, found = time.monotonic(), []
        due = (entry for entry in list(self.entries.values()) if entry.visible_at <= now)
        for entry in itertools.islice(due, limit):
            if self.max_receives is not None and entry.receives >= self.max_receives:
                self.dead.append(self.entries.pop(entry.id))
                continue
            entry.receives += 1
            entry.visible_at = now + self.visibility_seconds
            entry.receipt = f"{entry.id}.{entry.receives}"
            digest = hashlib.md5(entry.body.encode(), usedforsecurity=False).hexdigest()
            found.append(
                {"MessageId": entry.id, "ReceiptHandle": entry.receipt, "Body": entry.body, "MD5OfBody": digest}
            )
        return found

    def _delete(self, wanted: list[dict[str, str]]) -> dict[str, Any] | Rejection:
        if not 1 <= len(wanted) <= 10:
            return Rejection("com.amazonaws.sqs#TooManyEntriesInBatchRequest", "1 to 10")
        done, failed = [], []
        for each in wanted:
            if self.fail_deletes > 0:
                self.fail_deletes -= 1
                failed.append({"Id": each["Id"], "SenderFault": False, "Code": "InternalError"})
                continue
            entry = self.entries.pop(each["ReceiptHandle"].partition(".")[0], None)
            if entry:
                self.deleted.append(entry.body)
            done.append({"Id": each["Id"]})
        return {"Successful": done, "Failed": failed}

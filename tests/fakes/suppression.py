"""SES's list of addresses that it sends nothing to, of one account in one region."""

import json
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.fakes.events import SUPPRESSED, Step
from tests.fakes.trouble import Rejection

_MISSING = Rejection("NotFoundException", "Email address does not exist on your suppression list.", 404)
_TOO_FAST = Rejection("TooManyRequestsException", "Maximum request rate exceeded.", 429)
_MAX_PAGE = 1000
_SIMULATOR = "@simulator.amazonses.com"


@dataclass
class SuppressionList:
    """`entries`: by address its reason, and since when. `per_second` is how many calls it takes; None: any number."""

    entries: dict[str, tuple[str, float]] = field(default_factory=dict)
    per_second: float | None = None
    calls: list[str] = field(default_factory=list)
    refused: int = 0
    _at: deque[float] = field(default_factory=deque)

    def put(self, address: str, reason: str, since: float = 1_790_000_000) -> None:
        self.entries[address.lower()] = (reason, since)

    def steps(self, address: str, script: Sequence[Step]) -> Sequence[Step]:
        """What is told of a message to the address: nothing leaves to one that is listed; a hard bounce lists it."""
        if address.lower() in self.entries:
            return SUPPRESSED
        if not address.endswith(_SIMULATOR) and any(("bounceType", "Permanent") in step.more for step in script):
            self.put(address, "BOUNCE", time.time())
        return script

    def answer(self, method: str, rest: str, body: bytes) -> dict[str, Any] | Rejection:
        """`rest` is what follows /addresses: one of them, or a query."""
        self.calls.append(f"{method} {rest}")
        if self._too_fast():
            self.refused += 1
            return _TOO_FAST
        if rest.startswith("/"):
            return self._one(method, unquote(rest.removeprefix("/")).lower())
        if method == "PUT":
            asked = json.loads(body)
            if asked.get("Reason") not in ("BOUNCE", "COMPLAINT") or "@" not in asked.get("EmailAddress", ""):
                return Rejection("BadRequestException", "Could not parse the request.")
            self.put(asked["EmailAddress"], asked["Reason"], time.time())
            return {}
        return self._page({name: values[0] for name, values in parse_qs(rest.removeprefix("?")).items()})

    def _one(self, method: str, address: str) -> dict[str, Any] | Rejection:
        if address not in self.entries:
            return _MISSING
        if method == "DELETE":
            del self.entries[address]
            return {}
        return {"SuppressedDestination": self._summary(address)}

    def _page(self, asked: Mapping[str, str]) -> dict[str, Any] | Rejection:
        size = int(asked.get("PageSize", 100))
        if not 0 < size <= _MAX_PAGE:
            return Rejection("BadRequestException", "PageSize is out of range.")
        end = datetime.fromisoformat(asked["EndDate"]).timestamp() if "EndDate" in asked else float("inf")
        found = sorted(address for address, (_, since) in self.entries.items() if since < end)
        after = [address for address in found if address > asked.get("NextToken", "")]
        more = {"NextToken": after[size - 1]} if len(after) > size else {}
        return {"SuppressedDestinationSummaries": list(map(self._summary, after[:size])), **more}

    def _summary(self, address: str) -> dict[str, Any]:
        reason, since = self.entries[address]
        return {"EmailAddress": address, "Reason": reason, "LastUpdateTime": since}

    def _too_fast(self) -> bool:
        if self.per_second is None:
            return False
        now = time.monotonic()
        while self._at and self._at[0] <= now - 1:
            self._at.popleft()
        if len(self._at) >= self.per_second:
            return True
        self._at.append(now)
        return False

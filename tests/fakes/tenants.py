"""SES's tenants of one account in one region: whose sending is paused, and what belongs to whom."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.trouble import Rejection

_MISSING = Rejection("NotFoundException", "Tenant does not exist.", 404)
_DENIED = Rejection("AccessDeniedException", "Not authorised for this tenant.", 403)
_PAUSED = Rejection("SendingPausedException", "Sending is paused.", 400)


@dataclass
class Tenants:
    """By name the SendingStatus: ENABLED, REINSTATED or DISABLED."""

    statuses: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    refusing: str | None = None  # of which nothing is told

    def refusal(self, name: str | None) -> Rejection | None:
        """Of a message that names it."""
        if name is None:
            return None
        if name not in self.statuses:
            return _MISSING
        return _PAUSED if self.statuses[name] == "DISABLED" else None

    def get(self, body: bytes) -> dict[str, Any] | Rejection:
        name = json.loads(body).get("TenantName")
        self.asked.append(name)
        if name == self.refusing:
            return _DENIED
        if name not in self.statuses:
            return _MISSING
        return {"Tenant": {"TenantName": name, "SendingStatus": self.statuses[name]}}

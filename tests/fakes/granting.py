"""A client of SES, as far as it tells what it grants."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from delivery.providers.base import SendError


class SesSays:
    """`error`, where there is one, before all else: it cannot be asked."""

    def __init__(self, rate: float, quota: float = -1.0, sent: float = 0.0, error: SendError | None = None) -> None:
        self.quota = {"MaxSendRate": rate, "Max24HourSend": quota, "SentLast24Hours": sent}
        self.error = error
        self.asked = 0

    async def get_account(self) -> dict[str, Any]:
        self.asked += 1
        return {"SendQuota": self.quota, "SendingEnabled": True, "ProductionAccessEnabled": True}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Any]:
        if self.error is not None:
            raise self.error
        yield self

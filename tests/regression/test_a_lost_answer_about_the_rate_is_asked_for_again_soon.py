"""One call that got no answer left the rate unknown for a minute: mail left as fast as it could, to be turned away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from config.database import Database
from delivery.providers.base import Deferred, Failed, SendError, Throttled, Unknown
from delivery.rate import shared
from delivery.rate.asking import Asking

ACCOUNT = "ses:ca-central-1"
NOW = 1_790_000_000.0


class Ses:
    """Grants 40 a second, once it is heard."""

    def __init__(self, error: SendError) -> None:
        self.error: SendError | None = error

    async def get_account(self) -> dict[str, Any]:
        return {"SendQuota": {"MaxSendRate": 40.0, "Max24HourSend": -1.0, "SentLast24Hours": 0.0}}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Any]:
        if self.error:
            raise self.error
        yield self


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Unknown("aws_no_answer"), 5),
        (Deferred("aws_unreachable"), 5),
        (Throttled("aws_credentials"), 60),
        (Failed("aws_malformed"), 60),
    ],
    ids=str,
)
async def test_it_is_asked_again_soon_unless_somebody_has_to_mend_it(
    database: Database, error: SendError, seconds: int
) -> None:
    ses, clock = Ses(error), [NOW]
    asking = Asking(database, ACCOUNT, ses.opened, lambda: clock[0])
    await asking.ask()
    ses.error = None
    clock[0] = NOW + seconds - 1
    assert not await asking.ask()
    assert await shared.find(database, ACCOUNT) is None

    clock[0] = NOW + seconds + 1
    assert await asking.ask()
    found = await shared.find(database, ACCOUNT)
    assert found is not None
    assert found.granted == 40.0

"""One call that got no answer left the rate unknown for a minute: mail left as fast as it could, to be turned away."""

import pytest

from config.database import Database
from delivery.providers.base import Deferred, Failed, SendError, Throttled, Unknown
from delivery.rate import shared
from delivery.rate.asking import Asking
from tests.fakes.granting import SesSays

ACCOUNT = "ses:ca-central-1"
NOW = 1_790_000_000.0


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
    ses, clock = SesSays(40.0, error=error), [NOW]
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

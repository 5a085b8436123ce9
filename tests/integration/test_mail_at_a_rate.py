"""A worker and a fake AWS that grants a rate and a quota, and holds us to both."""

import asyncio
import time
from uuid import UUID

import pytest

from config.settings import Aws
from delivery.providers.aws import open_client
from delivery.rate import shared
from delivery.rate.asking import Asking
from delivery.rate.bucket import Bucket
from delivery.rate.queue import RatedQueue
from delivery.store.suppressing import Codec
from delivery.store.suppressions import Reason
from messages.message import KeyType, Lane
from tests.fakes.aws import OK, TOO_FAST
from tests.harness.rates import most_in_a_second, put
from tests.harness.sampled import sampled
from tests.integration.conftest import DOMAIN, Works

ACCOUNT = "ses:ca-central-1"
UNSENT, GOOD = 1_000, 100


async def granted(works: Works) -> RatedQueue:
    """What the fake grants, asked as the worker does it."""
    aws = Aws(endpoint_url=works.aws.url)
    await Asking(works.database, ACCOUNT, lambda: open_client("sesv2", aws, 1), time.time).ask()
    return RatedQueue(works.database, ACCOUNT)


async def bucket(works: Works) -> Bucket:
    found = await shared.find(works.database, ACCOUNT)
    assert found is not None
    return found


async def test_too_fast_costs_no_attempt_and_no_pause_but_lowers_the_rate(works: Works) -> None:
    works.aws.max_per_second = 100
    works.aws.script([TOO_FAST, TOO_FAST, OK])
    rated = await granted(works)
    message, test = await works.put(), await works.put(key_type=KeyType.TEST)
    async with works.worker(rated=rated):
        history = await works.wait(message, "sending")
        await works.wait(test, "delivered")

    assert [attempt.number for attempt in history.attempts] == [1]
    assert works.aws.requests == 3
    assert (await bucket(works)).turned_away or (await bucket(works)).allowed < 100


async def test_of_a_quota_that_is_nearly_spent_bulk_leaves_nothing_and_when_it_is_spent_all_wait(works: Works) -> None:
    works.aws.max_per_second, works.aws.max_per_day, works.aws.sent_last_day = 100, 100, 97
    rated = await granted(works)
    bulk = await works.put(lane=Lane.BULK)
    normal = await works.put(lane=Lane.NORMAL)
    async with works.worker(rated=rated):
        await works.wait(normal, "sending")
        works.aws.sent_last_day = 100  # somebody else sends from the account
        code = await works.put(lane=Lane.PRIORITY)
        async with asyncio.timeout(60):
            while works.aws.requests < 2:
                await asyncio.sleep(0.02)
        await works.put(lane=Lane.PRIORITY)
        await asyncio.sleep(1)

    assert works.aws.requests == 2
    for waiting in (bulk, code):
        assert ((await works.history(waiting)).message.status, (await works.history(waiting)).attempts) == (
            "created",
            (),
        )


@pytest.mark.alone
@pytest.mark.parametrize("why", sampled(["expired", "suppressed"], lambda at: at == 0))
async def test_what_is_not_sent_takes_no_place_at_the_rate(works: Works, why: str) -> None:
    """1,000 that end unsent would hold up those behind them for 20 s."""
    service, now = UUID(int=1), time.time()
    works.aws.max_per_second = 50
    rated = await granted(works)
    gone = {"service_id": service, "lane": Lane.BULK, "signing_domain": DOMAIN}
    if why == "expired":
        await put(works.store, UNSENT, **gone, created_at=now - 7200, expires_at=now - 3600)
    else:
        codec = Codec(works.keyring)
        await works.database.transact(lambda c: codec.add(c, service, "gone@example.org", Reason.BY_HAND, now))
        await put(works.store, UNSENT, **gone, recipient="gone@example.org", created_at=now - 60)
    good = await put(works.store, GOOD, **gone)
    began = time.time()
    async with works.worker(rated=rated):
        await works.wait(good[-1], "sending")
        async with asyncio.timeout(60):
            while works.aws.requests < GOOD:
                await asyncio.sleep(0.02)
        took = time.time() - began

    times = [each.at for each in works.aws.sent]
    print(f"{why}: {UNSENT} unsent, then {GOOD} in {took:.1f} s, the first {min(times) - began:.1f} s")
    assert len(times) == GOOD
    assert most_in_a_second(times) <= 50
    assert took < 12

"""Who sets callback URLs cannot learn which names our own DNS knows: one that leads inside is told as one of nobody."""

import asyncio
from collections.abc import Sequence
from typing import Any

from structlog.testing import capture_logs

from config.keyring import Keyring
from delivery.callbacks import deliveries, guard
from delivery.callbacks.calls import post
from delivery.callbacks.sender import Sender
from messages.status import Status
from relay.notices.callbacks import why
from tests.harness.callbacks import IDLE_SECONDS, SETTINGS, CallbackDesk, running
from tests.harness.migrated import migrated
from tests.harness.store import Store

_KNOWN = {"vault.internal": ["10.0.0.7"], "metadata.internal": ["169.254.169.254", "::1"]}
NAMES = (*_KNOWN, "nobody.internal")


async def ours(host: str) -> Sequence[str]:
    """What our own DNS answers, and that it answers at once what it knows."""
    if host not in _KNOWN:
        await asyncio.sleep(0.2)
        raise OSError
    return _KNOWN[host]


async def test_one_call_is_answered_alike_and_takes_as_long() -> None:
    async with guard.open_session(guard.is_public, lookup=ours) as session:
        rounds = [
            await asyncio.gather(*(post(session, f"https://{name}/", {}, b"{}", 60) for name in NAMES))
            for _ in range(3)
        ]
    found = [each for called in rounds for each in called]
    seconds = [min(each.seconds for each in of_name) for of_name in zip(*rounds, strict=True)]  # of an idle moment
    assert len({(each.outcome, each.reason, each.http_status, each.called) for each in found}) == 1
    assert max(seconds) - min(seconds) < 0.15
    assert "DNS" in str(why(found[0].reason or ""))


async def test_what_a_service_is_told_of_its_calls_is_alike_and_the_log_tells_them_apart(
    sqlite_url: str, keyring: Keyring
) -> None:
    database = await migrated(sqlite_url)
    desk = CallbackDesk(database, keyring, Store(database, keyring))
    sent = {name: await desk.message(f"https://{name}/") for name in NAMES}
    with capture_logs() as logs:
        async with guard.open_session(guard.is_public, lookup=ours) as session, running(_sender(desk, session)):
            for each in sent.values():
                await desk.settle(each, Status.DELIVERED)
            told = [await _told(desk, each) for each in sent.values()]
    assert told == [told[0]] * len(NAMES)
    await database.close()
    causes = [each["cause"] for each in logs if each["event"] == "callback.sent"]
    assert (len(causes), causes.count("forbidden-address"), causes.count(None)) == (3, 2, 1)


async def _told(desk: CallbackDesk, sent: Any) -> Any:
    await desk.deferred(sent)
    well = await desk.health(sent)
    async with desk.database.read() as connection:
        (last,) = await deliveries.last(connection, sent.service_id)
    return last.outcome, last.reason, last.http_status, last.attempts, well.failed_as, round(last.seconds)


def _sender(desk: CallbackDesk, session: Any) -> Sender:
    return Sender(
        "a",
        database=desk.database,
        keyring=desk.keyring,
        sources=desk.store.sources,
        session=session,
        settings=SETTINGS.model_copy(update={"allow_private": False, "timeout_seconds": 5}),
        metrics=desk.metrics,
        now=desk.clock,
        idle_seconds=IDLE_SECONDS,
    )


async def test_where_a_call_may_last_less_than_that_both_end_in_time() -> None:
    async with guard.open_session(guard.is_public, lookup=ours) as session:
        found = [await post(session, f"https://{name}/", {}, b"{}", 0.3) for name in NAMES]
    assert {each.reason for each in found} == {"timeout"}

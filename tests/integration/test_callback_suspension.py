"""A URL where nothing is done for a day, with real receivers: suspended, probed, and resumed by itself."""

import asyncio
import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
import structlog
from sqlalchemy import Connection

from config.database import Database
from config.keyring import Keyring
from delivery.callbacks import health, urls
from delivery.callbacks.owner import Change, Changed
from delivery.store.base import CallbackKind
from messages.message import Message
from messages.status import Status
from tests.fakes.receiver import Receiver, Reply
from tests.harness.callbacks import QUIET_SECONDS, CallbackDesk
from tests.harness.store import Store

AWAY = Reply(503)
HOUR, DAY = 3600.0, 86_400.0


@pytest.fixture
def desk(database: Database, keyring: Keyring) -> CallbackDesk:
    return CallbackDesk(database, keyring, Store(database, keyring))


async def until_called(desk: CallbackDesk, receiver: Receiver, ahead_seconds: float) -> None:
    """Moves the clock on, and waits for a call and for what it does."""
    calls = await quiet(receiver)
    desk.clock.ahead_seconds += ahead_seconds
    await receiver.wait(calls + 1)
    await quiet(receiver)


async def until_suspended(desk: CallbackDesk, receiver: Receiver, sent: Message) -> None:
    """A day passes in which nothing is done."""
    await receiver.wait(1)
    await until_called(desk, receiver, DAY + 60)
    await desk.until(lambda: suspended(desk, sent))


async def suspended(desk: CallbackDesk, sent: Message) -> bool:
    return (await desk.health(sent)).suspended_at is not None


async def well(desk: CallbackDesk, sent: Message) -> bool:
    return not await suspended(desk, sent)


async def quiet(receiver: Receiver) -> int:
    """How many calls came, once none comes any more."""
    while True:
        calls = len(receiver.told)
        await asyncio.sleep(QUIET_SECONDS)
        if len(receiver.told) == calls:
            return calls


def by_message(events: list[Any]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for event in events:
        found[event.get("notification_id") or event["id"]].append(event.get("status", "complaint"))
    return dict(found)


async def test_receiver_that_was_down_for_a_day_is_told_each_thing_once_in_order_as_the_feed_has_it(
    desk: CallbackDesk,
) -> None:
    async with Receiver() as receiver:
        receiver.always = AWAY
        first = await desk.message(receiver.url)
        await desk.listen(first.service_id, receiver.url, CallbackKind.COMPLAINT)
        sent = [first, *[await desk.message(None, service_id=first.service_id) for _ in range(5)]]
        async with desk.sender("a"), desk.sender("b"):
            for each in sent[:3]:
                await desk.settle(each, Status.DELIVERED)
                await desk.complain(each)
                await desk.settle(each, Status.PERMANENT_FAILURE)
            await until_suspended(desk, receiver, first)
            calls = await quiet(receiver)
            for each in sent[3:]:
                await desk.settle(each, Status.DELIVERED, Status.PERMANENT_FAILURE)
            assert await quiet(receiver) == calls  # nothing is called
            await until_called(desk, receiver, 61)
            assert await quiet(receiver) == calls + 1  # but one, as a probe
            receiver.always = Reply()
            await until_called(desk, receiver, 2 * HOUR)
            await receiver.wait(calls + 1 + 3 * 3 + 3 * 2)
            assert await quiet(receiver) == calls + 1 + 15
        told = receiver.told[calls + 1 :]
        feed = await desk.feed(first)

    assert not await suspended(desk, first)
    assert (desk.changes("suspended"), desk.changes("resumed")) == (1, 1)
    ids = [each.callback_id for each in told]
    assert len(ids) == len(set(ids))
    bodies = {each.callback_id: json.loads(each.body) for each in told}
    said = {event["event_id"]: {k: v for k, v in event.items() if k not in ("event_id", "type")} for event in feed}
    assert bodies == said
    in_order = by_message([bodies[each] for each in ids])
    assert in_order == by_message(list(said.values()))
    assert in_order[str(first.id)] == ["delivered", "complaint", "permanent-failure"]


async def test_owner_is_told_once_in_the_transaction_that_suspends(desk: CallbackDesk) -> None:
    told: list[Changed] = []

    def inform(_: Connection, changed: Changed) -> None:
        assert abs(changed.at - desk.clock()) < 10
        told.append(changed)

    async with Receiver() as receiver:
        receiver.always = AWAY
        sent = await desk.delivered(receiver.url)
        with structlog.testing.capture_logs() as logs:
            async with desk.sender(inform=inform):
                await until_suspended(desk, receiver, sent)
                for _ in range(3):
                    await until_called(desk, receiver, 2 * HOUR)
                shown, at = await desk.health(sent), desk.clock()
                receiver.always = Reply()
                await until_called(desk, receiver, 2 * HOUR)
                await desk.until(lambda: well(desk, sent))
    first, second = told
    assert (first.service_id, first.kind, first.url) == (sent.service_id, CallbackKind.STATUS, receiver.url)
    assert (first.change, first.failed_as) == (Change.SUSPENDED, "http-503")
    assert first.at - first.failing_since >= DAY
    assert second == replace(first, change=Change.RESUMED, at=second.at)
    assert shown.failed_as == "http-503"
    assert shown.next_probe_at is not None
    assert 0 < shown.next_probe_at - at <= HOUR
    assert [line["service_id"] for line in logs if line["event"] == "callback.suspended"] == [str(sent.service_id)]


async def test_probes_come_later_each_time_up_to_an_hour(desk: CallbackDesk) -> None:
    async with Receiver() as receiver:
        receiver.always = AWAY
        sent = await desk.delivered(receiver.url)
        waits = []
        async with desk.sender():
            await until_suspended(desk, receiver, sent)
            for _ in range(7):
                shown = await desk.health(sent)
                assert shown.next_probe_at is not None
                waits.append(shown.next_probe_at - desk.clock())
                await until_called(desk, receiver, waits[-1] + 1)
    assert all(
        0.4 * full < wait <= full for wait, full in zip(waits, (60, 120, 240, 480, 960, 1920, 3600), strict=True)
    )


async def test_one_that_is_done_in_between_begins_the_day_anew(desk: CallbackDesk) -> None:
    async with Receiver([AWAY, Reply(), AWAY]) as receiver:
        receiver.always = AWAY
        sent = await desk.delivered(receiver.url)
        async with desk.sender():
            await desk.deferred(sent)
            desk.clock.ahead_seconds += 12 * HOUR
            assert (await desk.ended(sent)).outcome == "done"
            again = await desk.message(None, service_id=sent.service_id)
            await desk.settle(again, Status.DELIVERED)
            await receiver.wait(3)
            await until_called(desk, receiver, 13 * HOUR)
    assert not await suspended(desk, sent)


async def test_what_waits_for_a_suspended_url_is_kept_for_a_week(desk: CallbackDesk) -> None:
    async with Receiver() as receiver:
        receiver.always = AWAY
        sent = await desk.delivered(receiver.url)
        async with desk.sender():
            await until_suspended(desk, receiver, sent)
            await until_called(desk, receiver, 5 * DAY)
            assert (await desk.callbacks(sent))[-1].ended_at is None
        now = desk.clock()
        assert await desk.store.retiring.forget(now) == 0
        assert await desk.store.retiring.forget(now + DAY) == 1
    assert await desk.callbacks(sent) == ()


async def test_new_url_and_resumption_by_hand_are_called_at_once(desk: CallbackDesk) -> None:
    async with Receiver() as receiver, Receiver() as other:
        receiver.always = AWAY
        sent = await desk.delivered(receiver.url)
        async with desk.sender():
            await until_suspended(desk, receiver, sent)
            async with desk.database.write() as connection:
                assert await health.resume(connection, sent.service_id, CallbackKind.STATUS, desk.clock())
            await until_called(desk, receiver, HOUR)
            async with desk.database.write() as connection:
                await urls.remove(connection, sent.service_id)
            await desk.listen(sent.service_id, other.url)
            desk.clock.ahead_seconds += HOUR
            assert (await desk.ended(sent)).outcome == "done"
    assert len(other.told) == 1


async def test_refused_probe_ends_its_call_alone(desk: CallbackDesk) -> None:
    async with Receiver() as receiver:
        receiver.always = AWAY
        sent = await desk.delivered(receiver.url)
        again = await desk.message(None, service_id=sent.service_id)
        async with desk.sender():
            await until_suspended(desk, receiver, sent)
            await desk.settle(again, Status.DELIVERED)
            receiver.always = Reply(410)
            await until_called(desk, receiver, 2 * HOUR)
            ended = [(await desk.callbacks(each))[-1].outcome for each in (sent, again)]
            assert ended.count("failed http-410") == 1
            assert await suspended(desk, sent)

"""What SES tells, over a queue, between a fake AWS and a real store: what becomes of the messages."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from config.settings import Aws
from delivery.feedback import run, sqs_poller, upkeep
from delivery.feedback.learner import Learner
from delivery.feedback.reading import read as events
from delivery.store import tables
from delivery.store.base import Outcome, Record
from delivery.store.rows import Codec
from delivery.store.settling import Settling
from messages.message import Message
from messages.status import Status
from tests.fakes.auth import away
from tests.fakes.aws import CUT_ACCEPTED, HANG_ACCEPTED, Behaviour
from tests.fakes.events import (
    BOUNCED,
    BOUNCED_LATE,
    COMPLAINED,
    DELAYED,
    DELIVERED,
    DELIVERY,
    OUT_OF_OFFICE,
    SEND,
    Step,
    bounce,
    tell,
)
from tests.fakes.feedback import Feedback
from tests.fakes.messages import make_message
from tests.fakes.sns import GREETING, TOPIC
from tests.fakes.trouble import Rejection
from tests.harness.sampled import sampled
from tests.harness.store import group_of
from tests.integration.conftest import CONTENT, Works

DUE = (SEND, Step("Delivery"))


@pytest.fixture
def told(works: Works) -> Feedback:
    assert works.aws.feedback
    return works.aws.feedback


@contextlib.asynccontextmanager
async def feedback(works: Works, **settings: object) -> AsyncIterator[run.Parts]:
    """The feedback role, as it runs in its process, for the length of the block."""
    given = {"events_queue_url": works.aws.queue_url, "sns_topics": TOPIC}
    aws = Aws.model_validate(given | settings)
    stopping = asyncio.Event()
    async with (
        run.open_parts(
            aws, works.store.settling, works.store.receiving, works.store.answering, works.metrics, time.time
        ) as parts,
        asyncio.TaskGroup() as group,
    ):
        for part in parts.running:
            group.create_task(part(stopping))
        try:
            yield parts
        finally:
            stopping.set()


async def emptied(told: Feedback, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while told.queue.entries:
            await asyncio.sleep(0.02)


async def kinds(works: Works, message: Message) -> list[str]:
    return [event.kind.value for event in (await works.history(message)).events]


async def test_a_message_is_delivered_when_ses_says_so(works: Works, told: Feedback) -> None:
    message = await works.put()
    with capture_logs() as logs:
        async with works.worker(), feedback(works):
            history = await works.wait(message, "delivered")
            await emptied(told)

    assert await kinds(works, message) == ["send", "delivery"]
    assert history.message.completed_at == pytest.approx(time.time(), abs=10)
    assert works.metric("delivery_events_total", provider="ses", kind="delivery") == 1
    assert works.metric("delivery_messages_total", channel="email", status="delivered") == 1
    labels = {"channel": "email", "lane": "normal", "stage": "delivered"}
    assert works.metric("delivery_seconds_count", **labels) == 1
    (settled,) = [log for log in logs if log["event"] == "message.settled"]
    assert settled["message_id"] == str(message.id)
    assert settled["kind"] == "delivery"
    assert str(message.recipient) not in json.dumps(logs)


@pytest.mark.parametrize(
    ("script", "status", "reason", "seen"),
    [
        (BOUNCED, "permanent-failure", "general", ["send", "bounce"]),
        ((SEND, bounce("Transient", "MailboxFull")), "temporary-failure", "mailbox-full", ["send", "bounce"]),
        ((SEND, Step("Reject")), "technical-failure", "bad-content", ["reject", "send"]),
        (COMPLAINED, "delivered", None, ["send", "delivery", "complaint"]),
        (OUT_OF_OFFICE, "delivered", None, ["send", "delivery", "bounce"]),
        (BOUNCED_LATE, "permanent-failure", "no-email", ["send", "delivery", "bounce"]),
        (DELAYED, "sending", None, ["send", "delay"]),
    ],
    ids=["bounced", "soft bounced", "rejected", "complained of", "out of office", "bounced late", "delayed"],
)
async def test_what_ses_tells_decides_the_end(
    works: Works, told: Feedback, script: tuple[Step, ...], status: str, reason: str | None, seen: list[str]
) -> None:
    told.scripts["reader@example.org"] = script
    message = await works.put()
    async with works.worker(), feedback(works):
        async with asyncio.timeout(60):
            while len(await kinds(works, message)) < len(seen):
                await asyncio.sleep(0.02)
        history = await works.wait(message, status)

    assert sorted(await kinds(works, message)) == sorted(seen)
    assert history.reason == reason


async def test_raw_delivery_is_read_as_well(works: Works) -> None:
    works.aws.feedback = Feedback(raw=True)
    message = await works.put()
    async with works.worker(), feedback(works):
        await works.wait(message, "delivered")


async def test_a_doubled_notification_is_learned_once(works: Works, told: Feedback) -> None:
    told.scripts["reader@example.org"] = (Step("Send", times=3), Step("Delivery", 0.05, times=3))
    message = await works.put()
    async with works.worker(), feedback(works):
        await works.wait(message, "delivered")
        async with asyncio.timeout(60):
            while works.metric("delivery_event_fates_total", fate="repeated") < 4:
                await asyncio.sleep(0.02)

    assert await kinds(works, message) == ["send", "delivery"]
    assert works.metric("delivery_messages_total", channel="email", status="delivered") == 1


async def test_an_event_that_comes_before_ses_has_answered_settles_the_message(works: Works, told: Feedback) -> None:
    told.scripts["reader@example.org"] = DUE
    answer = asyncio.Event()
    works.aws.script([Behaviour(until=answer)])
    message = await works.put()
    async with works.worker(read_timeout_seconds=30), feedback(works):
        early = await works.wait(message, "delivered")
        assert works.metric("delivery_attempts_total", provider="ses", outcome="relayed") == 0
        answer.set()
    late = await works.history(message)
    assert (late.message.status, late.waiting_until) == ("delivered", None)
    assert late.message.provider_id == early.message.provider_id == works.aws.sent[0].message_id
    assert len(works.aws.sent) == 1


@pytest.mark.parametrize(
    ("lost", "script"),
    sampled(
        [
            (CUT_ACCEPTED, (SEND,)),
            (HANG_ACCEPTED, (SEND,)),
            (CUT_ACCEPTED, DELIVERED),
            (HANG_ACCEPTED, DELIVERED),
        ],
        lambda at: at in (0, 3),
    ),
    ids=["cut-send only", "hang-send only", "cut-delivered", "hang-delivered"],
)
async def test_a_lost_answer_is_made_good_by_an_event_and_nothing_is_sent_twice(
    works: Works, told: Feedback, lost: Behaviour, script: tuple[Step, ...]
) -> None:
    told.scripts["reader@example.org"] = script
    works.aws.script([lost])
    message = await works.put()
    async with feedback(works):
        async with works.worker(unknown_wait_seconds=1):
            history = await works.wait(message, "delivered" if len(script) > 1 else "sending")
            await asyncio.sleep(2)  # longer than the wait after which it would be sent again
        await emptied(told)

    assert len(works.aws.sent) == 1
    history = await works.history(message)
    (attempt,) = history.attempts
    assert attempt.outcome is Outcome.RELAYED
    assert history.message.provider_id == works.aws.sent[0].message_id
    assert history.message.sent_at is not None
    assert history.waiting_until is None


async def test_a_notification_without_tags_waits_until_its_message_is_known(
    works: Works, told: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "MATCH_SECONDS", 0.1)
    told.scripts["reader@example.org"] = (Step("Delivery", tagged=False),)
    answer = asyncio.Event()
    works.aws.script([Behaviour(until=answer)])
    message = await works.put()
    with capture_logs() as logs:
        async with works.worker(read_timeout_seconds=30), feedback(works):
            async with asyncio.timeout(60):
                while works.metric("delivery_event_fates_total", fate="parked") == 0:
                    await asyncio.sleep(0.02)
            answer.set()
            await works.wait(message, "delivered")
    assert works.metric("delivery_event_fates_total", fate="parked") == 1
    assert await kinds(works, message) == ["delivery"]
    assert [log["status"] for log in logs if log["event"] == "message.settled"] == ["delivered"]


async def test_an_event_of_nobody_is_kept_aside_and_taken_off_the_queue(works: Works, told: Feedback) -> None:
    told.topic.publish(tell(DELIVERY, "of-another-relay", ["a@example.org"], {}, time.time(), "ca-central-1"))
    told.topic.publish(GREETING)
    async with feedback(works):
        await emptied(told)
    assert works.metric("delivery_event_fates_total", fate="parked") == 1
    assert works.metric("delivery_event_fates_total", fate="ignored") == 1


async def test_a_message_of_which_nobody_tells_an_end_ends_after_three_days(works: Works, told: Feedback) -> None:
    told.scripts["reader@example.org"] = ()
    message, days = await works.put(), 86400.0
    async with works.worker():
        await works.wait(message, "sending")
    for later, status in ((2.9 * days, "sending"), (3.1 * days, "temporary-failure")):
        await Learner(
            events,
            works.store.settling,
            works.store.receiving,
            works.store.answering,
            works.metrics,
            lambda later=later: time.time() + later,  # type: ignore[misc]
        ).time_out()
        assert (await works.history(message)).message.status == status
    assert (await works.history(message)).reason == "no-event"


# -- Trouble -------------------------------------------------------------------------------------------------------
async def test_a_database_that_is_away_loses_nothing(
    works: Works, told: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqs_poller, "_MAX_PAUSE_SECONDS", 0.2)
    told.queue.max_receives = 2
    told.queue.visibility_seconds = 0.3
    messages = [await works.put() for _ in range(30)]
    async with works.worker():
        for message in messages:
            await works.wait(message, "sending")
    async with feedback(works):
        with away(works.database):
            await asyncio.sleep(1.5)
            assert len(told.queue.entries) == 60
            assert told.queue.dead == []
        for message in messages:
            await works.wait(message, "delivered")
        await emptied(told)


async def test_nothing_is_deleted_before_it_is_learned(works: Works, told: Feedback) -> None:
    message = await works.put()
    async with works.worker():
        await works.wait(message, "sending")
    order: list[str] = []
    learn, answer = works.store.settling.learn, told.queue.answer

    class Watched(Settling):
        async def learn(self, *arguments):  # type: ignore[no-untyped-def]
            learned = await learn(*arguments)
            order.append("learned")
            return learned

    async def watched(operation: str, body: bytes):  # type: ignore[no-untyped-def]
        if operation == "DeleteMessageBatch":
            order.append("deleted")
        return await answer(operation, body)

    told.queue.answer = watched  # type: ignore[method-assign]
    works.store.settling = Watched(works.database, Codec(works.keyring), ())
    async with feedback(works):
        await emptied(told)
    assert order[0] == "learned"
    assert order.count("learned") == order.count("deleted")


async def test_a_message_that_nobody_can_read_is_left_to_the_redrive_policy(works: Works, told: Feedback) -> None:
    told.queue.max_receives = 2
    told.queue.visibility_seconds = 0.1
    told.queue.put('{"eventType": "Delivery", "mail": "reader@example.org"}')
    message = await works.put()
    with capture_logs() as logs:
        async with works.worker(), feedback(works):
            await works.wait(message, "delivered")
            async with asyncio.timeout(60):
                while told.queue.entries:
                    await asyncio.sleep(0.05)
    assert [entry.body[:14] for entry in told.queue.dead] == ['{"eventType": ']
    assert works.metric("delivery_event_fates_total", fate="unreadable") == 2
    assert "reader@example.org" not in json.dumps(logs)
    assert [log["problem"] for log in logs if log["event"] == "event.unreadable"] == ["mail", "mail"]


async def test_an_event_that_the_database_refuses_keeps_no_other_waiting(works: Works, told: Feedback) -> None:
    message = await works.put()
    async with works.worker():
        await works.wait(message, "sending")
    async with works.database.write() as connection:
        await connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.provider_id = 'refused' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    for name in ("refused", "taken"):
        told.queue.put(tell(DELIVERY, name, ["a@example.org"], {}, time.time(), "ca-central-1"))
    async with feedback(works):
        await works.wait(message, "delivered")
        async with asyncio.timeout(60):
            while len(told.queue.entries) > 1:
                await asyncio.sleep(0.02)
    (left,) = told.queue.entries.values()
    assert '"refused"' in left.body


async def test_a_queue_that_is_away_is_not_asked_in_a_ring_and_answers_again(works: Works, told: Feedback) -> None:
    told.queue.refuse = Rejection("com.amazonaws.sqs#InternalFailure", "", 500)
    message = await works.put()
    async with works.worker(), feedback(works):
        await works.wait(message, "sending")
        await asyncio.sleep(1)
        assert told.queue.calls["ReceiveMessage"] <= 12
        told.queue.refuse = None
        await works.wait(message, "delivered")


async def test_a_queue_that_answers_at_once_is_not_asked_in_a_ring(
    works: Works, told: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqs_poller, "_WAIT_SECONDS", 0)
    async with feedback(works):
        await asyncio.sleep(1.5)
    assert told.queue.calls["ReceiveMessage"] <= 8


async def test_what_could_not_be_deleted_comes_again_and_changes_nothing(works: Works, told: Feedback) -> None:
    told.queue.visibility_seconds = 0.2
    told.queue.fail_deletes = 2
    message = await works.put()
    async with works.worker(), feedback(works):
        await works.wait(message, "delivered")
        await emptied(told)
    assert works.metric("delivery_event_fates_total", fate="repeated") >= 2
    assert await kinds(works, message) == ["send", "delivery"]


async def test_a_poll_under_way_keeps_nobody_from_stopping(works: Works) -> None:
    began = time.monotonic()
    async with feedback(works):
        await asyncio.sleep(0.3)
    assert time.monotonic() - began < 12  # a poll takes 20


# -- In whatever order ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", sampled([1_000, 10_000], lambda at: at == 0))
async def test_shuffled_and_doubled_events_end_as_in_order(works: Works, number: int) -> None:
    dice, now = random.Random(5), time.time()
    scripts = [DELIVERED, BOUNCED, OUT_OF_OFFICE, COMPLAINED, BOUNCED_LATE, DELAYED]
    ends = ["delivered", "permanent-failure", "delivered", "delivered", "permanent-failure", "sending"]
    messages = [make_message() for _ in range(number * 21 // 100)]
    await works.store.putting.put(group_of(tuple(messages), CONTENT))
    sent = {"outcome": Outcome.RELAYED, "at": now, "status": Status.SENDING}
    await asyncio.gather(
        *(works.store.attempting.record(Record(m.id, None, provider_id=f"{m.id}", **sent)) for m in messages)
    )
    expected = {message.id: ends[number % len(ends)] for number, message in enumerate(messages)}
    texts = [
        tell(step, str(message.id), ["reader@example.org"], {"message_id": str(message.id)}, now, "ca-central-1")
        for number, message in enumerate(messages)
        for step in scripts[number % len(scripts)]
    ] * 2
    assert len(texts) >= number
    dice.shuffle(texts)
    found = [event for text in texts for event in events(text)]
    began, at = time.process_time(), 0
    while at < len(found):
        size = dice.randint(10, 100)
        await works.store.settling.learn(found[at : at + size], now)
        at += size
    assert time.process_time() - began < 15
    async with works.database.read() as connection:
        rows = (await connection.execute(select(tables.messages.c.id, tables.messages.c.status))).all()
        kept = await connection.scalar(select(func.count()).select_from(tables.events))
    assert {row.id: row.status for row in rows} == expected
    assert kept == len(texts) // 2

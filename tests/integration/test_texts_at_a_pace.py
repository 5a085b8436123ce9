"""The worker with texts: what leaves from which number, and what happens when AWS holds."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from structlog.testing import capture_logs

from config.settings import Aws, Sms
from delivery.exit.pace import Pace
from delivery.library.origination import OriginationIdentities
from delivery.providers import aws_sms
from delivery.queue.lines import Lines
from delivery.store.base import Outcome
from messages.message import Channel, Lane
from tests.fakes import sms
from tests.fakes.trouble import CUT_ACCEPTED
from tests.harness.texts import add_sender, lined_up, most_in_a_second, put_text, put_texts
from tests.integration.conftest import Works

NUMBER, OTHER = "+16135550100", "+16135550101"
Texting = Callable[[], AbstractAsyncContextManager[Pace]]


@pytest.fixture
def texting(works: Works) -> Texting:
    """A worker of texts, for the length of a block."""
    works.aws.texts.numbers += [sms.Number(NUMBER), sms.Number(OTHER)]

    @asynccontextmanager
    async def running() -> AsyncIterator[Pace]:
        aws = Aws(connect_timeout_seconds=5, read_timeout_seconds=5)
        provider = await aws_sms.open_provider(aws, Sms(endpoint_url=works.aws.url), 8, time.time)
        identities = OriginationIdentities(works.database, time.time)
        pace = Pace(Lines(works.database), identities, 8, works.settings.lease_seconds, time.time, provider.greet)
        async with works.worker(also={Channel.SMS: provider}, pace=pace):
            yield pace
        await provider.close()

    return running


async def test_a_text_leaves_from_the_number_of_its_country_beside_mail(works: Works, texting: Texting) -> None:
    await add_sender(works.database, NUMBER, 50, time.time(), countries=("CA",))
    text, mail = await put_text(works.store), await works.put()
    async with texting():
        history = await works.wait(text, "sending")
        await works.wait(mail, "sending")
    (sent,) = works.aws.texts.sent
    assert (sent.identity, sent.body, sent.to) == (NUMBER, "Hello", "+16135550142")
    assert [(each.provider, each.number) for each in history.attempts] == [("aws", 1)]
    assert history.message.provider_id == sent.message_id


async def test_a_slow_number_keeps_neither_mail_nor_a_quick_number_waiting(works: Works, texting: Texting) -> None:
    await add_sender(works.database, NUMBER, 0.5, time.time(), countries=("CA",))
    await add_sender(works.database, OTHER, 50, time.time(), countries=("US",))
    slow = [await put_text(works.store, lane=Lane.PRIORITY) for _ in range(30)]
    quick = [await put_text(works.store, number="+12025550142") for _ in range(20)]
    mail = [await works.put() for _ in range(20)]
    async with texting():
        for each in (*quick, *mail):
            await works.wait(each, "sending")
        waiting = [await works.history(each) for each in slow]
    left = [each for each in waiting if each.message.status == "sending"]
    assert len(left) <= 8
    assert all(not each.attempts for each in waiting if each not in left)  # to wait is no attempt


@pytest.mark.alone
@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.soak)])
async def test_a_one_time_code_leaves_within_two_seconds_however_many_bulk_texts_wait(
    works: Works, texting: Texting, count: int
) -> None:
    await add_sender(works.database, NUMBER, 10, time.time())
    await put_texts(works.store, count, lane=Lane.BULK)
    async with texting():
        async with asyncio.timeout(60):
            while not works.aws.texts.sent or (await lined_up(works.database)) < 0.8 * count:
                await asyncio.sleep(0.05)
        code = await put_text(works.store, number="+12025550142", lane=Lane.PRIORITY)
        history = await works.wait(code, "sending")
    assert history.message.sent_at
    assert history.message.sent_at - code.created_at < 2


async def test_a_text_without_a_number_waits_for_an_operator(works: Works, texting: Texting) -> None:
    text = await put_text(works.store)
    with capture_logs() as logs:
        async with texting():
            async with asyncio.timeout(60):
                while not any(line["event"] == "worker.no_sender" for line in logs):
                    await asyncio.sleep(0.05)
            assert (await works.history(text)).attempts == ()
            await add_sender(works.database, NUMBER, 50, time.time())
            await works.wait(text, "sending")
    assert next(line["message_id"] for line in logs if line["event"] == "worker.no_sender") == str(text.id)


async def test_who_opted_out_is_a_permanent_failure(works: Works, texting: Texting) -> None:
    await add_sender(works.database, NUMBER, 50, time.time())
    works.aws.texts.opted_out.add("+16135550142")
    text = await put_text(works.store)
    async with texting():
        history = await works.wait(text, "permanent-failure")
    assert (history.reason, history.attempts[0].outcome) == ("opted-out", Outcome.FAILED)
    assert (await works.store.counts(text.service_id))["permanent-failure"] == 1


async def test_a_spend_limit_holds_all_texts_burns_no_attempt_and_ends_by_itself(
    works: Works, texting: Texting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.exit.pauses.MAX_SECONDS", 0.5)
    await add_sender(works.database, NUMBER, 50, time.time())
    works.aws.texts.choose = lambda: sms.SPEND_LIMIT
    texts, mail = await put_texts(works.store, 20), await works.put()
    with capture_logs() as logs:
        async with texting():
            await works.wait(mail, "sending")
            async with asyncio.timeout(60):
                while works.aws.texts.requests < 12:  # some were under way, then one by one
                    await asyncio.sleep(0.05)
            works.aws.texts.choose = None
            still = [each for each in texts if (await works.history(each)).waiting_until]
            assert len(still) == len(texts)
            async with asyncio.timeout(60):
                while not works.aws.texts.sent:
                    await asyncio.sleep(0.05)
    assert works.metric("delivery_provider_holds_total", provider="aws", reason="sms_spend_limit") >= 2
    assert {line["reason"] for line in logs if line["event"] == "worker.provider_holds"} == {"sms_spend_limit"}
    histories = [await works.history(each) for each in texts]
    assert {attempt.number for history in histories for attempt in history.attempts} <= {1}
    assert {attempt.outcome for history in histories for attempt in history.attempts} <= {Outcome.RELAYED}


async def test_throttling_of_one_number_makes_its_line_wait_and_no_other(works: Works, texting: Texting) -> None:
    await add_sender(works.database, NUMBER, 50, time.time(), countries=("CA",))
    await add_sender(works.database, OTHER, 50, time.time(), countries=("US",))
    works.aws.texts.recipients["+16135550142"] = sms.TOO_FAST
    throttled = await put_text(works.store)
    async with texting():
        async with asyncio.timeout(60):
            while not works.aws.texts.requests:
                await asyncio.sleep(0.01)
        began = time.monotonic()
        other = await put_text(works.store, number="+12025550142")
        await works.wait(other, "sending")
        assert time.monotonic() - began < 5
        works.aws.texts.recipients.clear()
        history = await works.wait(throttled, "sending")
    assert [attempt.number for attempt in history.attempts] == [1]


async def test_a_lost_answer_makes_the_one_duplicate_that_cannot_be_helped(works: Works, texting: Texting) -> None:
    await add_sender(works.database, NUMBER, 50, time.time())
    works.aws.texts.script.append(CUT_ACCEPTED)
    text = await put_text(works.store)
    async with texting():
        await works.wait(text, "sending")
    first, second = works.aws.texts.sent
    assert first.context["message_id"] == second.context["message_id"] == str(text.id)
    assert first.context["attempt_id"] != second.context["attempt_id"]


async def test_a_text_that_expires_in_line_ends_without_an_attempt(works: Works, texting: Texting) -> None:
    await add_sender(works.database, NUMBER, 0.1, time.time())
    texts = [await put_text(works.store, expires_at=time.time() + 3) for _ in range(4)]
    async with texting():
        for text in texts[2:]:
            history = await works.wait(text, "technical-failure")
            assert (history.reason, history.attempts) == ("expired", ())


async def test_two_workers_keep_one_pace(works: Works, texting: Texting) -> None:
    await add_sender(works.database, NUMBER, 20, time.time())
    texts = await put_texts(works.store, 40)
    async with texting(), texting():
        for text in texts:
            await works.wait(text, "sending")
    sent = [{"at": each.at, "parts": each.parts} for each in works.aws.texts.sent]
    assert len(sent) == len(texts)
    assert most_in_a_second(sent) <= 25  # to the part: tests/faults, with nothing beside

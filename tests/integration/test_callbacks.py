"""Callbacks between a real database and real receivers: what is told, when again, and what never."""

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import AsyncIterator

import pytest
import structlog
import trustme

from config.keyring import Keyring
from delivery.callbacks import guard, urls
from delivery.callbacks.sender import Sender
from messages.status import Status
from tests.fakes.receiver import CUT, HANG, Receiver, Reply
from tests.harness.callbacks import IMPATIENT_SECONDS, QUIET_SECONDS, SETTINGS, TOKEN, CallbackDesk, running
from tests.harness.migrated import migrated
from tests.harness.store import Store

ERROR, TOO_MANY = Reply(500), Reply(429, {"Retry-After": "100"})


@pytest.fixture
async def desk(sqlite_url: str, keyring: Keyring) -> AsyncIterator[CallbackDesk]:
    """What the databases do alike: see tests/contract/test_callback_rows.py."""
    database = await migrated(sqlite_url)
    yield CallbackDesk(database, keyring, Store(database, keyring))
    await database.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def test_service_is_told_once_and_can_prove_who_told_it(desk: CallbackDesk, receiver: Receiver) -> None:
    sent = await desk.message(None, reference="case 7")
    secret = await desk.listen(sent.service_id, receiver.url + "?from=relay")
    await desk.settle(sent, Status.DELIVERED)
    with structlog.testing.capture_logs() as logs:
        async with desk.sender():
            record = await desk.ended(sent)
            await asyncio.sleep(QUIET_SECONDS)

    (told,) = receiver.told
    assert told.path == "/notify?from=relay"
    read = json.loads(told.body)
    assert (read["id"], read["reference"], read["status"]) == (str(sent.id), "case 7", "delivered")
    assert told.headers["Authorization"] == f"Bearer {TOKEN}"
    assert told.headers["Content-Type"] == "application/json"
    signed = told.headers["X-Notify-Timestamp"].encode() + b"." + told.body
    assert told.headers["X-Notify-Signature"] == "v1=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()
    assert abs(int(told.headers["X-Notify-Timestamp"]) - time.time()) < 10
    assert (record.attempts, record.outcome, record.available_at) == (1, "done", None)
    assert desk.metric("done") == 1
    (line,) = [line for line in logs if line["event"] == "callback.sent"]
    assert line["message_id"] == str(sent.id)
    assert (line["outcome"], line["http_status"], line["attempt"]) == ("done", 200, 1)
    assert not any(word in str(logs) for word in (TOKEN, "from=relay", "reader@example.org", "case 7"))


@pytest.mark.parametrize(
    ("reply", "reason"), [(ERROR, "http-500"), (Reply(503), "http-503"), (HANG, "timeout"), (CUT, "connection")]
)
async def test_trouble_of_the_receiver_is_met_again_later_under_the_same_id(
    desk: CallbackDesk, reply: Reply, reason: str
) -> None:
    patience = {"timeout_seconds": IMPATIENT_SECONDS} if reply is HANG else {}
    async with Receiver([reply]) as receiver:
        sent = await desk.delivered(receiver.url)
        async with desk.sender(**patience):
            record = await desk.deferred(sent)
            assert record.outcome == f"deferred {reason}"
            assert record.available_at is not None
            assert 4 < record.available_at - desk.clock() <= 10.5
            assert len(receiver.told) == 1
            desk.clock.ahead_seconds += 11
            record = await desk.ended(sent)

    assert (record.attempts, record.outcome) == (2, "done")
    first, second = receiver.told
    assert first.callback_id == second.callback_id
    assert first.body == second.body
    assert (desk.metric("deferred"), desk.metric("done")) == (1, 1)


async def test_receiver_that_is_not_there_is_called_again(desk: CallbackDesk) -> None:
    async with Receiver() as receiver:
        url = receiver.url
    sent = await desk.delivered(url)
    async with desk.sender():
        assert (await desk.deferred(sent)).outcome == "deferred connection"


async def test_too_many_requests_waits_as_long_as_it_is_asked_to(desk: CallbackDesk) -> None:
    async with Receiver([TOO_MANY, Reply(429, {"Retry-After": "99999999"})]) as receiver:
        sent = await desk.delivered(receiver.url)
        async with desk.sender():
            record = await desk.deferred(sent)
            assert record.available_at is not None
            assert 95 < record.available_at - desk.clock() <= 100
            desk.clock.ahead_seconds += 101
            record = await desk.deferred(sent, 2)
            assert record.available_at is not None
            assert 3590 < record.available_at - desk.clock() <= 3600


@pytest.mark.parametrize("status", [400, 401, 404, 410])
async def test_refusal_of_the_receiver_is_final(desk: CallbackDesk, status: int) -> None:
    async with Receiver([Reply(status)]) as receiver:
        sent = await desk.delivered(receiver.url)
        async with desk.sender():
            record = await desk.ended(sent)
        assert (record.attempts, record.outcome, len(receiver.told)) == (1, f"failed http-{status}", 1)
    assert desk.metric("failed") == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed(desk: CallbackDesk, receiver: Receiver, status: int) -> None:
    async with Receiver([Reply(status, {"Location": receiver.url})]) as first:
        sent = await desk.delivered(first.url)
        async with desk.sender():
            record = await desk.ended(sent)
    assert record.outcome == f"failed http-{status}"
    assert receiver.told == []


async def test_callback_ends_as_failed_a_day_after_it_was_made_where_others_are_done(desk: CallbackDesk) -> None:
    async with Receiver() as receiver:
        receiver.always = ERROR
        sent = await desk.delivered(receiver.url)
        async with desk.sender():
            delays: list[float] = []
            for attempt in range(1, 5):
                desk.clock.ahead_seconds = sum(delays) + attempt
                record = await desk.deferred(sent, attempt)
                assert record.available_at is not None
                delays.append(record.available_at - desk.clock())
            receiver.always = Reply()
            other = await desk.message(None, service_id=sent.service_id)
            await desk.settle(other, Status.DELIVERED)
            assert (await desk.ended(other)).outcome == "done"
            receiver.always = ERROR
            desk.clock.ahead_seconds += 86_400 - 60  # since others are
            record = await desk.ended(sent)
            desk.clock.ahead_seconds += 86_400
            await asyncio.sleep(QUIET_SECONDS)
    assert all(4 < delay / 2**n <= 10 for n, delay in enumerate(delays))
    assert record.outcome == "failed http-500"
    assert (record.attempts, len(receiver.told)) == (5, 6)


async def test_status_learned_days_late_is_still_told_and_told_again(desk: CallbackDesk) -> None:
    async with Receiver([ERROR]) as receiver:
        sent = await desk.message(receiver.url)
        await desk.store.settle(sent.id, Status.DELIVERED, time.time() - 3 * 86_400)
        async with desk.sender():
            await desk.deferred(sent)
            desk.clock.ahead_seconds += 11
            assert (await desk.ended(sent)).outcome == "done"


async def test_receiver_that_hangs_keeps_no_other_waiting(desk: CallbackDesk, receiver: Receiver) -> None:
    async with Receiver() as slow:
        slow.always = HANG
        first = await desk.message(slow.url)
        for _ in range(10):
            again = await desk.message(None, service_id=first.service_id)
            await desk.settle(again, Status.DELIVERED)
        async with desk.sender(timeout_seconds=3):
            await slow.wait(2)
            started = time.monotonic()
            for _ in range(4):
                await desk.ended(await desk.delivered(receiver.url))
            seconds = time.monotonic() - started
        assert slow.most_at_once == 2  # a quarter of eight
    assert len(receiver.told) == 4
    assert seconds < 4


async def test_answer_that_never_ends_holds_nothing_and_its_status_counts(desk: CallbackDesk) -> None:
    async with Receiver([Reply(drips=True), Reply(body=b"x" * 5_000_000)]) as receiver:
        for _ in range(2):
            sent = await desk.delivered(receiver.url)
            async with desk.sender(timeout_seconds=IMPATIENT_SECONDS):
                assert (await desk.ended(sent, 5)).outcome == "done"


async def test_stopping_finishes_the_calls_under_way(desk: CallbackDesk) -> None:
    async with Receiver([Reply(seconds=0.3)]) as receiver:
        sent = await desk.delivered(receiver.url)
        async with desk.sender():
            await receiver.wait(1)
    assert (await desk.callbacks(sent))[0].outcome == "done"


async def test_url_removed_meanwhile_ends_what_waits(desk: CallbackDesk) -> None:
    async with Receiver([ERROR]) as receiver:
        sent = await desk.delivered(receiver.url)
        async with desk.sender():
            await desk.deferred(sent)
        async with desk.database.write() as connection:
            await urls.remove(connection, sent.service_id)
        async with desk.sender():
            record = await desk.ended(sent)
        assert len(receiver.told) == 1
    assert record.outcome == "removed"
    assert desk.metric("removed") == 1


async def test_service_without_url_is_told_nothing(desk: CallbackDesk) -> None:
    sent = await desk.message(None)
    await desk.settle(sent, Status.DELIVERED)
    assert await desk.callbacks(sent) == ()


async def test_secret_that_does_not_open_waits_for_its_root(
    desk: CallbackDesk, receiver: Receiver, sealing: Keyring
) -> None:
    sent = await desk.delivered(receiver.url)
    keyring, desk.keyring = desk.keyring, sealing
    async with desk.sender():
        assert (await desk.deferred(sent)).outcome == "deferred unreadable"
    desk.keyring = keyring
    desk.clock.ahead_seconds += 11
    async with desk.sender():
        assert (await desk.ended(sent)).outcome == "done"


async def test_url_inside_that_was_set_before_the_setting_changed_is_not_called(
    desk: CallbackDesk, receiver: Receiver
) -> None:
    sent = await desk.delivered(receiver.url)
    async with desk.sender(allow_private=False):
        assert (await desk.ended(sent)).outcome == "failed forbidden-address"
    assert receiver.told == []


@pytest.mark.parametrize("trusted", [True, False])
async def test_receivers_certificate_must_be_trusted(desk: CallbackDesk, trusted: bool) -> None:
    authority, tls, ours = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), None
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    if trusted:
        ours = ssl.create_default_context()
        authority.configure_trust(ours)
    async with Receiver(tls=tls) as receiver, guard.open_session(guard.anywhere, tls=ours) as session:
        sent = await desk.delivered(receiver.url)
        sender = Sender(
            "a",
            database=desk.database,
            keyring=desk.keyring,
            sources=desk.store.sources,
            session=session,
            settings=SETTINGS,
            metrics=desk.metrics,
            now=desk.clock,
        )
        async with running(sender):
            record = await (desk.ended(sent) if trusted else desk.deferred(sent))
        assert record.outcome == ("done" if trusted else "deferred tls")
        assert len(receiver.told) == int(trusted)

"""The worker between a real database and a fake AWS: what it sends, and what it never sends twice."""

import asyncio
import email
import time
from uuid import uuid4

import dkim
import pytest
from sqlalchemy import text

from auth.domains import names
from delivery.store.base import Outcome
from messages.message import KeyType
from tests.fakes.aws import CUT_ACCEPTED, HANG, INTERNAL, OK, TOO_FAST
from tests.integration.conftest import CONTENT, DOMAIN, Works


async def test_a_message_goes_out_signed_once_and_is_sending(works: Works) -> None:
    message = await works.put()
    async with works.worker():
        history = await works.wait(message, "sending")

    (sent,) = works.aws.sent
    assert sent.raw.endswith(CONTENT)
    async with works.database.read() as connection:
        found = await names.find(connection, DOMAIN)
    assert found is not None
    record = found.shown.public_record.encode()
    assert dkim.verify(sent.raw, dnsfunc=lambda *_args, **_kwargs: record)
    assert sent.tags == {"message_id": str(message.id), "attempt_id": str(history.attempts[0].id)}
    assert sent.destination["ToAddresses"] == [str(message.recipient)]
    assert history.message.provider_id == sent.message_id
    assert history.waiting_until is None


async def test_every_message_of_a_crowd_goes_out_once_whatever_the_number_of_workers(works: Works) -> None:
    messages = [await works.put() for _ in range(60)]
    async with works.worker("a"), works.worker("b"), works.worker("c"):
        for message in messages:
            await works.wait(message, "sending")

    assert sorted(sent.tags["message_id"] for sent in works.aws.sent) == sorted(str(m.id) for m in messages)


async def test_throttling_costs_no_attempt_and_the_message_goes_out_later(works: Works) -> None:
    works.aws.script([TOO_FAST, TOO_FAST, OK])
    message = await works.put()
    async with works.worker():
        history = await works.wait(message, "sending")

    assert [attempt.number for attempt in history.attempts] == [1]
    assert works.aws.requests == 3


@pytest.mark.parametrize("trouble", [INTERNAL, HANG])
async def test_an_unknown_outcome_waits_before_it_is_sent_again(works: Works, trouble: object) -> None:
    works.aws.script([trouble])  # type: ignore[list-item]
    message = await works.put()
    async with works.worker(read_timeout_seconds=1):  # long before the lease ends
        history = await works.wait(message, "sending")

    first, second = history.attempts
    assert (first.outcome, second.outcome) == (Outcome.UNKNOWN, Outcome.RELAYED)
    assert first.ended_at is not None
    assert second.started_at - first.ended_at >= 0.4
    assert works.metric("delivery_unknown_resent_total") == 1


async def test_an_answer_lost_after_acceptance_makes_the_one_duplicate_that_cannot_be_helped(works: Works) -> None:
    works.aws.script([CUT_ACCEPTED])
    message = await works.put()
    async with works.worker():
        await works.wait(message, "sending")

    assert [sent.tags["message_id"] for sent in works.aws.sent] == [str(message.id)] * 2
    assert len({sent.tags["attempt_id"] for sent in works.aws.sent}) == 2


async def test_a_provider_that_is_not_there_is_tried_again_without_waiting_for_an_event(works: Works) -> None:
    url, works.aws.url = works.aws.url, "http://127.0.0.1:1"
    message = await works.put()
    async with works.worker():
        async with asyncio.timeout(60):
            while not any(a.outcome for a in (await works.history(message)).attempts):
                await asyncio.sleep(0.02)
    assert {a.outcome for a in (await works.history(message)).attempts if a.outcome} == {Outcome.DEFERRED}
    works.aws.url = url
    async with works.worker():
        await works.wait(message, "sending")


async def test_an_expired_message_is_never_sent(works: Works) -> None:
    message = await works.put(expires_at=time.time() - 1)
    async with works.worker():
        history = await works.wait(message, "technical-failure")

    assert history.reason == "expired"
    assert works.aws.requests == 0


async def test_a_message_whose_content_is_gone_ends_and_says_so(works: Works) -> None:
    message = await works.put()
    async with works.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM contents")
    async with works.worker():
        history = await works.wait(message, "technical-failure")

    assert history.reason == "content_gone"


async def test_a_final_refusal_is_a_technical_failure_after_one_attempt(works: Works) -> None:
    message = await works.put(content=CONTENT.replace(b"Subject", b"Subject: One\r\nSubject"))  # SES takes one only
    async with works.worker():
        history = await works.wait(message, "technical-failure")

    assert [attempt.outcome for attempt in history.attempts] == [Outcome.FAILED]
    assert works.aws.requests == 1


@pytest.mark.parametrize(
    ("recipient", "status"),
    [
        ("someone@example.com", "delivered"),
        ("temp-fail@simulator.notify", "temporary-failure"),
        ("perm-fail@simulator.notify", "permanent-failure"),
    ],
)
async def test_a_test_keys_message_ends_in_the_simulator(works: Works, recipient: str, status: str) -> None:
    message = await works.put(recipient=recipient, key_type=KeyType.TEST)
    async with works.worker():
        await works.wait(message, status)

    assert works.aws.requests == 0


async def test_a_message_without_a_signing_key_waits_for_one(works: Works) -> None:
    message = await works.put()
    async with works.database.write() as connection:
        await connection.exec_driver_sql("UPDATE dkim_keys SET active = 0")
    async with works.worker():
        await asyncio.sleep(0.5)
    history = await works.history(message)
    assert (history.message.status, history.attempts) == ("created", ())
    async with works.database.write() as connection:
        await connection.exec_driver_sql("UPDATE dkim_keys SET active = 1")
    async with works.worker():
        await works.wait(message, "sending")


@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_a_large_and_a_small_message_of_one_batch_both_go_out(works: Works) -> None:
    works.aws.keep = False
    large = await works.put(content=CONTENT + (b"x" * 70 + b"\r\n") * 20_000)
    small = await works.put()
    async with works.worker():
        await works.wait(large, "sending")
        await works.wait(small, "sending")


async def test_stopping_finishes_the_calls_under_way(works: Works) -> None:
    works.aws.seconds = 0.3
    messages = [await works.put() for _ in range(5)]
    async with works.worker():
        async with asyncio.timeout(60):
            while works.aws.requests < 5:
                await asyncio.sleep(0.01)
    for message in messages:
        assert (await works.history(message)).message.status == "sending"


async def test_one_signature_in_so_many_is_verified_before_it_leaves(works: Works) -> None:
    message = await works.put()
    async with works.worker(verify_one_in=1):
        await works.wait(message, "sending")

    assert works.metric("delivery_signatures_checked_total", outcome="valid") == 1


async def test_a_signature_that_does_not_verify_keeps_the_message_here(works: Works) -> None:
    """Bare line feeds, which no door lets in, are such content: our signature and dkimpy read them differently."""
    odd = await works.put(content=CONTENT.replace(b"Hello\r\n", b"Hello \nline\r\n"))
    async with works.worker(verify_one_in=1):
        async with asyncio.timeout(60):
            while not works.metric("delivery_signatures_checked_total", outcome="invalid"):
                await asyncio.sleep(0.02)

    history = await works.history(odd)
    assert (history.message.status, history.attempts) == ("created", ())
    assert works.aws.requests == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE messages SET recipient = x'00' WHERE id = :id",
        "UPDATE messages SET status = 'of-a-newer-version' WHERE id = :id",
        "UPDATE contents SET data = zeroblob(100) WHERE id = (SELECT content_id FROM messages WHERE id = :id)",
    ],
)
async def test_a_damaged_message_keeps_no_other_waiting_and_is_not_given_up(works: Works, damage: str) -> None:
    damaged, sound = await works.put(), await works.put()
    async with works.database.write() as connection:
        await connection.execute(text(damage), {"id": damaged.id.bytes})
    async with works.worker():
        await works.wait(sound, "sending")

    assert [sent.tags["message_id"] for sent in works.aws.sent] == [str(sound.id)]
    async with works.database.read() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM queue")) == 1


async def test_an_answer_names_the_earlier_message_as_its_recipient_knows_it(works: Works) -> None:
    service = uuid4()
    earlier = b"Message-ID: <case-1@product.example>\r\n" + CONTENT
    later = b"In-Reply-To: <case-1@product.example>\r\nReferences: <case-1@product.example>\r\n" + CONTENT
    first = await works.put(earlier, service_id=service, original_message_id="<case-1@product.example>")
    async with works.worker():
        await works.wait(first, "sending")
        await works.wait(await works.put(later, service_id=service), "sending")
        await works.wait(await works.put(later, service_id=service, recipient="stranger@example.org"), "sending")

    sent, answer, to_a_stranger = (email.message_from_bytes(each.delivered) for each in works.aws.sent)
    assert answer["In-Reply-To"] == sent["Message-ID"]
    assert answer["References"].split() == ["<case-1@product.example>", sent["Message-ID"]]
    assert to_a_stranger["In-Reply-To"] == "<case-1@product.example>"
    async with works.database.read() as connection:
        found = await names.find(connection, DOMAIN)
    assert found is not None
    record = found.shown.public_record.encode()
    assert dkim.verify(works.aws.sent[1].raw, dnsfunc=lambda *_args, **_kwargs: record)

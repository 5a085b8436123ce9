"""Our list and SES's, between a fake AWS that has a list of its own and a real store and worker: the whole way."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from auth.audit import Actor
from auth.services import OWN_ID
from config.settings import Aws, Settings
from delivery.feedback import run
from delivery.providers.aws import open_client
from delivery.store.suppressing import Codec, Entry
from delivery.store.suppressions import EVERYBODY, Reason
from delivery.suppression.list_at_ses import ListAtSes
from messages.address import Address
from messages.message import Lane
from relay.actions import suppressions as changing
from relay.actions.transaction import Transaction
from tests.fakes.events import BOUNCED
from tests.integration.conftest import Works

GONE = Address.parse("gone@example.org")


@asynccontextmanager
async def _hearing(works: Works) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    aws = Aws(endpoint_url=works.aws.url, events_queue_url=works.aws.queue_url)
    async with run.open_parts(
        aws, works.store.settling, works.store.receiving, works.store.answering, works.metrics, time.time
    ) as parts:
        tasks = [asyncio.create_task(part(stopping)) for part in parts.running]
        yield
        stopping.set()
        await asyncio.gather(*tasks)


def in_step(works: Works, clock: Any = time.time) -> ListAtSes:
    aws = Aws(endpoint_url=works.aws.url)
    return ListAtSes(works.database, works.keyring, partial(open_client, "sesv2", aws, 1), clock, 0.01)


async def entries(works: Works, address: Address = GONE) -> list[Entry]:
    codec = Codec(works.keyring)
    return await works.database.query(lambda c: codec.find(c, None, address.key))


async def act(works: Works, action: Any, *args: Any) -> Any:
    async with works.database.write() as c:
        return await action(Transaction(c, Settings(), works.keyring, None, Actor("operator", "a"), time.time()), *args)


async def test_a_bounce_stops_the_next_message_until_somebody_lifts_it(works: Works) -> None:
    assert works.aws.feedback
    works.aws.feedback.scripts[str(GONE)] = BOUNCED
    async with works.worker(), _hearing(works):
        first = await works.put(recipient=GONE)
        await works.wait(first, "permanent-failure")
        next_one = await works.put(recipient=GONE, service_id=first.service_id)
        ended = await works.wait(next_one, "permanent-failure")
        assert (ended.reason, ended.attempts, len(works.aws.sent)) == ("suppressed", (), 1)
        assert works.metric("delivery_suppressed_total", channel="email", reason="suppressed") == 1
        assert str(GONE) in works.aws.suppression.entries

        (lifted,) = await act(works, changing.lift, first.service_id, GONE.key)
        await in_step(works).round()
        assert works.aws.suppression.entries == {}
        assert lifted.reason is Reason.BOUNCE
        del works.aws.feedback.scripts[str(GONE)]
        await works.wait(await works.put(recipient=GONE, service_id=first.service_id), "delivered")


async def test_what_only_ses_lists_is_for_all_until_it_lists_it_no_more(works: Works) -> None:
    listed = works.aws.suppression
    for number in range(2500):
        listed.put(f"n{number}@example.org", "COMPLAINT" if number % 2 else "BOUNCE")
    listed.put("young@example.org", "BOUNCE", time.time() - 60)
    listed.put("bounce@simulator.amazonses.com", "BOUNCE")
    await in_step(works).round()
    assert len([call for call in listed.calls if "PageSize" in call]) == 3

    (entry,) = await entries(works, Address.parse("n7@example.org"))
    assert (entry.service_id, entry.reason, entry.until) == (EVERYBODY, Reason.COMPLAINT, None)
    assert await entries(works, Address.parse("young@example.org")) == []
    assert await entries(works, Address.parse("bounce@simulator.amazonses.com")) == []
    await in_step(works).round()
    assert len(listed.calls) == 3  # nothing to do for hours

    del listed.entries["n7@example.org"]
    await in_step(works, lambda: time.time() + 7 * 3600).round()
    assert await entries(works, Address.parse("n7@example.org")) == []
    assert len(await entries(works, Address.parse("n8@example.org"))) == 1


async def test_what_an_operator_adds_for_all_is_put_at_ses_and_taken_off(works: Works) -> None:
    await act(works, changing.add, None, str(GONE))
    await in_step(works).round()
    assert works.aws.suppression.entries[str(GONE)][0] == "COMPLAINT"
    await act(works, changing.remove, None, str(GONE))
    await in_step(works).round()
    assert works.aws.suppression.entries == {}


async def test_an_entry_that_ends_by_itself_ends_at_ses_first(works: Works) -> None:
    listed = works.aws.suppression
    listed.put(str(GONE), "BOUNCE", time.time())
    codec = Codec(works.keyring)
    add = partial(codec.add, service_id=EVERYBODY, recipient=str(GONE), reason=Reason.BOUNCE, at=1.0, at_provider=True)
    await works.database.transact(lambda c: add(c, until=time.time() + 30))
    await in_step(works).round()
    assert listed.entries == {}
    later = time.time() + 10 * 86_400
    await in_step(works, lambda: later).round()
    assert await entries(works) == []


@pytest.mark.parametrize("processes", [4])
async def test_one_process_speaks_with_ses_and_waits_when_told_to(works: Works, processes: int) -> None:
    works.aws.suppression.per_second = 1
    for name in ("a", "b"):
        await act(works, changing.add, None, f"{name}@example.org")
    await asyncio.gather(*(in_step(works).round() for _ in range(processes)))
    assert (works.aws.suppression.refused, len(works.aws.suppression.calls)) == (1, 2)
    await in_step(works).round()
    assert len(works.aws.suppression.calls) == 2
    await in_step(works, lambda: time.time() + 61).round()
    assert len(works.aws.suppression.entries) >= 1


async def test_a_code_is_stopped_at_ses_once_for_what_others_mail_did_and_the_next_one_comes(works: Works) -> None:
    """Somebody's newsletter came back, or was reported as spam: nobody signs in for as long as SES's list says so."""
    assert works.aws.feedback
    code = {"recipient": GONE, "service_id": OWN_ID, "lane": Lane.PRIORITY}
    works.aws.feedback.scripts[str(GONE)] = BOUNCED
    async with works.worker(), _hearing(works):
        newsletter = await works.put(recipient=GONE)
        await works.wait(newsletter, "permanent-failure")
        works.aws.feedback.scripts.clear()
        stopped = await works.wait(await works.put(**code), "permanent-failure")
        assert stopped.reason == "on-account-suppression-list"
        await in_step(works).round()
        assert works.aws.suppression.entries == {}
        await works.wait(await works.put(**code), "delivered")
        ended = await works.wait(await works.put(recipient=GONE, service_id=newsletter.service_id), "permanent-failure")
        assert ended.reason == "suppressed"  # that service's mail still is

        works.aws.suppression.put(str(GONE), "COMPLAINT")
        await works.wait(await works.put(**code), "permanent-failure")
        await in_step(works).round()
        assert str(GONE) in works.aws.suppression.entries  # once a day
        assert (await works.wait(await works.put(**code), "permanent-failure")).reason == "suppressed"

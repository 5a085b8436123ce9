"""Any channel's recipient is stored, found, and known again by an idempotency key."""

import pytest

from delivery.store.base import Repeated, Search
from messages.message import Channel, IdempotencyKey
from messages.phone import PhoneNumber
from tests.harness.noon import message
from tests.harness.store import Store, group_of

WRITTEN, OTHERWISE = PhoneNumber.parse("613 555-0100"), PhoneNumber("+16135550100")


async def test_a_number_comes_back_and_is_found_by_its_key(store: Store) -> None:
    sent = message(channel=Channel.SMS, recipient=WRITTEN)
    await store.putting.put(group_of((sent,), b"hello"))
    assert await store.searching.load([sent.id]) == {sent.id: sent}
    found = await store.searching.find(Search(recipient=OTHERWISE.key), 10)
    assert [each.message for each in found] == [sent]


async def test_a_number_is_sent_to_once_under_an_idempotency_key(store: Store) -> None:
    key = IdempotencyKey("k", None)
    sent = message(channel=Channel.SMS, recipient=WRITTEN)
    await store.putting.put(group_of((sent,), b"hello", idempotency=key))
    repeated = await store.idempotency.repeated(sent.service_id, key, [OTHERWISE])
    assert repeated is not None
    assert repeated.message_id == sent.id
    again = message(channel=Channel.SMS, recipient=OTHERWISE, service_id=sent.service_id)
    with pytest.raises(Repeated):
        await store.putting.put(group_of((again,), b"hello", idempotency=key))

"""A pool is known by its own id, and who answers writes to one of its numbers: STOP to it ends what comes from it."""

from uuid import UUID, uuid4

from config.database import Database
from config.keyring import Keyring
from delivery.library import origination
from delivery.library.origination import Kind
from delivery.queue.sql import SqlQueue
from delivery.store.base import InboundText
from delivery.store.inbound import Receiving
from delivery.store.suppressed import Stop
from messages.message import Channel
from messages.phone import PhoneNumber
from tests.harness.noon import NOW, message
from tests.harness.store import Store
from tests.harness.told import relayed

READER, OF_THE_POOL, SHARED = "+16135550100", "+16135550150", "+16135550160"
SERVICE, OTHER = uuid4(), uuid4()


async def test_stop_and_start_count_for_the_pools_service(database: Database, keyring: Keyring) -> None:
    store = Store(database, keyring)
    async with database.write() as c:
        await origination.add(c, NOW, kind=Kind.POOL, identity="pool-0123456789", service_id=SERVICE)
        await origination.add(c, NOW, kind=Kind.LONG_CODE, identity=SHARED)
    ours, theirs = (
        message(channel=Channel.SMS, recipient=PhoneNumber(READER), service_id=each) for each in (SERVICE, OTHER)
    )
    await relayed(store, SqlQueue(database), ours, "p-1")
    receiving = Receiving(database, keyring, origination.owners)

    async def come(words: str, number: str) -> dict[UUID, Stop]:
        await receiving.take([InboundText(f"in-{uuid4()}", READER, number, words, None)], NOW)
        return await store.suppressions.stopped([ours, theirs])

    # Whichever number it leaves from, its own pool too. Nobody knows whose the number is, so the shared end, too.
    assert await come("STOP", OF_THE_POOL) == {ours.id: Stop.OPTED_OUT, theirs.id: Stop.OPTED_OUT_OF_SHARED}
    assert await come("START", OF_THE_POOL) == {}
    assert await come("STOP", SHARED) == {ours.id: Stop.OPTED_OUT_OF_SHARED, theirs.id: Stop.OPTED_OUT_OF_SHARED}

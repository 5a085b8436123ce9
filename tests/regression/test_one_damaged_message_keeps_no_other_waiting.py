"""Messages claimed together are not one fate: what cannot be opened or signed waits alone."""

import asyncio
import time

from auth.domains import names
from tests.fakes.messages import make_message
from tests.harness.store import group_of
from tests.integration.conftest import CONTENT, Works, works  # noqa: F401 - the fixture

OTHER = "other.example.ca"


async def test_a_content_that_does_not_open_waits_alone(works: Works) -> None:  # noqa: F811
    damaged, sound = await works.put(), await works.put()
    async with works.database.write() as connection:
        await connection.exec_driver_sql("UPDATE contents SET data = x'00' WHERE id = ?", (damaged.content_id.bytes,))
    async with works.worker(lease_seconds=600):
        await works.wait(sound, "sending")


async def test_a_signing_key_that_does_not_open_holds_up_its_own_domain_only(works: Works) -> None:  # noqa: F811
    async with works.database.write() as connection:
        broken = await names.ensure(connection, works.sealing, OTHER, time.time())
        await connection.exec_driver_sql(
            "UPDATE dkim_keys SET private_key = x'00' WHERE domain_id = ?", (broken.id.bytes,)
        )
    await works.store.putting.put(group_of((make_message(content_bytes=len(CONTENT), signing_domain=OTHER),), CONTENT))
    sound = await works.put()
    async with works.worker(lease_seconds=600):
        await works.wait(sound, "sending")


async def test_part_of_a_content_is_never_sent_as_the_whole(works: Works) -> None:  # noqa: F811
    large = await works.put(content=b"From: a@notification.example.ca\r\n\r\n" + (b"x" * 70 + b"\r\n") * 10_000)
    async with works.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM contents WHERE part = 2")
    async with works.worker():
        await asyncio.sleep(1)
    assert works.aws.requests == 0
    assert (await works.history(large)).message.status != "sending"

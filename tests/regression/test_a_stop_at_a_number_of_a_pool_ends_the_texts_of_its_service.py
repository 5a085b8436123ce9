"""Whoever adds a pool adds its numbers with it: what comes to one of them is for the pool's service."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from config.database import Database
from config.keyring import Keyring
from config.providers import SmsProvider
from config.settings import Aws, Settings, Sms
from delivery.feedback.pools import Pools
from delivery.library import origination
from delivery.library.origination import Kind
from delivery.store.base import InboundText
from delivery.store.inbound import Receiving
from delivery.store.opt_outs import SHARED, opt_outs
from relay.actions import sms_account
from tests.fakes import sms
from tests.fakes.aws import CREDENTIALS, FakeAws

POOL, FIRST, SECOND = "pool-1", "+16135550101", "+16135550102"
ARN = f"arn:aws:sms-voice:ca-central-1:{sms.ACCOUNT}:pool/{POOL}"
AWS = Aws(endpoint_url="http://127.0.0.1:1")
STOP = InboundText("in-1", "+16135550199", SECOND, "Stop", None)


@pytest.fixture
async def aws(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeAws]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    pool = sms.Pool(POOL, (sms.Number(FIRST), sms.Number(SECOND)))
    async with FakeAws(texts=sms.Texts([sms.Number("+16135550103")], [pool])) as running:
        yield running


async def add(database: Database, identity: str, kind: Kind = Kind.POOL, **given: Any) -> None:
    async with database.write() as c:
        await origination.add(c, 1.0, kind=kind, identity=identity, **given)


async def members(database: Database) -> tuple[str, ...]:
    async with database.read() as c:
        return (await origination.list_all(c))[0].members


async def taken(database: Database, keyring: Keyring, text: InboundText = STOP) -> tuple[UUID | None, set[UUID]]:
    """Whose the text is, and of whom its sender wants no more."""
    receiving = Receiving(database, keyring, origination.owners, managed=origination.self_managed)
    (kept,) = await receiving.take([text], 1.0)
    async with database.read() as c:
        return kept.service_id, set(await c.scalars(select(opt_outs.c.service_id)))


@pytest.mark.parametrize("identity", [POOL, ARN])
async def test_the_numbers_are_read_when_the_pool_is_added(aws: FakeAws, identity: str) -> None:
    asked = Settings(aws=AWS, sms=Sms(provider=SmsProvider.AWS, endpoint_url=aws.url))
    assert await sms_account.members(asked, identity) == (FIRST, SECOND)
    assert await sms_account.members(asked, "pool-2") == ()


async def test_stop_ends_the_texts_of_the_service_that_the_pool_is_of(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await add(database, POOL, service_id=service, members=(FIRST, SECOND))
    assert await taken(database, keyring) == (service, {service})


async def test_stop_ends_all_texts_of_a_pool_that_is_shared(database: Database, keyring: Keyring) -> None:
    await add(database, POOL, members=(FIRST, SECOND))
    assert await taken(database, keyring) == (None, {SHARED})


async def test_what_is_said_of_a_number_itself_comes_before_its_pool(database: Database, keyring: Keyring) -> None:
    service = uuid4()
    await add(database, SECOND, Kind.LONG_CODE, service_id=service)
    await add(database, POOL, service_id=uuid4(), members=(FIRST, SECOND))
    assert await taken(database, keyring) == (service, {service})


async def test_keywords_are_answered_where_the_pool_is_self_managed(database: Database) -> None:
    await add(database, POOL, members=(FIRST, SECOND), self_managed_opt_outs=True)
    async with database.read() as c:
        assert await c.run_sync(origination.self_managed, [SECOND, "+16135550103"]) == {SECOND}
        (pool,) = await origination.list_all(c)
    assert pool.is_written_to_at(FIRST)


async def test_the_numbers_are_read_again_and_kept_where_aws_does_not_answer(aws: FakeAws, database: Database) -> None:
    await add(database, ARN)
    pools = Pools(database, AWS, Sms(endpoint_url=aws.url))
    await pools.read()
    assert await members(database) == (FIRST, SECOND)
    aws.texts.pools[0] = replace(aws.texts.pools[0], numbers=(sms.Number(FIRST),))
    await pools.read()
    assert await members(database) == (FIRST,)
    await Pools(database, AWS, Sms(endpoint_url="http://127.0.0.1:1")).read()
    assert await members(database) == (FIRST,)

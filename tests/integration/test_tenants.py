"""A tenant that SES pauses holds its own service's mail, and nothing else; it goes on when SES sends again."""

from functools import partial
from uuid import UUID, uuid4

import pytest

from auth import audit, notices
from auth.notices import Kind
from config.database import Database
from config.keyring import Keyring
from config.settings import Aws, Settings
from delivery.guard.tenants import TenantGuard
from delivery.providers import ses
from delivery.providers.base import Held, Receipt, TenantHeld
from delivery.queue import interventions
from delivery.queue.base import HoldReason
from delivery.queue.sql import SqlQueue
from messages.message import Channel, Lane
from messages.phone import PhoneNumber
from relay.wiring import open_ses
from tests.fakes import aws as fake
from tests.fakes.aws import FakeAws
from tests.fakes.messages import make_message
from tests.harness.noon import NOW, message
from tests.harness.store import Store, group_of

CONTENT = b"From: a@notification.example.ca\r\nTo: reader@example.org\r\nSubject: s\r\n\r\nhello\r\n"
PAUSED, SENDING, MISSING = (UUID(int=n) for n in (1, 2, 3))


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fake.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def settings(aws: FakeAws) -> Aws:
    return Aws(endpoint_url=aws.url, tenant_prefix="relay-")


async def test_a_paused_tenant_is_told_apart_from_a_paused_account() -> None:
    async with FakeAws() as aws:
        aws.tenants.statuses = {f"relay-{PAUSED}": "DISABLED", f"relay-{SENDING}": "REINSTATED"}
        provider = await ses.open_provider(settings(aws), 4)
        send = {each: partial(provider.send, make_message(service_id=each), CONTENT) for each in (PAUSED, MISSING)}
        for each in (PAUSED, PAUSED, MISSING):
            with pytest.raises(TenantHeld):
                await send[each](uuid4())
        assert aws.tenants.asked == [f"relay-{PAUSED}", f"relay-{MISSING}"]  # of many messages, once

        mine = make_message(service_id=SENDING)
        assert isinstance(await provider.send(mine, CONTENT, uuid4()), Receipt)
        aws.script([fake.refuse(400, "SendingPausedException", "Sending is paused.")])
        with pytest.raises(Held):
            await provider.send(mine, CONTENT, uuid4())
        await provider.close()


async def test_a_hold_of_a_tenant_leaves_texts_and_others_and_ends_when_ses_sends_again(
    plain: Database, keyring: Keyring
) -> None:
    store, queue = Store(plain, keyring), SqlQueue(plain)
    number = PhoneNumber("+16135550100")
    mail, text = message(service_id=PAUSED), message(service_id=PAUSED, channel=Channel.SMS, recipient=number)
    for each in (mail, text):
        await store.putting.put(group_of((each,), b"x"))
    await queue.hold(PAUSED, HoldReason.TENANT, NOW)
    assert [claim.message_id for claim in await queue.claim("w", 9, NOW, 60, 0)] == [text.id]

    async with FakeAws() as aws:
        aws.tenants.statuses = {f"relay-{PAUSED}": "DISABLED"}
        guard = TenantGuard(plain, partial(open_ses, Settings(aws=settings(aws))), "relay-", lambda: NOW + 60)
        for _ in range(2):
            await guard.step()
        assert await _held(plain) == [(lane, HoldReason.TENANT) for lane in Lane]
        aws.tenants.statuses = {f"relay-{PAUSED}": "ENABLED"}
        await guard.step()

    assert await _held(plain) == []
    assert [claim.message_id for claim in await queue.claim("w", 9, NOW, 60, 0)] == [mail.id]
    async with plain.read() as c:
        told = [fate.notice.said["change"] for fate in await notices.of_service(c, PAUSED, Kind.REPUTATION)]
        (entry,) = await audit.find(c, 10)
    assert told == ["paused", "lifted"]
    assert (entry.action, entry.before["reason"] if entry.before else "") == ("queue.release", "tenant")


async def _held(database: Database) -> list[tuple[Lane, HoldReason]]:
    async with database.read() as connection:
        return [(each.lane, each.reason) for each in await interventions.held(connection)]


async def test_a_tenant_that_ses_does_not_answer_for_keeps_no_other_held(plain: Database) -> None:
    queue = SqlQueue(plain)
    for number, service_id in enumerate((MISSING, SENDING)):
        await queue.hold(service_id, HoldReason.TENANT, NOW + number)
    async with FakeAws() as aws:
        aws.tenants.statuses = {f"relay-{SENDING}": "ENABLED"}
        aws.tenants.refusing = f"relay-{MISSING}"
        guard = TenantGuard(plain, partial(open_ses, Settings(aws=settings(aws))), "relay-", lambda: NOW + 60)
        await guard.step()
    async with plain.read() as connection:
        assert {each.service_id for each in await interventions.held(connection)} == {MISSING}

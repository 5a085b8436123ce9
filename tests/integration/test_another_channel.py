"""What it takes to send by another channel: a provider in the table; a step before it only where there is one to do."""

import time
from uuid import UUID

from structlog.testing import capture_logs

from delivery.providers.base import Begun, Receipt, nothing
from delivery.store.base import InboundText, Outcome
from messages.message import Channel, ContentKind, KeyType, Message
from messages.phone import PhoneNumber
from messages.sms.recipe import Recipe
from messages.status import Status
from tests.integration.conftest import Works

TEXT = Recipe("Passports", "Your passport is ready.").to_json()
SENT = b"Passports: Your passport is ready."
NUMBER = PhoneNumber("+16135550100")


class Carrier:
    """Takes texts."""

    name, idempotent, paced = "carrier", True, False

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []

    async def send(
        self,
        message: Message,
        content: bytes,
        attempt_id: UUID,
        origin: str | None = None,
        begun: Begun = nothing,
    ) -> Receipt:
        self.sent.append((message.recipient.key, content))
        return Receipt(str(message.id))

    def message_id(self, provider_id: str) -> str | None:
        return None

    async def close(self) -> None: ...


async def test_a_text_goes_as_it_is_to_its_own_provider_beside_signed_mail(works: Works) -> None:
    text, mail = (
        await works.put(TEXT, content_kind=ContentKind.TEXT, channel=Channel.SMS, recipient=NUMBER),
        await works.put(),
    )
    carrier = Carrier()
    async with works.worker(also={Channel.SMS: carrier}):
        history = await works.wait(text, Status.SENDING)
        await works.wait(mail, Status.SENDING)

    assert carrier.sent == [("+16135550100", SENT)]
    assert [attempt.provider for attempt in history.attempts] == ["carrier"]
    (sent,) = works.aws.sent
    assert sent.raw.startswith(b"DKIM-Signature:")


async def test_a_text_of_a_test_key_ends_in_the_simulator(works: Works) -> None:
    carrier = Carrier()
    text = await works.put(
        TEXT, content_kind=ContentKind.TEXT, channel=Channel.SMS, recipient=NUMBER, key_type=KeyType.TEST
    )
    async with works.worker(also={Channel.SMS: carrier}):
        history = await works.wait(text, Status.DELIVERED)

    assert [attempt.provider for attempt in history.attempts] == ["simulator"]
    assert not carrier.sent


async def test_a_text_without_a_provider_waits_for_one_and_keeps_no_mail_waiting(works: Works) -> None:
    text = await works.put(TEXT, content_kind=ContentKind.TEXT, channel=Channel.SMS, recipient=NUMBER)
    mail = await works.put()
    with capture_logs() as logs:
        async with works.worker():
            await works.wait(mail, Status.SENDING)

    history = await works.history(text)
    assert (history.message.status, history.attempts) == (Status.CREATED, ())
    told = [line for line in logs if line["event"] == "worker.no_provider"]
    assert {(line["message_id"], line["channel"]) for line in told} == {(str(text.id), "sms")}
    async with works.worker(also={Channel.SMS: Carrier()}):
        sent = await works.wait(text, Status.SENDING)
    assert [attempt.number for attempt in sent.attempts] == [1]  # to wait was no attempt


async def test_a_text_that_expired_while_it_waited_for_a_provider_ends(works: Works) -> None:
    text = await works.put(TEXT, content_kind=ContentKind.TEXT, channel=Channel.SMS, recipient=NUMBER, expires_at=0.0)
    async with works.worker():
        history = await works.wait(text, Status.TECHNICAL_FAILURE)
    assert history.reason == "expired"
    assert Outcome.RELAYED not in {attempt.outcome for attempt in history.attempts}


async def test_a_text_to_somebody_who_opted_out_ends_without_a_call_and_the_others_go(works: Works) -> None:
    await works.store.receiving.take([InboundText("in-1", "+16135550100", "+16135550150", "ARRÊT", None)], time.time())
    stopped = await works.put(TEXT, content_kind=ContentKind.TEXT, channel=Channel.SMS, recipient=NUMBER)
    unstopped = PhoneNumber("+16135550199")
    other = await works.put(TEXT, content_kind=ContentKind.TEXT, channel=Channel.SMS, recipient=unstopped)
    mail, carrier = await works.put(), Carrier()
    with capture_logs() as logs:
        async with works.worker(also={Channel.SMS: carrier}):
            history = await works.wait(stopped, Status.PERMANENT_FAILURE)
            await works.wait(other, Status.SENDING)
            await works.wait(mail, Status.SENDING)

    assert (history.reason, history.attempts, history.waiting_until) == ("opted-out", (), None)
    assert carrier.sent == [("+16135550199", SENT)]
    assert works.metric("delivery_messages_total", channel="sms", status="permanent-failure") == 1
    (told,) = [line for line in logs if line.get("message_id") == str(stopped.id)]
    assert (told["outcome"], told["reason"], "+1613" in str(logs)) == ("stopped", "opted-out", False)

    await works.store.receiving.take([InboundText("in-2", "+16135550100", "+16135550150", "START", None)], time.time())
    again = await works.put(TEXT, content_kind=ContentKind.TEXT, channel=Channel.SMS, recipient=NUMBER)
    async with works.worker(also={Channel.SMS: carrier}):
        await works.wait(again, Status.SENDING)

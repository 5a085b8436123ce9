"""A text by either door through AWS: sent, ended by what carriers say, told to its service, stopped by its reader."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from delivery.store.base import CallbackKind
from tests.fakes import sms, sms_events
from tests.fakes.aws import CREDENTIALS, FakeAws
from tests.fakes.feedback import Feedback
from tests.fakes.receiver import Receiver
from tests.harness.api import call, ended, told_everybody
from tests.harness.callbacks import listen
from tests.harness.mail import email, send
from tests.harness.relay import Credentials, Relay
from tests.harness.texts import sms_settings

READER, NOBODY, OURS = "+16135550142", "+16135550143", "+16135550150"
WORDS = "Your passport is ready."
# What a door gives a text of its own; all else is equal.
OF_THE_DOOR = {
    *("id", "group_id", "template_id", "template_version", "content_id", "provider_id", "created_at", "sent_at"),
    *("door", "completed_at", "expires_at", "attempts", "events", "callbacks", "waiting_until", "original_message_id"),
}


@dataclass
class Texting:
    """A relay that sends by a fake of AWS, and a service that listens."""

    relay: Relay
    aws: FakeAws
    receiver: Receiver
    key: Credentials
    template: str

    async def both(self, number: str, status: str) -> list[dict[str, Any]]:
        """A text by each door, once it has ended so and its service was told; by HTTP first."""
        return await asyncio.to_thread(self._both, number, status)

    def _both(self, number: str, status: str) -> list[dict[str, Any]]:
        asked = {"phone_number": number, "template_id": self.template}
        by_http = str(call(self.relay, self.key, "/v2/notifications/sms", asked)["id"])
        mail = email("", WORDS, To=f"{number}@sms.notification.example.ca").as_bytes()
        group = send(self.relay, self.key, f"{number}@sms.notification.example.ca", content=mail, sender="")
        by_smtp = str(self.relay.histories(group)[0]["id"])
        found = [ended(self.relay, each, told_everybody) for each in (by_http, by_smtp)]
        assert [each["status"] for each in found] == [status, status]
        return found

    def told(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """What the service heard of it."""
        bodies = [json.loads(each.body) for each in self.receiver.told]
        return [body for body in bodies if body["id"] == message["id"]]

    async def comes_in(self, words: str) -> dict[str, Any]:
        """The reader writes; what the service heard of it."""
        told = {"originationNumber": READER, "destinationNumber": OURS, "messageBody": words, "messageKeyword": "K"}
        before = len(self.receiver.told)
        assert self.aws.feedback
        self.aws.feedback.queue.put(json.dumps(told | {"inboundMessageId": str(uuid4())}))
        body = json.loads((await self.receiver.wait(before + 1))[before].body)
        assert isinstance(body, dict)
        return body


@pytest.fixture
async def texting(tmp_path: Path) -> AsyncIterator[Texting]:
    feedback = Feedback(texts={NOBODY: sms_events.INVALID})
    async with FakeAws(texts=sms.Texts([sms.Number(OURS, rate=50)]), feedback=feedback) as aws, Receiver() as receiver:
        heard = {"AWS__EVENTS_QUEUE_URL": aws.queue_url, "CALLBACKS__ALLOW_PRIVATE": "true", **CREDENTIALS}
        relay = Relay(tmp_path, PROCESSES=1, **sms_settings(aws.url), **heard, AWS__ENDPOINT_URL=aws.url)
        try:
            yield await asyncio.to_thread(_started, relay, aws, receiver)
        finally:
            await asyncio.to_thread(relay.end)


def _started(relay: Relay, aws: FakeAws, receiver: Receiver) -> Texting:
    relay.start()
    relay.run("sender", "add", OURS, "--kind", "long-code", "--country", "CA", "--parts-per-second", "50")
    key = relay.create_key()
    for kind in (CallbackKind.STATUS, CallbackKind.INBOUND):
        listen(relay, key, receiver.url, kind)
    body = relay.folder / "body.txt"
    body.write_text(WORDS)
    named = ("--service", key.service_id, "--type", "sms", "--name", "Ready", "--body-file", str(body))
    return Texting(relay, aws, receiver, key, str(relay.json("template", "create", *named)["id"]))


async def test_a_text_by_either_door_is_sent_ended_told_and_stopped_alike(texting: Texting) -> None:
    texts = texting.aws.texts
    for number, status in ((READER, "delivered"), (NOBODY, "permanent-failure")):
        both = await texting.both(number, status)
        assert _common(both[0]) == _common(both[1])
        assert [len(each["attempts"]) for each in both] == [1, 1]
        assert [[told["status"] for told in texting.told(each)] for each in both] == [[status]] * 2
        assert _named(texting.told(both[0])) == _named(texting.told(both[1]))
    assert {(sent.identity, sent.to, sent.body) for sent in texts.sent} == {
        (OURS, number, f"Passports: {WORDS}") for number in (READER, NOBODY)
    }

    stop = await texting.comes_in("Arrêt")
    assert (stop["source_number"], stop["destination_number"], stop["message"]) == (READER, OURS, "Arrêt")
    asked = texts.requests
    for each in await texting.both(READER, "permanent-failure"):
        assert (each["reason"], each["attempts"]) == ("opted-out", [])
        assert [told["status"] for told in texting.told(each)] == ["permanent-failure"]
    assert texts.requests == asked

    start = await texting.comes_in("START")
    await texting.both(READER, "delivered")
    listed = await asyncio.to_thread(call, texting.relay, texting.key, "/v2/received-text-messages")
    assert [each["id"] for each in listed["received_text_messages"]] == [start["id"], stop["id"]]
    await asyncio.to_thread(_is_counted, texting.relay)


def _is_counted(relay: Relay) -> None:
    _, metrics = relay.get("/metrics")
    assert "delivery_inbound_texts_total 2.0" in metrics
    assert "delivery_texts_miscounted_total 0.0" in metrics
    assert "+1613" not in relay.log.read_text()


def _common(history: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in history.items() if name not in OF_THE_DOOR}


def _named(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what a door gives a text of its own."""
    return [{name: value for name, value in each.items() if name not in OF_THE_DOOR} for each in told]

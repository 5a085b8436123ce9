"""People write to a service's address: a running relay hears of it from SES and answers each of them once a day."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from auth.limits import ANSWERS_PER_SERVICE, DAY_SECONDS
from tests.fakes.aws import CREDENTIALS, FakeAws
from tests.fakes.feedback import Feedback
from tests.fakes.received import SUBJECT, tell
from tests.harness.mail import is_signed, read
from tests.harness.relay import Relay

DESK = "desk@city.example"


@dataclass
class Receiving:
    """A relay that hears from a fake of AWS, and the address of a service."""

    relay: Relay
    feedback: Feedback
    address: str

    async def heard(self, *told: str) -> None:
        """SES has told, and the relay has taken it in."""
        for each in told:
            self.feedback.received(each)
        async with asyncio.timeout(60):
            while self.feedback.queue.entries:
                await asyncio.sleep(0.02)

    def counted(self, fate: str) -> int:
        _, metrics = self.relay.get("/metrics")
        name = f'delivery_inbound_mail_total{{fate="{fate}"}} '
        return sum(int(float(line.removeprefix(name))) for line in metrics.splitlines() if line.startswith(name))

    async def becomes(self, fate: str, number: int) -> None:
        async with asyncio.timeout(60):
            while await asyncio.to_thread(self.counted, fate) < number:
                await asyncio.sleep(0.1)
        assert self.counted(fate) == number

    def a_day_passes(self) -> None:
        """What was counted was counted a day ago."""
        with sqlite3.connect(self.relay.folder / "var/relay.db", timeout=60) as database:
            database.execute("UPDATE limits SET window_start = window_start - ?", (DAY_SECONDS,))
            database.execute("UPDATE mail_answers SET received_at = received_at - ?", (DAY_SECONDS,))

    def answered(self) -> int:
        return sum("@example.org" in str(envelope["rcpt_to"]) for envelope, _ in self.relay.outbox())


@pytest.fixture
async def receiving(tmp_path: Path) -> AsyncIterator[Receiving]:
    feedback = Feedback()
    async with FakeAws(feedback=feedback) as aws:
        heard = {"AWS__EVENTS_QUEUE_URL": aws.queue_url, **CREDENTIALS}
        relay = Relay(tmp_path, PROCESSES=1, **heard, AWS__ENDPOINT_URL=aws.url)
        try:
            yield await asyncio.to_thread(_started, relay, feedback)
        finally:
            await asyncio.to_thread(relay.end)


def _started(relay: Relay, feedback: Feedback) -> Receiving:
    relay.start()
    made = relay.create_service("--live", "--contact", "contact@city.example", "--reply-to-address", DESK)
    return Receiving(relay, feedback, f"{made['email_from']}@notification.example.ca")


async def test_three_mails_have_one_answer_a_day_and_a_flood_is_bounded(receiving: Receiving) -> None:
    relay, reader = receiving.relay, f"zoe-{uuid4().hex[:6]}@example.org"
    mails = [tell(reader, receiving.address, fields={"Message-ID": "<31@example.org>"}) for _ in range(3)]
    await receiving.heard(*mails)
    envelope, octets = await asyncio.to_thread(relay.wait_for_mail, reader)
    answer = read(octets)
    assert envelope["reverse_path"] == ""
    assert is_signed(octets, relay.records)
    assert (answer["Auto-Submitted"], answer["X-Relay-Notice"]) == ("auto-replied", "answer")
    assert (answer["In-Reply-To"], answer["References"]) == ("<31@example.org>", "<31@example.org>")
    assert answer["Subject"].startswith("Passports: nobody reads mail to this address / Passports")
    said = answer.get_content()
    assert f"To reach Passports, write to {DESK}." in said
    assert f"Pour joindre Passports, écrivez à {DESK}." in said
    assert SUBJECT not in octets.decode()
    await receiving.becomes("answered-today", 2)

    # A relay of our kind that is written to by our answer says nothing.
    fields = {name: str(value) for name, value in answer.items()}
    await receiving.heard(tell("notify-relay@other.example", receiving.address, fields=fields))
    await receiving.becomes("automatic", 1)
    await receiving.heard(tell(reader, receiving.address, spf="FAIL"))
    await receiving.becomes("unproved", 1)

    await asyncio.to_thread(receiving.a_day_passes)
    await receiving.heard(*mails)
    await receiving.becomes("answered", 2)

    flood = [tell(f"flood-{each}@example.org", receiving.address) for each in range(200)]
    await receiving.heard(*flood)
    await receiving.becomes("over-limit", 200 - ANSWERS_PER_SERVICE + 1)  # one was counted after the day had passed
    async with asyncio.timeout(60):
        while await asyncio.to_thread(receiving.answered) < ANSWERS_PER_SERVICE + 1:
            await asyncio.sleep(0.2)
    assert receiving.answered() == ANSWERS_PER_SERVICE + 1
    log = relay.log.read_text()
    assert "mail.received" in log
    assert not [each for each in (reader, "flood-", SUBJECT, "<31@") if each in log]

"""How the fake of AWS tells what becomes of the messages it took: over its queue, its topic, or both."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes import sms_events
from tests.fakes.events import Step, script_of, tell
from tests.fakes.sigv4 import REGION, unauthorised
from tests.fakes.sms import Text
from tests.fakes.sms_events import TextStep
from tests.fakes.sns import CERTIFICATE_PATH, FakeTopic, certificate_pem
from tests.fakes.sqs import TARGET, FakeQueue
from tests.fakes.suppression import SuppressionList
from tests.fakes.trouble import Rejection

if TYPE_CHECKING:
    from tests.fakes.aws import Sent

Answer = tuple[int, bytes]  # HTTP status and body


@dataclass
class Feedback:
    """SES's event destination. `scripts` say what is told of whom; others go by tests.fakes.events.script_of."""

    queue: FakeQueue = field(default_factory=FakeQueue)
    topic: FakeTopic = field(default_factory=FakeTopic)
    raw: bool = False  # RawMessageDelivery
    verify: bool = True  # SigV4
    scripts: dict[str, Sequence[Step]] = field(default_factory=dict)
    texts: dict[str, Sequence[TextStep]] = field(default_factory=dict)  # by number; others are delivered
    told: list[str] = field(default_factory=list)
    certificate_requests: int = 0
    disturb: Callable[[Step], Step] | None = None  # each event of mail

    def __post_init__(self) -> None:
        self._timers: set[asyncio.TimerHandle] = set()
        if not self.raw:
            self.topic.queues.append(self.queue.put)

    def took(self, sent: "Sent", suppression: SuppressionList) -> None:
        """Lines up what is to be told. A step without delay is told before the caller hears that SES took it."""
        recipients = [address for addresses in sent.destination.values() for address in addresses]
        steps = self.scripts.get(recipients[0]) or script_of(recipients[0])
        for step in suppression.steps(recipients[0], steps):
            step = self.disturb(step) if self.disturb else step
            self._line_up(tell(step, sent.message_id, recipients, sent.tags, sent.at, REGION), step)

    def took_text(self, text: Text) -> None:
        """Likewise of a text."""
        for step in self.texts.get(text.to, sms_events.DELIVERED):
            self._line_up(sms_events.tell(step, text), step)

    def received(self, text: str) -> None:
        """Mail came in: `text` is what tests.fakes.received says of it."""
        self._tell(text, Step("Received"))

    def _line_up(self, told: str, step: Step | TextStep) -> None:
        if step.after > 0:
            self._timers.add(asyncio.get_running_loop().call_later(step.after, self._tell, told, step))
        else:
            self._tell(told, step)

    def _tell(self, text: str, step: Step | TextStep) -> None:
        for _ in range(step.times):
            self.told.append(text)
            self.topic.publish(text, step.only_by)
            if self.raw and step.only_by != "sns":
                self.queue.put(text)

    async def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        await self.topic.close()

    def answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> Coroutine[Any, Any, Answer] | None:
        """The answer to a request that is for SQS or SNS; None: it is not."""
        target = headers.get("x-amz-target", "")
        if target.startswith(TARGET):
            return self._queue(target.removeprefix(TARGET), method, path, headers, body)
        if (method, path) == ("GET", CERTIFICATE_PATH):
            return self._certificate()
        if (method, path) == ("POST", "/") and b"Action=" in body:
            return self._topic(method, path, headers, body)
        return None

    async def _queue(self, operation: str, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        refusal = unauthorised(method, path, headers, body, "sqs") if self.verify else None
        answer = refusal or await self.queue.answer(operation, body)
        if isinstance(answer, Rejection):
            return answer.status, json.dumps({"__type": answer.code, "message": answer.text}).encode()
        return 200, json.dumps(answer).encode()

    async def _topic(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        refusal = unauthorised(method, path, headers, body, "sns") if self.verify else None
        answer = refusal or self.topic.answer(body)
        if isinstance(answer, Rejection):
            error = f"<Error><Type>Sender</Type><Code>{answer.code}</Code><Message>{answer.text}</Message></Error>"
            return answer.status, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>".encode()
        return 200, answer

    async def _certificate(self) -> Answer:
        self.certificate_requests += 1
        return 200, certificate_pem()

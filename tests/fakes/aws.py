"""A fake of AWS over HTTP: SES v2 and End User Messaging, with their rules, and trouble by script.

In a test: `async with FakeAws() as aws:`. As a process: `python -m tests.fakes.aws --port 0 --log FILE`.
"""

import argparse
import asyncio
import base64
import binascii
import contextlib
import hashlib
import json
import os
import random
import signal
import time
import uuid
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.fakes import sms
from tests.fakes.events import disturbed
from tests.fakes.feedback import Answer, Feedback
from tests.fakes.identities import Identities
from tests.fakes.ses import check, deliver, header_fields
from tests.fakes.sigv4 import ACCESS_KEY, REGION, SECRET_KEY, unauthorised
from tests.fakes.sns import FakeTopic
from tests.fakes.sqs import FakeQueue
from tests.fakes.suppression import SuppressionList
from tests.fakes.tenants import Tenants
from tests.fakes.trouble import (
    CUT,
    CUT_ACCEPTED,
    GARBAGE,
    HANG,
    HANG_ACCEPTED,
    INTERNAL,
    OK,
    RESET,
    UNAVAILABLE,
    Behaviour,
    Rejection,
    refuse,
)

__all__ = ["CUT", "CUT_ACCEPTED", "GARBAGE", "HANG", "HANG_ACCEPTED", "INTERNAL", "OK", "RESET", "UNAVAILABLE"]

CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}  # for the caller's environment

SEND_PATH, ACCOUNT_PATH = "/v2/email/outbound-emails", "/v2/email/account"
SUPPRESSED_PATH, TENANT_PATH = "/v2/email/suppression/addresses", "/v2/email/tenants/get"


TOO_FAST = refuse(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
DAILY_QUOTA = refuse(429, "TooManyRequestsException", "Daily message quota exceeded.")
CONTENT_REJECTED = refuse(400, "MessageRejected", "The message holds content that is not accepted.")


@dataclass(frozen=True)
class Sent:
    """One accepted message, as SES was given it."""

    message_id: str
    raw: bytes
    destination: dict[str, list[str]]
    tags: dict[str, str]
    configuration_set: str | None
    answered: bool  # False: taken, but the caller never heard
    at: float
    from_address: str | None = None

    @property
    def delivered(self) -> bytes:
        """As its recipient gets it."""
        return deliver(self.raw, self.message_id, REGION, self.at, self.from_address)


@dataclass
class FakeAws:
    """One account in one region. Limits that are None do not apply."""

    port: int = 0
    verify: bool = True  # SigV4
    keep: bool = True  # messages in `sent`
    configuration_sets: set[str] | None = None
    verified_domains: set[str] | None = None
    max_per_second: float | None = None  # in any second; GetAccount says it
    max_per_day: float | None = None
    sent_last_day: float = 0  # recipients, as GetAccount says
    nothing_for: float = 0  # seconds from the first call on in which all is too fast
    seconds: float = 0  # that each call takes
    choose: Callable[[], Behaviour] | None = None  # where neither script nor recipient says
    on_sent: Callable[[Sent], None] | None = None
    on_call: Callable[[str, str], None] | None = None  # each SendEmail, by its attempt: "came", "ended"
    feedback: Feedback | None = None  # None: nobody hears what becomes of messages
    sent: list[Sent] = field(default_factory=list)
    requests: int = 0  # SendEmail calls that came in, whatever became of them
    headers: dict[str, str] = field(default_factory=dict)  # of the last request
    attempt: str | None = None  # of the last request, where it sends mail
    recipients: dict[str, Behaviour] = field(default_factory=dict)
    identities: Identities = field(default_factory=Identities)
    suppression: SuppressionList = field(default_factory=SuppressionList)
    tenants: Tenants = field(default_factory=Tenants)
    texts: sms.Texts = field(default_factory=sms.Texts)
    url: str = ""

    def __post_init__(self) -> None:
        self._script: deque[Behaviour] = deque()
        self._connections: set[asyncio.Transport] = set()
        self._sent_at: deque[float] = deque()
        self._first_at: float | None = None
        self._server: asyncio.Server | None = None
        if self.feedback and self.texts.on_sent is None:
            self.texts.on_sent = self.feedback.took_text

    def script(self, behaviours: list[Behaviour]) -> None:
        """The next calls go like this, one after the other; those after them go well."""
        self._script.extend(behaviours)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        if self.feedback:
            self.feedback.topic.start()
        return self

    @property
    def queue_url(self) -> str:
        assert self.feedback
        return self.url + self.feedback.queue.path

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()
        if self.feedback:
            await self.feedback.close()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes, str, Behaviour]:
        """(HTTP status, body, error code, behaviour) for one request."""
        self.headers, self.attempt = headers, None
        if (target := headers.get("x-amz-target", "")).startswith(sms.TARGET):
            return self._answer_of_texts(target.removeprefix(sms.TARGET), path, headers, body)
        refusal = unauthorised(method, path, headers, body) if self.verify else None
        behaviour = OK
        answer: dict[str, Any] | Rejection = refusal or Rejection("UnknownOperationException", "", 404)
        if (method, path) == ("POST", SEND_PATH):
            self.requests += 1
            if refusal is None:
                behaviour, answer = self._send(body)
        elif (method, path) == ("GET", ACCOUNT_PATH) and refusal is None:
            answer = self._account()
        elif (method, path) == ("POST", TENANT_PATH) and refusal is None:
            answer = self.tenants.get(body)
        elif path.startswith(SUPPRESSED_PATH) and refusal is None:
            answer = self.suppression.answer(method, path.removeprefix(SUPPRESSED_PATH), body)
        elif refusal is None and (found := self.identities.answer(method, path, body)) is not None:
            answer = found
        if isinstance(answer, Rejection):
            return answer.status, json.dumps({"message": answer.text}).encode(), answer.code, behaviour
        return 200, json.dumps(answer).encode(), "", behaviour

    def _answer_of_texts(
        self, operation: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, str, Behaviour]:
        """JSON 1.0: the error's name stands in the body."""
        refusal = unauthorised("POST", path, headers, body, "sms-voice") if self.verify else None
        behaviour, answer = (OK, refusal) if refusal else self.texts.answer(operation, body)
        if isinstance(answer, Rejection):
            told = {"__type": answer.code, "Message": answer.text, **answer.more}
            return answer.status, json.dumps(told).encode(), "", behaviour
        return 200, json.dumps(answer).encode(), "", behaviour

    def _send(self, body: bytes) -> tuple[Behaviour, dict[str, Any] | Rejection]:
        try:
            call = json.loads(body)
            raw = base64.b64decode(call["Content"]["Raw"]["Data"], validate=True)
        except (ValueError, KeyError, TypeError, binascii.Error):
            return OK, Rejection("BadRequestException", "Could not parse the request.")
        destination = {kind: list(addresses) for kind, addresses in call.get("Destination", {}).items()}
        tags = [(tag["Name"], tag["Value"]) for tag in call.get("EmailTags", [])]
        self.attempt = dict(tags).get("attempt_id")
        behaviour = self._behaviour(destination)
        problem = (
            behaviour.rejection
            or check(raw, destination, tags)
            or self.tenants.refusal(call.get("TenantName"))
            or self._not_configured(raw, call.get("ConfigurationSetName"))
            or self._too_fast(sum(map(len, destination.values())))
        )
        if problem:
            return behaviour, problem
        message_id = f"010d{int(time.time() * 1000):012x}-{uuid.uuid4()}-000000"
        if behaviour.accepted:
            self._accept(
                Sent(
                    message_id,
                    raw,
                    destination,
                    dict(tags),
                    call.get("ConfigurationSetName"),
                    answered=behaviour.end == "answer",
                    at=time.time(),
                    from_address=call.get("FromEmailAddress"),
                )
            )
        return behaviour, {"MessageId": message_id}

    def _behaviour(self, destination: dict[str, list[str]]) -> Behaviour:
        for address in (address for addresses in destination.values() for address in addresses):
            if address in self.recipients:
                return self.recipients[address]
        if self._script:
            return self._script.popleft()
        return self.choose() if self.choose else OK

    def _not_configured(self, raw: bytes, configuration_set: str | None) -> Rejection | None:
        known = self.configuration_sets
        if known is not None and configuration_set is not None and configuration_set not in known:
            return Rejection("NotFoundException", f"Configuration set <{configuration_set}> does not exist.", 404)
        sender = next((value for name, value in header_fields(raw) if name == b"from"), b"").decode("utf-8", "replace")
        domain = sender.rpartition("@")[2].strip("> \r\n").lower()
        if self.verified_domains is not None and domain not in self.verified_domains:
            text = "Email address is not verified. The following identities failed the check in region"
            return Rejection("MessageRejected", f"{text} {REGION.upper()}: {sender}")
        return None

    def _too_fast(self, recipients: int) -> Rejection | None:
        if self.max_per_day is not None and self.sent_last_day + recipients > self.max_per_day:
            return DAILY_QUOTA.rejection
        now = time.monotonic()
        self._first_at = self._first_at or now
        if now < self._first_at + self.nothing_for:
            return TOO_FAST.rejection
        if self.max_per_second is None:
            return None
        while self._sent_at and self._sent_at[0] <= now - 1:
            self._sent_at.popleft()
        if len(self._sent_at) + recipients > self.max_per_second:
            return TOO_FAST.rejection
        self._sent_at.extend([now] * recipients)
        return None

    def _accept(self, sent: Sent) -> None:
        self.sent_last_day += sum(map(len, sent.destination.values()))
        if self.keep:
            self.sent.append(sent)
        if self.on_sent:
            self.on_sent(sent)
        if self.feedback:
            self.feedback.took(sent, self.suppression)

    def _account(self) -> dict[str, Any]:
        quota = {
            "Max24HourSend": -1.0 if self.max_per_day is None else self.max_per_day,
            "MaxSendRate": self.max_per_second,
            "SentLast24Hours": self.sent_last_day,
        }
        return {
            "SendQuota": {name: value for name, value in quota.items() if value is not None},
            "SendingEnabled": True,
            "ProductionAccessEnabled": True,
            "EnforcementStatus": "HEALTHY",
        }


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as the SDK speaks it: keep-alive, Content-Length, one request at a time."""

    def __init__(self, aws: FakeAws) -> None:
        self._aws = aws
        self._received: list[bytes] = []
        self._missing = 0  # octets of the body that are still to come
        self._answering: asyncio.Task[None] | None = None
        self._attempt: str | None = None  # whose call is open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._aws._connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._aws._connections.discard(self._transport)
        self._note("ended")
        if self._answering:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._received.append(data)
        self._missing -= len(data)
        if self._missing > 0:
            return
        request = b"".join(self._received)
        self._received = [request]
        head, end, body = request.partition(b"\r\n\r\n")
        if not end:
            self._missing = 0
            return
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        self._missing = int(headers.get("content-length", 0)) - len(body)
        if self._missing > 0:
            return
        self._received, self._missing = [], 0
        method, path, _ = line.split(" ")
        feedback = self._aws.feedback
        if feedback and (answering := feedback.answer(method, path, headers, body)):
            self._answering = asyncio.get_running_loop().create_task(self._answer_later(answering))
            return
        status, answer, code, behaviour = self._aws.answer(method, path, headers, body)
        self._attempt = self._aws.attempt
        self._note("came")
        seconds = self._aws.seconds
        if behaviour.until:
            told = self._end_after(behaviour.until, behaviour, status, answer, code)
            self._answering = asyncio.get_running_loop().create_task(told)
        elif seconds:
            asyncio.get_running_loop().call_later(seconds, self._end, behaviour, status, answer, code)
        else:
            self._end(behaviour, status, answer, code)

    def _note(self, what: str) -> None:
        if self._aws.on_call and self._attempt:
            self._aws.on_call(self._attempt, what)
        if what == "ended":
            self._attempt = None

    async def _end_after(self, until: asyncio.Event, *ending: Any) -> None:
        await until.wait()
        self._end(*ending)

    async def _answer_later(self, answering: Coroutine[Any, Any, Answer]) -> None:
        self._end(OK, *await answering, "")

    def _end(self, behaviour: Behaviour, status: int, answer: bytes, code: str) -> None:
        if behaviour.end != "hang":
            self._note("ended")
        if behaviour.end == "cut":
            self._transport.close()
        elif behaviour.end == "reset":
            self._transport.abort()
        elif behaviour.end in ("answer", "garbage"):
            answer = b"<html>proxy" if behaviour.end == "garbage" else answer
            error = f"x-amzn-ErrorType: {code}:http://internal.amazon.com/coral/\r\n" if code else ""
            head = (
                f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n"
                f"x-amzn-RequestId: {uuid.uuid4()}\r\n{error}\r\n"
            )
            self._transport.write(head.encode() + answer)


# -- As a process --------------------------------------------------------------------------------------------------
def _chooser(rates: dict[str, float], seed: int, too_fast: Behaviour = TOO_FAST) -> Callable[[], Behaviour]:
    """Draws trouble at the given rates. Half of the calls whose answer is lost were taken all the same."""
    dice = random.Random(seed)
    ends = {"429": (too_fast,), "500": (INTERNAL,), "hang": (HANG, HANG_ACCEPTED), "cut": (CUT, CUT_ACCEPTED)}

    def choose() -> Behaviour:
        drawn = dice.random()
        for name, rate in rates.items():
            drawn -= rate
            if drawn < 0:
                return dice.choice(ends[name])
        return OK

    return choose


def _logger(log: Path | None, directory: Path | None) -> Callable[[Sent], None]:
    """Writes each accepted message down at once: a line in `log`, its octets as a file in `directory`."""
    file = log.open("ab", buffering=0) if log else None
    if directory:
        directory.mkdir(parents=True, exist_ok=True)

    def write(sent: Sent) -> None:
        if directory:
            (directory / f"{sent.message_id}.eml").write_bytes(sent.raw)
        if file:
            line = {
                "message_id": sent.message_id,
                "destination": sent.destination,
                "tags": sent.tags,
                "configuration_set": sent.configuration_set,
                "sha256": hashlib.sha256(sent.raw).hexdigest(),
                "answered": sent.answered,
                "at": sent.at,
            }
            file.write(json.dumps(line).encode() + b"\n")

    return write


def _call_logger(log: Path) -> Callable[[str, str], None]:
    """Writes down at once when each call came, and when it had its answer or its connection was gone."""
    file = log.open("ab", buffering=0)

    def write(attempt: str, what: str) -> None:
        file.write(f"{attempt} {what} {time.time()}\n".encode())

    return write


def _text_logger(log: Path) -> Callable[[sms.Text], None]:
    """Writes each accepted text down at once: a line in `log`."""
    file = log.open("ab", buffering=0)

    def write(text: sms.Text) -> None:
        file.write(json.dumps(asdict(text)).encode() + b"\n")

    return write


def _texts(numbers: list[str], log: Path | None, choose: Callable[[], Behaviour] | None) -> sms.Texts:
    """`numbers` are written NUMBER or NUMBER=PARTS_PER_SECOND."""
    sms.model()  # read from disk now: the first call is not to be slow
    pairs = [number.partition("=") for number in numbers]
    return sms.Texts(
        [sms.Number(number, rate=float(rate) if rate else None) for number, _, rate in pairs],
        choose=choose,
        on_sent=_text_logger(log) if log else None,
        keep=False,
    )


async def _serve(aws: FakeAws) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with aws:
        print(aws.url, flush=True)
        if aws.feedback:
            print(aws.queue_url, flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.aws", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, help="append a JSON line per accepted message")
    parser.add_argument("--keep", type=Path, help="directory for the octets of accepted messages")
    parser.add_argument("--no-verify", action="store_true", help="take any signature")
    parser.add_argument("--max-per-second", type=float)
    parser.add_argument("--max-per-day", type=float)
    parser.add_argument("--nothing-for", type=float, default=0, metavar="SECONDS", help="at first all is too fast")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--seed", type=int, default=0)
    for name in ("429", "500", "hang", "cut"):
        parser.add_argument(f"--rate-{name}", type=float, default=0, metavar="0..1")
    parser.add_argument("--events", choices=("envelope", "raw"), help="tell what becomes of messages, by a queue")
    parser.add_argument("--disorder", type=float, default=0, metavar="0..1", help="of events: late, twice")
    parser.add_argument("--visibility-seconds", type=float, default=30, help="of what was received of the queue")
    parser.add_argument("--call-log", type=Path, help="append a line when a call comes, and when it has ended")
    parser.add_argument("--webhook", help="and by posts to this URL")
    parser.add_argument("--number", action="append", default=[], help="that texts come from: NUMBER[=PARTS_PER_SECOND]")
    parser.add_argument("--text-log", type=Path, help="append a JSON line per accepted text")
    options = vars(parser.parse_args())
    rates = {name: options[f"rate_{name}"] for name in ("429", "500", "hang", "cut")}
    events = Feedback(
        queue=FakeQueue(visibility_seconds=options["visibility_seconds"]),
        raw=options["events"] == "raw",
        verify=not options["no_verify"],
        topic=FakeTopic(options["webhook"]),
        disturb=disturbed(options["disorder"], options["seed"]) if options["disorder"] else None,
    )
    aws = FakeAws(
        port=options["port"],
        verify=not options["no_verify"],
        keep=False,
        max_per_second=options["max_per_second"],
        max_per_day=options["max_per_day"],
        nothing_for=options["nothing_for"],
        seconds=options["latency_ms"] / 1000,
        choose=_chooser(rates, options["seed"]),
        on_sent=_logger(options["log"], options["keep"]),
        on_call=_call_logger(options["call_log"]) if options["call_log"] else None,
        feedback=events if options["events"] or options["webhook"] else None,
        texts=_texts(options["number"], options["text_log"], _chooser(rates, options["seed"], sms.TOO_FAST)),
    )
    with contextlib.suppress(PermissionError):
        os.nice(-19)  # it measures when messages come: not when the machine has time for it
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(aws))


if __name__ == "__main__":
    main()

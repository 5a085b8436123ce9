"""The provider of texts against the fake of AWS, through the real SDK and real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from config.settings import Aws, Sms
from delivery.providers import aws_sms
from delivery.providers.base import Deferred, Failed, Held, Receipt, SendError, Throttled, TooFast, Unknown
from messages.message import Channel, Message
from messages.phone import PhoneNumber
from messages.status import Status
from tests.fakes import sms
from tests.fakes import trouble as fake
from tests.fakes.aws import CREDENTIALS, FakeAws
from tests.fakes.feedback import Feedback
from tests.fakes.messages import make_message
from tests.fakes.sms_events import DELIVERED, bridged
from tests.fakes.trouble import Behaviour, refuse

TO = "+16135550142"
FROM = sms.Number("+16135550100", id="phone-1")
POOL = sms.Pool("pool-1", (sms.Number("+16135550101"), sms.Number("+16135550102")))


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def aws() -> AsyncIterator[FakeAws]:
    async with FakeAws(texts=sms.Texts([FROM], [POOL]), feedback=Feedback()) as running:
        yield running


AWS = Aws(endpoint_url="http://127.0.0.1:1", read_timeout_seconds=5, connect_timeout_seconds=5)  # SES's address
IMPATIENT = AWS.model_copy(update={"read_timeout_seconds": 0.3})  # where the fake hangs


@pytest.fixture
async def provider(aws: FakeAws) -> AsyncIterator[aws_sms.AwsSmsProvider]:
    async with opened(aws.url) as patient:
        yield patient


@asynccontextmanager
async def opened(url: str, settings: Aws = AWS) -> AsyncIterator[aws_sms.AwsSmsProvider]:
    chosen = Sms(endpoint_url=url, configuration_set="relay", max_price="0.05")
    provider = await aws_sms.open_provider(settings, chosen, 8, time.time)
    yield provider
    await provider.close()


@pytest.fixture
async def client(aws: FakeAws) -> AsyncIterator[Any]:
    async with aws_sms.open_sms_client(AWS, Sms(endpoint_url=aws.url), 4) as opened:
        yield opened


def text(to: str = TO, **changes: Any) -> Message:
    given = {"channel": Channel.SMS, "recipient": PhoneNumber(to), **changes}
    return make_message(**given)


async def refused(provider: aws_sms.AwsSmsProvider, body: str = "Hello", origin: str = FROM.number) -> SendError:
    with pytest.raises(SendError) as caught:
        await provider.send(text(), body.encode(), uuid4(), origin)
    return caught.value


# -- What AWS is given ---------------------------------------------------------------------------------------------
async def test_aws_gets_the_text_its_sender_and_what_tells_of_it_later(
    aws: FakeAws, provider: aws_sms.AwsSmsProvider
) -> None:
    message, attempt_id = text(expires_at=time.time() + 600.5), uuid4()
    receipt = await provider.send(message, "Votre passeport est prêt 🇨🇦".encode(), attempt_id, FROM.number)
    [sent] = aws.texts.sent
    assert receipt == Receipt(sent.message_id, Status.SENDING)
    assert (sent.to, sent.body, sent.origin) == (TO, "Votre passeport est prêt 🇨🇦", FROM.number)
    assert sent.context == {"message_id": str(message.id), "attempt_id": str(attempt_id)}
    assert (sent.configuration_set, sent.max_price) == ("relay", "0.05")
    assert sent.seconds_to_live in (599, 600)
    assert aws.headers["x-amz-target"] == "PinpointSMSVoiceV2.SendTextMessage"
    assert aws.headers["content-type"] == "application/x-amz-json-1.0"
    assert aws.headers["user-agent"].startswith("notify-relay")


@pytest.mark.parametrize(("left", "given"), [(-3, 5), (2, 5), (400_000, 259_200)])
async def test_a_text_lives_as_long_as_its_message_within_what_aws_takes(
    aws: FakeAws, provider: aws_sms.AwsSmsProvider, left: float, given: int
) -> None:
    await provider.send(text(expires_at=time.time() + left), b"Hello", uuid4(), FROM.number)
    assert aws.texts.sent[0].seconds_to_live == given


async def test_what_is_not_set_is_not_said(aws: FakeAws) -> None:
    opened = await aws_sms.open_provider(AWS, Sms(endpoint_url=aws.url), 1, time.time)
    await opened.send(text(), b"Hello", uuid4(), FROM.number)
    await opened.close()
    assert (aws.texts.sent[0].configuration_set, aws.texts.sent[0].max_price) == (None, None)


async def test_a_pool_gives_one_person_one_number(aws: FakeAws, provider: aws_sms.AwsSmsProvider) -> None:
    for _ in range(3):
        await provider.send(text(), b"Hello", uuid4(), POOL.id)
    assert len({sent.origin for sent in aws.texts.sent}) == 1
    assert aws.texts.sent[0].origin in {number.number for number in POOL.numbers}


# -- What comes of it ----------------------------------------------------------------------------------------------
def reason(reason: str, code: str = "ConflictException") -> Behaviour:
    return refuse(400, code, "It is refused.", Reason=reason)


TECHNICAL, PERMANENT = Status.TECHNICAL_FAILURE, Status.PERMANENT_FAILURE


@pytest.mark.parametrize(
    ("trouble", "kind", "told", "taken"),
    [
        (sms.TOO_FAST, TooFast, "aws_rate", 0),
        (sms.INTERNAL, Unknown, "aws_server_error", 0),
        (fake.UNAVAILABLE, Unknown, "aws_server_error", 0),
        (fake.HANG, Unknown, "aws_no_answer", 0),
        (fake.HANG_ACCEPTED, Unknown, "aws_no_answer", 1),
        (fake.CUT, Unknown, "aws_connection_lost", 0),
        (fake.CUT_ACCEPTED, Unknown, "aws_connection_lost", 1),
        (fake.RESET, Unknown, "aws_connection_lost", 0),
        (sms.SPEND_LIMIT, Held, "sms_spend_limit", 0),
        (reason("DAILY_NOTIFY_TIER_MESSAGE_LIMIT", "ServiceQuotaExceededException"), Held, "sms_quota", 0),
        (sms.DISABLED, Held, "sms_account_disabled", 0),
        (sms.BAD_REPUTATION, Held, "sms_account_reputation", 0),
        (sms.NOT_ALLOWED, Throttled, "aws_access_denied", 0),
        (reason("OTHER", "ValidationException"), Failed, "aws_malformed", 0),
        (reason("KEYWORD_MISMATCH"), Failed, "conflict", 0),
        *((reason(each), Failed, each.lower().replace("_", "-"), 0) for each in aws_sms._CONFLICTS),
        *(
            (reason(each, "ValidationException"), Failed, each.lower().replace("_", "-"), 0)
            for each in aws_sms._INVALID
        ),
    ],
)
async def test_trouble_has_its_meaning_and_the_sdk_does_not_try_again(
    aws: FakeAws, trouble: Behaviour, kind: type[SendError], told: str, taken: int
) -> None:
    aws.texts.script.append(trouble)
    async with opened(aws.url, IMPATIENT if trouble.end == "hang" else AWS) as provider:
        error = await refused(provider)
    assert (type(error), error.reason, len(aws.texts.sent), aws.texts.requests) == (kind, told, taken, 1)


async def test_who_opted_out_is_a_permanent_failure_and_what_else_is_refused_a_technical_one(
    aws: FakeAws, provider: aws_sms.AwsSmsProvider
) -> None:
    aws.texts.opted_out.add(TO)
    error = await refused(provider)
    assert isinstance(error, Failed)
    assert (error.reason, error.status) == ("opted-out", PERMANENT)

    aws.texts.blocked_countries = {"+1613": "DESTINATION_COUNTRY_BLOCKED"}
    error = await refused(provider)
    assert isinstance(error, Failed)
    assert (error.reason, error.status) == ("destination-country-blocked", TECHNICAL)


async def test_what_the_account_does_not_have_waits_for_somebody_to_mend_it(aws: FakeAws) -> None:
    opened = await aws_sms.open_provider(AWS, Sms(endpoint_url=aws.url, configuration_set="gone"), 1, time.time)
    configured = await refused(opened)
    await opened.close()
    assert (type(configured), configured.reason) == (Throttled, "sms_configuration_missing")  # all texts

    opened = await aws_sms.open_provider(AWS, Sms(endpoint_url=aws.url), 1, time.time)
    number = await refused(opened, origin="+16135550999")
    await opened.close()
    assert (type(number), number.reason) == (Deferred, "sms_sender_missing")  # those of one sender


@pytest.mark.parametrize("body", ["a" * 1531, "ê" * 631, "€" * 766])
async def test_a_text_longer_than_aws_takes_fails(provider: aws_sms.AwsSmsProvider, body: str) -> None:
    error = await refused(provider, body)
    assert (type(error), error.reason) == (Failed, "maximum-size-exceeded")


async def test_a_text_dearer_than_is_set_fails(aws: FakeAws, provider: aws_sms.AwsSmsProvider) -> None:
    aws.texts.price = 0.051
    assert (await refused(provider)).reason == "price-over-threshold"


# -- The fake keeps AWS's rules ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "changes",
    [
        {"DestinationPhoneNumber": "613-555-0142"},
        {"DestinationPhoneNumber": "+0135550142"},
        {"MessageBody": ""},
        {"MessageBody": " \n "},
        {"MessageBody": "a" * 1601},
        {"MessageType": "URGENT"},
        {"TimeToLive": 4},
        {"TimeToLive": 259_201},
        {"MaxPrice": "0,05"},
        {"MaxPrice": "100.0"},
        {"Context": {str(n): "x" for n in range(6)}},
        {"Context": {"a b": "x"}},
        {"Context": {"a": " x"}},
        {"Context": {"a": "x" * 801}},
        {"ConfigurationSetName": "a b"},
        {"OriginationIdentity": "a.b"},
    ],
)
async def test_a_parameter_is_what_the_model_says(aws: FakeAws, client: Any, changes: dict[str, Any]) -> None:
    call = {"DestinationPhoneNumber": TO, "OriginationIdentity": FROM.number, "MessageBody": "Hello"} | changes
    with pytest.raises(ClientError) as caught:
        await client.send_text_message(**call)
    response = caught.value.response
    assert response["Error"]["Code"] == "ValidationException"
    assert response["Reason"] == "FIELD_VALIDATION_FAILED"
    assert [field["Name"] for field in response["Fields"]] == list(changes)
    assert not aws.texts.sent


async def test_a_dry_run_sends_nothing_and_says_what_would_be_wrong(aws: FakeAws, client: Any) -> None:
    call = {"DestinationPhoneNumber": TO, "MessageBody": "Hello", "DryRun": True}
    assert (await client.send_text_message(OriginationIdentity=FROM.id, **call))["MessageId"]
    with pytest.raises(ClientError) as caught:
        await client.send_text_message(OriginationIdentity="pool-9", **call)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert caught.value.response["ResourceType"] == "pool"
    assert not aws.texts.sent


async def test_a_number_takes_its_parts_a_second_and_no_more(aws: FakeAws, client: Any) -> None:
    aws.texts.numbers.append(sms.Number("+16135550109", rate=5))
    call = {"DestinationPhoneNumber": TO, "OriginationIdentity": "+16135550109", "MessageBody": "a" * 300}  # two parts
    results = await asyncio.gather(*(client.send_text_message(**call) for _ in range(6)), return_exceptions=True)
    refused = [each for each in results if isinstance(each, ClientError)]
    assert len(refused) == 3
    assert {each.response["Error"]["Code"] for each in refused} == {"ThrottlingException"}


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        *(("a" * 160, 1), ("a" * 161, 2), ("é" * 160, 1), ("ê" * 70, 1), ("ê" * 71, 2), ("€" * 80, 1), ("€" * 81, 2)),
        *(("a" * 152 + "€" + "a" * 153, 3), ("ê" + "😀" * 34, 1), ("ê" + "😀" * 35, 2), ("😀" * 67, 3)),
    ],
)
def test_parts_are_counted_as_carriers_do(body: str, parts: int) -> None:
    assert sms.parts_of(body) == parts


async def test_what_becomes_of_a_text_is_told_with_its_context_in_either_shape(
    aws: FakeAws, provider: aws_sms.AwsSmsProvider
) -> None:
    assert aws.feedback is not None
    aws.feedback.texts["+16135550143"] = bridged(DELIVERED)
    messages = [text(), text("+16135550143")]
    for message in messages:
        await provider.send(message, b"Hello", uuid4(), FROM.number)
    async with asyncio.timeout(60):
        while len(aws.feedback.told) < 4:
            await asyncio.sleep(0.01)
    plain = [told for told in aws.feedback.told if "detail-type" not in told]
    assert len(plain) == 2
    assert all(f'"message_id": "{messages[0].id}"' in told and '"TEXT_' in told for told in plain)

"""The SES provider against the fake of AWS, through the real SDK and real sockets."""

import asyncio
import hashlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import dkim
import pytest

from config.settings import Aws
from delivery.providers import ses
from delivery.providers.aws import open_client
from delivery.providers.base import Deferred, Failed, QuotaSpent, Receipt, SendError, Throttled, TooFast, Unknown
from delivery.providers.ses_account import account
from messages.email.dkim import SIGNED_FIELDS, SigningKey, generate, sign
from messages.status import Status
from tests.fakes import aws as fake
from tests.fakes.aws import FakeAws
from tests.fakes.messages import make_message
from tests.fakes.ses import SES_DOMAIN, ses_key

# Where the fake hangs: a busy machine takes as long for an answer that comes.
IMPATIENT = {"read_timeout_seconds": 0.3, "connect_timeout_seconds": 1}
PEM = generate()
KEY = SigningKey.from_pem("notification.example.ca", "nr1", PEM)
CONTENT = (
    b"From: Service <service@notification.example.ca>\r\nTo: reader@example.org\r\nSubject: Your\r\n permit\r\n"
    b"Message-ID: <1@notification.example.ca>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nAuto-Submitted: auto-generated\r\n"
    b"\r\nBonjour  \xc3\xa9l\xc3\xa8ve \r\n\r\n.\r\n\r\n"
)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fake.CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def aws() -> AsyncIterator[FakeAws]:
    async with FakeAws() as running:
        yield running


def settings(url: str, **changes: object) -> Aws:
    return Aws.model_validate({"endpoint_url": url, "read_timeout_seconds": 5, "connect_timeout_seconds": 5, **changes})


@pytest.fixture
async def provider(aws: FakeAws) -> AsyncIterator[ses.SesProvider]:
    async with opened(aws.url) as patient:
        yield patient


@asynccontextmanager
async def opened(url: str, **changes: object) -> AsyncIterator[ses.SesProvider]:
    provider = await ses.open_provider(settings(url, configuration_set="relay", **changes), concurrency=8)
    yield provider
    await provider.close()


async def send(provider: ses.SesProvider, content: bytes = CONTENT) -> Receipt:
    return await provider.send(make_message(), content, uuid4())


async def refused(provider: ses.SesProvider, content: bytes = CONTENT) -> SendError:
    with pytest.raises(SendError) as caught:
        await send(provider, content)
    return caught.value


# -- What SES is given ---------------------------------------------------------------------------------------------
async def test_ses_gets_exact_octets_one_recipient_tags_and_configuration_set(
    aws: FakeAws, provider: ses.SesProvider
) -> None:
    message, attempt_id = make_message(), uuid4()
    receipt = await provider.send(message, CONTENT, attempt_id)
    [sent] = aws.sent
    assert receipt == Receipt(sent.message_id, Status.SENDING)
    assert sent.raw == CONTENT
    assert sent.destination == {"ToAddresses": ["reader@example.org"]}
    assert sent.tags == {"message_id": str(message.id), "attempt_id": str(attempt_id)}
    assert sent.configuration_set == "relay"
    assert sent.from_address is None
    assert aws.headers["user-agent"].startswith("notify-relay")


async def test_configuration_set_is_left_out_when_none_is_set(aws: FakeAws) -> None:
    provider = await ses.open_provider(settings(aws.url), concurrency=1)
    await send(provider)
    await provider.close()
    assert aws.sent[0].configuration_set is None


async def test_international_domain_goes_out_in_ascii(aws: FakeAws, provider: ses.SesProvider) -> None:
    await provider.send(make_message("reader@montréal.example.org"), CONTENT, uuid4())
    assert aws.sent[0].destination == {"ToAddresses": ["reader@xn--montral-fya.example.org"]}


async def test_recipient_outside_ascii_is_failed_without_a_request(aws: FakeAws, provider: ses.SesProvider) -> None:
    with pytest.raises(Failed):
        await provider.send(make_message("élise@example.org"), CONTENT, uuid4())
    assert aws.requests == 0


async def test_many_sends_at_once_all_arrive_once(aws: FakeAws, provider: ses.SesProvider) -> None:
    await asyncio.gather(*(send(provider) for _ in range(50)))
    assert aws.requests == 50
    assert len({sent.tags["attempt_id"] for sent in aws.sent}) == 50


# -- Our signature through SES -------------------------------------------------------------------------------------
def verifies(message: bytes, index: int = 0) -> bool:
    records = {
        f"{KEY.selector}._domainkey.{KEY.domain}.".encode(): KEY.record,
        f"fake._domainkey.{SES_DOMAIN}.".encode(): SigningKey.from_pem("", "", ses_key()).record,
    }
    verifier = dkim.DKIM(message)
    try:
        return bool(verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records[name].encode()))
    except dkim.ValidationError:
        return False


async def test_our_signature_and_that_of_ses_both_verify_as_delivered(aws: FakeAws, provider: ses.SesProvider) -> None:
    await send(provider, sign(CONTENT, KEY, 1_700_000_000) + CONTENT)
    delivered = aws.sent[0].delivered
    assert b"<1@notification.example.ca>" not in delivered
    assert b"Date: Sat, 21 Nov 2026 10:00:00" not in delivered
    assert b"Feedback-ID:" in delivered
    assert verifies(delivered, 0), "d=amazonses.com"
    assert verifies(delivered, 1), "ours"


@pytest.mark.parametrize("name", [b"Message-ID", b"Date", b"Feedback-ID"])
async def test_signature_over_a_field_that_ses_changes_would_break(
    aws: FakeAws, provider: ses.SesProvider, name: bytes
) -> None:
    fields = [b"from", b"subject", name.lower()]
    field = dkim.sign(
        CONTENT, b"nr1", KEY.domain.encode(), PEM, canonicalize=(b"relaxed", b"relaxed"), include_headers=fields
    )
    assert verifies(field + CONTENT)
    await send(provider, field + CONTENT)
    assert not verifies(aws.sent[0].delivered, 1)


async def test_signature_would_break_if_the_call_named_the_sender(aws: FakeAws) -> None:
    signed = sign(CONTENT, KEY, 1_700_000_000) + CONTENT
    async with open_client("sesv2", settings(aws.url), 1) as client:
        await client.send_email(
            FromEmailAddress="service@notification.example.ca",
            Destination={"ToAddresses": ["reader@example.org"]},
            Content={"Raw": {"Data": signed}},
        )
    assert not verifies(aws.sent[0].delivered, 1)


def test_no_signed_field_is_one_that_ses_changes() -> None:
    assert not set(SIGNED_FIELDS) & {b"message-id", b"date", b"return-path", b"feedback-id", b"bounces-to"}


# -- Trouble: one request each, and its meaning --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("behaviour", "kind", "reason", "taken"),
    [
        (fake.TOO_FAST, TooFast, "aws_rate", 0),
        (fake.DAILY_QUOTA, QuotaSpent, "aws_daily_quota", 0),
        (fake.INTERNAL, Unknown, "aws_server_error", 0),
        (fake.UNAVAILABLE, Unknown, "aws_server_error", 0),
        (fake.HANG, Unknown, "aws_no_answer", 0),
        (fake.HANG_ACCEPTED, Unknown, "aws_no_answer", 1),
        (fake.CUT, Unknown, "aws_connection_lost", 0),
        (fake.CUT_ACCEPTED, Unknown, "aws_connection_lost", 1),
        (fake.RESET, Unknown, "aws_connection_lost", 0),
        (fake.GARBAGE, Unknown, "ses_no_message_id", 1),
    ],
)
async def test_trouble_costs_one_request_and_has_its_meaning(
    aws: FakeAws, behaviour: fake.Behaviour, kind: type[SendError], reason: str, taken: int
) -> None:
    aws.script([behaviour])
    async with opened(aws.url, **(IMPATIENT if behaviour.end == "hang" else {})) as provider:
        error = await refused(provider)
        assert (type(error), error.reason) == (kind, reason)
        assert (aws.requests, len(aws.sent)) == (1, taken)
        await send(provider)
    assert aws.requests == 2, "and the next call goes well"


async def test_trouble_on_a_used_connection_costs_one_request_too(aws: FakeAws, provider: ses.SesProvider) -> None:
    await send(provider)
    aws.script([fake.CUT_ACCEPTED])
    assert isinstance(await refused(provider), Unknown)
    assert aws.requests == 2


async def test_recipient_that_always_hangs_does_not_hold_the_call(aws: FakeAws) -> None:
    aws.recipients["reader@example.org"] = fake.HANG
    async with opened(aws.url, **IMPATIENT) as provider, asyncio.timeout(30):
        assert isinstance(await refused(provider), Unknown)


async def test_answer_that_drips_for_ever_is_cut_off() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b" ")
            await asyncio.sleep(0.1)
        writer.close()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with opened(url, **IMPATIENT) as provider, asyncio.timeout(30):
            error = await refused(provider)
    assert (type(error), error.reason) == (Unknown, "aws_no_answer")


async def test_nobody_listening_means_nothing_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    provider = await ses.open_provider(settings(f"http://127.0.0.1:{port}"), concurrency=1)
    error = await refused(provider)
    await provider.close()
    assert (type(error), error.reason) == (Deferred, "aws_unreachable")


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
async def test_wrong_credentials_hold_mail_back(aws: FakeAws, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "AKIDWRONG")
    provider = await ses.open_provider(settings(aws.url), concurrency=1)
    error = await refused(provider)
    await provider.close()
    assert (type(error), error.reason) == (Throttled, "aws_credentials")
    assert not aws.sent


# -- The rules of SES ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"X-Other: 1\r\n\r\nno From\r\n", "aws_malformed"),
        (b"Subject: again\r\n" + CONTENT, "aws_malformed"),
        (b"DKIM-Signature: v=1\r\nDKIM-Signature: v=1\r\n" + CONTENT, "aws_malformed"),
        (b"Delivered-To: a@b.ca\r\nDelivered-To: c@d.ca\r\n" + CONTENT, "aws_malformed"),
        (CONTENT + b"x" * 999 + b"\r\n", "aws_malformed"),
        (
            b"From: a@notification.example.ca\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
            b'Content-Disposition: attachment; filename="setup.exe"\r\n\r\nMZ\r\n--b--\r\n',
            "ses_message_rejected",
        ),
    ],
    ids=["no From", "two Subjects", "two signatures", "two Delivered-To", "long line", "attachment"],
)
async def test_content_against_the_rules_of_ses_fails_for_good(
    aws: FakeAws, provider: ses.SesProvider, content: bytes, reason: str
) -> None:
    error = await refused(provider, content)
    assert (type(error), error.reason) == (Failed, reason)
    assert not aws.sent


async def test_line_of_998_octets_and_file_name_in_text_are_within_the_rules(
    aws: FakeAws, provider: ses.SesProvider
) -> None:
    content = CONTENT + b"x" * 998 + b'\r\nfilename="setup.exe"\r\n'
    await send(provider, content)
    assert aws.sent[0].raw == content


@pytest.mark.filterwarnings("ignore:Sending a large body")  # aiohttp's advice; the SDK has no other way
async def test_message_over_the_size_limit_of_ses_fails_for_good(aws: FakeAws, provider: ses.SesProvider) -> None:
    error = await refused(provider, CONTENT + (b"x" * 76 + b"\r\n") * 405_000)
    assert isinstance(error, Failed)


async def test_unknown_configuration_set_holds_mail_back(aws: FakeAws, provider: ses.SesProvider) -> None:
    aws.configuration_sets = {"another"}
    error = await refused(provider)
    assert (type(error), error.reason) == (Throttled, "ses_configuration_missing")


async def test_unverified_domain_defers_its_own_mail_only(aws: FakeAws, provider: ses.SesProvider) -> None:
    aws.verified_domains = {"notification.example.ca"}
    error = await refused(provider, CONTENT.replace(b"service@notification", b"service@unverified"))
    assert (type(error), error.reason) == (Deferred, "ses_identity_not_verified")
    await send(provider)


@pytest.mark.parametrize(
    ("recipients", "tag"),
    [(["reader@example.org"] * 51, "ok"), (["é@example.org"], "ok"), (["reader@example.org"], "a.b"), ([], "ok")],
    ids=["51 recipients", "local part outside ASCII", "tag", "no recipient"],
)
async def test_fake_refuses_what_the_provider_never_sends(aws: FakeAws, recipients: list[str], tag: str) -> None:
    async with open_client("sesv2", settings(aws.url), 1) as client:
        with pytest.raises(client.exceptions.BadRequestException):
            await client.send_email(
                Destination={"ToAddresses": recipients},
                Content={"Raw": {"Data": CONTENT}},
                EmailTags=[{"Name": tag, "Value": "1"}],
            )
    assert not aws.sent


async def test_rate_above_the_limit_is_throttled(aws: FakeAws, provider: ses.SesProvider) -> None:
    aws.max_per_second = 3
    results = await asyncio.gather(*(send(provider) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, TooFast) for result in results) == 2


async def test_what_is_above_the_quota_of_the_day_is_refused(aws: FakeAws, provider: ses.SesProvider) -> None:
    aws.max_per_day = 1
    await send(provider)
    assert isinstance(await refused(provider), QuotaSpent)


async def test_account_tells_rate_and_quota(aws: FakeAws) -> None:
    aws.max_per_second, aws.max_per_day = 14.0, 50_000.0
    async with opened(aws.url) as provider:
        await send(provider)
    async with open_client("sesv2", settings(aws.url), 1) as client:
        found = await account(client)
    assert (found.max_per_second, found.max_per_day, found.sent_last_day) == (14.0, 50_000.0, 1.0)
    assert found.sending_enabled
    assert found.production


async def test_account_with_wrong_credentials_raises_what_is_wrong(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    async with open_client("sesv2", settings(aws.url), 1) as client:
        with pytest.raises(Throttled, match="aws_credentials"):
            await account(client)


# -- The fake as a process -----------------------------------------------------------------------------------------
async def test_fake_as_a_process_logs_and_keeps_what_it_takes(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.fakes.aws",
        "--log",
        str(tmp_path / "log"),
        "--keep",
        str(tmp_path / "kept"),
    ]
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(*command, "--rate-500", "0.3", stdout=subprocess.PIPE, cwd=root)
    assert process.stdout
    url = (await process.stdout.readline()).decode().strip()
    provider = await ses.open_provider(settings(url), concurrency=4)
    results = await asyncio.gather(*(send(provider) for _ in range(20)), return_exceptions=True)
    await provider.close()
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    taken = {result.provider_id for result in results if isinstance(result, Receipt)}
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {line["message_id"] for line in lines} == taken
    assert 0 < len(taken) < 20
    assert all(line["sha256"] == hashlib.sha256(CONTENT).hexdigest() and line["answered"] for line in lines)
    assert all((tmp_path / "kept" / f"{provider_id}.eml").read_bytes() == CONTENT for provider_id in taken)
